"""Freezes: what they hold back, what they leave alone, and how they end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jobs.domain.errors import ForbiddenError, InvalidError, StateError, UnknownError
from jobs.domain.permissions import SYSTEM, Actor, Role
from jobs.domain.states import ExecutionState, JobState, OmissionReason, Trigger
from jobs.models import AuditEntry, Freeze, Job, Omission
from jobs.queries import freezes as freeze_queries
from jobs.queries.freezes import Phase
from jobs.services import dispatch, freezes, triggers
from jobs.services import jobs as job_services
from jobs.services.freeze_requests import parse_changes, parse_freeze
from tests.factories import every, make_execution, make_freeze, make_job

pytestmark = pytest.mark.django_db
OTTO = Actor(name="otto", role=Role.OPERATOR)
HOUR = timedelta(hours=1)


def dispatch_until(job: Job, moment: datetime) -> None:
    """Dispatch at each due time up to ``moment``, as a punctual dispatcher does."""
    while True:
        job.refresh_from_db()
        if job.next_fire_at is None or job.next_fire_at > moment:
            return
        dispatch.dispatch_due(job.next_fire_at)


def parsed(**fields: Any) -> Any:
    return parse_freeze({"reason": "deploy", **fields})


def test_a_freeze_of_everything_leaves_out_each_due_time_with_its_reason() -> None:
    job = make_job(schedules=[every(60)])
    made = make_freeze(reason="moving the database")

    dispatch_until(job, made.starts_at + timedelta(minutes=10))

    omission = Omission.objects.get()
    assert (omission.reason, omission.detail) == (OmissionReason.FROZEN, "moving the database")
    assert omission.count == 10
    assert not job.executions.exists()
    assert job.state == JobState.ACTIVE


def test_a_freeze_of_a_tag_leaves_the_other_jobs_alone() -> None:
    nightly = make_job(schedules=[every(60)], tags=["nightly"])
    other = make_job(schedules=[every(60)], tags=["daily"])
    made = make_freeze(scope="tag", target="nightly")

    for job in (nightly, other):
        dispatch_until(job, made.starts_at + timedelta(seconds=61))

    assert nightly.omissions.get().detail == "tag nightly: deploy"
    assert not nightly.executions.exists()
    assert other.executions.exists()
    assert not other.omissions.filter(reason=OmissionReason.FROZEN).exists()


def test_after_its_end_jobs_fire_again_and_nothing_is_caught_up() -> None:
    job = make_job(schedules=[every(60)], misfire="fire_all", overlap="allow", max_parallel=99)
    made = make_freeze(ends_at=datetime.now(UTC) + timedelta(minutes=5))
    assert made.ends_at is not None

    dispatch_until(job, made.ends_at + timedelta(minutes=3))

    assert sum(job.omissions.values_list("count", flat=True)) == 5
    assert all(due >= made.ends_at for due in job.executions.values_list("due_at", flat=True))
    assert job.executions.count() == 3


def test_two_that_overlap_hold_back_until_the_later_end() -> None:
    now = datetime.now(UTC)
    job = make_job(schedules=[every(60)])
    make_freeze(reason="first", ends_at=now + timedelta(minutes=3))
    make_freeze(
        reason="second",
        starts_at=now + timedelta(minutes=2),
        ends_at=now + timedelta(minutes=6),
    )

    dispatch_until(job, now + timedelta(minutes=7))

    found = list(job.omissions.order_by("first_due_at").values_list("detail", "count"))
    assert found == [("first", 2), ("second", 3)]
    assert job.executions.count() == 1


def test_what_was_queued_and_not_started_is_taken_back() -> None:
    job = make_job(schedules=[every(60)])
    assert job.next_fire_at is not None
    dispatch.dispatch_due(job.next_fire_at)

    made = freezes.freeze(parsed(reason="deploy"), actor=OTTO)

    execution = job.executions.get()
    assert execution.state == ExecutionState.SKIPPED
    assert execution.message == "Frozen by otto before it started: deploy"
    job.refresh_from_db()
    assert (job.skipped_count, job.live_count) == (1, 0)
    assert job.next_fire_at is not None
    assert made.starts_at <= datetime.now(UTC)


def test_what_runs_is_retried_or_was_started_by_hand_goes_on() -> None:
    states = [
        make_execution(make_job(), state=state, trigger=trigger.value, attempt=attempt)
        for state, trigger, attempt in (
            ("running", Trigger.SCHEDULE, 1),
            ("retrying", Trigger.SCHEDULE, 1),
            ("queued", Trigger.SCHEDULE, 2),
            ("queued", Trigger.MANUAL, 1),
            ("queued", Trigger.API, 1),
        )
    ]
    before = [one.state for one in states]

    make_freeze()

    for one in states:
        one.refresh_from_db()
    assert [one.state for one in states] == before


def test_what_an_event_queued_is_taken_back() -> None:
    waiting = make_execution(make_job(), state="queued", trigger=Trigger.EVENT.value)

    make_freeze()

    waiting.refresh_from_db()
    assert waiting.state == "skipped"


def test_a_freeze_of_a_tag_takes_back_what_waits_of_its_jobs_only() -> None:
    mine = make_execution(make_job(tags=["a", "b"]), trigger="schedule")
    other = make_execution(make_job(tags=["b"]), trigger="schedule")

    make_freeze(scope="tag", target="a")

    mine.refresh_from_db()
    other.refresh_from_db()
    assert (mine.state, other.state) == (ExecutionState.SKIPPED, ExecutionState.QUEUED)


def test_a_planned_freeze_takes_nothing_back() -> None:
    waiting = make_execution(trigger="schedule")

    make_freeze(starts_at=datetime.now(UTC) + HOUR)

    waiting.refresh_from_db()
    assert waiting.state == ExecutionState.QUEUED


def test_a_start_by_hand_works_under_a_freeze() -> None:
    job = make_job(schedules=[every(60)])
    make_freeze()

    execution = triggers.trigger(job.pk, actor=SYSTEM)

    assert execution.state == ExecutionState.QUEUED


def test_pause_and_resume_are_the_job_s_own_matter() -> None:
    job = make_job(schedules=[every(60)])
    made = make_freeze()
    job_services.pause(job.pk, actor=SYSTEM, reason="mine")

    freezes.lift(made.pk, actor=OTTO)

    job.refresh_from_db()
    assert (job.state, job.state_reason) == (JobState.PAUSED, "mine")


def test_lifting_ends_it_now_and_names_who_did_it() -> None:
    made = make_freeze()

    lifted = freezes.lift(made.pk, actor=OTTO)

    assert lifted.ends_at == lifted.lifted_at
    assert lifted.lifted_by == "otto"
    assert freeze_queries.phase_of(lifted, datetime.now(UTC)) == Phase.ENDED
    entry = AuditEntry.objects.latest("pk")
    assert (entry.action, entry.actor, entry.object_id) == ("freeze.lift", "otto", made.pk)


def test_a_planned_one_is_called_off_and_never_holds() -> None:
    now = datetime.now(UTC)
    job = make_job(schedules=[every(60)], overlap="allow", max_parallel=99)
    made = make_freeze(starts_at=now + timedelta(minutes=2), ends_at=now + timedelta(minutes=9))

    cancelled = freezes.lift(made.pk, actor=OTTO)
    dispatch_until(job, now + timedelta(minutes=10))

    assert cancelled.ends_at == made.starts_at
    assert freeze_queries.phase_of(cancelled, now) == Phase.CANCELLED
    assert not Omission.objects.exists()
    assert AuditEntry.objects.filter(action="freeze.cancel", object_id=made.pk).exists()


def test_what_has_ended_cannot_be_changed() -> None:
    made = make_freeze()
    freezes.lift(made.pk, actor=OTTO)

    with pytest.raises(StateError, match="has ended already"):
        freezes.lift(made.pk, actor=OTTO)
    with pytest.raises(StateError, match="has ended already"):
        freezes.extend(made.pk, parse_changes({"reason": "x"}), actor=OTTO)


def test_reason_and_end_can_be_changed_while_it_holds() -> None:
    made = make_freeze(ends_at=datetime.now(UTC) + HOUR)

    changed = freezes.extend(
        made.pk, parse_changes({"reason": "still at it", "duration_seconds": "3h"}), actor=OTTO
    )

    changed.refresh_from_db()
    assert changed.reason == "still at it"
    assert changed.ends_at is not None
    assert timedelta(hours=2.9) < changed.ends_at - datetime.now(UTC) <= timedelta(hours=3)
    entry = AuditEntry.objects.latest("pk")
    assert entry.action == "freeze.update"
    assert (entry.before or {})["reason"] == "deploy"
    assert (entry.after or {})["reason"] == "still at it"


def test_a_change_of_the_reason_keeps_the_end() -> None:
    made = make_freeze(ends_at=datetime.now(UTC) + HOUR)

    changed = freezes.extend(made.pk, parse_changes({"reason": "other"}), actor=OTTO)

    assert changed.ends_at == made.ends_at


def test_the_end_can_be_taken_away() -> None:
    made = make_freeze(ends_at=datetime.now(UTC) + HOUR)

    changed = freezes.extend(made.pk, parse_changes({"ends_at": None}), actor=OTTO)

    assert changed.ends_at is None


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"reason": " "}, "reason", "reason is missing"),
        ({"reason": "x" * 501}, "reason", "501"),
        ({"scope": "galaxy"}, "scope", "everything, tag or workspace"),
        ({"scope": "tag"}, "target", "is not allowed"),
        ({"scope": "tag", "target": "a\nb"}, "target", "is not allowed"),
        ({"target": "nightly"}, "target", "nightly"),
        ({"starts_at": "2020-01-01T00:00:00Z"}, "starts_at", "is over"),
        ({"starts_at": "2999-01-01T00:00:00Z"}, "starts_at", "too far"),
        ({"ends_at": "2020-01-01T00:00:00Z"}, "ends_at", "not after"),
        ({"ends_at": "2999-01-01T00:00:00Z"}, "ends_at", "too far"),
        ({"starts_at": "0001-01-01T00:00:00+14:00"}, "starts_at", "out of range"),
        ({"duration_seconds": 0}, "duration_seconds", "more than 0"),
        ({"duration_seconds": "400d"}, "duration_seconds", "or less"),
        ({"duration_seconds": "soon"}, "duration_seconds", "soon"),
        (
            {"duration_seconds": 60, "ends_at": "2998-01-01T00:00:00Z"},
            "duration_seconds",
            "not both",
        ),
        ({"colour": "blue"}, "colour", "does not exist"),
    ],
)
def test_a_wrong_freeze_is_refused(fields: dict[str, Any], field: str, words: str) -> None:
    with pytest.raises(InvalidError) as refusal:
        freezes.freeze(parsed(**fields), actor=OTTO)

    assert words in refusal.value.fields[field]
    assert not Freeze.objects.exists()


def test_a_moment_of_just_now_means_now() -> None:
    before = datetime.now(UTC)

    made = make_freeze(starts_at=before - timedelta(seconds=30))

    assert made.starts_at >= before


def test_a_viewer_may_neither_freeze_nor_lift() -> None:
    vera = Actor(name="vera", role=Role.VIEWER)
    made = make_freeze()

    with pytest.raises(ForbiddenError):
        freezes.freeze(parsed(), actor=vera)
    with pytest.raises(ForbiddenError):
        freezes.lift(made.pk, actor=vera)
    with pytest.raises(ForbiddenError):
        freezes.extend(made.pk, parse_changes({"reason": "x"}), actor=vera)


def test_an_unknown_freeze_is_said_so() -> None:
    with pytest.raises(UnknownError, match="Freeze 4711"):
        freezes.lift(4711, actor=OTTO)


def test_what_lifting_means_is_counted() -> None:
    frozen = [make_job(schedules=[every(60)], tags=["a"]) for _ in range(3)]
    make_job(schedules=[every(60)], tags=["a"], paused=True)
    make_job(schedules=[every(60)])
    made = make_freeze(scope="tag", target="a")
    for job in frozen:
        dispatch_until(job, made.starts_at + timedelta(minutes=5))

    found = freeze_queries.consequences(made, datetime.now(UTC))

    assert (found.firing, found.left_out) == (3, 15)


def test_what_another_freeze_holds_does_not_fire_after_the_lift() -> None:
    make_job(schedules=[every(60)], tags=["a"])
    both = make_job(schedules=[every(60)], tags=["a", "b"])
    mine = make_freeze(scope="tag", target="a")
    make_freeze(scope="tag", target="b")

    assert freeze_queries.consequences(mine, datetime.now(UTC)).firing == 1
    make_freeze()
    assert freeze_queries.consequences(mine, datetime.now(UTC)).firing == 0
    assert both.pk


def test_lists_by_phase_are_disjoint_and_complete() -> None:
    now = datetime.now(UTC)
    made = {
        Phase.HOLDING: make_freeze().pk,
        Phase.PLANNED: make_freeze(starts_at=now + 2 * HOUR).pk,
        Phase.ENDED: freezes.lift(make_freeze().pk, actor=OTTO).pk,
        Phase.CANCELLED: freezes.lift(make_freeze(starts_at=now + HOUR).pk, actor=OTTO).pk,
    }
    now = datetime.now(UTC)

    found = {
        phase: [row.pk for row in freeze_queries.list_freezes(now, phase=phase).rows]
        for phase in Phase
    }

    assert found == {phase: [pk] for phase, pk in made.items()}
    lasting = [row.pk for row in freeze_queries.open_freezes(now)]
    assert lasting == [made[Phase.HOLDING], made[Phase.PLANNED]]
    past = [row.pk for row in freeze_queries.past_freezes(now).rows]
    assert past == [made[Phase.CANCELLED], made[Phase.ENDED]]
