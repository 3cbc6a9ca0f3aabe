"""`make_jobs` and `make_history`: made-up jobs and pasts that hold what real ones promise."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db.models import Sum
from django.utils import timezone

from jobs.domain.schedule import due_between
from jobs.domain.states import FAILURES
from jobs.models import (
    Attempt,
    AuditEntry,
    Execution,
    Job,
    JobVersion,
    LogChunk,
    Omission,
    Schedule,
    Stat,
)
from jobs.services.firing import rules_of
from jobs.services.stored_definitions import definition_of
from tests.factories import make_job, make_worker

pytestmark = pytest.mark.django_db


def run(*args: str) -> str:
    out = io.StringIO()
    call_command(*args, stdout=out)
    return out.getvalue()


def test_made_jobs_are_all_due_at_the_first_moment_and_then_on_a_grid() -> None:
    first = (timezone.now() + timedelta(days=1)).astimezone(UTC).replace(microsecond=0)

    run("make_jobs", "--count", "3", "--every", "90", "--first", first.isoformat(),
        "--command", "true", "--prefix", "load", "--queue", "heavy", "--overlap", "allow")  # fmt: skip

    jobs = list(Job.objects.order_by("pk"))
    assert [job.name for job in jobs] == ["load-00001", "load-00002", "load-00003"]
    for job in jobs:
        due = list(due_between(rules_of(job.schedules.all()), job.decided_until, first, 9))
        assert job.next_fire_at == first
        assert due == [first]
        assert (job.queue, job.overlap, job.spec) == ("heavy", "allow", {"command": "true"})


def test_made_jobs_are_like_jobs_made_one_by_one() -> None:
    run("make_jobs", "--count", "1", "--every", "1m", "--command", "true", "--prefix", "bulk")
    one = make_job(
        name="single", schedules=[{"kind": "interval", "seconds": 60, "anchor": "start"}]
    )
    bulk = Job.objects.get(name="bulk-00001")

    assert {**definition_of(bulk), "name": ""} == {**definition_of(one), "name": ""}
    versions = [JobVersion.objects.get(job=job).definition for job in (bulk, one)]
    assert {**versions[0], "name": ""} == {**versions[1], "name": ""}
    assert set(AuditEntry.objects.values_list("action", "object_name")) == {
        ("job.create", "bulk-00001"),
        ("job.create", "single"),
    }


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--every", "0.1", "--command", "true"], "1 or more"),
        (["--every", "soon", "--command", "true"], "soon is not a duration"),
        (["--every", "1m", "--callable", "x.y"], "x.y"),
        (["--every", "1m", "--command", "true", "--first", "noon"], "'noon' is no moment"),
        (["--every", "1m", "--command", "true", "--prefix", "a b"], "not allowed"),
        (["--every", "1m", "--command", "true", "--prefix", "taken"], "taken-00001 exists"),
        (["--every", "1m", "--command", "true", "--count", "0"], "out of range"),
    ],
)
def test_make_jobs_refuses_what_no_job_may_be(args: list[str], words: str) -> None:
    make_job(name="taken-00001")

    with pytest.raises(CommandError, match=words):
        run("make_jobs", "--count", "2", *args)
    assert Job.objects.count() == 1


@pytest.fixture
def past() -> list[Job]:
    """Return 60 jobs with 1,500 executions."""
    run("make_history", "--jobs", "60", "--executions", "1500", "--every", "10m")
    return list(Job.objects.prefetch_related("schedules"))


def test_each_due_time_of_the_past_has_one_verdict(past: list[Job]) -> None:
    now = datetime.now(UTC)
    for job in past:
        rules = rules_of(job.schedules.all())
        wanted = list(due_between(rules, job.created_at, now))
        found = list(job.executions.values_list("due_at", flat=True))
        for stretch in job.omissions.all():
            inside = list(
                due_between(
                    rules, stretch.first_due_at - timedelta(microseconds=1), stretch.last_due_at
                )
            )
            assert len(inside) == stretch.count
            found += inside
        assert sorted(found) == wanted
        assert job.next_fire_at is not None
        assert job.next_fire_at > now
    assert Execution.objects.count() == 1500
    assert Omission.objects.exists()


@pytest.mark.long
def test_the_counters_of_the_past_equal_its_rows(past: list[Job]) -> None:
    for job in past:
        rows = list(job.executions.order_by("pk"))
        states = [row.state for row in rows]
        ran = [row for row in rows if row.started_at]
        assert job.execution_count == len(rows)
        assert job.success_count == states.count("succeeded")
        assert job.failure_count == sum(state in set(FAILURES) for state in states)
        assert job.cancelled_count == states.count("cancelled")
        assert job.skipped_count == states.count("skipped")
        assert job.live_count == 0
        assert [entry[:2] for entry in job.recent] == [[row.pk, row.state] for row in rows[-20:]]
        assert (job.last_execution_id, job.last_state) == (ran[-1].pk, ran[-1].state)
        assert job.last_finished_at == ran[-1].finished_at


@pytest.mark.long
def test_the_hours_of_the_past_equal_its_rows(past: list[Job]) -> None:
    names = ("succeeded", "failed", "timed_out", "lost", "cancelled", "skipped")
    sums = Stat.objects.aggregate(**{name: Sum(name) for name in names})

    assert sums == {name: Execution.objects.filter(state=name).count() for name in names}
    ran = sum(
        (row.finished_at - row.started_at).total_seconds()
        for row in Execution.objects.filter(started_at__isnull=False).exclude(state="cancelled")
        if row.finished_at and row.started_at
    )
    assert Stat.objects.aggregate(ran=Sum("run_seconds"))["ran"] == pytest.approx(ran)
    run("recompute_stats", "--check")


@pytest.mark.long
def test_the_past_has_attempts_and_logs(past: list[Job]) -> None:
    for attempt in Attempt.objects.select_related("execution"):
        assert attempt.execution.attempt == 2
    for chunk in LogChunk.objects.select_related("execution"):
        assert chunk.execution.log_bytes == len(bytes(chunk.data)) > 0
    assert LogChunk.objects.exists()


@pytest.mark.long
def test_life_goes_on_after_the_past(past: list[Job]) -> None:
    highest = Execution.objects.latest("pk").pk

    execution = Execution.objects.create(
        job=past[0], version=1, due_at=timezone.now(), queued_at=timezone.now(), trigger="manual"
    )

    assert execution.pk > highest
    assert Schedule.objects.count() == len(past)


def test_make_history_keeps_away_from_a_running_product() -> None:
    make_worker(kind="dispatcher", tick_at=timezone.now())

    with pytest.raises(CommandError, match="Stop the product"):
        run("make_history", "--jobs", "1", "--executions", "1")
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--jobs", "0", "--executions", "1"], "--jobs 0 is out of range"),
        (["--jobs", "1", "--executions", "0"], "--executions 0 is out of range"),
        (["--jobs", "1", "--executions", "1", "--every", "5s"], "1m or more"),
    ],
)
def test_make_history_refuses_what_makes_no_sense(args: list[str], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        run("make_history", *args)
