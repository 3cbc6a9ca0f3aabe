"""Every due time gets exactly one verdict."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from jobs.domain.permissions import SYSTEM
from jobs.domain.states import ExecutionState, OmissionReason
from jobs.models import Execution, Job, Omission
from jobs.services import dispatch
from jobs.services import jobs as job_services
from tests.factories import cron, every, make_execution, make_job

pytestmark = pytest.mark.django_db


def run_until(job: Job, moment: datetime) -> None:
    """Dispatch at each due time up to ``moment``, as a punctual dispatcher does."""
    while True:
        job.refresh_from_db()
        if job.next_fire_at is None or job.next_fire_at > moment:
            return
        dispatch.dispatch_due(job.next_fire_at)


def test_a_due_time_becomes_one_queued_execution() -> None:
    job = make_job(schedules=[every(60)])
    assert job.next_fire_at is not None

    tick = dispatch.dispatch_due(job.next_fire_at)

    execution = job.executions.get()
    assert (execution.state, execution.trigger) == ("queued", "schedule")
    assert execution.due_at == job.next_fire_at
    assert (tick.jobs, tick.executions, tick.omissions) == (1, 1, 0)
    moved = Job.objects.get(pk=job.pk)
    assert moved.next_fire_at == job.next_fire_at + timedelta(seconds=60)
    assert moved.execution_count == 1


def test_nothing_due_does_nothing() -> None:
    job = make_job(schedules=[every(60)])
    assert job.next_fire_at is not None

    tick = dispatch.dispatch_due(job.next_fire_at - timedelta(milliseconds=1))

    assert tick == dispatch.Tick()
    assert not Execution.objects.exists()


def test_two_schedules_that_share_an_instant_make_one_execution() -> None:
    job = make_job(schedules=[cron("0 */6 * * *"), cron("0 0 * * *")])

    run_until(job, job.created_at + timedelta(hours=24))

    dues = list(job.executions.values_list("due_at", flat=True))
    omitted = sum(job.omissions.values_list("count", flat=True))
    assert len(dues) == len(set(dues))
    assert len(dues) + omitted == 4


def test_overlap_skip_leaves_one_omission_for_the_whole_stretch() -> None:
    """S3-66, S3-74: what is skipped is recorded."""
    job = make_job(schedules=[every(60)])

    run_until(job, job.created_at + timedelta(minutes=10))

    omission = Omission.objects.get()
    assert omission.reason == OmissionReason.OVERLAP
    assert omission.count == 9
    assert omission.execution_id == job.executions.get().pk
    assert omission.last_due_at - omission.first_due_at == timedelta(minutes=8)


def test_overlap_queue_holds_one_and_omits_the_rest() -> None:
    job = make_job(schedules=[every(60)], overlap="queue")

    run_until(job, job.created_at + timedelta(minutes=5))

    assert list(job.executions.order_by("pk").values_list("held", flat=True)) == [False, True]
    assert sum(job.omissions.values_list("count", flat=True)) == 3


def test_overlap_allow_starts_as_many_as_may_run_beside_each_other() -> None:
    job = make_job(schedules=[every(60)], overlap="allow", max_parallel=3)

    run_until(job, job.created_at + timedelta(minutes=5))

    assert job.executions.filter(held=False).count() == 3
    assert sum(job.omissions.values_list("count", flat=True)) == 2


def test_cancel_running_replaces_what_waits_at_once() -> None:
    job = make_job(schedules=[every(60)], overlap="cancel_running")

    run_until(job, job.created_at + timedelta(minutes=2))

    first, second = job.executions.order_by("pk")
    assert first.state == ExecutionState.CANCELLED
    assert (second.state, second.held) == ("queued", False)
    job.refresh_from_db()
    assert (job.execution_count, job.cancelled_count, job.live_count) == (2, 1, 1)


def test_cancel_running_asks_the_running_one_to_end_and_holds_the_new_one() -> None:
    job = make_job(schedules=[every(60)], overlap="cancel_running")
    run_until(job, job.created_at + timedelta(minutes=1))
    job.executions.update(state=ExecutionState.RUNNING.value)

    run_until(job, job.created_at + timedelta(minutes=2))

    first, second = job.executions.order_by("pk")
    assert (first.state, first.cancel_requested_by) == ("running", "its overlap policy")
    assert second.held


def test_cancel_running_starts_only_the_newest_of_several_due_times() -> None:
    job = make_job(schedules=[every(20)], overlap="cancel_running")

    dispatch.dispatch_due(job.created_at + timedelta(seconds=60))

    assert job.executions.get().due_at == job.created_at + timedelta(seconds=60)
    assert sum(job.omissions.values_list("count", flat=True)) == 2


def test_missed_due_times_follow_the_misfire_policy() -> None:
    """S3-83: the policy decides after a downtime."""
    job = make_job(schedules=[every(60)], misfire="fire_once")
    now = job.created_at + timedelta(days=99, seconds=-5)
    dispatch.dispatch_due(now - timedelta(seconds=50))  # nothing within the grace of a minute...

    dispatch.dispatch_due(now)

    count = sum(job.omissions.values_list("count", flat=True)) + job.executions.count()
    assert count == 99 * 24 * 60 - 1
    assert job.executions.count() == 1
    assert job.omissions.count() <= 2


def test_a_job_that_cannot_be_decided_does_not_stop_the_others() -> None:
    bad = make_job(schedules=[cron("* * * * *")])
    good = make_job(schedules=[every(60)])
    bad.schedules.update(timezone="Mars/Olympus")
    later = datetime.now(UTC) + timedelta(minutes=2)

    dispatch.dispatch_due(later)

    assert good.executions.count() == 1
    bad.refresh_from_db()
    assert bad.next_fire_at == later + dispatch.PENALTY


def test_pausing_covers_every_due_time_by_one_omission() -> None:
    job = make_job(schedules=[every(60)])
    job_services.pause(job.pk, actor=SYSTEM, reason="maintenance")
    Job.objects.filter(pk=job.pk).update(decided_until=datetime.now(UTC) - timedelta(days=2))
    job.schedules.update(anchor_at=datetime.now(UTC) - timedelta(days=3, seconds=30))

    job_services.resume(job.pk, actor=SYSTEM)

    omission = Omission.objects.get()
    assert (omission.reason, omission.detail) == ("paused", "maintenance")
    assert omission.count == 2 * 24 * 60
    assert not Execution.objects.exists()


def test_pausing_skips_what_was_queued_and_counts_it() -> None:
    job = make_job(schedules=[every(60)])
    assert job.next_fire_at is not None
    dispatch.dispatch_due(job.next_fire_at)

    paused = job_services.pause(job.pk, actor=SYSTEM)

    assert job.executions.get().state == ExecutionState.SKIPPED
    assert (paused.skipped_count, paused.live_count) == (1, 0)
    assert paused.next_fire_at is None


def test_an_edit_lets_each_due_time_use_one_version() -> None:
    job = make_job(schedules=[every(60)], overlap="allow", max_parallel=10)
    Job.objects.filter(pk=job.pk).update(
        decided_until=datetime.now(UTC) - timedelta(seconds=90),
        next_fire_at=datetime.now(UTC) - timedelta(seconds=30),
    )
    job.schedules.update(anchor_at=datetime.now(UTC) - timedelta(seconds=90))

    job_services.update(job.pk, {"spec": {"command": "date"}}, actor=SYSTEM)

    assert list(job.executions.values_list("version", flat=True)) == [1]
    job.refresh_from_db()
    assert job.version == 2
    assert job.next_fire_at is not None
    assert job.next_fire_at > datetime.now(UTC)


def test_an_interval_from_completion_waits_for_the_end() -> None:
    """S2-28: counted from the end of the run."""
    job = make_job(schedules=[every(60, "completion")])
    assert job.next_fire_at is not None

    dispatch.dispatch_due(job.next_fire_at)

    job.refresh_from_db()
    assert job.executions.count() == 1
    assert job.next_fire_at is None


def test_a_deleted_job_ends_what_waits_and_frees_its_name() -> None:
    job = make_job(name="report", schedules=[every(60)])
    make_execution(job)

    job_services.delete(job.pk, actor=SYSTEM)

    assert job.executions.get().state == ExecutionState.CANCELLED
    assert make_job(name="report").pk != job.pk
    assert Job.objects.get(pk=job.pk).live_count == 0
