"""The cron API: its addresses, words and codes over the services of all. It owns no state."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils import timezone

from jobs import conf
from jobs.api.compat import cron_documents as documents
from jobs.api.compat.access import caller
from jobs.api.compat.answers import View, as_json, by_method, facade
from jobs.api.compat.bodies import Body, read_body
from jobs.api.waiting import wait_for_end
from jobs.domain.errors import InvalidError, UnknownError
from jobs.domain.permissions import (
    Actor,
    Permission,
    require,
    require_everywhere,
    require_somewhere,
)
from jobs.domain.states import TERMINAL, ExecutionState, Trigger
from jobs.models import Breaker, Job
from jobs.queries import cron, logged
from jobs.queries.breakers import shared_named
from jobs.queries.executions import get_execution
from jobs.queries.queue_health import (
    all_bottlenecks,
    health_of,
    healths,
    history,
    system,
    trend_of,
)
from jobs.services import breakers, health_checks, jobs, retention_rules, triggers
from jobs.services.journal import public_id

# A request holds one of the server's threads: what a cleanup leaves, the next one takes.
CLEANUP_SECONDS = 10.0
_TRUE, _FALSE = frozenset({"true", "1"}), frozenset({"false", "0"})


def error_body(status: HTTPStatus, sentence: str, error: Exception) -> Mapping[str, Any]:
    """Return a refusal as Nest words it."""
    return documents.error(status.value, status.phrase, sentence)


answered = facade(error_body)


# --- Jobs -----------------------------------------------------------------------------------------


def job_stats(request: HttpRequest) -> HttpResponse:
    """Answer the statistics of all jobs, or of those of a category."""
    actor = _reader(request)
    found = logged.figures_of(actor, request.GET.get("category", ""))
    return as_json([documents.stats(job) for job in found])


def toggle_job(request: HttpRequest, job_name: str) -> HttpResponse:
    """Let a job's schedules fire, or stop them; a run in progress goes on."""
    actor, job = _job(request, job_name, Permission.PAUSE)
    enabled = _enabled(read_body(request))
    if enabled:
        jobs.resume(job.pk, actor=actor)
    else:
        jobs.pause(job.pk, actor=actor)
    name = public_id(job)
    done = "enabled" if enabled else "disabled"
    message = f"CRON job {name} {done} successfully"
    return as_json({"message": message, "jobName": name, "enabled": enabled})


def execute_job(request: HttpRequest, job_name: str) -> HttpResponse:
    """Run a job now and answer how it ended: 200 either way, 202 while it goes on."""
    actor, job = _job(request, job_name, Permission.EXECUTE)
    longest = int(conf.sync_wait_seconds())
    wait = _number(request, "wait", longest, low=0, high=longest)
    started = triggers.trigger(job.pk, actor=actor, kind=Trigger.API)
    wait_for_end(started.pk, wait)
    execution = get_execution(started.pk)
    name = public_id(job)
    answer = {"jobName": name, "executionId": execution.pk}
    if execution.state not in TERMINAL:
        message = f"CRON job {name} is running"
        return as_json({"message": message, **answer, "success": None}, HTTPStatus.ACCEPTED)
    if execution.state == ExecutionState.SUCCEEDED:
        message = f"CRON job {name} executed successfully"
        return as_json({"message": message, **answer, "success": True, "result": execution.result})
    reason = " ".join(execution.message.split()) or execution.state
    message = f"CRON job {name} failed: {reason}"
    return as_json({"message": message, **answer, "success": False, "result": execution.result})


def _enabled(body: Body) -> bool:
    """Return the switch of a body; in a form it is text."""
    value = body.fields.get("enabled")
    if isinstance(value, bool):
        return value
    text = value.strip().lower() if body.is_form and isinstance(value, str) else ""
    if text in _TRUE | _FALSE:
        return text in _TRUE
    raise InvalidError("enabled must be a boolean value")


# --- Health ---------------------------------------------------------------------------------------


