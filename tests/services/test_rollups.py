"""The hourly sums: one row of the job and one of the queue say how each execution ended."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobs.domain.histogram import LATENESS_BOUNDS, bucket_of
from jobs.domain.states import ExecutionState
from jobs.engine.dispatching import DispatchProcess
from jobs.models import EngineStat, Execution, Job, JobStat, Schedule, Stat
from jobs.services import rollups
from jobs.services.endings import Ending, count_ending
from tests.factories import every, make_execution, make_job

pytestmark = pytest.mark.django_db
AT = datetime(2026, 3, 1, 12, 34, 56, tzinfo=UTC)


def end(job: Job, state: ExecutionState, *, ran: float = 1, waited: float = 0.2) -> Execution:
    started_at = AT - timedelta(seconds=ran)
    row = make_execution(job, state=state.value, started_at=started_at, finished_at=AT)
    ending = Ending(
        execution_id=row.pk,
        state=state,
        queue="reports",
        queued_at=started_at - timedelta(seconds=waited),
        started_at=started_at,
        finished_at=AT,
    )
    count_ending(job.pk, ending)
    return row


def test_an_ending_is_added_to_its_job_and_to_its_queue() -> None:
    job, other = make_job(), make_job()

    for seconds in (0.5, 0.55, 30):
        end(job, ExecutionState.SUCCEEDED, ran=seconds, waited=seconds)
    end(job, ExecutionState.TIMED_OUT, ran=2)
    end(job, ExecutionState.CANCELLED, ran=500)
    end(job, ExecutionState.SKIPPED)
    end(other, ExecutionState.LOST)

    row = JobStat.objects.get(job=job)
    assert row.hour == AT.replace(minute=0, second=0)
    assert (row.succeeded, row.failed, row.timed_out, row.lost) == (3, 0, 1, 0)
    assert (row.cancelled, row.skipped) == (1, 1)
    assert row.run_seconds == pytest.approx(33.05), "what was cancelled says nothing"
    assert row.longest_seconds == 30
    buckets = {number: getattr(row, f"d{number:02}") for number in range(36)}
    assert {number: n for number, n in buckets.items() if n} == {
        bucket_of(0.5): 2,
        bucket_of(2): 1,
        bucket_of(30): 1,
    }
    assert buckets[0] is None, "an empty bucket takes no room"
    queue = Stat.objects.get(queue="reports")
    assert (queue.succeeded, queue.timed_out, queue.lost) == (3, 1, 1)
    assert queue.longest_wait_seconds == 30
    assert getattr(queue, f"w{bucket_of(0.2):02}") == 2
    assert JobStat.objects.get(job=other).lost == 1


def test_both_sums_cost_one_statement_more_on_sqlite_and_none_on_postgresql() -> None:
    job = make_job()
    end(job, ExecutionState.SUCCEEDED)

    with CaptureQueriesContext(connection) as asked:
        end(job, ExecutionState.SUCCEEDED)

    written = [query for query in asked.captured_queries if "stat (" in query["sql"]]
    assert len(written) == (1 if connection.vendor == "postgresql" else 2)


def test_a_dispatcher_keeps_how_late_it_queued_what_was_due() -> None:
    due_at = datetime.now(UTC) - timedelta(seconds=3)
    job = make_job(schedules=[every(60)])
    Job.objects.filter(pk=job.pk).update(
        next_fire_at=due_at, decided_until=due_at - timedelta(seconds=1)
    )
    Schedule.objects.filter(job=job).update(anchor_at=due_at - timedelta(seconds=60))
    process = DispatchProcess(name="test")

    process._dispatcher.step()
    process._keep_lateness()
    process._keep_lateness()
    process._listener.close()

    row = EngineStat.objects.get()
    assert row.dispatched == 1
    assert 3 <= row.late_seconds < 60


def test_lateness_and_rescues_are_added_to_the_hour_of_the_product() -> None:
    rollups.add_lateness(AT, [0.004, 0.004, 0.03])
    rollups.add_lateness(AT, [2.0, -1.0])
    rollups.add_lateness(AT, [])
    rollups.add_rescued(AT, 2)
    rollups.add_rescued(AT, 0)

    row = EngineStat.objects.get()
    assert (row.dispatched, row.rescued, row.longest_late_seconds) == (5, 2, 2.0)
    assert row.late_seconds == pytest.approx(2.038)
    assert getattr(row, f"l{bucket_of(0.004, LATENESS_BOUNDS):02}") == 2
