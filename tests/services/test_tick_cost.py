"""A look with nothing due costs the same however many jobs are registered."""

from __future__ import annotations

import threading
import time
import tracemalloc
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobs.models import Job
from jobs.queries.due import next_moment
from jobs.services import dispatch

pytestmark = pytest.mark.django_db


def add_jobs(count: int) -> None:
    """Register jobs that are due far in the future."""
    now = datetime.now(UTC)
    later = now + timedelta(days=1)
    Job.objects.bulk_create(
        Job(
            name=f"far-{count}-{n}",
            type="command",
            spec={"command": "true"},
            created_at=now,
            updated_at=now,
            decided_until=now,
            next_fire_at=later,
        )
        for n in range(count)
    )


def best_seconds() -> float:
    """Return the least time that a look takes."""
    times = []
    for _ in range(50):
        begun = time.perf_counter()
        next_moment()
        dispatch.dispatch_due(datetime.now(UTC))
        times.append(time.perf_counter() - begun)
    return min(times)


@pytest.mark.long
def test_three_thousand_jobs_cost_what_ten_do() -> None:
    """S0-144."""
    add_jobs(10)
    few = best_seconds()
    add_jobs(2990)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE jobs_job")

    many = best_seconds()

    assert many < 3 * few, f"{1e6 * few:.0f} us with 10 jobs, {1e6 * many:.0f} us with 3,000"


def test_a_look_with_nothing_due_is_one_query() -> None:
    add_jobs(10)

    with CaptureQueriesContext(connection) as queries:
        tick = dispatch.dispatch_due(datetime.now(UTC))

    assert tick.jobs == 0
    assert len([q for q in queries if "SELECT" in q["sql"]]) == 1


def test_a_thousand_idle_jobs_take_neither_threads_nor_memory() -> None:
    """S0-89: what a dispatcher holds of jobs that are not due is nothing."""
    add_jobs(1000)
    dispatch.dispatch_due(datetime.now(UTC))
    threads = threading.active_count()
    tracemalloc.start()
    try:
        for _ in range(5):
            assert next_moment() is not None
            assert dispatch.dispatch_due(datetime.now(UTC)).jobs == 0
        held, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert threading.active_count() == threads
    assert held < 100_000, "bytes kept: 100 a job at most"
    assert peak < 1_000_000
