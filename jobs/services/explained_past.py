"""What became of a due time, in words: its execution, its omission, or nothing yet."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.utils import timezone

from jobs.domain.explain import Outcome, Step, by_whom, clock, shown, span
from jobs.domain.said import Said, said, told
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
_WHAT_FREEZES: dict[FreezeScope, Callable[[str], Said]] = {
    FreezeScope.EVERYTHING: lambda _name: said("Everything"),
    FreezeScope.TAG: lambda name: said("Everything tagged {name}", name=name),
    FreezeScope.WORKSPACE: lambda name: said("Everything in workspace {name}", name=name),
}
_SUMMED_UP: dict[Outcome, Callable[[str], Said]] = {
    Outcome.RAN: lambda what: said("It ran: {what}.", what=what),
    Outcome.PENDING: lambda what: said("It is about to run: {what}.", what=what),
    Outcome.DID_NOT_RUN: lambda what: said("It did not run: {what}.", what=what),
}
JUST_NOW = timedelta(seconds=10)  # a dispatcher decides within this, if one lives
_STOPPED = {JobState.PAUSED: said("paused"), JobState.AUTO_DISABLED: said("auto-disabled")}
_POLICY = {
    Misfire.SKIP: said("its policy leaves missed due times out"),
    Misfire.FIRE_ONCE: said("its policy makes up for the newest missed due time only"),
    Misfire.FIRE_ALL: said("its policy makes up for missed due times up to a limit"),
}
_RESULT = {
    ExecutionState.QUEUED: said("is queued and waits for a worker"),
    ExecutionState.CLAIMED: said("was handed to a worker and starts at any moment"),
    ExecutionState.RUNNING: said("is running"),
    ExecutionState.RETRYING: said("failed and waits for its next attempt"),
    ExecutionState.SUCCEEDED: said("succeeded"),
    ExecutionState.FAILED: said("failed"),
    ExecutionState.TIMED_OUT: said("ran into its timeout"),
    ExecutionState.CANCELLED: said("was ended before it was done"),
    ExecutionState.SKIPPED: said("was taken back before it started"),
    ExecutionState.LOST: said("was lost: its worker died, and what became of it is unknown"),
}
_ENDED = {
    ExecutionState.SUCCEEDED: said("succeeded"),
    ExecutionState.FAILED: said("failed"),
    ExecutionState.TIMED_OUT: said("timed out"),
    ExecutionState.CANCELLED: said("cancelled"),
    ExecutionState.SKIPPED: said("skipped"),
    ExecutionState.LOST: said("lost"),
}
_BY = {
    Trigger.MANUAL: said("started by hand"),
    Trigger.API: said("started over the API"),
    Trigger.RETRY: said("run again"),
    Trigger.DEPENDENCY: said("started by another job"),
    Trigger.BACKFILL: said("run by a backfill"),
}


def say_execution(answer: Explanation) -> None:
    """Tell the way of an execution from its due time to its end."""
    row, due_at = answer.execution, answer.due_at
    assert row is not None  # noqa: S101 - asked for an execution
    assert due_at is not None  # noqa: S101 - it has a due time
    add = answer.steps.append
    add(Step(ok=True, title="State", text=said("The job was active, and nothing held it back.")))
    late = row.queued_at - due_at
    if row.trigger == Trigger.MISFIRE:
        text = said(
            "It was missed and made up for {length} late, as the misfire policy says.",
            length=span(late),
        )
    else:
        text = said(
            "Decided {length} after it was due, and queued as #{number}.",
            length=span(late),
            number=row.pk,
        )
    add(Step(ok=True, title="Dispatch", text=text))
    _say_wait(answer, row)
    ended = _result_text(row, answer.zone)
    ok = row.state == ExecutionState.SUCCEEDED
    settled = ok or row.state in FAILURES or row.state in TERMINAL
    add(Step(ok=ok if settled else None, title="Result", text=ended, about="execution", key=row.pk))
    answer.outcome = _outcome(row)
    answer.summary = _with_message(_SUMMED_UP[answer.outcome](_what(row)), row)
    say_backfills(answer)


def _what(row: Execution) -> Said:
    """Return an execution's number with what it does or did."""
    return told([f"#{row.pk}", _RESULT[ExecutionState(row.state)]])


def _with_message(text: Said, row: Execution) -> Said:
    """Return a sentence, and behind it what is kept of the run's end, as it is kept."""
    return told(filter(None, [text, row.message.strip()]))


