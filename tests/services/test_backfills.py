"""Backfills: which due times they take, that each runs once, and that they keep out of the way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from jobs.domain.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    StateError,
    UnknownError,
    UnprocessableError,
)
from jobs.domain.permissions import SYSTEM, Actor, Role
from jobs.domain.states import BackfillState, ExecutionState, FreezeScope, Trigger
from jobs.engine.dispatcher import Dispatcher
from jobs.executors.base import ExecutionResult
from jobs.models import AuditEntry, Backfill, BackfillItem, Execution, Freeze, Job, JobVersion
from jobs.queries.backfills import (
    Progress,
    get_backfill,
    in_the_way,
    likely_end,
    live_executions,
    not_started,
    progress_of,
)
from jobs.queries.due import next_moment
from jobs.services import backfill_due, backfills, cancelling, claims, dispatch, executions, feeding
from jobs.services import jobs as job_services
from jobs.services.backfill_due import Listing, what_now
from jobs.services.backfill_requests import parse_request
from jobs.services.running import Running
from jobs.services.triggers import trigger
from tests.factories import cron, every, make_execution, make_job, make_worker

pytestmark = pytest.mark.django_db

DAY = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOURLY = cron("0 * * * *")


def asked(hours: float = 3, start: datetime = DAY, **fields: Any) -> dict[str, Any]:
    """Return a request for the due times of some hours; the last one is left out."""
    end = start + hours * HOUR - timedelta(seconds=1)
    return {"from": start.isoformat(), "to": end.isoformat(), **fields}


def listed(job: Job, **fields: Any) -> Listing:
    return backfills.preview(job.pk, parse_request(asked(**fields)), actor=SYSTEM)


def started(job: Job, **fields: Any) -> Backfill:
    return backfills.create(job.pk, parse_request(asked(**fields)), actor=SYSTEM).backfill


def feed(after: float = 0) -> int:
    """Feed as a dispatcher does ``after`` seconds from now."""
    return feeding.feed(timezone.now() + timedelta(seconds=after))


def start_next() -> Running:
    (claim,) = claims.claim(worker_id=make_worker().pk, queues=["default"], free=1)
    running = executions.start(claim.execution_id, claim.token, pid=4711)
    assert running is not None
    return running


def end(running: Running, state: ExecutionState = ExecutionState.SUCCEEDED) -> None:
    now = timezone.now()
    assert executions.finish(running, ExecutionResult(state=state, started_at=now, finished_at=now))


def run_all(backfill: Backfill, state: ExecutionState = ExecutionState.SUCCEEDED) -> None:
    """Feed and run until the backfill is over."""
    for _ in range(backfill.items.count() + 2):
        Backfill.objects.filter(next_at__isnull=False).update(next_at=timezone.now())
        feed()
        if Execution.objects.filter(state="queued").exists():
            end(start_next(), state)
    backfill.refresh_from_db()
    assert backfill.state == BackfillState.FINISHED


def hours_of(rows: Any) -> list[float]:
    return [(at - DAY) / HOUR for at in rows]


def progress(backfill: Backfill) -> Progress:
    return progress_of([backfill])[backfill.pk]


def aged(job: Job, created_at: datetime = DAY - HOUR) -> Job:
    """Return the job as if it had been created earlier and all had been decided until now."""
    JobVersion.objects.filter(job=job).update(created_at=created_at)
    Job.objects.filter(pk=job.pk).update(created_at=created_at, decided_until=timezone.now())
    job.refresh_from_db()
    return job


@pytest.fixture
def job() -> Job:
    return make_job(name="report", schedules=[HOURLY])


# What is listed


def test_before_the_job_existed_the_present_schedules_name_the_due_times(job: Job) -> None:
    listing = listed(job)

    assert hours_of(item.due_at for item in listing.items) == [0, 1, 2]
    assert {what_now(item.record) for item in listing.items} == {""}
    assert not Backfill.objects.exists()


def test_a_grid_of_intervals_reaches_back() -> None:
    job = make_job(schedules=[every(1800)])

    listing = listed(job)

    assert len(listing.items) == 6


def test_each_version_names_the_due_times_of_its_time(job: Job) -> None:
    aged(job)
    job_services.update(job.pk, {"schedules": [cron("30 * * * *")]}, actor=SYSTEM)
    JobVersion.objects.filter(job=job, version=2).update(created_at=DAY + 2 * HOUR)

    listing = listed(job, hours=4)

    # The instant of the edit itself belongs to the version before.
    assert hours_of(item.due_at for item in listing.items) == [0, 1, 2, 2.5, 3.5]


def test_the_present_schedule_can_be_asked_for_instead(job: Job) -> None:
    aged(job)
    job_services.update(job.pk, {"schedules": [cron("30 * * * *")]}, actor=SYSTEM)

    listing = listed(job, schedule="present")

    assert hours_of(item.due_at for item in listing.items) == [0.5, 1.5, 2.5]


def test_missed_failed_and_all_follow_what_each_due_time_has(job: Job) -> None:
    aged(job)
    for hour, state in enumerate(["succeeded", "failed", "cancelled", "lost", "running"]):
        make_execution(job, due_at=DAY + hour * HOUR, trigger="schedule", state=state)
    found = {
        only: hours_of(item.due_at for item in listed(job, hours=6, only=only).items)
        for only in ("missed", "failed", "all")
    }

    assert found == {"missed": [2, 3, 5], "failed": [1, 3], "all": [0, 1, 2, 3, 5]}
    assert listed(job, hours=6).in_progress == 1


def test_an_omission_tells_why_a_due_time_did_not_run(job: Job) -> None:
    aged(job)
    job.omissions.create(
        reason="frozen",
        first_due_at=DAY,
        last_due_at=DAY + 2 * HOUR,
        count=3,
        decided_at=DAY,
    )

    listing = listed(job, hours=4)

    assert [what_now(item.record) for item in listing.items] == ["frozen"] * 3 + [""]
    assert listing.counts == {"frozen": 3, "": 1}


def test_due_times_that_no_clock_names_count_when_they_are_on_record() -> None:
    job = aged(make_job(schedules=[every(60, anchor="completion")]))
    make_execution(job, due_at=DAY + 0.25 * HOUR, trigger="schedule", state="failed")
    job.omissions.create(
        reason="paused", first_due_at=DAY + HOUR, last_due_at=DAY + HOUR, count=1, decided_at=DAY
    )

    assert hours_of(item.due_at for item in listed(job, only="all").items) == [0.25, 1]


def test_a_start_by_hand_is_no_due_time(job: Job) -> None:
    aged(job)
    make_execution(job, due_at=DAY + 0.5 * HOUR, trigger="manual", state="failed")

    assert hours_of(item.due_at for item in listed(job, only="all").items) == [0, 1, 2]


def test_what_is_still_to_be_dispatched_is_no_past() -> None:
    job = aged(make_job(schedules=[HOURLY]))
    Job.objects.filter(pk=job.pk).update(decided_until=DAY + HOUR)

    assert hours_of(item.due_at for item in listed(job).items) == [0, 1]


def test_what_a_paused_job_leaves_out_counts_as_missed() -> None:
    job = aged(make_job(schedules=[HOURLY], paused=True))
    Job.objects.filter(pk=job.pk).update(decided_until=DAY + HOUR)

    listing = listed(job)

    assert [what_now(item.record) for item in listing.items] == ["", "", "paused"]


# What is refused


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"only": "some"}, ("only", "'some'", "missed, failed or all")),
        ({"order": "random"}, ("'random'", "oldest_first or newest_first")),
        ({"pace_seconds": -1}, ("pace_seconds", "-1", "0 or more")),
        ({"pace_seconds": 90000}, ("90000", "86400 or less")),
        ({"max_parallel": 0}, ("max_parallel", "1 or more")),
        ({"max_parallel": 101}, ("100 or less",)),
        ({"from": "yesterday"}, ("from", "yesterday")),
        ({"from": "2026-02-01T00:00:00Z"}, ("later than", "Swap")),
        ({"from": "1200-01-01T00:00:00Z"}, ("1200", "1970")),
        ({"from": "0001-01-01T00:00:00+09:00"}, ("out of range",)),
        ({"colour": "red"}, ("colour", "does not exist")),
        ({"schedule": "future"}, ("'future'", "history or present")),
    ],
)
def test_a_wrong_request_is_refused_by_name_and_value(
    fields: dict[str, Any], words: tuple[str, ...]
) -> None:
    with pytest.raises(InvalidError) as refused:
        parse_request(asked(**fields))

    assert all(word in refused.value.message for word in words), refused.value.message


def test_a_window_that_has_not_passed_is_refused(job: Job) -> None:
    soon = timezone.now() + HOUR

    with pytest.raises(InvalidError, match="has not passed yet") as refused:
        listed(job, to=soon.isoformat())

    assert set(refused.value.fields) == {"to"}


def test_ten_thousand_due_times_are_the_most() -> None:
    job = make_job(schedules=[cron("* * * * *")])

    assert len(listed(job, hours=10_000 / 60).items) == 10_000
    with pytest.raises(InvalidError, match=r"10,001 due times.*10,000") as refused:
        listed(job, hours=10_001 / 60)
    assert set(refused.value.fields) == {"from"}


def test_a_window_that_is_too_long_to_look_through_is_refused_by_its_number() -> None:
    job = make_job(schedules=[every(1)])

    with pytest.raises(InvalidError, match=r"863,999 due times.*100,000"):
        listed(job, hours=240, only="failed")


def test_a_viewer_may_neither_look_nor_start(job: Job) -> None:
    viewer = Actor(name="vera", role=Role.VIEWER)

    for deed in (backfills.preview, backfills.create):
        with pytest.raises(ForbiddenError):
            deed(job.pk, parse_request(asked()), actor=viewer)


def test_a_deleted_job_has_no_backfill(job: Job) -> None:
    job_services.delete(job.pk, actor=SYSTEM)

    with pytest.raises(UnknownError):
        started(job)


def test_a_window_without_due_times_makes_nothing() -> None:
    with pytest.raises(UnprocessableError, match="No due time"):
        started(make_job())

    assert not Backfill.objects.exists()


def test_another_number_than_was_seen_makes_nothing(job: Job) -> None:
    with pytest.raises(ConflictError, match="You saw 2 due times; there are 3"):
        backfills.create(job.pk, parse_request(asked()), actor=SYSTEM, expected=2)

    assert not Backfill.objects.exists()


# Once, and once only


def test_each_due_time_runs_once_in_order_and_keeps_its_due_time(job: Job) -> None:
    backfill = started(job)

    run_all(backfill)

    made = list(job.executions.order_by("pk"))
    assert hours_of(row.due_at for row in made) == [0, 1, 2]
    assert {(row.trigger, row.state, row.version) for row in made} == {("backfill", "succeeded", 1)}
    assert {row.backfill_item.backfill_id for row in made} == {backfill.pk}
    job.refresh_from_db()
    assert (job.execution_count, job.success_count) == (3, 3)
    assert next_moment() == job.next_fire_at


def test_the_newest_can_go_first(job: Job) -> None:
    backfill = started(job, order="newest_first")

    run_all(backfill)

    assert hours_of(row.due_at for row in job.executions.order_by("pk")) == [2, 1, 0]


def test_the_run_knows_its_due_time_and_its_backfill(job: Job) -> None:
    backfill = started(job)
    feed()

    running = start_next()

    assert (running.due_at, running.trigger, running.backfill_id) == (DAY, "backfill", backfill.pk)


def test_pressing_twice_answers_the_first(job: Job) -> None:
    request = parse_request(asked())

    first = backfills.create(job.pk, request, actor=SYSTEM)
    second = backfills.create(job.pk, request, actor=SYSTEM)

    assert (first.created, second.created) == (True, False)
    assert second.backfill.pk == first.backfill.pk
    assert BackfillItem.objects.count() == 3


def test_a_due_time_is_in_one_unfinished_backfill_only(job: Job) -> None:
    first = started(job)

    second = started(job, hours=5, only="all")

    assert hours_of(second.items.values_list("due_at", flat=True)) == [3, 4]
    with pytest.raises(UnprocessableError, match=f"3 belong to backfill #{first.pk}"):
        started(job, only="all")


def test_after_success_nothing_is_missed_and_after_failure_it_failed(job: Job) -> None:
    run_all(started(job, hours=2))
    run_all(started(job), ExecutionState.FAILED)

    assert listed(job).items == []
    assert hours_of(item.due_at for item in listed(job, only="failed").items) == [2]
    run_all(started(job, only="failed"))
    with pytest.raises(UnprocessableError, match="none is to be run as failed"):
        started(job, only="failed")


def test_a_crash_before_the_link_leaves_neither_execution_nor_double(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    backfill = started(job)

    def crash(*_args: object) -> None:
        raise RuntimeError("the power went")

    with monkeypatch.context() as patch:
        patch.setattr(BackfillItem.objects, "bulk_update", crash)
        feed()
    after_crash = job.executions.count()
    Backfill.objects.update(next_at=timezone.now())
    run_all(backfill)

    assert after_crash == 0
    assert hours_of(job.executions.order_by("pk").values_list("due_at", flat=True)) == [0, 1, 2]


def test_an_execution_that_exists_already_is_linked_and_not_doubled(job: Job) -> None:
    backfill = started(job)
    key = feeding.key_of(backfill.pk, DAY)
    there = make_execution(
        job, due_at=DAY, trigger="backfill", state="succeeded", idempotency_key=key
    )
    Job.objects.filter(pk=job.pk).update(success_count=1)

    run_all(backfill)

    assert backfill.items.get(due_at=DAY).execution == there
    assert job.executions.count() == 3


def test_one_bad_backfill_stops_no_other(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    bad, good = started(job), started(make_job(schedules=[HOURLY]))
    honest = feeding._look_after

    def look_after(of: Job, backfill: Backfill, now: datetime) -> None:
        if backfill.pk == bad.pk:
            raise ValueError("broken")
        honest(of, backfill, now)

    monkeypatch.setattr(feeding, "_look_after", look_after)
    feed()

    bad.refresh_from_db()
    assert bad.next_at is not None
    assert bad.next_at > timezone.now() + timedelta(seconds=30)
    assert Execution.objects.get().job_id == good.job_id


# Out of the way of everything else


@pytest.mark.parametrize("overlap", ["skip", "queue", "cancel_running"])
def test_it_never_runs_beside_another_execution(overlap: str) -> None:
    job = make_job(schedules=[HOURLY], overlap=overlap)
    trigger(job.pk, actor=SYSTEM)
    other = start_next()
    backfill = started(job, max_parallel=5)

    feed()
    feed(60)
    waiting = job.executions.filter(trigger="backfill").count()
    way = in_the_way(backfill)
    end(other)
    feed()

    assert waiting == 0
    assert way is not None
    assert way.pk == other.execution_id
    assert Execution.objects.get(pk=other.execution_id).state == "succeeded"
    assert job.executions.filter(trigger="backfill").count() == 1


def test_an_ending_starts_the_next_at_once(job: Job) -> None:
    backfill = started(job)
    feed()
    running = start_next()
    Backfill.objects.filter(pk=backfill.pk).update(next_at=timezone.now() + HOUR)

    end(running)

    assert feed() == 1
    assert job.executions.count() == 2


def test_where_several_may_run_it_fills_the_room_that_is_left() -> None:
    job = make_job(schedules=[HOURLY], overlap="allow", max_parallel=4)
    trigger(job.pk, actor=SYSTEM)
    backfill = started(job, hours=9, max_parallel=9)

    feed()
    feed(60)

    assert backfill.items.exclude(execution=None).count() == 3


def test_its_own_limit_holds_too() -> None:
    job = make_job(schedules=[HOURLY], overlap="allow", max_parallel=9)
    backfill = started(job, hours=9, max_parallel=2)

    feed()
    feed(60)

    assert backfill.items.exclude(execution=None).count() == 2


def test_what_is_due_by_the_schedule_goes_first(job: Job) -> None:
    started(job)
    Job.objects.filter(pk=job.pk).update(next_fire_at=timezone.now())

    feed()
    before = job.executions.count()
    now = (timezone.now() + 2 * HOUR).replace(minute=30)  # away from the hour, which is in time
    Dispatcher(clock=lambda: now).step()

    assert before == 0
    assert job.executions.get().trigger == Trigger.MISFIRE


def test_a_due_time_meanwhile_goes_by_the_overlap_policy(job: Job) -> None:
    started(job)
    feed()

    assert job.next_fire_at is not None
    dispatch.dispatch_due(job.next_fire_at)

    assert job.omissions.get().reason == "overlap"
    assert job.executions.get().trigger == "backfill"


def test_the_pace_holds_also_when_runs_end_at_once(job: Job) -> None:
    backfill = started(job, pace_seconds=60)
    feed()
    end(start_next())

    feed()
    feed(55)
    early = job.executions.count()
    feed(61)

    assert early == 1
    assert job.executions.count() == 2
    backfill.refresh_from_db()
    assert backfill.next_at is not None
    assert backfill.next_at > timezone.now() + timedelta(seconds=100)


def test_it_works_on_a_paused_job_which_stays_paused() -> None:
    job = make_job(schedules=[HOURLY], paused=True)

    run_all(started(job))

    job.refresh_from_db()
    assert (job.state, job.success_count, job.next_fire_at) == ("paused", 3, None)


def test_an_interval_from_the_end_goes_on_after_the_backfill() -> None:
    job = make_job(schedules=[every(3600, anchor="completion"), HOURLY])
    backfill = started(job, hours=1, schedule="present")
    feed()
    job.refresh_from_db()
    during = job.next_fire_at

    end(start_next())
    run_all(backfill)

    job.refresh_from_db()
    assert during is not None
    assert job.next_fire_at is not None
    assert job.next_fire_at <= timezone.now() + HOUR


@pytest.mark.parametrize(("scope", "target"), [("everything", ""), ("tag", "slow")])
def test_it_waits_while_a_freeze_holds_the_job(scope: str, target: str) -> None:
    job = make_job(schedules=[HOURLY], tags=["slow"])
    now = timezone.now()
    freeze = Freeze.objects.create(
        scope=FreezeScope(scope).value,
        target=target,
        reason="release",
        starts_at=now - HOUR,
        created_at=now,
        created_by="anna",
    )
    started(job)

    feed()
    held = job.executions.count()
    Freeze.objects.filter(pk=freeze.pk).update(ends_at=now)
    feed(6)

    assert held == 0
    assert job.executions.count() == 1


def test_a_freeze_of_another_tag_does_not_matter() -> None:
    job = make_job(schedules=[HOURLY], tags=["slow"])
    now = timezone.now()
    Freeze.objects.create(
        scope="tag", target="fast", reason="x", starts_at=now - HOUR, created_at=now, created_by="a"
    )
    started(job)

    feed()

    assert job.executions.count() == 1


# Pause, resume, cancel


def test_a_paused_one_starts_nothing_until_it_is_resumed(job: Job) -> None:
    backfill = started(job)
    feed()

    backfills.pause(backfill.pk, actor=SYSTEM)
    end(start_next())
    feed(60)
    paused = job.executions.count()
    backfills.resume(backfill.pk, actor=SYSTEM)
    run_all(backfill)

    assert paused == 1
    assert job.executions.count() == 3


def test_a_cancelled_one_starts_nothing_more_and_lets_what_runs_go_on(job: Job) -> None:
    backfill = started(job)
    feed()
    running = start_next()

    backfills.cancel(backfill.pk, actor=SYSTEM)
    during = progress(get_backfill(backfill.pk))
    end(running)
    feed(60)

    after = progress(get_backfill(backfill.pk))
    assert (during.live, during.dropped, during.left) == (1, 2, 0)
    assert (after.succeeded, after.dropped, after.done) == (1, 2, 3)
    assert job.executions.count() == 1


def test_cancelling_can_end_what_runs(job: Job) -> None:
    backfill = started(job)
    feed()
    running = start_next()

    backfills.cancel(backfill.pk, actor=SYSTEM, kill=True)

    execution = Execution.objects.get(pk=running.execution_id)
    assert execution.cancel_requested_by == "system"


def test_cancelling_with_kill_spares_executions_of_others() -> None:
    job = make_job(schedules=[HOURLY], overlap="allow", max_parallel=5)
    other = trigger(job.pk, actor=SYSTEM)
    backfill = started(job)
    feed()

    backfills.cancel(backfill.pk, actor=SYSTEM, kill=True)

    other.refresh_from_db()
    assert other.state == "queued"
    assert job.executions.get(trigger="backfill").state == "cancelled"


def test_a_killed_execution_counts_as_done_and_the_next_goes_on(job: Job) -> None:
    backfill = started(job)
    feed()
    cancelling.cancel(job.executions.get().pk, actor=SYSTEM)

    run_all(backfill)

    found = progress(backfill)
    assert (found.cancelled, found.succeeded, found.left) == (1, 2, 0)


@pytest.mark.parametrize("deed", [backfills.pause, backfills.resume, backfills.cancel])
def test_what_is_over_cannot_be_moved(deed: Any, job: Job) -> None:
    backfill = started(job)
    run_all(backfill)

    with pytest.raises(StateError, match="finished already"):
        deed(backfill.pk, actor=SYSTEM)
    with pytest.raises(UnknownError):
        deed(backfill.pk + 1, actor=SYSTEM)


def test_deleting_the_job_cancels_its_backfills_also_a_paused_one(job: Job) -> None:
    first, second = started(job), started(job, start=DAY + 9 * HOUR)
    backfills.pause(second.pk, actor=SYSTEM)
    feed()

    job_services.delete(job.pk, actor=SYSTEM)

    states = {row.state for row in Backfill.objects.all()}
    assert states == {"cancelled"}
    assert progress(get_backfill(first.pk)).cancelled == 1
    assert feed(60) == 0


def test_every_deed_is_in_the_audit_log(job: Job) -> None:
    backfill = started(job)
    backfills.pause(backfill.pk, actor=SYSTEM)
    backfills.resume(backfill.pk, actor=SYSTEM)
    backfills.cancel(backfill.pk, actor=SYSTEM)

    actions = AuditEntry.objects.filter(object_type="backfill").order_by("pk")
    assert [(row.action, row.object_id, row.object_name) for row in actions] == [
        (f"backfill.{verb}", backfill.pk, "report")
        for verb in ("create", "pause", "resume", "cancel")
    ]


def test_progress_tells_what_became_of_every_due_time(job: Job) -> None:
    backfill = started(job, hours=5)
    for state in (ExecutionState.SUCCEEDED, ExecutionState.FAILED):
        feed()
        end(start_next(), state)
    feed()
    start_next()

    found = progress(backfill)

    assert (found.total, found.succeeded, found.failed, found.live, found.left) == (5, 1, 1, 1, 2)
    ends_at = likely_end(get_backfill(backfill.pk), found, timezone.now())
    assert ends_at is not None
    assert ends_at > timezone.now() - timedelta(seconds=1)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(backfill_due, "MOST", 2)
    return 2


def test_the_limit_counts_what_is_run_not_what_is_looked_at(job: Job, few: int) -> None:
    aged(job)
    for hour in range(4):
        make_execution(job, due_at=DAY + hour * HOUR, trigger="schedule", state="succeeded")

    assert len(listed(job, hours=4 + few).items) == few
    with pytest.raises(InvalidError, match="3 due times would be run"):
        listed(job, hours=5 + few)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL plans by its own figures")
def test_no_look_reads_a_history_or_the_items_of_other_backfills(job: Job) -> None:
    backfill = started(job)

    live = live_executions(backfill).explain()
    left = not_started(backfill).filter(dropped=False).order_by("due_at")[:1].explain()

    assert "execution_job_state (job_id=? AND state=?)" in live
    assert "(backfill_id=?)" in left
    assert "TEMP B-TREE" not in left