def all_queues(request: HttpRequest) -> HttpResponse:
    """Answer the health of every queue."""
    _reader(request)
    return as_json([documents.queue(one) for one in healths(timezone.now())])


def one_queue(request: HttpRequest, queue: str) -> HttpResponse:
    """Answer the health of one queue."""
    _reader(request)
    return as_json(documents.queue(health_of(queue, timezone.now())))


def bottleneck_list(request: HttpRequest) -> HttpResponse:
    """Answer what slows any queue down, worst first."""
    _reader(request)
    by_name = {one.name: one for one in healths(timezone.now())}
    found = all_bottlenecks(by_name.values())
    return as_json([documents.bottleneck(one, by_name[one.queue]) for one in found])


def recommendation_list(request: HttpRequest, queue: str) -> HttpResponse:
    """Answer what helps a queue."""
    _reader(request)
    found = health_of(queue, timezone.now()).recommendations
    return as_json([documents.advice(one) for one in found])


def queue_trend(request: HttpRequest, queue: str) -> HttpResponse:
    """Answer whether a queue gets better or worse."""
    _reader(request)
    now = timezone.now()
    hours = _number(request, "hours", 1, low=1, high=168)
    trend = trend_of(queue, now, hours=hours)
    return as_json(documents.trend(trend, history(queue, now, hours=hours)))


# --- The whole ------------------------------------------------------------------------------------


def overview(request: HttpRequest) -> HttpResponse:
    """Answer jobs, queues, breakers and findings in one, with the whole in one word."""
    actor = _reader(request)
    now = timezone.now()
    found = healths(now)
    by_name = {one.name: one for one in found}
    ended = sum(one.sample.ended for one in found)
    failed = sum(one.sample.failed for one in found)
    return as_json(
        {
            "cronJobs": [documents.stats(job) for job in logged.figures_of(actor)],
            "queueHealth": [documents.queue(one) for one in found],
            "circuitBreaker": _shown_breaker(),
            "circuitBreakers": _breakers(),
            "bottlenecks": [
                documents.bottleneck(one, by_name[one.queue]) for one in all_bottlenecks(found)
            ],
            "systemHealth": system(found).value,
            "errorRate": round(failed / ended, 4) if ended else 0,
            "uptime": round(cron.uptime_seconds(now)),
            "resources": _resources(),
            "features": conf.cron_features(),
            "timestamp": documents.moment(now),
        }
    )


def breaker_status(request: HttpRequest) -> HttpResponse:
    """Answer the circuit breaker that stands for all."""
    _reader(request)
    return as_json({**_shown_breaker(), "circuitBreakers": _breakers()})


def reset_breaker(request: HttpRequest) -> HttpResponse:
    """Close a circuit breaker: the one that the body names, else the one that stands for all."""
    actor = _everywhere(request, Permission.PAUSE)
    name = read_body(request).fields.get("name", "")
    if not isinstance(name, str):
        raise InvalidError("name must be a text: the name of a circuit breaker or of a job")
    row = _breaker_called(name) if name else cron.shown_breaker()
    if row is None:
        raise UnknownError(f"Unknown circuit breaker: {name[:100] or cron.DEFAULT_BREAKER}")
    closed = breakers.close(row.pk, actor=actor)
    answer = documents.breaker(closed, timezone.now())
    return as_json({"message": "Circuit breaker reset successfully", "circuitBreaker": answer})


def clean_up(request: HttpRequest) -> HttpResponse:
    """Delete what the retention rules do not keep, in the time that a request may take."""
    actor = _everywhere(request, Permission.DELETE)
    now = timezone.now()
    done = retention_rules.clean(actor=actor, now=now, seconds=CLEANUP_SECONDS)
    return as_json(
        {
            "message": "System cleanup triggered successfully",
            "timestamp": documents.moment(now),
            "deleted": done.counts(),
            "complete": done.complete,
        }
    )


