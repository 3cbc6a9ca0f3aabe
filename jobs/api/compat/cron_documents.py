"""Jobs, queues, breakers and findings in the words of the cron API: camelCase, ISO milliseconds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from jobs import conf
from jobs.domain.bottlenecks import Bottleneck
from jobs.domain.recommendations import Recommendation
from jobs.domain.states import FAILURES, BreakerState, JobState
from jobs.domain.trends import Trend
from jobs.models import Breaker
from jobs.queries.logged import JobFigures
from jobs.queries.queue_health import Point, QueueHealth
from jobs.services.journal import public_id

_FAILED = frozenset(state.value for state in FAILURES)


def moment(value: datetime | None) -> str | None:
    """Return a moment as JavaScript writes it."""
    if value is None:
        return None
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def milliseconds(seconds: float) -> int:
    """Return whole milliseconds."""
    return round(seconds * 1000)


def stats(job: JobFigures) -> dict[str, Any]:
    """Return the statistics of a job; runs are counted when they have ended."""
    duration = job.last_duration_seconds
    return {
        "jobName": public_id(job),
        "lastExecution": moment(job.last_started_at),
        "nextExecution": moment(job.next_fire_at),
        "executionCount": job.success_count + job.failure_count,
        "failureCount": job.failure_count,
        "lastExecutionDuration": None if duration is None else milliseconds(duration),
        "isEnabled": job.state == JobState.ACTIVE,
        "lastError": job.last_error.strip() or None if job.last_state in _FAILED else None,
        "isRunning": job.live_count > 0,
        "category": job.category,
    }


def queue(one: QueueHealth) -> dict[str, Any]:
    """Return a queue's figures: what is kept in all, and what its score is made of."""
    sample = one.sample
    waiting = int(sample.waiting)
    kept = one.kept
    return {
        "queueName": one.name,
        "healthScore": round(one.health.score, 4),
        "totalJobs": waiting + sample.running + kept.ended,
        "waitingJobs": waiting,
        "activeJobs": sample.running,
        "completedJobs": kept.succeeded,
        "failedJobs": kept.failed,
        "averageProcessingTime": milliseconds(sample.processing_seconds),
        "processingRate": round(sample.per_minute, 4),
        "failureRate": round(sample.failure_rate, 4),
        "lastUpdated": moment(one.at),
        "issues": one.issues,
        "averageWaitTime": milliseconds(sample.mean_wait_seconds),
        "oldestWaiting": milliseconds(sample.oldest_seconds),
        "periodMinutes": round(sample.period_seconds / 60),
        "scoreParts": [
            {
                "part": part.part.value,
                "value": round(part.value, 4),
                "threshold": round(part.threshold, 4),
                "weight": part.weight,
                "cost": round(part.cost, 4),
            }
            for part in one.health.parts
        ],
    }


def bottleneck(one: Bottleneck, of: QueueHealth) -> dict[str, Any]:
    """Return a finding with what helps against it."""
    return {
        "queueName": one.queue,
        "severity": one.severity.value,
        "type": one.kind.value,
        "description": one.description,
        "metrics": {
            "value": round(one.value, 4),
            "threshold": one.threshold,
            "waitingJobs": int(of.sample.waiting),
            "failureRate": round(of.sample.failure_rate, 4),
            "averageProcessingTime": milliseconds(of.sample.processing_seconds),
            "processingRate": round(of.sample.per_minute, 4),
        },
        "recommendations": [
            advice.text for advice in of.recommendations if advice.kind in {one.kind, None}
        ],
    }


def advice(one: Recommendation) -> str:
    """Return a recommendation as text."""
    return one.text


def trend(one: Trend, points: list[Point]) -> dict[str, Any]:
    """Return where a queue goes, and its score in each hour."""
    return {
        "trend": one.direction.value,
        "healthScoreChange": round(one.score_change, 4),
        "processingTimeChange": milliseconds(one.processing_seconds_change),
        "throughputChange": round(one.throughput_change, 4),
        "history": [
            {
                "timestamp": moment(point.hour),
                "healthScore": None if point.score is None else round(point.score, 4),
                "averageProcessingTime": milliseconds(point.processing_seconds),
                "processingRate": round(point.per_minute, 4),
                "failureRate": round(point.failure_rate, 4),
            }
            for point in points
        ],
    }


def breaker(row: Breaker, now: datetime) -> dict[str, Any]:
    """Return a circuit breaker; one whose open time is over lets the next run test it."""
    state = BreakerState(row.state)
    if state == BreakerState.OPEN and row.open_until is not None and row.open_until <= now:
        state = BreakerState.HALF_OPEN
    failed = row.threshold if state != BreakerState.CLOSED else len(row.failures)
    return {
        "failureCount": failed,
        "lastFailureTime": moment(row.last_failure_at),
        "state": state.value.upper(),
        "threshold": row.threshold,
        "timeout": milliseconds(row.open_seconds),
        "monitoringWindow": milliseconds(row.window_seconds),
    }


def closed_breaker() -> dict[str, Any]:
    """Return how a circuit breaker stands where no job has one: closed, as it would be made."""
    settings = conf.cron_breaker()
    return {
        "failureCount": 0,
        "lastFailureTime": None,
        "state": BreakerState.CLOSED.value.upper(),
        "threshold": int(settings["threshold"]),
        "timeout": milliseconds(settings["open_seconds"]),
        "monitoringWindow": milliseconds(settings["window_seconds"]),
    }


def error(status: int, phrase: str, sentence: str) -> Mapping[str, Any]:
    """Return a refusal."""
    return {"statusCode": status, "message": sentence, "error": phrase}
