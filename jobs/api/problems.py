"""Every refusal as an RFC 9457 problem object; the one place where errors become status codes."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict
from http import HTTPStatus

from django.core.exceptions import SuspiciousOperation
from django.core.signals import got_request_exception
from django.db import DataError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from ninja import NinjaAPI
from ninja.errors import HttpError

from jobs.domain.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    JobdeckError,
    StaleError,
    UnknownError,
)
from jobs.domain.permissions import Actor
from jobs.services import refusals
from jobs.services.same_registration import SameConfigurationError

log = logging.getLogger("scheduler.api")

CONTENT_TYPE = "application/problem+json"
_STATUS: dict[type[JobdeckError], HTTPStatus] = {
    InvalidError: HTTPStatus.BAD_REQUEST,
    UnknownError: HTTPStatus.NOT_FOUND,
    ForbiddenError: HTTPStatus.FORBIDDEN,
    ConflictError: HTTPStatus.CONFLICT,
}


class HttpProblem(Exception):  # noqa: N818 - it is an answer, raised to leave the view
    """A refusal that exists only over HTTP: no credentials, wrong method, body too large."""

    def __init__(
        self,
        status: HTTPStatus,
        code: str,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Take the status, a stable code, a sentence for a person, and further headers."""
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = dict(headers or {})


def problem(
    status: HTTPStatus,
    code: str,
    detail: str,
    *,
    fields: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    more: Mapping[str, object] | None = None,
) -> HttpResponse:
    """Return the answer that says what was wrong and what to do."""
    body: dict[str, object] = {
        "type": f"urn:jobdeck:problem:{code}",
        "title": status.phrase,
        "status": status.value,
        "code": code,
        "detail": detail,
    }
    if fields:
        body["fields"] = dict(fields)
    body.update(more or {})
    return HttpResponse(
        json.dumps(body), status=status, content_type=CONTENT_TYPE, headers=dict(headers or {})
    )


def status_of(error: JobdeckError) -> HTTPStatus:
    """Return the status of a domain error; what is none of the four kinds cannot be done: 422."""
    return next(
        (status for kind, status in _STATUS.items() if isinstance(error, kind)),
        HTTPStatus.UNPROCESSABLE_ENTITY,
    )


def _more(error: JobdeckError) -> dict[str, object]:
    """Return what else is told: of an edit of what has changed meanwhile, of a second of a kind."""
    if isinstance(error, StaleError):
        return {"version": error.version, "diff": [asdict(one) for one in error.diff]}
    if isinstance(error, SameConfigurationError):
        return {"existing_job_id": error.job_id}
    return {}


def answer_to(error: Exception) -> HttpResponse:
    """Return the problem object for an error that was foreseen."""
    if isinstance(error, HttpProblem):
        return problem(error.status, error.code, error.detail, headers=error.headers)
    if isinstance(error, JobdeckError):
        return problem(
            status_of(error),
            error.code,
            error.message,
            fields=error.fields,
            more=_more(error),
        )
    if isinstance(error, Http404):
        return problem(HTTPStatus.NOT_FOUND, "not_found", "Nothing has this address.")
    if isinstance(error, HttpError):
        status = HTTPStatus(error.status_code)
        return problem(status, "invalid", f"{error}.")
    if isinstance(error, OperationalError):
        return problem(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "unavailable",
            "The database does not answer at the moment. Try again in a few seconds.",
            headers={"Retry-After": "5"},
        )
    return problem(HTTPStatus.BAD_REQUEST, "invalid", "The request cannot be read.")


def log_outage(request: HttpRequest, error: OperationalError) -> None:
    """Note that the database did not answer, and whether something should have been stored."""
    if request.method in ("GET", "HEAD", "OPTIONS"):
        log.error("The database did not answer: %s", error)
    else:
        log.error("Failed to persist: the database did not answer: %s", error)


def _foreseen(request: HttpRequest, error: Exception | type[Exception]) -> HttpResponse:
    assert isinstance(error, Exception)  # noqa: S101 - ninja's type allows the class as well
    if isinstance(error, OperationalError):
        log_outage(request, error)
    actor = getattr(request, "auth", None)
    if isinstance(error, ForbiddenError) and isinstance(actor, Actor):
        refusals.record(actor, method=str(request.method), path=request.path, reason=error.message)
    return answer_to(error)


def _unforeseen(request: HttpRequest, error: Exception | type[Exception]) -> HttpResponse:
    """Tell the log everything and the caller nothing but that it is our fault."""
    log.error("%s %s failed", request.method, request.path, exc_info=error)  # type: ignore[arg-type]
    got_request_exception.send(sender=None, request=request)
    return problem(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "internal",
        "Something went wrong on the server. Its log has the details.",
    )


def register(api: NinjaAPI) -> None:
    """Make ``api`` answer every error with a problem object."""
    for kind in (
        JobdeckError,
        HttpProblem,
        HttpError,
        Http404,
        SuspiciousOperation,
        UnreadablePostError,
        DataError,
        OperationalError,
    ):
        api.add_exception_handler(kind, _foreseen)
    api.add_exception_handler(Exception, _unforeseen)
