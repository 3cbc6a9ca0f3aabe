"""Why did, didn't, will or won't it run: the chain of decisions, for past and future."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from jobs.domain.explain import Outcome
from jobs.domain.permissions import SYSTEM, Actor, Role
from jobs.domain.states import OmissionReason
from jobs.models import Calendar, Execution, Freeze, Job, Omission
from jobs.services import events
from jobs.services import jobs as job_services
from jobs.services.dispatch import dispatch_due
from jobs.services.explaining import Explanation, explain
from tests.factories import cron, every, make_execution, make_job

pytestmark = pytest.mark.django_db

START = datetime(2026, 3, 1, 10, 0, 30, tzinfo=UTC)
OTTO = Actor(name="otto", role=Role.OPERATOR)


def now() -> datetime:
    return datetime.now(UTC)


def at(text: str) -> datetime:
    """Return a time of 1 March 2026, or of another day that the text names."""
    return datetime.fromisoformat(text if "T" in text else f"2026-03-01T{text}").replace(tzinfo=UTC)


def why(job: Job, text: str) -> Explanation:
    return explain(job.pk, at(text), now=now())


def told(answer: Explanation, title: str) -> str:
    """Return what the step of that title says."""
    return next(step.text for step in answer.steps if step.title == title)


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(START, tick=False) as moved:
        yield moved


def go_to(clock: Any, text: str) -> None:
    """Let time pass to a moment and the dispatcher look then."""
    clock.move_to(at(text))
    while dispatch_due(now()).jobs:
        pass


def five_minutely(**fields: Any) -> Job:
    return make_job(name="report", schedules=[cron("*/5 * * * *")], **fields)


def test_a_run_that_succeeded_is_told_to_its_end(clock: Any) -> None:
    job = five_minutely()
    go_to(clock, "10:05")
    Execution.objects.update(
        state="succeeded",
        started_at=at("10:05:02"),
        finished_at=at("10:05:06"),
        message="42 rows",
    )

    answer = why(job, "10:05")

    number = Execution.objects.get().pk
    assert answer.outcome == Outcome.RAN
    assert answer.summary == f"It ran: #{number} succeeded. 42 rows"
    assert told(answer, "Schedules").startswith(
        "The schedule, “Every 5 min”, names 2026-03-01 10:05"
    )
    assert told(answer, "Dispatch") == f"Decided 0 s after it was due, and queued as #{number}."
    assert "2 s after the due time" in told(answer, "Start")
    assert told(answer, "Result").startswith(
        f"#{number} succeeded on 2026-03-01 10:05:06 UTC, after"
    )


def test_an_execution_that_waits_is_pending(clock: Any) -> None:
    job = five_minutely()
    go_to(clock, "10:05")

    answer = why(job, "10:05")

    assert answer.outcome == Outcome.PENDING
    assert "is queued and waits for a worker" in answer.summary


def test_an_execution_taken_back_did_not_run(clock: Any) -> None:
    job = five_minutely()
    go_to(clock, "10:05")
    job_services.pause(job.pk, actor=OTTO)

    answer = why(job, "10:05")

    assert answer.outcome == Outcome.DID_NOT_RUN
    assert "was taken back before it started. Paused by otto before it started." in answer.summary


def test_a_pause_names_who_since_when_and_why(clock: Any) -> None:
    job = five_minutely()
    job_services.pause(job.pk, actor=OTTO, reason="moving the database")
    clock.move_to(at("10:21"))
    going_on = why(job, "10:10")
    job_services.resume(job.pk, actor=OTTO)

    answer = why(job, "10:10")

    sentence = "The job was paused by otto since 2026-03-01 10:00:30 UTC: moving the database."
    assert (answer.outcome, told(answer, "State")) == (Outcome.DID_NOT_RUN, sentence)
    assert going_on.summary == answer.summary == f"It did not run. {sentence}"
    assert told(answer, "On record").startswith("It is one of 4 due times from 2026-03-01 10:05")


def test_a_job_that_was_created_paused_says_so(clock: Any) -> None:
    job = five_minutely(paused=True)
    clock.move_to(at("10:21"))
    job_services.resume(job.pk, actor=OTTO)

    assert told(why(job, "10:10"), "State") == "The job was paused when it was created."


def test_a_job_that_stopped_after_failures_says_so(clock: Any) -> None:
    job = five_minutely()
    Job.objects.filter(pk=job.pk).update(
        state="auto_disabled", state_reason="3 failures in a row", next_fire_at=None
    )
    clock.move_to(at("10:21"))

    assert why(job, "10:10").summary == (
        "It did not run. The job was auto-disabled: 3 failures in a row."
    )


def freeze(start: str, end: str | None, **fields: Any) -> Freeze:
    values = {"scope": "everything", "reason": "year-end audit", "created_by": "anna", **fields}
    ends_at = at(end) if end else None
    return Freeze.objects.create(
        starts_at=at(start), ends_at=ends_at, created_at=at(start), **values
    )


def test_a_freeze_is_named_with_its_end_and_who_made_it(clock: Any) -> None:
    job = five_minutely()
    freeze("10:04", "10:30")
    go_to(clock, "10:10")

    answer = why(job, "10:10")

    assert answer.outcome == Outcome.DID_NOT_RUN
    assert told(answer, "State") == "The job was active."
    assert told(answer, "Freeze") == (
        "Everything is frozen from 2026-03-01 10:04 UTC until 2026-03-01 10:30 UTC, by anna: "
        "year-end audit."
    )


def test_a_calendar_is_named_for_past_and_future(clock: Any) -> None:
    Calendar.objects.create(
        name="nights",
        mode="block",
        timezone="UTC",
        windows=[
            {
                "kind": "weekly",
                "days": ["sun"],
                "from": "10:03",
                "to": "11:03",
                "label": "maintenance",
            }
        ],
        created_at=START,
        updated_at=START,
    )
    job = five_minutely(calendars=["nights"])
    to_come = why(job, "10:05")
    go_to(clock, "10:06")

    answer = why(job, "10:05")

    assert to_come.outcome == Outcome.WILL_NOT_RUN
    assert told(to_come, "Calendar").startswith("A calendar will hold it back: nights: maintenance")
    assert answer.outcome == Outcome.DID_NOT_RUN
    assert told(answer, "Calendar").startswith("A calendar held it back: nights: maintenance")
    assert why(job, "11:05").outcome == Outcome.WILL_RUN


def test_an_execution_in_the_way_is_named_with_its_times(clock: Any) -> None:
    job = five_minutely()
    go_to(clock, "10:05")
    first = Execution.objects.get()
    Execution.objects.update(state="running", started_at=at("10:05:10"))
    go_to(clock, "10:10")
    Execution.objects.update(state="succeeded", finished_at=at("10:14"))

    answer = why(job, "10:10")

    assert answer.outcome == Outcome.DID_NOT_RUN
    assert told(answer, "Overlap") == (
        f"Execution #{first.pk}, due 10:05, was in the way: it had been running for 5 min, and "
        "ended at 10:14 (succeeded)."
    )
    assert [step.key for step in answer.steps if step.about == "execution"] == [first.pk]


def test_a_missed_due_time_says_how_late_it_was_decided(clock: Any) -> None:
    job = five_minutely(misfire="skip", misfire_grace_seconds=60)
    go_to(clock, "10:17")

    answer = why(job, "10:10")

    assert answer.outcome == Outcome.DID_NOT_RUN
    assert told(answer, "In time") == (
        "Nobody dispatched it in time: it was decided on 2026-03-01 10:17 UTC, 7 min late, and the "
        "grace is 60 s. Now its policy leaves missed due times out."
    )


def test_a_missed_due_time_that_was_made_up_for_says_so(clock: Any) -> None:
    job = five_minutely(misfire="fire_once", misfire_grace_seconds=60)
    go_to(clock, "10:17")

    answer = why(job, "10:15")

    assert told(answer, "Dispatch") == (
        "It was missed and made up for 2 min late, as the misfire policy says."
    )


def test_a_missed_due_time_beyond_the_limit_says_so(clock: Any) -> None:
    job = five_minutely(misfire="fire_all", misfire_limit=1, misfire_grace_seconds=60)
    go_to(clock, "10:27")

    text = told(why(job, "10:10"), "In time")

    assert "More were missed than the limit of 1 makes up for" in text


@pytest.mark.parametrize(
    ("reason", "sentence"),
    [
        (OmissionReason.PAUSED, "The job was paused"),
        (OmissionReason.AUTO_DISABLED, "The job was auto-disabled"),
        (OmissionReason.FROZEN, "A freeze held it back: words."),
        (OmissionReason.CALENDAR, "A calendar held it back: words."),
        (OmissionReason.OVERLAP, "The overlap policy left it out: words"),
        (OmissionReason.BREAKER, "The circuit breaker was open: words."),
        (OmissionReason.MISFIRE, "Nobody dispatched it in time: it was decided on"),
        (OmissionReason.LIMIT, "More were missed than the limit of 100 makes up for"),
        (OmissionReason.EXPIRED, "It was past its end when it was decided: it was decided on"),
        (OmissionReason.NO_DISPATCHER, "No dispatcher was running: it was decided on"),
    ],
)
def test_each_reason_has_its_sentence(reason: OmissionReason, sentence: str, clock: Any) -> None:
    job = five_minutely()
    Omission.objects.create(
        job=job,
        reason=reason,
        detail="words",
        first_due_at=at("10:05"),
        last_due_at=at("10:05"),
        count=1,
        decided_at=at("10:05:30"),
    )
    clock.move_to(at("10:06"))

    answer = why(job, "10:05")

    assert answer.outcome == Outcome.DID_NOT_RUN
    assert sentence in answer.summary
    assert answer.steps[-1].ok is False


def test_a_verdict_that_vanished_is_a_fault_and_says_so(clock: Any) -> None:
    job = five_minutely()
    go_to(clock, "10:05")
    Execution.objects.all().delete()

    answer = why(job, "10:05")

    assert answer.outcome == Outcome.DID_NOT_RUN
    assert "Nothing is on record, neither an execution nor an omission." in answer.summary


def test_what_was_due_just_now_is_pending(clock: Any) -> None:
    job = five_minutely()
    clock.move_to(at("10:05:02"))
    soon = why(job, "10:05")
    clock.move_to(at("10:09"))
    late = why(job, "10:05")

    assert (soon.outcome, late.outcome) == (Outcome.PENDING, Outcome.PENDING)
    assert soon.summary == "It was due 2 s ago and is not decided yet."
    assert "none seems to be running" in late.summary


def test_a_minute_that_nothing_names_tells_the_nearest(clock: Any) -> None:
    job = five_minutely()
    go_to(clock, "12:00")

    answer = why(job, "11:03")

    assert answer.outcome == Outcome.NOT_DUE
    assert answer.summary == "No schedule names 11:03. The nearest: 11:00 and 11:05."
    assert answer.nearest == [at("11:00"), at("11:05")]


def test_a_start_by_hand_in_such_a_minute_is_told(clock: Any) -> None:
    job = five_minutely()
    clock.move_to(at("12:00"))
    made = make_execution(
        job,
        trigger="manual",
        actor="otto",
        due_at=at("11:03:12"),
        queued_at=at("11:03:12"),
        started_at=at("11:03:13"),
        state="succeeded",
    )

    answer = why(job, "11:03")

    assert answer.outcome == Outcome.RAN
    assert answer.summary.endswith(f"But #{made.pk} was started by hand by otto.")


def test_before_the_making_and_after_the_end_there_was_no_job(clock: Any) -> None:
    job = five_minutely()
    clock.move_to(at("11:00"))
    job_services.delete(job.pk, actor=SYSTEM)
    clock.move_to(at("12:00"))

    before, after = why(job, "09:00"), why(job, "11:30")

    assert (before.outcome, after.outcome) == (Outcome.NOT_DUE, Outcome.NOT_DUE)
    assert before.summary == "report did not exist yet: it was created on 2026-03-01 10:00:30 UTC."
    assert after.summary == "report did not exist any more: it was deleted on 2026-03-01 11:00 UTC."


def test_each_time_is_told_by_the_version_of_its_time(clock: Any) -> None:
    job = five_minutely()
    go_to(clock, "10:07")
    job_services.update(job.pk, {"schedules": [cron("*/2 * * * *")]}, actor=OTTO_EDITS)
    go_to(clock, "10:08")

    assert "Version 1 was in force" in told(why(job, "10:05"), "Definition")
    assert "Version 2, the present one" in told(why(job, "10:08"), "Definition")
    assert why(job, "10:06").outcome == Outcome.NOT_DUE


OTTO_EDITS = Actor(name="edda", role=Role.EDITOR)


def test_a_time_to_come_will_run(clock: Any) -> None:
    answer = why(five_minutely(), "10:05")

    assert answer.outcome == Outcome.WILL_RUN
    assert answer.summary == "It will run 4 min from now."
    assert told(answer, "Start") == "It starts at 10:05, as soon as a worker is free."


def test_a_paused_job_will_not_run_unless_resumed(clock: Any) -> None:
    job = five_minutely()
    job_services.pause(job.pk, actor=OTTO, reason="lunch")

    answer = why(job, "10:05")

    assert answer.outcome == Outcome.WILL_NOT_RUN
    assert "paused by otto since 2026-03-01 10:00:30 UTC: lunch." in answer.summary
    assert "unless it is resumed before" in answer.summary


def test_a_freeze_that_ends_before_lets_it_run(clock: Any) -> None:
    job = five_minutely()
    freeze("10:00", "10:12")

    held, free = why(job, "10:10"), why(job, "10:15")

    assert (held.outcome, free.outcome) == (Outcome.WILL_NOT_RUN, Outcome.WILL_RUN)
    assert "until 2026-03-01 10:12 UTC" in held.summary
    assert "but only until 2026-03-01 10:12 UTC" in told(free, "Freeze")


def test_a_freeze_of_another_tag_is_no_hindrance(clock: Any) -> None:
    job = five_minutely(tags=["data"])
    freeze("10:00", None, scope="tag", target="web")

    assert why(job, "10:10").outcome == Outcome.WILL_RUN


def test_long_runs_make_the_next_one_unsure(clock: Any) -> None:
    job = five_minutely()
    make_execution(
        job,
        state="succeeded",
        started_at=START - timedelta(minutes=9),
        finished_at=START - timedelta(minutes=2),
    )

    answer = why(job, "10:15")

    assert answer.outcome == Outcome.WILL_RUN
    assert "The last runs took 7 min, and the start before is only 5 min earlier" in answer.summary
    assert [step.ok for step in answer.steps if step.title == "Overlap"] == [None]


def test_spread_tells_the_second_of_the_start(clock: Any) -> None:
    job = make_job(schedules=[cron("*/5 * * * *", spread_seconds=60)])

    text = told(why(job, "10:10"), "Start")

    assert text.startswith("Jitter or spread starts it ")
    assert " after the due time, at 10:10:" in text


def test_a_time_that_the_clocks_jump_over_is_told(clock: Any) -> None:
    job = make_job(schedules=[cron("30 2 * * *", "Europe/Paris")])

    moved = why(job, "2026-03-29T01:00")  # 03:00 in Paris

    assert moved.outcome == Outcome.WILL_RUN
    assert told(moved, "Schedules").endswith(
        "02:30 does not exist in Europe/Paris that day: the clocks go forward, and it fires at 03:00."
    )


def test_the_second_pass_of_a_repeated_time_is_told(clock: Any) -> None:
    job = make_job(schedules=[cron("30 2 * * *", "Europe/Paris")])

    first, second = why(job, "2026-10-25T00:30"), why(job, "2026-10-25T01:30")

    assert (first.outcome, second.outcome) == (Outcome.WILL_RUN, Outcome.NOT_DUE)
    assert "02:30 comes twice in Europe/Paris that day" in told(second, "Schedules")
    assert "fires the first time only" in told(second, "Schedules")


def test_a_schedule_that_has_not_begun_or_is_over_says_so(clock: Any) -> None:
    job = make_job(
        schedules=[
            cron("*/5 * * * *", starts_at="2026-03-01T12:00:00Z", ends_at="2026-03-01T13:00:00Z")
        ]
    )

    early, late = why(job, "11:05"), why(job, "14:05")

    assert "begins only at 2026-03-01 12:00 UTC" in told(early, "Schedules")
    assert "was over at 2026-03-01 13:00 UTC" in told(late, "Schedules")


def test_an_event_tells_what_happened(clock: Any) -> None:
    job = make_job(schedules=[{"kind": "event", "event": "@deployment"}])
    clock.move_to(at("10:07:05"))
    events.report("@deployment", actor=OTTO, detail="v2.1")
    waiting = why(job, "10:07")
    events.serve_open(now())

    answer = why(job, "10:07")

    assert waiting.outcome == Outcome.PENDING
    assert answer.due_at == at("10:07:05")
    assert told(answer, "Schedules") == (
        "The event @deployment (v2.1) happened on 2026-03-01 10:07:05 UTC, reported by otto."
    )


def test_the_run_at_the_making_is_told(clock: Any) -> None:
    job = make_job(run_on_create=True)

    assert told(why(job, "10:00"), "Schedules") == (
        "The job runs once when it is created, and that was on 2026-03-01 10:00:30 UTC."
    )


def test_a_due_time_counted_from_an_end_is_told(clock: Any) -> None:
    job = make_job(schedules=[every(90, anchor="completion")])
    go_to(clock, "10:02")

    answer = why(job, "10:02")

    assert answer.outcome == Outcome.PENDING
    assert "was counted from the end of the run before" in told(answer, "Schedules")
    assert "cannot be known yet" in told(why(job, "2026-03-02T10:00"), "Schedules")


def test_an_exact_second_is_told_alone(clock: Any) -> None:
    job = make_job(schedules=[cron("* * * * * */20")])

    minute, second, wrong = why(job, "10:01"), why(job, "10:01:40"), why(job, "10:01:41")

    assert (minute.due_at, len(minute.others)) == (at("10:01:00"), 2)
    assert (second.due_at, second.others) == (at("10:01:40"), [])
    assert wrong.outcome == Outcome.NOT_DUE
    assert "No schedule names 10:01:41. The nearest: 10:01:40 and 10:02." in wrong.summary


def test_a_backfill_is_named_beside_the_verdict(clock: Any) -> None:
    job = five_minutely()
    job_services.pause(job.pk, actor=OTTO)
    clock.move_to(at("11:00"))
    made = make_execution(job, trigger="backfill", due_at=at("10:30"), state="succeeded")

    answer = why(job, "10:30")

    assert answer.outcome == Outcome.DID_NOT_RUN
    assert told(answer, "Beside").startswith(f"#{made.pk} was run by a backfill")
