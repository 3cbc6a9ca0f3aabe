"""Circuit breakers at work: what opens them, what they leave out, how they close again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from jobs.domain.errors import ConflictError, ForbiddenError, InvalidError, StateError
from jobs.domain.permissions import SYSTEM, Actor, Role
from jobs.domain.states import ExecutionState, OmissionReason, Trigger
from jobs.executors.base import ExecutionResult
from jobs.models import AuditEntry, Breaker, Execution, Job, JobVersion, Omission
from jobs.queries.breakers import entry_of
from jobs.services import breakers, cancelling, claims, dispatch, events, executions, feeding
from jobs.services import jobs as job_services
from jobs.services.bulk import create_many
from jobs.services.definitions import parse_definition
from jobs.services.running import Running
from jobs.services.stored_definitions import definition_of
from jobs.services.triggers import trigger
from tests.factories import cron, definition, every, make_backfill, make_job, make_worker

pytestmark = pytest.mark.django_db

GOOD, BAD = ExecutionState.SUCCEEDED, ExecutionState.FAILED
TWO = {"threshold": 2, "open_seconds": 300}


def run_next(state: ExecutionState = GOOD) -> Running:
    """Claim, start and end what is queued."""
    running = start_next()
    end(running, state)
    return running


def start_next() -> Running:
    """Claim and start what is queued."""
    (claim,) = claims.claim(worker_id=make_worker().pk, queues=["default"], free=1)
    running = executions.start(claim.execution_id, claim.token, pid=4711)
    assert running is not None
    return running


def end(running: Running, state: ExecutionState) -> None:
    """End a started execution."""
    now = datetime.now(UTC)
    assert executions.finish(
        running, ExecutionResult(state=state, started_at=now, finished_at=now, exit_code=3)
    )


def run(job: Job, state: ExecutionState) -> None:
    """Run a job once by hand."""
    trigger(job.pk, actor=SYSTEM)
    run_next(state)


def state_of(job: Job) -> str:
    """Return where the job's breaker stands."""
    return breaker_of(job).state


def breaker_of(job: Job) -> Breaker:
    """Return the job's breaker as it is stored."""
    job.refresh_from_db()
    assert job.breaker is not None
    return job.breaker


def open_job(**fields: Any) -> Job:
    """Return a job whose breaker has just opened."""
    values: dict[str, Any] = {"breaker": TWO, "schedules": [every(60)], **fields}
    job = make_job(**values)
    run(job, BAD)
    run(job, BAD)
    assert state_of(job) == "open"
    return job


def minute_after(job: Job, minutes: int) -> datetime:
    """Return the moment of a due time of a job, counted from its creation."""
    return job.created_at + timedelta(minutes=minutes, seconds=1)


def end_open_time(job: Job) -> None:
    """Put the opening so far back that its time is over."""
    row = breaker_of(job)
    past = timedelta(seconds=row.open_seconds + 1)
    opened_at = row.opened_at - past if row.opened_at else None
    Breaker.objects.filter(pk=row.pk).update(
        opened_at=opened_at, open_until=timezone.now() - timedelta(seconds=1)
    )


def omissions(job: Job) -> list[tuple[str, int]]:
    """Return what became of the due times that made no execution."""
    rows = Omission.objects.filter(job=job).order_by("first_due_at")
    return list(rows.values_list("reason", "count"))


def test_the_nth_failure_in_a_row_opens_it_and_a_success_starts_anew() -> None:
    """S4-40, S4-45."""
    job = make_job(breaker={"threshold": 3})
    for state in (BAD, BAD, GOOD, BAD, BAD):
        run(job, state)
    before = state_of(job)

    run(job, BAD)

    row = breaker_of(job)
    assert before == "closed"
    assert row.state == "open"
    assert row.reason == "3 failures in a row within 60 s"
    assert row.cause_execution_id == Execution.objects.latest("pk").pk
    assert AuditEntry.objects.filter(action="breaker.open").count() == 1


