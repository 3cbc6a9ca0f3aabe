"""Operations that a repeated ``Idempotency-Key`` does once."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial, wraps
from http import HTTPStatus
from typing import Any, TypeVar

from django.http import HttpResponse
from ninja import Status
from ninja.operation import Operation
from pydantic import BaseModel

from jobs.api.requests import ApiRequest, JsonRenderer
from jobs.services import request_keys
from jobs.services.request_keys import Answer, KeyedRequest

HEADER = "Idempotency-Key"
REPEATED = "Idempotent-Replayed"
_KEPT_HEADERS = ("Location", "ETag")
_PARAMETER = {
    "in": "header",
    "name": HEADER,
    "required": False,
    "schema": {"type": "string", "maxLength": request_keys.LONGEST_KEY},
    "description": "Repeated within 24 hours, the request is answered again and done once; 409 "
    "when the key was used for another request.",
}
View = TypeVar("View", bound=Callable[..., Any])


def keyed(*, without: tuple[str, ...] = ()) -> Callable[[View], View]:
    """Let an operation take an Idempotency-Key; put it below the router's decorator.

    Fields named by ``without`` are answered once: they are null in what is kept and repeated.
    """

    def decorate(view: View) -> View:
        known = getattr(view, "_ninja_contribute_to_operation", [])
        attach = partial(_attach, without=without)
        view._ninja_contribute_to_operation = [*known, attach]  # type: ignore[attr-defined]  # noqa: SLF001
        return view

    return decorate


def _attach(operation: Operation, *, without: tuple[str, ...]) -> None:
    """Put the key around the view: credentials are checked before, errors answered behind it."""
    view, extra = operation.view_func, dict(operation.openapi_extra or {})
    extra["parameters"] = [*extra.get("parameters", []), _PARAMETER]
    operation.openapi_extra = extra

    @wraps(view)
    def once(request: ApiRequest, **values: Any) -> Any:
        key = request.headers.get(HEADER, "")
        if not key:
            return view(request, **values)
        answer, repeated = request_keys.once(
            KeyedRequest(
                actor=request.auth.name,
                key=key,
                method=str(request.method),
                path=request.path,
                content=request.META.get("QUERY_STRING", "").encode() + b"\n" + request.body,
            ),
            lambda: _answer(request, view(request, **values), values, by_alias=operation.by_alias),
            kept=lambda answer: _lacking(answer, without),
        )
        return _response(answer, repeated=repeated)

    operation.view_func = once


def _answer(request: ApiRequest, result: Any, values: Any, *, by_alias: bool | None) -> Answer:
    """Return what the operation answers, as text and the headers that belong to it."""
    status, value = HTTPStatus.OK.value, result
    if isinstance(result, Status):
        status, value = int(result.status_code), result.value
    document = value.model_dump(by_alias=by_alias) if isinstance(value, BaseModel) else value
    content = JsonRenderer().render(request, document, response_status=status).decode()
    headers = values["response"].headers if "response" in values else {}
    kept = {name: headers[name] for name in _KEPT_HEADERS if name in headers}
    return Answer(status=status, content=content, headers=kept)


def _lacking(answer: Answer, names: tuple[str, ...]) -> Answer:
    if not names:
        return answer
    document = json.loads(answer.content)
    return replace(answer, content=json.dumps({**document, **dict.fromkeys(names)}))


def _response(answer: Answer, *, repeated: bool) -> HttpResponse:
    response = HttpResponse(
        answer.content, status=answer.status, content_type=JsonRenderer.media_type
    )
    for name, value in answer.headers.items():
        response[name] = value
    if repeated:
        response[REPEATED] = "true"
    return response
