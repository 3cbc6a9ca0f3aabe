"""What history says of the figures that are never counted anew: streaks, success rates, scores."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from datetime import datetime, timedelta

from jobs import conf
from jobs.domain.failures import count_in_a_row
from jobs.domain.health import Sample, assess
from jobs.domain.states import FAILURES, ExecutionState
from jobs.models import Execution, Job
from jobs.queries import queue_health
from jobs.services.history_sums import Sums, sums_of_job
from jobs.services.rollups import hour_of


def wrong_standings() -> list[str]:
    """Return the jobs whose success rate or failures in a row their executions contradict."""
    found = []
    for job in Job.objects.all():
        states = Counter(job.executions.values_list("state", flat=True)) + Counter(job.pruned or {})
        failed = sum(states[state.value] for state in FAILURES)
        ended = states[ExecutionState.SUCCEEDED.value] + failed
        rate = states[ExecutionState.SUCCEEDED.value] / ended if ended else None
        if job.success_rate != rate:
            found.append(f"{job.name}: success rate {job.success_rate}, history says {rate}")
        least, most = _in_a_row(job)
        if not least <= job.consecutive_failures <= most:
            found.append(
                f"{job.name}: {job.consecutive_failures} failures in a row, history says {least}"
            )
    return found


def _in_a_row(job: Job) -> tuple[int, float]:
    """Return how many failed in a row at least and at most: the strip has the order, and an end."""
    numbers = [number for number, *_ in job.recent]
    rows = Execution.objects.filter(pk__in=numbers, started_at__isnull=False)
    states = dict(rows.values_list("pk", "state"))
    failures, complete = 0, len(numbers) == job.execution_count - job.live_count
    for number in numbers:
        if number in states:
            state = ExecutionState(states[number])
            failures = count_in_a_row(failures, state)
            complete = complete or state == ExecutionState.SUCCEEDED
    return failures, failures if complete else math.inf


def scores_of_history(now: datetime) -> dict[str, float]:
    """Return each queue's score, made of the executions alone."""
    recently = hour_of(now) - timedelta(hours=1)
    since = hour_of(now) - timedelta(seconds=conf.health_retention_seconds())
    recent: dict[str, Sums] = defaultdict(Sums)
    before: Counter[str] = Counter()
    for job_id in Job.objects.values_list("pk", flat=True):
        for (hour, queue), sums in sums_of_job(job_id, since=since).items():
            if hour >= recently:
                recent[queue].merge(sums)
            else:
                before[queue] += _ended(sums)
    minutes = conf.health_retention_seconds() / 60 - 60
    queued = Execution.objects.filter(state="queued", held=False).values_list("queue", flat=True)
    running = Execution.objects.filter(state__in=("claimed", "running"))
    waiting, busy = Counter(queued), Counter(running.values_list("queue", flat=True))
    return {
        queue: assess(
            Sample(
                queue=queue,
                period_seconds=(now - recently).total_seconds(),
                succeeded=recent[queue].outcomes["succeeded"],
                failed=_ended(recent[queue]) - recent[queue].outcomes["succeeded"],
                run_seconds=recent[queue].run_seconds,
                wait_seconds=recent[queue].wait_seconds,
                waiting=waiting[queue],
                running=busy[queue],
                usual_per_minute=before[queue] / minutes,
            ),
            conf.health_thresholds(),
        ).score
        for queue in recent.keys() | before.keys() | waiting.keys()
    }


def _ended(sums: Sums) -> int:
    counted = (ExecutionState.SUCCEEDED, *FAILURES)
    return sum(sums.outcomes[state.value] for state in counted)


def scores(now: datetime) -> dict[str, float]:
    """Return each queue's score, as the product has it."""
    return {one.name: one.health.score for one in queue_health.healths(now)}


def wrong_scores(now: datetime) -> list[str]:
    """Return the queues whose score their executions contradict."""
    stored = scores(now)
    return [
        f"{queue}: score {stored.get(queue)}, history says {score}"
        for queue, score in scores_of_history(now).items()
        if not math.isclose(stored.get(queue, -1), score, abs_tol=1e-6)
    ]
