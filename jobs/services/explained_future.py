"""What will become of a due time to come, as far as that can be known today."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from jobs.domain.explain import Outcome, Step, by_whom, clock, shown, span
from jobs.domain.holds import holding
from jobs.domain.instants import to_instant, to_moment
from jobs.domain.said import said, told
from jobs.domain.schedule import merged, start_at
from jobs.domain.states import JobState, OmissionReason, Overlap
from jobs.models import Job
from jobs.queries.executions import sample
from jobs.queries.holds import holds_of
from jobs.services.explained_past import freeze_at, freeze_step
from jobs.services.firing import rules_of

if TYPE_CHECKING:
    from jobs.services.explaining import Explanation

_TICK = timedelta(microseconds=1)


def say_future(answer: Explanation, now: datetime) -> None:
    """Tell whether a due time to come will run; what stands in its way today ends the chain."""
    due_at = answer.due_at
    assert due_at is not None  # noqa: S101 - asked for a due time
    for step in (
        _state_step(answer),
        _hold_step(answer, now),
        _overlap_step(answer, now),
    ):
        answer.steps.append(step)
        if step.ok is False:
            answer.outcome = Outcome.WILL_NOT_RUN
            answer.summary = told([said("It will not run."), step.text])
            return
    _say_start(answer)
    answer.outcome = Outcome.WILL_RUN
    unsure = [step.text for step in answer.steps if step.ok is None and step.title == "Overlap"]
    answer.summary = told(
        [said("It will run {length} from now.", length=span(due_at - now)), *unsure]
    )


def _state_step(answer: Explanation) -> Step:
    job, zone = answer.job, answer.zone
    if job.state == JobState.ACTIVE:
        return Step(ok=True, title="State", text=said("The job is active."), about="job")
    at = shown(job.state_changed_at, zone) if job.state_changed_at else ""
    text = said(
        "The job is {state}{by}{since}{because}. It will not run unless it is resumed before.",
        state=said("paused") if job.state == JobState.PAUSED else said("auto-disabled"),
        by=by_whom(job.state_changed_by),
        since=said(" since {at}", at=at) if at else "",
        because=f": {job.state_reason}" if job.state_reason else "",
    )
    return Step(ok=False, title="State", text=text, about="job")


def _hold_step(answer: Explanation, now: datetime) -> Step:
    """Say whether a freeze or a calendar holds it back, or one of today will be over by then."""
    job, due_at, zone = answer.job, answer.due_at, answer.zone
    assert due_at is not None  # noqa: S101 - asked for a due time
    holds = holds_of([job], due_at - _TICK, due_at).get(job.pk, ())
    hold = holding(holds, to_instant(due_at))
    if hold is not None and hold.reason == OmissionReason.FROZEN:
        return freeze_step(job, due_at, zone, fallback=hold.detail)
    if hold is not None:
        breaker = hold.reason == OmissionReason.BREAKER
        title = "Circuit breaker" if breaker else "Calendar"
        text = said("A calendar will hold it back: {what}", what=hold.detail)
        return Step(ok=False, title=title, text=told([hold.detail if breaker else text, "."], ""))
    freeze = freeze_at(job, now)
    if freeze is not None and freeze.ends_at is not None:
        text = said(
            "The job is frozen now ({reason}), but only until {at}.",
            reason=freeze.reason,
            at=shown(freeze.ends_at, zone),
        )
        return Step(ok=True, title="Freeze", text=text, about="freeze", key=freeze.pk)
    return Step(ok=True, title="Holds", text=said("No freeze and no calendar holds it back."))


def _overlap_step(answer: Explanation, now: datetime) -> Step:
    """Say whether the run before may still go on then, from how long the last ones took."""
    job, due_at = answer.job, answer.due_at
    assert due_at is not None  # noqa: S101 - asked for a due time
    usual = sample(job.pk).median_seconds
    before = _due_before(job, due_at)
    begins = max((one for one in (before, now if job.live_count else None) if one), default=None)
    if job.overlap == Overlap.ALLOW or usual is None or begins is None:
        text = said("Nothing is known that would be in its way.")
        return Step(ok=True, title="Overlap", text=text)
    took, gap = timedelta(seconds=usual), due_at - begins
    if took < gap:
        text = said(
            "The last runs took {length}, and the start before is {gap} earlier.",
            length=span(took),
            gap=span(gap),
        )
        return Step(ok=True, title="Overlap", text=text)
    then = {
        Overlap.SKIP: said("left out"),
        Overlap.QUEUE: said("queued behind it"),
        Overlap.CANCEL_RUNNING: said("started in its place"),
    }[Overlap(job.overlap)]
    text = said(
        "The last runs took {length}, and the start before is only {gap} earlier: if it still goes "
        "on then, this one is {then}.",
        length=span(took),
        gap=span(gap),
        then=then,
    )
    return Step(ok=None, title="Overlap", text=text)


def _due_before(job: Job, due_at: datetime) -> datetime | None:
    fixed = [rule for rule in rules_of(job.schedules.all()) if not rule.counts_from_end]
    found = merged(fixed).last_until(to_instant(due_at) - 1)
    return None if found is None or to_moment(found) < job.created_at else to_moment(found)


def _say_start(answer: Explanation) -> None:
    """Say when it starts, where jitter or spread puts that off."""
    job, due_at = answer.job, answer.due_at
    assert due_at is not None  # noqa: S101 - asked for a due time
    begins = start_at(rules_of(job.schedules.all()), due_at, seed=str(job.pk))
    if begins > due_at:
        text = said(
            "Jitter or spread starts it {length} after the due time, at {at}.",
            length=span(begins - due_at),
            at=clock(begins, answer.zone),
        )
    else:
        at = clock(due_at, answer.zone)
        text = said("It starts at {at}, as soon as a worker is free.", at=at)
    answer.steps.append(Step(ok=True, title="Start", text=text))
