"""The scheduled-jobs interface: its addresses, envelope and Indonesian sentences, over all services.

It owns no state. Whatever else is under `/api/v1/` is the native API's.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils import timezone

from jobs import conf
from jobs.api.compat import scheduled_documents as documents
from jobs.api.compat.access import caller
from jobs.api.compat.answers import as_json, by_method, facade
from jobs.api.compat.bodies import read_body
from jobs.api.problems import HttpProblem
from jobs.api.waiting import wait_for_end
from jobs.domain.errors import ForbiddenError, StateError, UnknownError
from jobs.domain.permissions import Actor, Permission, can
from jobs.domain.states import TERMINAL, Trigger
from jobs.models import Execution, Job
from jobs.queries import logged
from jobs.queries.executions import get_execution
from jobs.services import jobs, triggers
from jobs.services.journal import public_id

MOST_RECENT = 100
_LONGEST_KEY = 200
_SENTENCES = {
    HTTPStatus.UNAUTHORIZED: "Token tidak valid. Kirim 'Authorization: Bearer <token>'.",
    HTTPStatus.METHOD_NOT_ALLOWED: "Metode ini tidak tersedia di alamat ini",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Terjadi kesalahan pada server",
}


def error_body(status: HTTPStatus, sentence: str, error: Exception) -> Mapping[str, Any]:
    """Return the envelope of a refusal."""
    return {"status": "error", "message": _SENTENCES.get(status, sentence), "data": None}


answered = facade(error_body)


def list_jobs(request: HttpRequest) -> HttpResponse:
    """Answer all jobs that the caller may see."""
    actor = _caller_who_may(request, Permission.READ)
    found = logged.scheduled_jobs_of(actor)
    data = [documents.listed_document(job, first) for job, first in found]
    return _answer(f"Ditemukan {len(data)} scheduled jobs", data)


def read_job(request: HttpRequest, job_id: str) -> HttpResponse:
    """Answer one job with its latest execution."""
    _, job = _job(request, job_id, Permission.READ)
    latest = logged.latest(job)
    shown = None if latest is None else documents.execution_document(latest)
    data = {**documents.job_document(job), "latest_execution": shown}
    return _answer("Detail job berhasil diambil", data)


def history(request: HttpRequest, job_id: str) -> HttpResponse:
    """Answer a page of a job's executions, newest first."""
    _, job = _job(request, job_id, Permission.READ)
    page = _number(request, "page", 1, low=1, high=1_000_000)
    limit = _number(request, "limit", 20, low=1, high=100)
    found = logged.page_of(job, page=page, limit=limit)
    meta = {
        "page": page,
        "limit": limit,
        "total_items": found.total,
        "total_pages": -(-found.total // limit),
    }
    data = [documents.row_document(row) for row in found.rows]
    return _answer(f"History eksekusi job {public_id(job)}", data, meta=meta)


def recent(request: HttpRequest) -> HttpResponse:
    """Answer the executions of all jobs in the last hours."""
    actor = _caller_who_may(request, Permission.READ)
    hours = _number(request, "hours", 24, low=1, high=168)
    since = timezone.now() - timedelta(hours=hours)
    data = [
        documents.row_document(row) for row in logged.recent(actor, since=since, most=MOST_RECENT)
    ]
    return _answer(f"Ditemukan {len(data)} eksekusi dalam {hours} jam terakhir", data)


def trigger(request: HttpRequest, job_id: str) -> HttpResponse:
    """Start a job and answer its result: 200 however it ended, 202 while it goes on."""
    actor, job = _job(request, job_id, Permission.EXECUTE)
    longest = int(conf.sync_wait_seconds())
    wait = _number(request, "wait", longest, low=0, high=longest)
    started = _started(request, job, actor)
    wait_for_end(started.pk, wait)
    execution = get_execution(started.pk)
    data = {
        "job_id": public_id(job),
        "success": documents.verdict(execution),
        "result": execution.result,
    }
    if execution.state not in TERMINAL:
        data["execution_id"] = execution.pk
        return _answer("Job sedang dijalankan", data, status=HTTPStatus.ACCEPTED)
    said = documents.message(execution)
    return _answer(documents.SUCCEEDED if data["success"] else said, data)


def set_enabled(request: HttpRequest, job_id: str, *, enabled: bool) -> HttpResponse:
    """Resume or pause; a run in progress goes on."""
    actor, job = _job(request, job_id, Permission.PAUSE)
    change = jobs.resume if enabled else jobs.pause
    change(job.pk, actor=actor)
    _, changed = _job(request, job_id, Permission.READ)
    done = "diaktifkan" if enabled else "dinonaktifkan"
    return _answer(f"Job berhasil {done}", documents.job_document(changed))


def unknown(request: HttpRequest, rest: str = "") -> HttpResponse:
    """Refuse an address that nothing has, to those who may know."""
    _caller_who_may(request, Permission.READ)
    raise UnknownError("Alamat tidak ditemukan")


def _started(request: HttpRequest, job: Job, actor: Actor) -> Execution:
    try:
        return triggers.trigger(
            job.pk,
            actor=actor,
            kind=Trigger.API,
            idempotency_key=request.headers.get("Idempotency-Key", "")[:_LONGEST_KEY],
            parameters=read_body(request).fields.get("parameters"),
        )
    except StateError as error:
        job.refresh_from_db()
        if job.live_count == 0:  # its circuit breaker is open
            raise
        sentence = f"Job {public_id(job)} sedang dijalankan oleh instance lain"
        raise HttpProblem(HTTPStatus.CONFLICT, error.code, sentence) from error


def _caller_who_may(request: HttpRequest, permission: Permission) -> Actor:
    """Return who is calling; the refusal names what is missing."""
    try:
        actor = caller(request, open_on_loopback=False)
    except ForbiddenError as error:
        raise _denied(permission) from error
    if not actor.can_somewhere(permission):
        raise _denied(permission)
    return actor


def _job(request: HttpRequest, job_id: str, permission: Permission) -> tuple[Actor, Job]:
    """Return who is calling, and the job to which he may do something."""
    actor = _caller_who_may(request, permission)
    job = logged.job_called(actor, job_id)
    if job is None:
        raise UnknownError(f"Job dengan ID {job_id[:100]} tidak ditemukan")
    if not can(actor, permission, job):
        raise _denied(permission)
    return actor, job


def _denied(permission: Permission) -> ForbiddenError:
    return ForbiddenError(f"Akses ditolak. Memerlukan izin: {permission}")


def _number(request: HttpRequest, name: str, default: int, *, low: int, high: int) -> int:
    """Return a number of the query string."""
    text = request.GET.get(name, str(default))
    if text.isascii() and text.isdecimal() and len(text) <= 9 and low <= int(text) <= high:
        return int(text)
    raise HttpProblem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "invalid",
        f"Data tidak valid: {name} harus angka dari {low} sampai {high}, bukan {text[:40]!r}",
    )


