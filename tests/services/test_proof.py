"""The proof of a ledger: balanced while the product lives, and loud when a verdict is tampered with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection

from jobs.domain.errors import InvalidError
from jobs.domain.permissions import SYSTEM
from jobs.domain.states import ExecutionState, OmissionReason
from jobs.models import Execution, Freeze, Job, JobVersion, Omission
from jobs.services import events
from jobs.services import jobs as job_services
from jobs.services import proof as proofs
from jobs.services.dispatch import dispatch_due
from jobs.services.endings import Ending, count_ending
from jobs.services.proof import Proof
from tests.factories import cron, every, make_execution, make_job

pytestmark = pytest.mark.django_db

START = datetime(2026, 3, 1, 10, 0, 30, tzinfo=UTC)
Clock = Any


def now() -> datetime:
    return datetime.now(UTC)


def pass_minutes(clock: Clock, count: int, *, dispatched: bool = True) -> None:
    """Let time pass; each minute the dispatcher looks, or nobody does."""
    for _ in range(count):
        clock.shift(timedelta(minutes=1))
        if dispatched:
            while dispatch_due(now()).jobs:
                pass


def end_runs(job: Job) -> None:
    """Let everything that is in progress succeed now."""
    for row in Execution.objects.filter(job=job, finished_at=None):
        Execution.objects.filter(pk=row.pk).update(
            state="succeeded", started_at=now(), finished_at=now()
        )
        count_ending(
            job.pk,
            Ending(
                execution_id=row.pk,
                state=ExecutionState.SUCCEEDED,
                queue=row.queue,
                queued_at=row.queued_at,
                started_at=now(),
                finished_at=now(),
            ),
        )


def proved(job: Job, start: datetime = START, end: datetime | None = None) -> Proof:
    return proofs.prove_ledger(job.pk, start, end or now(), now=now())


def live_a_life(clock: Clock) -> Job:
    """Return a minutely job with every sort of verdict behind it, and a stop that still goes on."""
    job = make_job(
        schedules=[cron("* * * * *"), {"kind": "event", "event": "@deployment"}],
        misfire="skip",
        misfire_grace_seconds=5,
        run_on_create=True,
    )
    end_runs(job)
    pass_minutes(clock, 4)  # one runs, three are left out beside it
    end_runs(job)
    pass_minutes(clock, 3, dispatched=False)
    pass_minutes(clock, 1)
    end_runs(job)
    Freeze.objects.create(
        scope="everything",
        reason="audit",
        starts_at=now(),
        ends_at=now() + timedelta(minutes=3),
        created_at=now(),
        created_by="anna",
    )
    pass_minutes(clock, 5)
    end_runs(job)
    job_services.update(job.pk, {"schedules": [cron("*/2 * * * *")]}, actor=SYSTEM)
    pass_minutes(clock, 4)
    end_runs(job)
    job_services.pause(job.pk, actor=SYSTEM, reason="lunch")
    pass_minutes(clock, 6)
    job_services.update(
        job.pk,
        {"schedules": [cron("* * * * *"), {"kind": "event", "event": "@deployment"}]},
        actor=SYSTEM,
    )
    clock.shift(timedelta(seconds=7))
    events.report("@deployment", actor=SYSTEM)
    events.serve_open(now())
    clock.shift(timedelta(seconds=-7))
    pass_minutes(clock, 3)
    job_services.resume(job.pk, actor=SYSTEM)
    pass_minutes(clock, 2)
    end_runs(job)
    clock.shift(timedelta(seconds=3))
    events.report("@deployment", actor=SYSTEM)
    events.serve_open(now())
    end_runs(job)
    clock.shift(timedelta(seconds=-3))
    pass_minutes(clock, 1)
    job_services.pause(job.pk, actor=SYSTEM, reason="tea")
    pass_minutes(clock, 2)
    return Job.objects.get(pk=job.pk)


def test_a_life_with_every_sort_of_verdict_is_balanced() -> None:
    with time_machine.travel(START, tick=False) as clock:
        job = live_a_life(clock)

        proof = proved(job)

    account = proof.account
    assert proof.balanced
    # 17 minutes, 2 even ones, 6 / 2 paused, 3 + 2 + 1 + 2 minutes, two events and the making.
    assert account.due == account.dispatched + account.omitted.total()
    assert account.due == 13 + 2 + 3 + 3 + 2 + 1 + 2 + 3
    assert account.omitted[OmissionReason.FROZEN] == 3
    assert account.omitted[OmissionReason.PAUSED] == 3 + 3 + 1 + 2
    assert "29 due" in proof.sentence
    assert "0 unexplained" in proof.sentence


@pytest.mark.long
def test_any_part_of_it_is_balanced_too() -> None:
    with time_machine.travel(START, tick=False) as clock:
        job = live_a_life(clock)
        moments = [START + timedelta(seconds=37 * step) for step in range(48)]

        parts = [proved(job, one, one + timedelta(minutes=7)) for one in moments]
        days = [proved(job, one - timedelta(minutes=40), one) for one in moments]

    assert all(part.balanced for part in [*parts, *days])


def test_the_halves_add_up() -> None:
    with time_machine.travel(START, tick=False) as clock:
        job = live_a_life(clock)
        middle = START + timedelta(minutes=23, seconds=4)

        whole = proved(job)
        halves = [proved(job, START, middle), proved(job, middle + timedelta(microseconds=1))]

    assert sum(half.account.due for half in halves) == whole.account.due
    assert sum(half.account.dispatched for half in halves) == whole.account.dispatched


@pytest.fixture
def minutes() -> Any:
    """Yield a clock and a minutely job that ran ten times."""
    with time_machine.travel(START, tick=False) as clock:
        job = make_job(schedules=[cron("* * * * *")])
        for _ in range(10):
            pass_minutes(clock, 1)
            end_runs(job)
        yield clock, Job.objects.get(pk=job.pk)


def test_an_execution_deleted_behind_its_back_is_unexplained(minutes: Any) -> None:
    _, job = minutes
    gone = Execution.objects.filter(job=job).order_by("due_at")[4]
    assert proved(job).balanced

    gone.delete()

    proof = proved(job)
    assert not proof.balanced
    assert proof.account.unexplained_at == [gone.due_at]
    assert "10 due, 9 dispatched, 1 unexplained" in proof.sentence


def test_a_second_verdict_is_doubled(minutes: Any) -> None:
    _, job = minutes
    one = Execution.objects.filter(job=job).order_by("due_at")[4]

    Omission.objects.create(
        job=job,
        reason="overlap",
        first_due_at=one.due_at,
        last_due_at=one.due_at,
        count=1,
        decided_at=one.due_at,
    )

    proof = proved(job)
    assert (proof.balanced, proof.account.doubled_at) == (False, [one.due_at])


def test_a_verdict_at_a_moment_that_nothing_names_is_unexpected(minutes: Any) -> None:
    _, job = minutes
    odd = START + timedelta(minutes=3)

    make_execution(job, trigger="schedule", due_at=odd)

    proof = proved(job)
    assert (proof.balanced, proof.account.unexpected_at) == (False, [odd])


def test_a_stretch_that_counts_wrong_is_named(minutes: Any) -> None:
    clock, job = minutes
    job_services.pause(job.pk, actor=SYSTEM)
    pass_minutes(clock, 4)
    job_services.resume(job.pk, actor=SYSTEM)
    assert proved(job).balanced

    Omission.objects.filter(job=job).update(count=3)

    proof = proved(job)
    assert (proof.balanced, proof.account.miscounted) == (False, 1)
    assert "1 stretches miscounted" in proof.sentence


def test_a_vanished_omission_is_unexplained(minutes: Any) -> None:
    clock, job = minutes
    job_services.pause(job.pk, actor=SYSTEM)
    pass_minutes(clock, 4)
    job_services.resume(job.pk, actor=SYSTEM)
    Job.objects.filter(pk=job.pk).update(open_omission=None)

    Omission.objects.filter(job=job).delete()

    assert proved(job).account.unexplained == 4


def test_starts_by_hand_are_no_due_times(minutes: Any) -> None:
    _, job = minutes
    for trigger in ("manual", "api", "retry", "backfill"):
        make_execution(job, trigger=trigger, due_at=START + timedelta(minutes=2, seconds=30))

    proof = proved(job)

    assert (proof.balanced, proof.account.due, proof.account.dispatched) == (True, 10, 10)


def test_a_vanished_run_at_the_making_is_unexplained() -> None:
    with time_machine.travel(START, tick=False):
        job = make_job(run_on_create=True)
        assert proved(job).account.dispatched == 1
        Execution.objects.filter(job=job).delete()

        assert proved(job).account.unexplained_at == [START]


def test_a_job_that_was_made_paused_did_not_run_at_its_making() -> None:
    with time_machine.travel(START, tick=False) as clock:
        job = make_job(run_on_create=True, schedules=[cron("* * * * *")], paused=True)
        pass_minutes(clock, 2)
        paused = proved(job)
        job_services.resume(job.pk, actor=SYSTEM)
        resumed = proved(job)

    assert [one.balanced for one in (paused, resumed)] == [True, True]
    assert [one.account.due for one in (paused, resumed)] == [2, 2]


def test_a_vanished_event_run_is_unexplained() -> None:
    with time_machine.travel(START, tick=False) as clock:
        job = make_job(schedules=[{"kind": "event", "event": "@deployment"}])
        clock.shift(60)
        happened = events.report("@deployment", actor=SYSTEM)
        waiting = proved(job)
        events.serve_open(now())
        served = proved(job)
        Execution.objects.filter(job=job).delete()

        assert (waiting.balanced, waiting.account.due, waiting.pending) == (True, 0, 1)
        assert (served.balanced, served.account.dispatched, served.pending) == (True, 1, 0)
        assert proved(job).account.unexplained_at == [happened.at]


def test_the_first_start_on_a_host_is_no_event() -> None:
    with time_machine.travel(START, tick=False) as clock:
        job = make_job(schedules=[{"kind": "event", "event": "@reboot"}])
        clock.shift(5)
        events.report_boot("host", "boot-1")
        first = proved(job)
        clock.shift(5)
        events.report_boot("host", "boot-2")
        events.serve_open(now())

        assert (first.balanced, first.account.due) == (True, 0)
        assert (proved(job).balanced, proved(job).account.dispatched) == (True, 1)


def test_due_times_that_follow_from_the_ends_of_runs_are_accepted() -> None:
    with time_machine.travel(START, tick=False) as clock:
        job = make_job(schedules=[every(90, anchor="completion")])
        for _ in range(12):
            pass_minutes(clock, 1)
            clock.shift(7)
            end_runs(job)

        proof = proved(job)

    assert proof.balanced
    assert proof.account.due == proof.account.by_end == proof.account.dispatched > 4


def test_such_a_due_time_inside_a_stretch_is_known_by_number() -> None:
    with time_machine.travel(START, tick=False) as clock:
        job = make_job(schedules=[cron("* * * * *"), every(100, anchor="completion")])
        job_services.pause(job.pk, actor=SYSTEM)
        pass_minutes(clock, 4)
        going_on = proved(job)
        job_services.resume(job.pk, actor=SYSTEM)

        assert [one.balanced for one in (going_on, proved(job))] == [True, True]
        assert [one.account.due for one in (going_on, proved(job))] == [5, 5]
        assert proved(job).account.omitted[OmissionReason.PAUSED] == 5


def test_an_edit_without_other_schedules_goes_through_a_stretch() -> None:
    with time_machine.travel(START, tick=False) as clock:
        job = make_job(schedules=[every(20)])
        job_services.pause(job.pk, actor=SYSTEM)
        pass_minutes(clock, 2)
        job_services.update(job.pk, {"description": "other words"}, actor=SYSTEM)
        pass_minutes(clock, 2)
        job_services.resume(job.pk, actor=SYSTEM)

        proof = proved(job)

    assert Omission.objects.filter(job=job).count() == 1
    assert (proof.balanced, proof.account.due) == (True, 12)


def test_versions_from_before_the_facts_keep_their_grid() -> None:
    with time_machine.travel(START, tick=False) as clock:
        job = make_job(schedules=[every(40)])
        for words in ("a", "b"):
            clock.shift(timedelta(seconds=50))
            dispatch_due(now())
            end_runs(job)
            job_services.update(job.pk, {"description": words}, actor=SYSTEM)
        JobVersion.objects.filter(job=job).update(schedule_facts=[])
        clock.shift(timedelta(seconds=50))
        dispatch_due(now())

        assert proved(job).balanced
        assert proved(job).account.due == 3


def test_a_schedule_that_made_its_last_execution_names_nothing_more() -> None:
    with time_machine.travel(START, tick=False) as clock:
        job = make_job(schedules=[{**cron("* * * * *"), "max_executions": 3}])
        for _ in range(6):
            pass_minutes(clock, 1)
            end_runs(job)
        job_services.update(job.pk, {"description": "later"}, actor=SYSTEM)
        pass_minutes(clock, 2)

        assert proved(job).balanced
        assert proved(job).account.dispatched == 3


def test_what_nobody_has_decided_yet_is_pending_and_not_hidden() -> None:
    with time_machine.travel(START, tick=False) as clock:
        job = make_job(schedules=[cron("* * * * *")])
        pass_minutes(clock, 1)
        pass_minutes(clock, 5, dispatched=False)

        proof = proved(job)

    assert (proof.balanced, proof.account.due, proof.pending) == (True, 1, 5)
    assert proof.pending_since == START + timedelta(minutes=1, seconds=30)


def test_a_deleted_job_is_proved_to_its_end() -> None:
    with time_machine.travel(START, tick=False) as clock:
        job = make_job(schedules=[cron("* * * * *")])
        pass_minutes(clock, 3)
        job_services.delete(job.pk, actor=SYSTEM)
        clock.shift(timedelta(minutes=10))

        proof = proved(job)

    assert (proof.balanced, proof.account.due) == (True, 3)
    assert proof.end == START + timedelta(minutes=3)


def test_two_schedules_that_name_an_instant_together_make_one_due_time() -> None:
    with time_machine.travel(START, tick=False) as clock:
        job = make_job(schedules=[cron("*/2 * * * *"), cron("*/3 * * * *")], overlap="allow")
        pass_minutes(clock, 12)

        assert proved(job).balanced
        assert proved(job).account.due == 8


def test_a_period_with_too_many_due_times_is_refused_in_words() -> None:
    with time_machine.travel(START, tick=False) as clock:
        job = make_job(schedules=[every(1)])
        job_services.pause(job.pk, actor=SYSTEM)
        clock.shift(timedelta(days=30))

        with pytest.raises(InvalidError, match=r"1,000,000 due times\. Choose a shorter one"):
            proved(job)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL plans by its own figures")
def test_the_due_times_of_a_period_are_found_by_index() -> None:
    from jobs.queries.verdicts import _SCHEDULED

    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {_SCHEDULED}", [1, "2026", "2027", 10])
        plan = " ".join(str(row) for row in cursor.fetchall())

    assert "execution_due_once (job_id=? AND due_at>? AND due_at<?)" in plan
    assert "TEMP B-TREE" not in plan
