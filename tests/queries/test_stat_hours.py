"""Remembered sums of hours, and rules that ask once an hour, say what asking everything says."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobs.domain.alerts import Rule
from jobs.domain.own_rules import Comparison, Metric
from jobs.domain.permissions import Actor, Grant, Role
from jobs.models import AlertRule, Job, JobStat
from jobs.queries import own_rules, stat_hours, stats
from jobs.queries.stats import Window
from jobs.services import revisions, statistics
from tests.factories import make_job, make_rule

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 6, 1, 12, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
READER = Actor(name="lia", role=None, grants=(Grant(role=Role.VIEWER, tag="mine"),))


def history(
    jobs: list[Job], rng: random.Random, hours: int, *, until: datetime, share: int = 9
) -> None:
    """Write sums of random hours, as endings would have."""
    end = until.replace(minute=0)
    rows = [
        JobStat(
            job=job,
            hour=end - number * HOUR,
            succeeded=rng.randrange(9),
            failed=rng.randrange(3),
            lost=rng.randrange(2),
            skipped=rng.randrange(2),
            run_seconds=float(rng.randrange(900)),
            wait_seconds=float(rng.randrange(90)),
            longest_seconds=float(rng.randrange(500)),
            d03=rng.randrange(5),
            d17=rng.choice((None, 2)),
        )
        for job in jobs
        for number in rng.sample(range(hours), -(-hours // share))
    ]
    JobStat.objects.bulk_create(rows, ignore_conflicts=True)


def slowly(window: Window, now: datetime, zone: str) -> stats.Statistics:
    """Return what adding up every row says."""
    rows = JobStat.objects.filter(job__in=Job.objects.visible_to(READER).values("pk"))
    return stats._statistics(stats._Source(rows), window, now, zone)


def test_what_a_reader_of_some_jobs_sees_is_the_sum_of_all_rows() -> None:
    rng = random.Random(5)
    jobs = [make_job(tags=["mine"]) for _ in range(3)]
    make_job()
    history(list(Job.objects.all()), rng, 24 * 190, until=NOW)

    now = NOW
    for step, hours in enumerate((0, 0, 1, 5, 30)):
        now += timedelta(hours=hours)
        if hours:
            history(jobs, rng, 3, until=now)
        zone = rng.choice(("Asia/Jakarta", "America/New_York"))
        for window in (Window.WEEK, Window.QUARTER, Window.MONTH):
            found = stats.of_all(window, now, seen_by=READER, zone=zone)
            assert found == slowly(window, now, zone), (step, window, zone)


def test_the_second_look_reads_the_newest_hours_only() -> None:
    make_job(tags=["mine"])
    history(list(Job.objects.all()), random.Random(6), 24 * 30, until=NOW)
    first = stats.of_all(Window.QUARTER, NOW, seen_by=READER)

    with CaptureQueriesContext(connection) as asked:
        again = stats.of_all(Window.QUARTER, NOW + timedelta(minutes=20), seen_by=READER)
        stats.of_all(Window.MONTH, NOW, seen_by=READER)

    read = [one["sql"] for one in asked.captured_queries if "jobs_jobstat" in one["sql"]]
    newest = (NOW.replace(minute=0) + HOUR - stat_hours.SETTLED).strftime("%Y-%m-%d %H")
    assert (len(asked), len(read)) == (6, 2)
    assert all(f">= '{newest}" in one for one in read)
    assert again == first

    for _ in range(stat_hours.MOST_SETS + 3):
        make_job(tags=["mine"])
        stats.of_all(Window.MONTH, NOW, seen_by=READER)
    assert len(stat_hours.REMEMBERED._sets) == stat_hours.MOST_SETS


def test_a_new_job_is_added_to_what_is_known_and_what_was_mended_or_came_late_is_read_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = random.Random(7)
    make_job(tags=["mine"])
    history(list(Job.objects.all()), rng, 24 * 170, until=NOW)
    look = partial(stats.of_all, Window.QUARTER, NOW, seen_by=READER)
    look()

    new = make_job(tags=["mine"])
    history([new], rng, 24 * 170, until=NOW)
    with CaptureQueriesContext(connection) as asked:
        found = look()

    assert found == slowly(Window.QUARTER, NOW, "UTC")
    of_all, of_new = (
        [one["sql"] for one in asked.captured_queries if marked in one["sql"]]
        for marked in ("jobs_jobstat", f"IN ({new.pk})")
    )
    assert (len(of_all), len(of_new)) == (2, 1), "of the others only the newest hours"

    late = JobStat.objects.filter(hour__lt=NOW - timedelta(hours=30)).latest("hour")
    long_ago = JobStat.objects.filter(hour__lt=NOW - timedelta(days=80)).latest("hour")
    ways: list[tuple[JobStat, Callable[[], None]]] = [
        (late, partial(monkeypatch.setattr, stat_hours, "AGAIN_SECONDS", -1)),
        (long_ago, partial(revisions.bump, "figures")),
    ]
    for row, tell in ways:
        JobStat.objects.filter(pk=row.pk).update(succeeded=1000)
        assert look() == found
        tell()
        found = look()
        assert found == slowly(Window.QUARTER, NOW, "UTC")


def test_hours_that_retention_forgets_leave_what_is_remembered() -> None:
    make_job(tags=["mine"])
    history(list(Job.objects.all()), random.Random(9), 24 * 170, until=NOW)
    look = partial(stats.of_all, Window.QUARTER, NOW, seen_by=READER)
    before = look()

    while statistics.forget_batch(NOW - timedelta(days=20)):
        pass

    found = look()
    assert found == slowly(Window.QUARTER, NOW, "UTC")
    assert found != before


def test_a_rule_of_hours_finds_what_a_look_at_every_row_finds_and_asks_once_an_hour() -> None:
    rng = random.Random(8)
    jobs = [make_job() for _ in range(4)]
    Job.objects.update(created_at=NOW - timedelta(days=30))
    jobs = list(Job.objects.all())
    history(jobs, rng, 200, until=NOW + 6 * HOUR, share=2)
    rules = [
        make_rule(
            name=f"{metric} {comparison} {count}",
            metric=metric,
            comparison=comparison,
            threshold=threshold,
            count=count,
        )
        for metric, threshold in ((Metric.RUNS, 4), (Metric.FAILURES, 1), (Metric.MEAN_SECONDS, 60))
        for comparison in Comparison
        for count in (1, 2)
    ]
    held, alerts = own_rules.Held(), 0

    for minutes in (0, 3, 59, 61, 305):
        now = NOW.replace(minute=0) + timedelta(minutes=minutes)
        expected = {
            f"{Rule.OWN}:{rule.pk}:{job}" for rule in rules for job in _holding(rule, jobs, now)
        }
        found = own_rules.conditions(now, held)
        assert {one.key for one in found} == expected, minutes
        alerts += len(found)
    assert alerts > 10

    with CaptureQueriesContext(connection) as asked:
        own_rules.conditions(NOW.replace(minute=0) + timedelta(minutes=310), held)
    assert [one["sql"] for one in asked.captured_queries if "jobs_jobstat" in one["sql"]] == []


def _holding(rule: AlertRule, jobs: list[Job], now: datetime) -> list[int]:
    """Return the jobs for which a rule holds, by all of its hours."""
    test, end = own_rules.comparing_of(rule.settings), now.replace(minute=0)
    figures = own_rules._of_hours(test.metric, jobs, end - test.count * HOUR, end)
    return [job for job, values in figures.items() if test.holds(values)]