def _outcome(row: Execution) -> Outcome:
    if row.started_at is not None:
        return Outcome.RAN
    return Outcome.DID_NOT_RUN if row.state in TERMINAL else Outcome.PENDING


def _say_wait(answer: Explanation, row: Execution) -> None:
    """Say why it did not start at the due time, or that it did."""
    if row.started_at is None:
        if row.wait_until is not None:
            at = clock(row.wait_until, answer.zone)
            text = said("Jitter or spread puts its start off to {at}.", at=at)
        elif row.held:
            text = said("It waits behind an earlier execution of the job.")
        else:
            found = waiting_of(row, timezone.now())
            if found is None:
                return
            text = said("It {waits}.", waits=found.text)
            if found.until is not None:
                at = clock(found.until, answer.zone)
                text = told([text, said("The next start is free at {at}.", at=at)])
        answer.steps.append(Step(ok=None, title="Start", text=text))
        return
    waited = row.started_at - row.due_at
    text = said(
        "The latest attempt started on {at}, {length} after the due time.",
        at=shown(row.started_at, answer.zone),
        length=span(waited),
    )
    if row.attempt > 1:
        text = told([text, said("It was attempt {number}.", number=row.attempt)])
    answer.steps.append(Step(ok=True, title="Start", text=text))


def _result_text(row: Execution, zone: str) -> str:
    text = _what(row)
    if row.finished_at is not None:
        text = said("{what} on {at}", what=text, at=shown(row.finished_at, zone))
    if row.duration is not None:
        text = said("{what}, after {length}", what=text, length=span(row.duration))
    return _with_message(told([text, "."], ""), row)


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
        text = said(
            "It is one of {n:,} due times from {first} to {last} with this reason.",
            n=row.count,
            first=first,
            last=last,
        )
        answer.steps.append(Step(ok=None, title="On record", text=text))
    answer.summary = told([said("It did not run."), step.text])
    say_backfills(answer)


def _say_passed(answer: Explanation, reason: OmissionReason) -> None:
    """Say what did not stand in the way before the reason is told, in the order of deciding."""
    if reason in (OmissionReason.PAUSED, OmissionReason.AUTO_DISABLED):
        return
    held = reason in (OmissionReason.FROZEN, OmissionReason.CALENDAR)
    free = said("The job was active, and nothing held it back.")
    text = said("The job was active.") if held else free
    answer.steps.append(Step(ok=True, title="State", text=text))


def _reason_step(
    answer: Explanation, row: Omission, reason: OmissionReason, due_at: datetime
) -> Step:
    zone, job = answer.zone, answer.job
    detail = f": {row.detail}" if row.detail else ""
    late = said(
        "it was decided on {at}, {length} late",
        at=shown(row.decided_at, zone),
        length=span(row.decided_at - due_at),
    )
    grace = span(timedelta(seconds=job.misfire_grace_seconds))
    if reason in (OmissionReason.PAUSED, OmissionReason.AUTO_DISABLED):
        return _stop_step(answer, JobState(reason.value), due_at, row.detail)
    if reason == OmissionReason.FROZEN:
        return freeze_step(job, due_at, zone, fallback=row.detail)
    if reason == OmissionReason.OVERLAP:
        return _overlap_step(row, due_at, zone)
    texts = {
        OmissionReason.CALENDAR: said("A calendar held it back{detail}.", detail=detail),
        OmissionReason.MISFIRE: said(
            "Nobody dispatched it in time: {late}, and the grace is {grace}. Now {policy}.",
            late=late,
            grace=grace,
            policy=_POLICY[Misfire(job.misfire)],
        ),
        OmissionReason.LIMIT: said(
            "Nobody dispatched it in time: {late}. More were missed than the limit of {most:,} "
            "makes up for, and it was among the oldest.",
            late=late,
            most=job.misfire_limit,
        ),
        OmissionReason.BREAKER: said("The circuit breaker was open{detail}.", detail=detail),
        OmissionReason.EXPIRED: said("It was past its end when it was decided: {late}.", late=late),
        OmissionReason.NO_DISPATCHER: said("No dispatcher was running: {late}.", late=late),
    }
    titles = {OmissionReason.CALENDAR: "Calendar", OmissionReason.BREAKER: "Circuit breaker"}
    return Step(ok=False, title=titles.get(reason, "In time"), text=texts[reason])