def _answer(
    message: str | None,
    data: object,
    *,
    status: HTTPStatus = HTTPStatus.OK,
    **more: object,
) -> HttpResponse:
    """Return the envelope of what was done."""
    return as_json({"status": "success", "message": message, "data": data, **more}, status)


_BASE = "scheduled-jobs"
_LIST = answered(by_method(get=list_jobs))
urlpatterns = [
    path(_BASE, _LIST, name="scheduled-jobs"),
    path(f"{_BASE}/", _LIST),
    path(f"{_BASE}/executions/recent", answered(by_method(get=recent)), name="scheduled-recent"),
    path(f"{_BASE}/<str:job_id>", answered(by_method(get=read_job)), name="scheduled-job"),
    path(
        f"{_BASE}/<str:job_id>/history", answered(by_method(get=history)), name="scheduled-history"
    ),
    path(
        f"{_BASE}/<str:job_id>/trigger", answered(by_method(post=trigger)), name="scheduled-trigger"
    ),
    path(
        f"{_BASE}/<str:job_id>/enable",
        answered(by_method(post=partial(set_enabled, enabled=True))),
        name="scheduled-enable",
    ),
    path(
        f"{_BASE}/<str:job_id>/disable",
        answered(by_method(post=partial(set_enabled, enabled=False))),
        name="scheduled-disable",
    ),
    path(f"{_BASE}/<path:rest>", answered(unknown)),
]
