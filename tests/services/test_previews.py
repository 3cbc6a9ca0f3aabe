"""What will happen, told beforehand: never an endless search, and honest where it ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jobs.domain.planned import Plan
from jobs.models import Calendar, Job
from jobs.queries.planning import HeldBack
from jobs.services import previews
from jobs.services.previews import Entry, Timetable
from tests.factories import cron, every, make_calendar, make_freeze, make_job

pytestmark = pytest.mark.django_db
# Later than any freeze that a test begins.
# Between two minutes: on one, its own due time would be counted or not.
NOW = datetime.now(UTC).replace(second=30, microsecond=0) + timedelta(hours=2)


def table(
    *schedules: dict[str, Any],
    job: Job | None = None,
    tags: tuple[str, ...] = (),
    calendars: tuple[Calendar, ...] = (),
) -> Timetable:
    entries = [previews.drafted(one, now=NOW, stored={}) for one in schedules]
    right = [one for one in entries if isinstance(one, Entry)]
    assert len(right) == len(schedules)
    return previews.timetable_of(right, HeldBack.of_draft(tags, calendars), job=job)


def ahead(count: int = 5, **parts: Any) -> Plan:
    schedules = parts.pop("schedules", [cron("* * * * *")])
    return previews.ahead(table(*schedules, **parts), now=NOW, count=count)


def closed() -> Calendar:
    """Return a calendar that is open for one minute, ten years from now."""
    return make_calendar(
        name="closed",
        mode="allow",
        windows=[
            {
                "kind": "period",
                "start": (NOW + timedelta(days=3650)).isoformat(),
                "end": (NOW + timedelta(days=3650, minutes=1)).isoformat(),
            }
        ],
    )


def test_a_freeze_without_an_end_is_not_searched_for_one() -> None:
    make_freeze()

    plan = ahead()

    assert plan.runs == []
    assert plan.until == NOW + timedelta(days=366)
    [held] = plan.held
    assert (held.count, held.held.detail) == (366 * 1440, "deploy")  # type: ignore[union-attr]
    assert held.last == plan.until - timedelta(seconds=NOW.second)


def test_a_calendar_that_never_opens_is_not_searched_for_long() -> None:
    plan = ahead(calendars=(closed(),))

    assert (plan.runs, plan.until) == ([], NOW + timedelta(days=366))
    assert len(plan.held) == 1


def test_too_many_to_count_are_not_counted() -> None:
    make_freeze()

    plan = ahead(schedules=[cron("* * * * * *"), every(1)])

    assert [one.count for one in plan.held] == [None]


def test_what_is_due_seldom_is_looked_for_ten_years() -> None:
    plan = ahead(schedules=[cron("0 0 25 12 *"), cron("0 0 1 7 *")], calendars=(make_calendar(),))

    assert len(plan.runs) == 5
    assert {one.at.month for one in plan.runs} == {7}
    assert all(one.at.month == 12 for one in plan.held)
    assert plan.until is None


def test_what_nothing_holds_back_has_no_bound() -> None:
    plan = ahead(schedules=[cron("0 0 29 2 *")])

    assert len(plan.runs) == 5
    assert plan.until is None


def test_a_freeze_of_another_tag_holds_nothing_back() -> None:
    make_freeze(scope="tag", target="nightly", ends_at=NOW + timedelta(hours=2))

    assert ahead(tags=("daily",)).held == []
    assert [one.count for one in ahead(tags=("daily", "nightly")).held] == [120]


def test_a_limit_is_spent_on_runs_only() -> None:
    make_freeze(ends_at=NOW + timedelta(days=2))
    limited = {**cron("0 12 * * *"), "max_executions": 3}

    plan = ahead(schedules=[limited])

    assert (len(plan.runs), [one.count for one in plan.held]) == (3, [2])
    assert plan.until is None


def test_calendars_of_an_edit_add_and_remove_runs() -> None:
    job = make_job(schedules=[cron("0 * * * *")])
    now = job.created_at
    before = previews.stored_timetable(job)
    after = Timetable(entries=before.entries, held_back=HeldBack.of_draft((), (closed(),)))

    less = previews.edit_diff(before, after, now=now)
    more = previews.edit_diff(after, before, now=now)
    same = previews.edit_diff(after, after, now=now)

    assert (less.before_count, less.after_count, less.removed_count) == (720, 0, 720)
    assert (more.added_count, more.removed_count, more.held) == (720, 0, True)
    assert (same.changed_count, same.before_count) == (0, 0)


def test_a_start_to_come_stays_when_a_limit_ends_it() -> None:
    limited = {**cron("0 * * * *"), "max_executions": 2}
    limited["starts_at"] = (NOW + timedelta(days=3)).isoformat()

    [rule] = table(limited).ended(NOW, NOW + timedelta(days=30))

    assert rule.starts_at == NOW + timedelta(days=3)
    assert previews.edit_diff(table(), table(limited), now=NOW).added_count == 2


def test_the_load_of_a_job_that_has_never_run() -> None:
    never = table(cron("0 * * * *"))

    load = previews.load_of(never, Plan(), job=None, now=NOW)

    assert (load.runs, load.seconds, load.measured, load.crowd) == (168, None, 0, None)


def test_the_load_of_a_job_with_a_past() -> None:
    recent = [[n, "succeeded", ms] for n, ms in enumerate((2000, 3000, 100_000))]
    job = make_job(schedules=[every(60)])
    Job.objects.filter(pk=job.pk).update(recent=[*recent, [9, "cancelled", 1]])
    job.refresh_from_db()
    make_freeze(ends_at=NOW + timedelta(days=6, seconds=1))

    load = previews.load_of(table(every(60), job=job), Plan(), job=job, now=NOW)

    assert (load.runs, load.seconds, load.measured) == (1440, 3.0, 3)


def test_others_in_the_same_minute_are_counted() -> None:
    mine, *others = [make_job(schedules=[cron("0 2 * * *")]) for _ in range(4)]
    make_job(schedules=[cron("0 2 * * *")], paused=True)
    make_job(schedules=[cron("1 2 * * *")])
    now = mine.created_at
    plan = previews.next_runs(mine, now=now, count=5)

    load = previews.load_of(previews.stored_timetable(mine), plan, job=mine, now=now)

    assert load.crowd is not None
    assert (load.crowd.at, load.crowd.jobs) == (mine.next_fire_at, len(others))


def test_who_is_late_is_not_crowded_by_what_is_gone() -> None:
    assert previews.load_of(table(), Plan(), job=None, now=NOW).crowd is None