def test_failures_older_than_the_window_do_not_count_together() -> None:
    """S4-44."""
    job = make_job(breaker=TWO)
    run(job, BAD)
    row = breaker_of(job)
    old = timezone.now() - timedelta(seconds=61)
    Breaker.objects.filter(pk=row.pk).update(failures=[old.isoformat()])

    run(job, BAD)

    assert state_of(job) == "closed"


def test_due_times_of_an_open_breaker_are_one_omission_and_no_failure() -> None:
    """S4-41."""
    job = open_job(auto_disable_after=3)
    for minutes in (1, 2, 3):
        dispatch.dispatch_due(minute_after(job, minutes))

    job.refresh_from_db()

    (omission,) = Omission.objects.filter(job=job)
    assert (omission.reason, omission.count) == ("breaker", 3)
    assert omission.detail.startswith("Circuit breaker is OPEN until ")
    assert (job.failure_count, job.consecutive_failures, job.state) == (2, 2, "active")
    assert job.execution_count == 2


def test_after_the_open_time_one_test_run_is_let_through_and_its_success_closes() -> None:
    """S4-43."""
    job = open_job(overlap="allow", max_parallel=9)
    end_open_time(job)

    dispatch.dispatch_due(minute_after(job, 1))
    dispatch.dispatch_due(minute_after(job, 2))
    testing = state_of(job)
    run_next(GOOD)
    dispatch.dispatch_due(minute_after(job, 3))
    dispatch.dispatch_due(minute_after(job, 4))

    assert testing == "half_open"
    assert omissions(job) == [("breaker", 1)]
    assert Omission.objects.get(job=job).detail == (
        "Circuit breaker is HALF_OPEN: a test run is under way"
    )
    assert state_of(job) == "closed"
    assert job.executions.filter(trigger=Trigger.SCHEDULE.value).count() == 3
    assert AuditEntry.objects.filter(action="breaker.close").count() == 1


def test_a_failed_test_run_opens_it_again_at_once() -> None:
    job = open_job()
    end_open_time(job)
    dispatch.dispatch_due(minute_after(job, 1))

    run_next(BAD)

    row = breaker_of(job)
    assert row.state == "open"
    assert row.open_until is not None
    assert row.open_until > timezone.now() + timedelta(seconds=290)


def test_a_cancelled_test_run_makes_room_for_the_next() -> None:
    job = open_job(overlap="allow", max_parallel=9)
    end_open_time(job)
    dispatch.dispatch_due(minute_after(job, 1))
    probe = job.executions.latest("pk")

    cancelling.cancel(probe.pk, actor=SYSTEM)
    dispatch.dispatch_due(minute_after(job, 2))

    assert state_of(job) == "half_open"
    assert omissions(job) == []
    assert job.executions.filter(state="queued").count() == 1


def test_a_run_from_before_the_opening_is_no_test_run() -> None:
    job = make_job(breaker=TWO, overlap="allow", max_parallel=9, schedules=[every(60)])
    trigger(job.pk, actor=SYSTEM)
    old = start_next()
    run(job, BAD)
    run(job, BAD)
    end_open_time(job)
    dispatch.dispatch_due(minute_after(job, 1))

    end(old, GOOD)

    assert state_of(job) == "half_open"


def test_as_many_test_runs_at_a_time_as_it_says() -> None:
    """S4-46."""
    job = open_job(breaker={**TWO, "half_open_probes": 2}, overlap="allow", max_parallel=9)
    end_open_time(job)

    for minutes in (1, 2, 3, 4):
        dispatch.dispatch_due(minute_after(job, minutes))

    assert job.executions.filter(state="queued").count() == 2
    assert omissions(job) == [("breaker", 2)]


def test_due_times_of_the_open_stretch_stay_out_when_they_are_decided_later() -> None:
    job = open_job(misfire="fire_all", misfire_grace_seconds=0)
    born = job.created_at
    row = breaker_of(job)
    Breaker.objects.filter(pk=row.pk).update(
        opened_at=born + timedelta(seconds=90), open_until=born + timedelta(seconds=210)
    )

    dispatch.dispatch_due(minute_after(job, 5))  # nobody looked for five minutes

    # 2 and 3 lie in the stretch; the gate leaves out all but one of the others.
    stretch = Omission.objects.filter(job=job, detail__contains="OPEN until").first()
    assert stretch is not None
    assert (stretch.first_due_at, stretch.last_due_at) == (
        born + timedelta(minutes=2),
        born + timedelta(minutes=3),
    )
    covered = sum(count for _, count in omissions(job))
    assert covered + job.executions.exclude(trigger="manual").count() == 5