def _stop_step(answer: Explanation, state: JobState, due_at: datetime, why: str) -> Step:
    """Say who stopped the job, since when, and why."""
    word = _STOPPED[state]
    entry = _stop_entry(answer.job, state, due_at)
    if entry is None:
        if why == "created paused":
            text = said("The job was {state} when it was created.", state=word)
        else:
            because = f": {why}" if why else ""
            text = said("The job was {state}{because}.", state=word, because=because)
        return Step(ok=False, title="State", text=text)
    text = said(
        "The job was {state} by {who} since {at}{because}.",
        state=word,
        who=entry.actor,
        at=shown(entry.at, answer.zone),
        because=f": {why or entry.note}" if why or entry.note else "",
    )
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
        text = said("A freeze held it back: {reason}.", reason=fallback)
        return Step(ok=False, title="Freeze", text=text)
    ends = freeze.ends_at
    text = said(
        "{what} is frozen from {start} {until}, by {who}: {reason}.",
        what=_WHAT_FREEZES[FreezeScope(freeze.scope)](freeze.target),
        start=shown(freeze.starts_at, zone),
        until=said("until {at}", at=shown(ends, zone)) if ends else said("until somebody lifts it"),
        who=freeze.created_by,
        reason=freeze.reason,
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
        went_on = row.detail or said("an earlier execution went on.")
        text = said("The overlap policy left it out: {why}", why=went_on)
        return Step(ok=False, title="Overlap", text=text)
    which = {"number": found.pk, "at": clock(found.due_at, zone)}
    if found.started_at is not None and found.started_at <= due_at:
        text = said(
            "Execution #{number}, due {at}, was in the way: it had been running for {length}",
            length=span(due_at - found.started_at),
            **which,
        )
    else:
        text = said(
            "Execution #{number}, due {at}, was in the way: it had not started yet", **which
        )
    if found.finished_at is not None:
        text = said(
            "{what}, and ended at {at} ({state})",
            what=text,
            at=clock(found.finished_at, zone),
            state=_ENDED.get(ExecutionState(found.state), found.state),
        )
    text = told([text, "."], "")
    return Step(ok=False, title="Overlap", text=text, about="execution", key=found.pk)


def say_undecided(answer: Explanation, now: datetime) -> None:
    """Tell what happens to a due time that has passed and has no verdict on record."""
    job, due_at = answer.job, answer.due_at
    assert due_at is not None  # noqa: S101 - asked for a due time
    add = answer.steps.append
    if job.history_from is not None and due_at <= job.history_from:
        answer.outcome = Outcome.RAN
        text = said("It made an execution, which is so old that retention has removed it.")
        add(Step(ok=None, title="On record", text=text))
        answer.summary = text
    elif due_at <= job.decided_until or job.deleted_at is not None:
        answer.outcome = Outcome.DID_NOT_RUN
        text = said(
            "Nothing is on record, neither an execution nor an omission. The records were changed, "
            "or this is a fault of Jobdeck: the ledger's proof names it too."
        )
        add(Step(ok=False, title="On record", text=text))
        answer.summary = told([said("It did not run."), text])
    elif job.state != JobState.ACTIVE:
        answer.outcome = Outcome.DID_NOT_RUN
        step = _stop_step(answer, JobState(job.state), due_at, job.state_reason)
        add(step)
        answer.summary = told([said("It did not run."), step.text])
    else:
        answer.outcome = Outcome.PENDING
        text = said("It was due {length} ago and is not decided yet.", length=span(now - due_at))
        if now - due_at > JUST_NOW:
            nobody = said("A dispatcher decides within seconds: none seems to be running.")
            text = told([text, nobody])
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
        but = said(
            "But #{number} was {how}{by}.",
            number=found.pk,
            how=_BY.get(Trigger(found.trigger), found.trigger),
            by=by_whom(found.actor),
        )
        answer.summary = told([answer.summary, but])


def _say_beside(answer: Explanation, rows: QuerySet[Execution]) -> Execution | None:
    known = (*SCHEDULED_TRIGGERS, *BESIDE_TRIGGERS)
    beside = list(rows.exclude(trigger__in=known).order_by("pk")[:10])
    for row in beside:
        text = said(
            "#{number} was {how}{by} on {at}: it {what}.",
            number=row.pk,
            how=_BY.get(Trigger(row.trigger), row.trigger),
            by=by_whom(row.actor),
            at=shown(row.queued_at, answer.zone),
            what=_RESULT[ExecutionState(row.state)],
        )
        answer.steps.append(Step(ok=None, title="Beside", text=text, about="execution", key=row.pk))
    return beside[0] if beside else None
