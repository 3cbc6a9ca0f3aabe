"""What happens at an odd moment is counted, ended and given a verdict like everything else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from jobs.domain.errors import DuplicateError
from jobs.domain.permissions import SYSTEM
from jobs.domain.states import ExecutionState, OmissionReason
from jobs.models import Execution, Job, Omission
from jobs.queries.ledger import OpenStretch, Period, entries
from jobs.services import cancelling, claims, dispatch, executions, judging, rescue, triggers
from jobs.services import jobs as job_services
from jobs.services.firing import rules_of
from jobs.services.running import Running, load
from jobs.services.triggers import trigger
from tests.factories import cron, every, make_job, make_worker
from tests.services.test_executions import counters, recounted, result, start

pytestmark = pytest.mark.django_db

RETRY = {"max_attempts": 3, "base_seconds": 3600}


def set_back(job: Job, by: timedelta) -> datetime:
    """Pretend that nobody has looked at ``job`` for a while; return since when."""
    since = datetime.now(UTC) - by
    Job.objects.filter(pk=job.pk).update(decided_until=since, next_fire_at=since + by / 4)
    job.schedules.update(anchor_at=since)
    job.refresh_from_db()
    return since


def cancelled_meanwhile() -> Running:
    """Return a running execution that a person has asked to end."""
    running = start(make_job(retry={**RETRY, "lost": True}))
    cancelling.cancel(running.execution_id, actor=SYSTEM)
    return running


def test_an_edit_that_replaces_what_waits_keeps_the_counters() -> None:
    job = make_job(schedules=[every(60)], overlap="cancel_running")
    trigger(job.pk, actor=SYSTEM)
    set_back(job, timedelta(seconds=90))

    job_services.update(job.pk, {"description": "new"}, actor=SYSTEM)

    assert sorted(job.executions.values_list("state", flat=True)) == ["cancelled", "queued"]
    assert counters(job) == recounted(job)
    assert job.live_count == 1


def test_an_attempt_that_fails_after_it_was_cancelled_is_the_last_one() -> None:
    running = cancelled_meanwhile()

    executions.finish(running, result(ExecutionState.FAILED, exit_code=1))

    assert Execution.objects.get().state == "failed"
    assert counters(Job.objects.get()) == recounted(Job.objects.get())


def test_a_cancelled_execution_whose_worker_dies_does_not_run_again() -> None:
    running = cancelled_meanwhile()

    assert rescue.mark_lost(running.execution_id, running.token)

    assert Execution.objects.get().state == "lost"


def test_a_completion_interval_missed_for_long_is_settled_by_one_look() -> None:
    job = make_job(schedules=[every(60, "completion")], misfire="skip")
    set_back(job, timedelta(days=1))
    now = datetime.now(UTC)

    dispatch.dispatch_due(now)

    job.refresh_from_db()
    assert Omission.objects.get().reason == OmissionReason.MISFIRE
    assert job.next_fire_at == now + timedelta(seconds=60)


def test_a_cron_time_beside_a_missed_completion_interval_keeps_its_verdict() -> None:
    job = make_job(schedules=[every(60, "completion"), cron("0 0 1 1 *")], misfire="skip")
    set_back(job, timedelta(hours=2))

    dispatch.dispatch_due(datetime.now(UTC))

    job.refresh_from_db()
    assert job.executions.count() == 0
    assert job.next_fire_at is not None
    assert job.next_fire_at > datetime.now(UTC)


def test_an_interval_counts_from_the_cancel_of_one_that_never_started() -> None:
    job = make_job(schedules=[every(60, "completion")])
    execution = trigger(job.pk, actor=SYSTEM)
    set_back(job, timedelta(hours=3))
    Job.objects.update(next_fire_at=None)

    ended = cancelling.cancel(execution.pk, actor=SYSTEM)

    job.refresh_from_db()
    assert ended.finished_at is not None
    assert job.next_fire_at == ended.finished_at + timedelta(seconds=60)


def test_run_now_gives_a_due_completion_time_its_verdict() -> None:
    job = make_job(schedules=[every(60, "completion")])
    set_back(job, timedelta(seconds=40))
    due = job.next_fire_at

    execution = trigger(job.pk, actor=SYSTEM)

    omission = Omission.objects.get()
    assert (omission.reason, omission.first_due_at) == (OmissionReason.OVERLAP, due)
    assert omission.execution_id == execution.pk
    assert counters(job) == recounted(job)
    assert job.next_fire_at is None


def test_a_stretch_of_omissions_ends_where_the_schedules_change() -> None:
    job = make_job(schedules=[every(60)])
    job_services.pause(job.pk, actor=SYSTEM)
    set_back(job, timedelta(seconds=150))
    job_services.update(job.pk, {"schedules": [every(20)]}, actor=SYSTEM)
    set_back(job, timedelta(seconds=50))

    job_services.resume(job.pk, actor=SYSTEM)

    assert list(Omission.objects.order_by("pk").values_list("count", flat=True)) == [2, 2]


def test_a_clock_that_went_back_never_makes_a_run_of_negative_length() -> None:
    job = make_job()
    running = start(job)
    Execution.objects.update(
        started_at=datetime.now(UTC) + timedelta(hours=1),
        queued_at=datetime.now(UTC) + timedelta(hours=1),
    )
    ahead = load(running.execution_id)

    executions.finish(ahead, result())

    job.refresh_from_db()
    assert job.last_duration_seconds == 0
    assert job.recent[0][2] == 0


def test_a_claim_that_is_cancelled_never_starts() -> None:
    execution = trigger(make_job().pk, actor=SYSTEM)
    (claim,) = claims.claim(worker_id=make_worker().pk, queues=["default"], free=1)

    cancelling.cancel(execution.pk, actor=SYSTEM)

    assert executions.start(claim.execution_id, claim.token, pid=1) is None


def test_a_name_taken_at_the_same_moment_is_refused_in_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_job(name="report")
    other = make_job(name="other")
    monkeypatch.setattr(judging, "_check_name_free", lambda *_: None)

    with pytest.raises(DuplicateError, match="A job named report exists already"):
        job_services.update(other.pk, {"name": "report"}, actor=SYSTEM)

    other.refresh_from_db()
    assert (other.name, other.version) == ("other", 1)


def test_the_ledger_shows_a_stop_as_the_resume_will_write_it() -> None:
    job = make_job(schedules=[every(60, "completion")])
    job_services.pause(job.pk, actor=SYSTEM)
    since = set_back(job, timedelta(hours=2))
    Job.objects.update(last_finished_at=since + timedelta(hours=1))

    period = Period(job_id=job.pk, start=None, end=datetime.now(UTC))
    (shown,) = list(entries(period, rules_of=rules_of))
    job_services.resume(job.pk, actor=SYSTEM)

    written = Omission.objects.get()
    assert isinstance(shown, OpenStretch)
    assert (shown.first_due_at, shown.count) == (written.first_due_at, written.count)


def test_the_second_of_two_equal_requests_at_once_gets_the_first_ones_execution(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job = make_job(overlap="skip")
    lock = job_services.locked

    def late(job_id: int) -> Job:
        """Lock the job after an equal request that came first."""
        monkeypatch.setattr(triggers, "locked", lock)
        trigger(job_id, actor=SYSTEM, idempotency_key="click")
        return lock(job_id)

    monkeypatch.setattr(triggers, "locked", late)

    answered = trigger(job.pk, actor=SYSTEM, idempotency_key="click")

    assert answered == job.executions.get()


def test_a_pause_takes_back_the_next_attempt_of_what_has_failed() -> None:
    job = make_job(schedules=[every(60)], retry={"max_attempts": 3, "base_seconds": 60})
    assert job.next_fire_at is not None
    dispatch.dispatch_due(job.next_fire_at)
    Execution.objects.update(state="retrying", retry_at=datetime.now(UTC))

    job_services.pause(job.pk, actor=SYSTEM)

    assert rescue.requeue_retries(datetime.now(UTC)) == 0
    job.refresh_from_db()
    assert (job.executions.get().state, job.cancelled_count) == ("cancelled", 1)
