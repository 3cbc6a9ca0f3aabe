"""CB-Tumblebug's scheduler interface: its addresses, words and codes over the services of all.

It owns no state and decides nothing; `registering` is where a configuration is unique.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import path

from jobs.api.compat import tumblebug_requests as requests
from jobs.api.compat.access import caller
from jobs.api.compat.answers import as_json, by_method, facade, message_body
from jobs.api.compat.bodies import read_body
from jobs.api.compat.tumblebug_api import openapi, page
from jobs.api.compat.tumblebug_documents import SCHEDULED, document
from jobs.domain.errors import InvalidError
from jobs.domain.permissions import Actor, Permission, require
from jobs.queries import registering as standings
from jobs.services import jobs, registering, tumblebug_server
from jobs.services.journal import public_id
from jobs.services.same_registration import SameConfigurationError


def error_body(status: HTTPStatus, sentence: str, error: Exception) -> Mapping[str, Any]:
    """Return the sentence, and which job has the same configuration."""
    body = message_body(status, sentence, error)
    if isinstance(error, SameConfigurationError):
        return {**body, "existingJobId": error.existing_id}
    return body


answered = facade(error_body)


def _reader(request: HttpRequest) -> Actor:
    actor = caller(request)
    require(actor, Permission.READ)
    return actor


def list_jobs(request: HttpRequest) -> HttpResponse:
    """Answer all jobs of this type, or those of a namespace or connection."""
    _reader(request)
    found = standings.every(
        ns_id=request.GET.get("nsId", ""), connection_name=request.GET.get("connectionName", "")
    )
    return as_json({"jobs": [document(standing) for standing in found]})


def create_job(request: HttpRequest) -> HttpResponse:
    """Create a job; its first run has begun in the answer, however quick it is."""
    actor = caller(request)
    require(actor, Permission.EDIT)
    asked = requests.parse_create(read_body(request))
    job = _worded(partial(registering.create, asked, actor=actor))
    # As it was committed: by now a worker may have ended its first run.
    shown = document(standings.of_new(job))
    return as_json(shown)


def read_job(request: HttpRequest, job_id: str) -> HttpResponse:
    """Answer one job."""
    _reader(request)
    return as_json(document(standings.one(job_id)))


def update_job(request: HttpRequest, job_id: str) -> HttpResponse:
    """Change what the body names."""
    actor = caller(request)
    require(actor, Permission.PAUSE)
    asked = requests.parse_update(read_body(request))
    job = standings.one(job_id).job
    change = partial(
        registering.update,
        job.pk,
        actor=actor,
        spec=asked.spec(),
        interval_seconds=requests.checked_interval(asked.interval_seconds),
        timeout_seconds=asked.execution_timeout,
        enabled=asked.enabled,
    )
    _worded(change)
    return as_json(document(standings.one(job_id)))


def set_enabled(request: HttpRequest, job_id: str, *, enabled: bool) -> HttpResponse:
    """Pause or resume; a run in progress goes on."""
    actor = caller(request)
    require(actor, Permission.PAUSE)
    job = standings.one(job_id).job
    registering.set_enabled(job.pk, enabled=enabled, actor=actor)
    done = "resumed" if enabled else "paused"
    return as_json(
        {
            "jobId": public_id(job),
            "status": SCHEDULED,  # pausing is no state of this interface
            "enabled": enabled,
            "message": f"Job {done} successfully",
        }
    )


def delete_job(request: HttpRequest, job_id: str) -> HttpResponse:
    """Delete a job and end what runs of it."""
    actor = caller(request)
    require(actor, Permission.DELETE)
    job = standings.one(job_id).job
    jobs.delete(job.pk, actor=actor)
    name = public_id(job)
    return as_json({"message": f"Scheduled job stopped and deleted successfully: {name}"})


def delete_jobs(request: HttpRequest) -> HttpResponse:
    """Delete all jobs of this type."""
    count = registering.delete_all(actor=caller(request))
    return as_json({"message": "All scheduled jobs deleted successfully", "deletedCount": count})


def connections(request: HttpRequest) -> HttpResponse:
    """Answer the connections that the server has, else those that jobs name."""
    _reader(request)
    return as_json({"connectionconfig": tumblebug_server.connections()})


def config(request: HttpRequest) -> HttpResponse:
    """Answer the server's settings, with the connections that its guide looks for here."""
    _reader(request)
    return as_json(
        {
            "config": tumblebug_server.settings(),
            "connectionconfig": tumblebug_server.connections(),
        }
    )


def readyz(request: HttpRequest) -> HttpResponse:
    """Answer that this is up; needs no credentials, as the original's."""
    return as_json({"ready": True, "initialized": True, "message": "Jobdeck is ready"})


def api_page(request: HttpRequest) -> HttpResponse:
    """Answer the interface as a page to try it on."""
    _reader(request)
    return page(request)


def api_document(request: HttpRequest) -> HttpResponse:
    """Answer the interface as an OpenAPI document."""
    _reader(request)
    return as_json(openapi())


def unknown(request: HttpRequest, rest: str = "") -> HttpResponse:
    """Answer what nothing here has, to those who may know."""
    _reader(request)
    return as_json({"message": "Not Found"}, HTTPStatus.NOT_FOUND)


def _worded(act: Any) -> Any:
    """Do something; a refusal of its values has the names that the caller knows."""
    try:
        return act()
    except InvalidError as error:
        raise requests.in_their_words(error) from error


_SCHEDULE = "registerCspResources/schedule"
_ALL = answered(by_method(get=list_jobs, post=create_job, delete=delete_jobs))
_ONE = answered(by_method(get=read_job, put=update_job, delete=delete_job))

urlpatterns = [
    path(_SCHEDULE, _ALL, name="tumblebug-jobs"),
    path(f"{_SCHEDULE}/<str:job_id>", _ONE, name="tumblebug-job"),
    path(
        f"{_SCHEDULE}/<str:job_id>/pause",
        answered(by_method(put=partial(set_enabled, enabled=False))),
        name="tumblebug-pause",
    ),
    path(
        f"{_SCHEDULE}/<str:job_id>/resume",
        answered(by_method(put=partial(set_enabled, enabled=True))),
        name="tumblebug-resume",
    ),
    path("connConfig", answered(by_method(get=connections)), name="tumblebug-connections"),
    path("config", answered(by_method(get=config)), name="tumblebug-config"),
    path("readyz", answered(by_method(get=readyz)), name="tumblebug-ready"),
    path("api", answered(by_method(get=api_page)), name="tumblebug-api"),
    path("api/openapi.json", answered(by_method(get=api_document)), name="tumblebug-openapi"),
    path("<path:rest>", answered(unknown)),
]
