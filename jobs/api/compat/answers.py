"""Answers of an interface in its own form: its JSON, its errors, its refusal of a wrong method."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.core.signals import got_request_exception
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt

from jobs.api.problems import HttpProblem, log_outage, status_of
from jobs.domain.errors import JobdeckError

log = logging.getLogger("scheduler.api")

View = Callable[..., HttpResponseBase]
# Turns a status and a sentence into the body of an error, with what the error itself adds.
ErrorBody = Callable[[HTTPStatus, str, Exception], Mapping[str, Any]]


def as_json(
    value: object, status: int = HTTPStatus.OK, headers: Mapping[str, str] | None = None
) -> HttpResponse:
    """Return JSON on one line: scripts put it into a shell variable and out again."""
    text = json.dumps(value, ensure_ascii=False)
    return HttpResponse(
        text, status=status, content_type="application/json", headers=dict(headers or {})
    )


def message_body(status: HTTPStatus, sentence: str, error: Exception) -> dict[str, Any]:
    """Return the body of an error as Tumblebug has it."""
    return {"message": sentence}


def facade(error_body: ErrorBody = message_body) -> Callable[[View], View]:
    """Make a view answer every error in the interface's form, and take requests of other programs.

    Such a view asks `access.caller` who is calling: that is what takes the place of Django's CSRF
    check, and what demands the CSRF token of a signed-in browser.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            try:
                return view(request, *args, **kwargs)
            except Exception as error:  # noqa: BLE001 - a script can read JSON only
                status, sentence, headers = told(request, error)
                return as_json(error_body(status, sentence, error), status, headers)

        return csrf_exempt(answered)

    return decorate


def by_method(**views: View) -> View:
    """Return a view that answers each method by its own; what is not named is refused."""

    def dispatch(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        method = "GET" if request.method == "HEAD" else request.method or ""
        view = views.get(method.lower())
        if view is None:
            allowed = ", ".join(sorted(name.upper() for name in views))
            raise HttpProblem(
                HTTPStatus.METHOD_NOT_ALLOWED,
                "wrong_method",
                f"{request.method} is not possible here. Use {allowed}.",
                headers={"Allow": allowed},
            )
        return view(request, *args, **kwargs)

    return dispatch


def told(request: HttpRequest, error: Exception) -> tuple[HTTPStatus, str, dict[str, str]]:
    """Return status, sentence and headers of an error; what is our fault is told to the log only."""
    match error:
        case HttpProblem():
            return error.status, error.detail, error.headers
        case JobdeckError():
            return status_of(error), error.message, {}
        case Http404():
            return HTTPStatus.NOT_FOUND, "Nothing has this address.", {}
        case SuspiciousOperation() | UnreadablePostError():
            return HTTPStatus.BAD_REQUEST, "The request cannot be read.", {}
        case OperationalError():
            log_outage(request, error)
            sentence = "The database does not answer at the moment. Try again in a few seconds."
            return HTTPStatus.INTERNAL_SERVER_ERROR, sentence, {"Retry-After": "5"}
        case _:
            log.error("%s %s failed", request.method, request.path, exc_info=error)
            got_request_exception.send(sender=None, request=request)
            sentence = "Something went wrong on the server. Its log has the details."
            return HTTPStatus.INTERNAL_SERVER_ERROR, sentence, {}
