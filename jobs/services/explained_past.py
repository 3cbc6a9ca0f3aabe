"""What became of a due time, in words: its execution, its omission, or nothing yet."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.utils import timezone

from jobs.domain.explain import Outcome, Step, clock, shown, span
from jobs.domain.states import (
    FAILURES,
    TERMINAL,
    ExecutionState,
    FreezeScope,
    JobState,
    Misfire,
    OmissionReason,
    Trigger,
)
from jobs.models import AuditEntry, Execution, Freeze, Job, Omission
from jobs.models.execution import BESIDE_TRIGGERS, SCHEDULED_TRIGGERS
from jobs.queries.holds import applies, holding_freezes, marks_of
from jobs.queries.verdicts import state_changes
from jobs.queries.waiting import waiting_of

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from jobs.services.explaining import Explanation

_TICK = timedelta(microseconds=1)
_WHAT_FREEZES = {
    FreezeScope.EVERYTHING: "Everything",
    FreezeScope.TAG: "Everything tagged {}",
    FreezeScope.WORKSPACE: "Everything in workspace {}",
}
JUST_NOW = timedelta(seconds=10)  # a dispatcher decides within this, if one lives
_STOPPED = {JobState.PAUSED: "paused", JobState.AUTO_DISABLED: "auto-disabled"}
_POLICY = {
    Misfire.SKIP: "its policy leaves missed due times out",
    Misfire.FIRE_ONCE: "its policy makes up for the newest missed due time only",
    Misfire.FIRE_ALL: "its policy makes up for missed due times up to a limit",
}
_RESULT = {
    ExecutionState.QUEUED: "is queued and waits for a worker",
    ExecutionState.CLAIMED: "was handed to a worker and starts at any moment",
    ExecutionState.RUNNING: "is running",
    ExecutionState.RETRYING: "failed and waits for its next attempt",
    ExecutionState.SUCCEEDED: "succeeded",
    ExecutionState.FAILED: "failed",
    ExecutionState.TIMED_OUT: "ran into its timeout",
    ExecutionState.CANCELLED: "was ended before it was done",
    ExecutionState.SKIPPED: "was taken back before it started",
    ExecutionState.LOST: "was lost: its worker died, and what became of it is unknown",
}
_BY = {
    Trigger.MANUAL: "started by hand",
    Trigger.API: "started over the API",
    Trigger.RETRY: "run again",
    Trigger.DEPENDENCY: "started by another job",
    Trigger.BACKFILL: "run by a backfill",
}


def say_execution(answer: Explanation) -> None:
    """Tell the way of an execution from its due time to its end."""
    row, due_at = answer.execution, answer.due_at
    assert row is not None  # noqa: S101 - asked for an execution
    assert due_at is not None  # noqa: S101 - it has a due time
    add = answer.steps.append
    add(Step(ok=True, title="State", text="The job was active, and nothing held it back."))
    late = row.queued_at - due_at
    if row.trigger == Trigger.MISFIRE:
        text = f"It was missed and made up for {span(late)} late, as the misfire policy says."
    else:
        text = f"Decided {span(late)} after it was due, and queued as #{row.pk}."
    add(Step(ok=True, title="Dispatch", text=text))
    _say_wait(answer, row)
    ended = _result_text(row, answer.zone)
    ok = row.state == ExecutionState.SUCCEEDED
    settled = ok or row.state in FAILURES or row.state in TERMINAL
    add(Step(ok=ok if settled else None, title="Result", text=ended, about="execution", key=row.pk))
    answer.outcome = _outcome(row)
    sentences = {
        Outcome.RAN: f"It ran: #{row.pk} {_RESULT[ExecutionState(row.state)]}.",
        Outcome.PENDING: f"It is about to run: #{row.pk} {_RESULT[ExecutionState(row.state)]}.",
        Outcome.DID_NOT_RUN: f"It did not run: #{row.pk} {_RESULT[ExecutionState(row.state)]}.",
    }
    answer.summary = f"{sentences[answer.outcome]} {row.message}".strip()
    say_backfills(answer)


def _outcome(row: Execution) -> Outcome:
    if row.started_at is not None:
        return Outcome.RAN
    return Outcome.DID_NOT_RUN if row.state in TERMINAL else Outcome.PENDING


def _say_wait(answer: Explanation, row: Execution) -> None:
    """Say why it did not start at the due time, or that it did."""
    if row.started_at is None:
        if row.wait_until is not None:
            text = f"Jitter or spread puts its start off to {clock(row.wait_until, answer.zone)}."
        elif row.held:
            text = "It waits behind an earlier execution of the job."
        else:
            found = waiting_of(row, timezone.now())
            if found is None:
                return
            text = f"It {found.text}."
            if found.until is not None:
                text = f"{text} The next start is free at {clock(found.until, answer.zone)}."
        answer.steps.append(Step(ok=None, title="Start", text=text))
        return
    waited = row.started_at - row.due_at
    at = shown(row.started_at, answer.zone)
    text = f"The latest attempt started on {at}, {span(waited)} after the due time."
    if row.attempt > 1:
        text = f"{text} It was attempt {row.attempt}."
    answer.steps.append(Step(ok=True, title="Start", text=text))


def _result_text(row: Execution, zone: str) -> str:
    text = f"#{row.pk} {_RESULT[ExecutionState(row.state)]}"
    if row.finished_at is not None:
        text += f" on {shown(row.finished_at, zone)}"
    if row.duration is not None:
        text += f", after {span(row.duration)}"
    return f"{text}. {row.message}".strip()


def say_omission(answer: Explanation, now: datetime) -> None:
    """Tell why a due time made no execution."""
    row, due_at = answer.omission, answer.due_at
    assert row is not None  # noqa: S101 - asked for an omission
    assert due_at is not None  # noqa: S101 - it lies in the omission
    reason = OmissionReason(row.reason)
    answer.outcome = Outcome.DID_NOT_RUN
    _say_passed(answer, reason)
    step = _reason_step(answer, row, reason, due_at)
    answer.steps.append(step)
    if row.count > 1:
        first, last = shown(row.first_due_at, answer.zone), shown(row.last_due_at, answer.zone)
        text = f"It is one of {row.count:,} due times from {first} to {last} with this reason."
        answer.steps.append(Step(ok=None, title="On record", text=text))
    answer.summary = f"It did not run. {step.text}"
    say_backfills(answer)


def _say_passed(answer: Explanation, reason: OmissionReason) -> None:
    """Say what did not stand in the way before the reason is told, in the order of deciding."""
    if reason in (OmissionReason.PAUSED, OmissionReason.AUTO_DISABLED):
        return
    held = reason in (OmissionReason.FROZEN, OmissionReason.CALENDAR)
    text = "The job was active." if held else "The job was active, and nothing held it back."
    answer.steps.append(Step(ok=True, title="State", text=text))


def _reason_step(
    answer: Explanation, row: Omission, reason: OmissionReason, due_at: datetime
) -> Step:
    zone, job = answer.zone, answer.job
    detail = f": {row.detail}" if row.detail else ""
    late = f"it was decided on {shown(row.decided_at, zone)}, {span(row.decided_at - due_at)} late"
    grace = span(timedelta(seconds=job.misfire_grace_seconds))
    if reason in (OmissionReason.PAUSED, OmissionReason.AUTO_DISABLED):
        return _stop_step(answer, JobState(reason.value), due_at, row.detail)
    if reason == OmissionReason.FROZEN:
        return freeze_step(job, due_at, zone, fallback=row.detail)
    if reason == OmissionReason.OVERLAP:
        return _overlap_step(row, due_at, zone)
    texts = {
        OmissionReason.CALENDAR: f"A calendar held it back{detail}.",
        OmissionReason.MISFIRE: (
            f"Nobody dispatched it in time: {late}, and the grace is {grace}. Now "
            f"{_POLICY[Misfire(job.misfire)]}."
        ),
        OmissionReason.LIMIT: (
            f"Nobody dispatched it in time: {late}. More were missed than the limit of "
            f"{job.misfire_limit:,} makes up for, and it was among the oldest."
        ),
        OmissionReason.BREAKER: f"The circuit breaker was open{detail}.",
        OmissionReason.EXPIRED: f"It was past its end when it was decided: {late}.",
        OmissionReason.NO_DISPATCHER: f"No dispatcher was running: {late}.",
    }
    titles = {OmissionReason.CALENDAR: "Calendar", OmissionReason.BREAKER: "Circuit breaker"}
    return Step(ok=False, title=titles.get(reason, "In time"), text=texts[reason])


def _stop_step(answer: Explanation, state: JobState, due_at: datetime, why: str) -> Step:
    """Say who stopped the job, since when, and why."""
    word = _STOPPED[state]
    entry = _stop_entry(answer.job, state, due_at)
    if entry is None:
        who = " when it was created" if why == "created paused" else ""
        because = "" if who or not why else f": {why}"
        return Step(ok=False, title="State", text=f"The job was {word}{who}{because}.")
    because = f": {why or entry.note}" if why or entry.note else ""
    text = f"The job was {word} by {entry.actor} since {shown(entry.at, answer.zone)}{because}."
    return Step(ok=False, title="State", text=text, about="job")


def _stop_entry(job: Job, state: JobState, due_at: datetime) -> AuditEntry | None:
    """Return the act that stopped the job; one that was due and undecided then belongs to it too."""
    action = "job.pause" if state == JobState.PAUSED else "job.auto_disable"
    entries = state_changes(job).filter(action=action)
    before = entries.filter(at__lte=due_at).order_by("-pk").first()
    resumed = state_changes(job).filter(action="job.resume", at__lte=due_at).order_by("-pk").first()
    if before is not None and (resumed is None or resumed.pk < before.pk):
        return before
    return entries.filter(at__gt=due_at).order_by("pk").first() if resumed or not before else None


def freeze_step(job: Job, due_at: datetime, zone: str, *, fallback: str) -> Step:
    """Say which freeze holds a due time back, who made it and until when."""
    freeze = freeze_at(job, due_at)
    if freeze is None:
        return Step(ok=False, title="Freeze", text=f"A freeze held it back: {fallback}.")
    what = _WHAT_FREEZES[FreezeScope(freeze.scope)].format(freeze.target)
    until = f"until {shown(freeze.ends_at, zone)}" if freeze.ends_at else "until somebody lifts it"
    text = (
        f"{what} is frozen from {shown(freeze.starts_at, zone)} {until}, by {freeze.created_by}: "
        f"{freeze.reason}."
    )
    return Step(ok=False, title="Freeze", text=text, about="freeze", key=freeze.pk)


def freeze_at(job: Job, due_at: datetime) -> Freeze | None:
    """Return the freeze that holds a due time of the job back."""
    marks = marks_of(job)
    for freeze in holding_freezes(due_at - _TICK, due_at):
        over = freeze.ends_at is not None and freeze.ends_at <= due_at
        if applies(freeze, marks) and not over:
            return freeze
    return None


def _overlap_step(row: Omission, due_at: datetime, zone: str) -> Step:
    """Say which execution was in the way, and how long."""
    found = Execution.objects.filter(pk=row.execution_id).first() if row.execution_id else None
    if found is None:
        text = f"The overlap policy left it out: {row.detail or 'an earlier execution went on.'}"
        return Step(ok=False, title="Overlap", text=text)
    text = f"Execution #{found.pk}, due {clock(found.due_at, zone)}, was in the way"
    if found.started_at is not None and found.started_at <= due_at:
        text += f": it had been running for {span(due_at - found.started_at)}"
    else:
        text += ": it had not started yet"
    if found.finished_at is not None:
        text += f", and ended at {clock(found.finished_at, zone)} ({found.state.replace('_', ' ')})"
    return Step(ok=False, title="Overlap", text=f"{text}.", about="execution", key=found.pk)


def say_undecided(answer: Explanation, now: datetime) -> None:
    """Tell what happens to a due time that has passed and has no verdict on record."""
    job, due_at = answer.job, answer.due_at
    assert due_at is not None  # noqa: S101 - asked for a due time
    add = answer.steps.append
    if job.history_from is not None and due_at <= job.history_from:
        answer.outcome = Outcome.RAN
        text = "It made an execution, which is so old that retention has removed it."
        add(Step(ok=None, title="On record", text=text))
        answer.summary = text
    elif due_at <= job.decided_until or job.deleted_at is not None:
        answer.outcome = Outcome.DID_NOT_RUN
        text = (
            "Nothing is on record, neither an execution nor an omission. The records were changed, "
            "or this is a fault of Jobdeck: the ledger's proof names it too."
        )
        add(Step(ok=False, title="On record", text=text))
        answer.summary = f"It did not run. {text}"
    elif job.state != JobState.ACTIVE:
        answer.outcome = Outcome.DID_NOT_RUN
        step = _stop_step(answer, JobState(job.state), due_at, job.state_reason)
        add(step)
        answer.summary = f"It did not run. {step.text}"
    else:
        answer.outcome = Outcome.PENDING
        text = f"It was due {span(now - due_at)} ago and is not decided yet."
        if now - due_at > JUST_NOW:
            text = f"{text} A dispatcher decides within seconds: none seems to be running."
        add(Step(ok=None, title="Dispatch", text=text))
        answer.summary = text
    say_backfills(answer)


def say_backfills(answer: Explanation) -> None:
    """Name what ran for the due time beside its verdict."""
    assert answer.due_at is not None  # noqa: S101 - asked for a due time
    _say_beside(answer, Execution.objects.filter(job=answer.job, due_at=answer.due_at))


def say_started_by_hand(answer: Explanation) -> None:
    """Name what was started in the time though nothing was due: then it did run."""
    asked = answer.asked
    rows = Execution.objects.filter(job=answer.job, due_at__gte=asked.start, due_at__lt=asked.end)
    found = _say_beside(answer, rows)
    if found is not None:
        answer.execution = found
        answer.outcome = _outcome(found)
        how = _BY.get(Trigger(found.trigger), found.trigger)
        answer.summary = f"{answer.summary} But #{found.pk} was {how}{_who(found)}."


def _say_beside(answer: Explanation, rows: QuerySet[Execution]) -> Execution | None:
    known = (*SCHEDULED_TRIGGERS, *BESIDE_TRIGGERS)
    beside = list(rows.exclude(trigger__in=known).order_by("pk")[:10])
    for row in beside:
        how = _BY.get(Trigger(row.trigger), row.trigger)
        text = f"#{row.pk} was {how}{_who(row)} on {shown(row.queued_at, answer.zone)}: it "
        text += f"{_RESULT[ExecutionState(row.state)]}."
        answer.steps.append(Step(ok=None, title="Beside", text=text, about="execution", key=row.pk))
    return beside[0] if beside else None


def _who(row: Execution) -> str:
    return f" by {row.actor}" if row.actor else ""
