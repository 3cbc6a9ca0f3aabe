"""What nobody can read any more stops itself, and nothing beside it; it can still be repaired."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from jobs.domain.permissions import SYSTEM
from jobs.models import Calendar, Job, Schedule
from jobs.services import dispatch, events
from jobs.services import jobs as job_services
from jobs.services.proof import prove_ledger
from jobs.services.versions import keep_facts
from tests.factories import cron, every, make_calendar, make_job

pytestmark = pytest.mark.django_db
WAITING = {"kind": "event", "event": "@deployment"}


def unreadable_calendar() -> Calendar:
    """Return a calendar whose zone the present zone data does not have."""
    calendar = make_calendar(name="old")
    Calendar.objects.filter(pk=calendar.pk).update(timezone="Mars/Olympus")
    return calendar


def test_a_calendar_that_cannot_be_read_stops_only_the_jobs_that_name_it() -> None:
    unreadable_calendar()
    bad = make_job(schedules=[every(60)], calendars=["old"])
    good = make_job(schedules=[every(60)])
    now = good.created_at + timedelta(seconds=61)

    dispatch.dispatch_due(now)

    assert good.executions.count() == 1
    assert bad.executions.count() == 0
    bad.refresh_from_db()
    assert bad.next_fire_at == now + dispatch.PENALTY


def test_a_job_with_an_unreadable_calendar_can_be_repaired_and_deleted() -> None:
    unreadable_calendar()
    job = make_job(schedules=[every(60)], calendars=["old"])
    Job.objects.filter(pk=job.pk).update(next_fire_at=job.created_at)

    job_services.update(job.pk, {"calendars": []}, actor=SYSTEM)
    dispatch.dispatch_due(datetime.now(UTC) + timedelta(seconds=61))
    assert job.executions.count() == 1

    other = make_job(schedules=[every(60)], calendars=["old"])
    job_services.delete(other.pk, actor=SYSTEM)


def test_a_job_that_cannot_be_read_keeps_no_event_from_the_others() -> None:
    bad = make_job(schedules=[WAITING, cron("0 3 * * *", "Europe/Paris")])
    good = make_job(schedules=[WAITING])
    Schedule.objects.filter(job=bad, kind="cron").update(timezone="Mars/Olympus")
    told = events.report("@deployment", actor=SYSTEM)

    while events.serve_open(datetime.now(UTC)):
        pass

    assert good.executions.get().due_at == told.at
    omission = bad.omissions.get()
    assert (omission.reason, omission.first_due_at) == ("no_dispatcher", told.at)
    assert "Mars/Olympus" in omission.detail


def past_of(job: Job, minutes: int) -> None:
    """Let the job have waited for a dispatcher that could not decide it."""
    since = job.created_at - timedelta(minutes=minutes)
    job.versions.update(created_at=since)
    job.schedules.update(anchor_at=since)
    keep_facts(job)
    Job.objects.filter(pk=job.pk).update(
        created_at=since, decided_until=since, next_fire_at=since + timedelta(minutes=1)
    )


def test_a_repair_leaves_no_due_time_without_a_record() -> None:
    unreadable_calendar()
    job = make_job(schedules=[every(60)], calendars=["old"])
    past_of(job, 5)

    job_services.update(job.pk, {"calendars": []}, actor=SYSTEM)

    omission = job.omissions.get()
    assert (omission.reason, omission.count) == ("no_dispatcher", 5)
    assert "Mars/Olympus" in omission.detail
    now = datetime.now(UTC)
    assert prove_ledger(job.pk, now - timedelta(hours=1), now, now=now).balanced


def test_where_the_schedules_cannot_be_read_the_ledger_says_that_much() -> None:
    job = make_job(schedules=[cron("* * * * *", "Europe/Paris")])
    past_of(job, 5)
    job.schedules.update(timezone="Mars/Olympus")

    job_services.update(job.pk, {"schedules": [cron("* * * * *", "UTC")]}, actor=SYSTEM)

    omission = job.omissions.get()
    assert omission.reason == "no_dispatcher"
    assert "Mars/Olympus" in omission.detail


def test_a_stopped_job_resumes_whatever_its_calendar_says() -> None:
    unreadable_calendar()
    job = make_job(paused=True, schedules=[every(60)], calendars=["old"])
    past_of(job, 5)

    job_services.resume(job.pk, actor=SYSTEM)

    assert [one.reason for one in job.omissions.all()] == ["paused"]