def test_a_shared_breaker_opens_by_the_failures_of_all_and_holds_back_all() -> None:
    one = make_job(breaker={"name": "paris", **TWO}, schedules=[every(60)])
    other = make_job(breaker="Paris", schedules=[every(60)])
    apart = make_job(schedules=[every(60)])
    run(one, BAD)
    run(other, BAD)

    dispatch.dispatch_due(minute_after(apart, 1))

    assert breaker_of(one) == breaker_of(other)
    assert state_of(one) == "open"
    for job in (one, other):
        assert omissions(job) == [("breaker", 1)]
        detail = Omission.objects.get(job=job).detail
        assert detail.startswith("Circuit breaker paris is OPEN until ")
    assert omissions(apart) == []


def test_a_start_by_hand_is_refused_while_open_unless_forced() -> None:
    job = open_job()

    with pytest.raises(StateError, match="Circuit breaker is OPEN until"):
        trigger(job.pk, actor=SYSTEM)
    forced = trigger(job.pk, actor=SYSTEM, force=True)
    run_next(GOOD)

    forced.refresh_from_db()
    assert forced.state == "succeeded"
    assert state_of(job) == "open"


def test_a_start_by_hand_may_be_the_test_run() -> None:
    job = open_job(overlap="allow", max_parallel=9)
    end_open_time(job)

    trigger(job.pk, actor=SYSTEM)
    with pytest.raises(StateError, match="HALF_OPEN: a test run is under way"):
        trigger(job.pk, actor=SYSTEM)
    run_next(GOOD)

    assert state_of(job) == "closed"


def test_an_event_meets_an_open_breaker_as_a_due_time_does() -> None:
    job = open_job(schedules=[{"kind": "event", "event": "@deployment"}])

    events.report("@deployment", actor=SYSTEM)
    while events.serve_open(timezone.now()):
        pass

    assert omissions(job) == [("breaker", 1)]


def test_a_backfill_waits_until_the_breaker_lets_it_begin() -> None:

    job = open_job(schedules=[cron("0 * * * *")])
    make_backfill(job)
    feeding.feed(timezone.now() + timedelta(seconds=1))
    held = job.executions.filter(trigger="backfill").count()

    end_open_time(job)
    feeding.feed(timezone.now() + timedelta(seconds=30))

    assert held == 0
    assert job.executions.filter(trigger="backfill").count() == 1
    assert state_of(job) == "half_open"


def test_closing_and_tripping_by_hand() -> None:
    job = make_job(breaker=TWO, schedules=[every(60)])
    number = breaker_of(job).pk
    operator = Actor(name="otto", role=Role.OPERATOR)
    run(job, BAD)

    breakers.trip(number, actor=operator, reason="the target is moved")
    dispatch.dispatch_due(minute_after(job, 1))
    tripped = breaker_of(job)
    breakers.close(number, actor=operator, reason="moved")
    run(job, BAD)  # the first of a new row
    dispatch.dispatch_due(minute_after(job, 2))

    assert (tripped.state, tripped.reason) == ("open", "the target is moved")
    assert state_of(job) == "closed"
    assert omissions(job) == [("breaker", 1)]
    assert job.executions.filter(trigger="schedule").count() == 1
    notes = AuditEntry.objects.filter(object_type="breaker", actor="otto").order_by("pk")
    assert list(notes.values_list("action", "note")) == [
        ("breaker.open", "the target is moved"),
        ("breaker.close", "moved"),
    ]