def health_check(request: HttpRequest) -> HttpResponse:
    """Look at everything now, and note the figures."""
    actor = _everywhere(request, Permission.EXECUTE)
    now = timezone.now()
    figures = health_checks.check(actor=actor, now=now)
    return as_json(
        {
            "message": "Health check triggered successfully",
            "timestamp": documents.moment(now),
            "systemHealth": figures["system"],
        }
    )


def unknown(request: HttpRequest, rest: str = "") -> HttpResponse:
    """Refuse an address that nothing has, to those who may know."""
    caller(request)
    raise UnknownError(f"Cannot {request.method} {request.path[:200]}")


def _shown_breaker() -> dict[str, Any]:
    row = cron.shown_breaker()
    return documents.closed_breaker() if row is None else documents.breaker(row, timezone.now())


def _breakers() -> list[dict[str, Any]]:
    """Return the breakers in use, by their name or that of their job."""
    now = timezone.now()
    rows = cron.breakers().prefetch_related("jobs")[: cron.MOST_BREAKERS]
    return [
        {
            "name": row.name or next((job.name for job in row.jobs.all()), ""),
            "shared": bool(row.name),
            **documents.breaker(row, now),
        }
        for row in rows
    ]


def _breaker_called(name: str) -> Breaker | None:
    """Return the shared breaker of that name, else the own one of the job of that name."""
    found = shared_named(name)
    if found is not None:
        return found
    job = Job.objects.present().filter(name=name).exclude(breaker=None).first()
    return None if job is None else job.breaker


def _resources() -> dict[str, Any]:
    has = cron.resources()
    return {
        "loadAverage": has.load,
        "processors": has.processors,
        "memoryTotal": has.memory_total,
        "memoryFree": has.memory_free,
        "diskTotal": has.disk_total,
        "diskFree": has.disk_free,
    }


# --- Who may --------------------------------------------------------------------------------------


def _reader(request: HttpRequest) -> Actor:
    actor = caller(request)
    require(actor, Permission.READ)
    return actor


def _everywhere(request: HttpRequest, permission: Permission) -> Actor:
    actor = caller(request)
    require_everywhere(actor, permission)
    return actor


def _job(request: HttpRequest, name: str, permission: Permission) -> tuple[Actor, Job]:
    """Return who is calling, and the job to which he may do something."""
    actor = caller(request)
    require_somewhere(actor, permission)
    job = logged.job_called(actor, name)
    if job is None:
        raise UnknownError(f"Unknown job: {name[:100]}")
    require(actor, permission, job)
    return actor, job


def _number(request: HttpRequest, name: str, default: int, *, low: int, high: int) -> int:
    text = request.GET.get(name, str(default))
    if text.isascii() and text.isdecimal() and len(text) <= 9 and low <= int(text) <= high:
        return int(text)
    raise InvalidError(f"{name} must be a number from {low} to {high}, not {text[:40]!r}")


def _at(address: str, name: str, **views: View) -> Any:
    return path(address, answered(by_method(**views)), name=name)


urlpatterns = [
    _at("jobs/stats", "cron-stats", get=job_stats),
    _at("jobs/<str:job_name>/toggle", "cron-toggle", post=toggle_job),
    _at("jobs/<str:job_name>/execute", "cron-execute", post=execute_job),
    _at("health/queues", "cron-queues", get=all_queues),
    _at("health/queues/<str:queue>", "cron-queue", get=one_queue),
    _at("health/bottlenecks", "cron-bottlenecks", get=bottleneck_list),
    _at("health/recommendations/<str:queue>", "cron-advice", get=recommendation_list),
    _at("health/trends/<str:queue>", "cron-trend", get=queue_trend),
    _at("status/overview", "cron-overview", get=overview),
    _at("circuit-breaker/status", "cron-breaker", get=breaker_status),
    _at("circuit-breaker/reset", "cron-breaker-reset", post=reset_breaker),
    _at("maintenance/cleanup", "cron-cleanup", post=clean_up),
    _at("monitoring/health-check", "cron-health-check", post=health_check),
    path("<path:rest>", answered(unknown)),
]
