"""What a freeze or a calendar covers is left out with its reason, and nothing else is."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from jobs.domain.errors import InvalidError
from jobs.domain.permissions import SYSTEM
from jobs.domain.states import ExecutionState, OmissionReason
from jobs.models import Calendar, Freeze, Job
from jobs.services import dispatch
from jobs.services import jobs as job_services
from jobs.services.stored_definitions import definition_of
from tests.factories import every, make_job

pytestmark = pytest.mark.django_db


def make_freeze(starts_at: datetime, ends_at: datetime | None = None, tag: str = "") -> Freeze:
    """Return a freeze as it stands in the table."""
    return Freeze.objects.create(
        scope="tag" if tag else "everything",
        target=tag,
        reason="release",
        starts_at=starts_at,
        ends_at=ends_at,
        created_at=starts_at,
        created_by="anna",
    )


def make_calendar(
    name: str, starts_at: datetime, ends_at: datetime, mode: str = "block"
) -> Calendar:
    """Return a calendar with one window."""
    window = {"kind": "period", "start": starts_at.isoformat(), "end": ends_at.isoformat()}
    return Calendar.objects.create(
        name=name,
        mode=mode,
        timezone="UTC",
        windows=[{**window, "label": "works"}],
        created_at=starts_at,
        updated_at=starts_at,
    )


def run_until(job: Job, moment: datetime) -> list[datetime]:
    """Dispatch at each due time and let each execution end at once; return what was dispatched."""
    while True:
        job.refresh_from_db()
        if job.next_fire_at is None or job.next_fire_at > moment:
            return list(job.executions.order_by("due_at").values_list("due_at", flat=True))
        dispatch.dispatch_due(job.next_fire_at)
        job.executions.update(state=ExecutionState.SUCCEEDED.value)
        count = job.executions.count()
        Job.objects.filter(pk=job.pk).update(execution_count=count, success_count=count)


def test_a_freeze_leaves_out_its_due_times_and_nothing_is_caught_up() -> None:
    job = make_job(schedules=[every(60)])
    start = job.created_at
    make_freeze(start + timedelta(minutes=3), start + timedelta(minutes=6))

    ran = run_until(job, start + timedelta(minutes=8))

    # Its end is exclusive: the due time at minute 6 goes.
    assert [(due - start) // timedelta(minutes=1) for due in ran] == [1, 2, 6, 7, 8]
    omission = job.omissions.get()
    assert (omission.reason, omission.detail, omission.count) == ("frozen", "release", 3)


def test_a_freeze_of_a_tag_holds_back_those_that_carry_it() -> None:
    nightly = make_job(schedules=[every(60)], tags=["nightly", "b"])
    other = make_job(schedules=[every(60)], tags=["b"], overlap="allow", max_parallel=9)
    make_freeze(timezone.now() - timedelta(minutes=1), tag="nightly")

    assert run_until(nightly, nightly.created_at + timedelta(minutes=2)) == []
    assert len(run_until(other, other.created_at + timedelta(minutes=2))) == 2
    assert nightly.omissions.get().detail == "tag nightly: release"


def test_a_dispatcher_that_slept_through_a_freeze_tells_it_from_what_was_missed() -> None:
    job = make_job(schedules=[every(60)], misfire="fire_once")
    start = job.created_at
    make_freeze(start + timedelta(minutes=3), start + timedelta(minutes=6))

    dispatch.dispatch_due(start + timedelta(minutes=20, seconds=59))

    told = list(job.omissions.order_by("first_due_at").values_list("reason", "count"))
    assert told == [("misfire", 2), ("frozen", 3), ("misfire", 14)]
    # Minute 20 is no later than the grace allows.
    assert job.executions.get().due_at == start + timedelta(minutes=20)


@pytest.mark.parametrize(("mode", "ran"), [("block", [1, 4, 5]), ("allow", [2, 3])])
def test_a_calendar_blocks_its_windows_or_allows_only_them(mode: str, ran: list[int]) -> None:
    now = timezone.now()
    make_calendar("works", now + timedelta(seconds=90), now + timedelta(seconds=210), mode)
    job = make_job(schedules=[every(60)], calendars=["Works"])
    start = job.created_at

    found = run_until(job, start + timedelta(minutes=5))

    assert [(due - start) // timedelta(minutes=1) for due in found] == ran
    reasons = set(job.omissions.values_list("reason", flat=True))
    assert reasons == {OmissionReason.CALENDAR.value}
    assert all(one.detail.startswith("works: ") for one in job.omissions.all())


def test_a_job_names_calendars_that_exist() -> None:
    now = timezone.now()
    make_calendar("works", now, now + timedelta(hours=1))
    job = make_job(calendars=["works"])

    assert definition_of(job)["calendars"] == ["works"]
    with pytest.raises(InvalidError, match=r"Calendar holidays does not exist. Use works."):
        make_job(calendars=["holidays"])


def test_an_interval_from_the_end_of_a_run_goes_on_after_the_freeze() -> None:
    job = make_job(schedules=[every(60, anchor="completion")])
    start = job.created_at
    make_freeze(start, start + timedelta(minutes=3, seconds=30))

    ran = run_until(job, start + timedelta(minutes=4, seconds=30))

    assert len(ran) == 1
    assert ran[0] >= start + timedelta(minutes=3, seconds=30)
    assert job.omissions.get().count == 3


def test_a_paused_job_says_paused_also_while_frozen() -> None:
    job = make_job(schedules=[every(60)])
    make_freeze(job.created_at)
    job_services.pause(job.pk, actor=SYSTEM, reason="mine")
    long_ago = job.created_at - timedelta(minutes=5)
    Job.objects.filter(pk=job.pk).update(decided_until=long_ago)
    job.schedules.update(anchor_at=long_ago)

    job_services.resume(job.pk, actor=SYSTEM)

    assert list(job.omissions.values_list("reason", flat=True)) == ["paused"]