def test_a_viewer_neither_closes_nor_trips() -> None:
    number = breaker_of(make_job(breaker={})).pk
    viewer = Actor(name="vera", role=Role.VIEWER)

    for act in (breakers.close, breakers.trip):
        with pytest.raises(ForbiddenError):
            act(number, actor=viewer)


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    make_job(breaker={"name": "paris", "threshold": 3})

    with pytest.raises(InvalidError, match=r"'berlin' does not exist\. Known are paris"):
        make_job(breaker="berlin")


def test_other_settings_for_a_shared_one_are_refused_and_equal_ones_are_not() -> None:
    make_job(breaker={"name": "paris", "threshold": 3})

    make_job(breaker={"name": "paris", "threshold": 3})
    with pytest.raises(InvalidError, match="paris exists with threshold 3"):
        make_job(breaker={"name": "PARIS", "threshold": 4})

    assert Breaker.objects.count() == 1


@pytest.mark.parametrize(
    "given",
    [
        None,
        "paris",
        {"threshold": 7, "window_seconds": 30, "open_seconds": 9, "half_open_probes": 2},
    ],
)
def test_what_was_read_can_be_written_back_unchanged(given: object) -> None:
    make_job(breaker={"name": "paris", "threshold": 3})
    job = make_job(breaker=given)
    read = definition_of(job)

    written = job_services.update(job.pk, read, actor=SYSTEM)

    assert read["breaker"] == given
    assert written.version == 1
    assert JobVersion.objects.get(job=job).definition["breaker"] == given


def test_an_edit_changes_ones_own_settings_and_keeps_its_state() -> None:
    job = open_job()
    number = breaker_of(job).pk

    job_services.update(job.pk, {"breaker": {**TWO, "open_seconds": 60}}, actor=SYSTEM)

    row = breaker_of(job)
    assert (row.pk, row.state, row.open_seconds) == (number, "open", 60)


def test_a_breaker_of_its_own_goes_when_the_job_takes_another_or_is_deleted() -> None:
    job = make_job(breaker=TWO)
    own = breaker_of(job).pk
    other = make_job(breaker=TWO)

    job_services.update(job.pk, {"breaker": {"name": "paris", "threshold": 3}}, actor=SYSTEM)
    job_services.delete(other.pk, actor=SYSTEM)

    assert not Breaker.objects.filter(pk=own).exists()
    assert [row.name for row in Breaker.objects.all()] == ["paris"]


def test_a_shared_breaker_is_deleted_only_when_nobody_names_it() -> None:
    job = make_job(breaker={"name": "paris", "threshold": 3})
    number = breaker_of(job).pk

    with pytest.raises(ConflictError, match=f"is used by {job.name}"):
        breakers.delete(number, actor=SYSTEM)
    job_services.update(job.pk, {"breaker": None}, actor=SYSTEM)
    breakers.delete(number, actor=SYSTEM)

    assert not Breaker.objects.exists()


def test_many_jobs_at_once_share_a_breaker() -> None:
    asked = {"name": "paris", "threshold": 3}
    many = [parse_definition(definition(breaker=asked)) for _ in range(3)]

    made = create_many(many, actor=SYSTEM)

    assert len({job.breaker_id for job in made}) == 1
    assert definition_of(made[2])["breaker"] == "paris"


def test_the_page_knows_when_the_next_test_run_can_begin() -> None:
    job = open_job(schedules=[every(3600)])
    row = breaker_of(job)
    entry = entry_of(row)

    found = breakers.next_test_at(entry, timezone.now())

    job.refresh_from_db()
    assert found == job.next_fire_at
    assert row.open_until is not None
    assert found is not None
    assert found >= row.open_until


def test_jobs_without_a_breaker_pay_no_query() -> None:
    job = make_job(schedules=[every(60)])

    with CaptureQueriesContext(connection) as queries:
        dispatch.dispatch_due(minute_after(job, 1))
        run_next(BAD)

    assert not [one["sql"] for one in queries if "jobs_breaker" in one["sql"]]


def test_the_reason_in_the_ledger_is_the_breaker() -> None:
    job = open_job()
    dispatch.dispatch_due(minute_after(job, 1))

    assert omissions(job) == [(OmissionReason.BREAKER.value, 1)]
