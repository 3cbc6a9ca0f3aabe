"""Explain why a job did, did not, will or will not run at a time: the chain of decisions in words."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from jobs.domain.explain import (
    Asked,
    Outcome,
    Step,
    asked_about,
    by_whom,
    clock,
    named,
    not_named,
    schedule_text,
    shown,
)
from jobs.domain.instants import to_instant, to_moment
from jobs.domain.proof import Era
from jobs.domain.said import said, told
from jobs.domain.schedule import Schedule, due_between, merged
from jobs.domain.states import ScheduleKind
from jobs.models import Execution, Job, JobVersion, Occurrence, Omission
from jobs.models.execution import BESIDE_TRIGGERS, SCHEDULED_TRIGGERS
from jobs.queries import verdicts
from jobs.queries.dependencies import waiting_words
from jobs.queries.jobs import get_job
from jobs.services import explained_future as future
from jobs.services import explained_past as past
from jobs.services.eras import era_at, eras_of

_TICK = timedelta(microseconds=1)
MOST = 60  # due times of one minute that are named


@dataclass(slots=True, kw_only=True)
class Explanation:
    """The answer: in one word, in one sentence, and step by step."""

    job: Job
    asked: Asked
    zone: str
    outcome: Outcome = Outcome.NOT_DUE
    summary: str = ""
    steps: list[Step] = field(default_factory=list)
    due_at: datetime | None = None
    others: list[datetime] = field(default_factory=list)  # also due in the minute
    nearest: list[datetime] = field(default_factory=list)  # before and after, where nothing is due
    execution: Execution | None = None
    omission: Omission | None = None


def explain(job_id: int, at: datetime, *, now: datetime) -> Explanation:
    """Return why the job did or will run, or not, in the minute (or exact second) of ``at``.

    Of several due times in the minute the one at ``at``, else the first, is explained.
    """
    job = get_job(job_id)
    asked = asked_about(at)
    eras = eras_of(job)
    rules = eras[-1].schedules if eras else []
    zone = next((rule.timezone for rule in rules), "UTC")
    answer = Explanation(job=job, asked=asked, zone=zone)
    if not _existed(answer):
        return answer
    due = _due_times(job, eras, asked)
    if not due:
        _explain_nothing_due(answer, eras, now)
        return answer
    answer.due_at = at if at in due else due[0]
    answer.others = [one for one in due if one != answer.due_at]
    _say_version(answer)
    _say_schedules(answer, era_at(eras, answer.due_at))
    _find_verdict(answer)
    if answer.execution is not None:
        past.say_execution(answer)
    elif answer.omission is not None:
        past.say_omission(answer, now)
    elif answer.due_at <= now or answer.due_at <= job.decided_until:
        past.say_undecided(answer, now)
    else:
        future.say_future(answer, now)
    return answer


def _existed(answer: Explanation) -> bool:
    """Say whether the job lived at the time; what it says about itself is the first step."""
    job, asked = answer.job, answer.asked
    made = shown(job.created_at, answer.zone)
    if asked.end <= job.created_at:
        text = said("{job} did not exist yet: it was created on {at}.", job=job.name, at=made)
    elif job.deleted_at is not None and asked.start > job.deleted_at:
        gone = shown(job.deleted_at, answer.zone)
        text = said("{job} did not exist any more: it was deleted on {at}.", job=job.name, at=gone)
    else:
        by = by_whom(job.created_by)
        text = said("{job} was created on {at}{by}.", job=job.name, at=made, by=by)
        answer.steps.append(Step(ok=True, title="Job", text=text, about="job"))
        return True
    answer.steps.append(Step(ok=False, title="Job", text=text, about="job"))
    answer.summary = text
    return False


def _due_times(job: Job, eras: list[Era], asked: Asked) -> list[datetime]:
    """Return everything that was or is due in the time: named by a clock, an event, or an end."""
    low, high = asked.start - _TICK, asked.end - _TICK
    found: set[datetime] = set()
    for era in eras:
        after, until = max(low, era.after), min(high, era.until)
        if after < until:
            fixed = [rule for rule in era.schedules if not rule.counts_from_end]
            found.update(due_between(fixed, after, until, MOST))
            names = {rule.event for rule in era.schedules if rule.kind == ScheduleKind.EVENT}
            heard = verdicts.events(names, after, until, workspace_id=job.workspace_id)
            found.update(one.at for one in heard)
    found.update(_recorded(job, low, high))
    upcoming = job.next_fire_at
    if upcoming is not None and low < upcoming <= high:
        found.add(upcoming)
    return sorted(found)[:MOST]


def _recorded(job: Job, low: datetime, high: datetime) -> set[datetime]:
    """Return the due times with a verdict of their own: those that ends of runs have named, too."""
    inside = {"due_at__gt": low, "due_at__lte": high}
    executions = Execution.objects.filter(job=job, **inside)
    rows = executions.filter(trigger__in=(*SCHEDULED_TRIGGERS, *BESIDE_TRIGGERS))
    omissions = Omission.objects.filter(job=job, first_due_at__gt=low, first_due_at__lte=high)
    return {
        *rows.values_list("due_at", flat=True)[:MOST],
        *omissions.values_list("first_due_at", flat=True)[:MOST],
    }


def _explain_nothing_due(answer: Explanation, eras: list[Era], now: datetime) -> None:
    """Say that no schedule names the time, why if there is a reason, and what lies nearest."""
    asked, job = answer.asked, answer.job
    era = era_at(eras, asked.end - _TICK)
    rules = list(era.schedules) if era is not None else []
    answer.nearest = _nearest(rules, asked, job.created_at)
    what = clock(asked.start, answer.zone)
    nothing = (
        said("No schedule names {at}.", at=what) if rules else said("The job had no schedule.")
    )
    texts = [nothing, waiting_words(job)]
    if answer.nearest:
        texts.append(said("The nearest: {times}.", times=_near_ones(answer)))
    why = [not_named(rules, asked)]
    if any(rule.counts_from_end for rule in rules) and asked.start > now:
        why.append(said("Due times that are counted from the end of runs cannot be known yet."))
    _say_version(answer)
    all_of_it = told(filter(None, [*texts, *why]))
    answer.steps.append(Step(ok=False, title="Schedules", text=all_of_it, about="job"))
    answer.summary = told(filter(None, texts))
    past.say_started_by_hand(answer)


def _near_ones(answer: Explanation) -> str:
    """Return the due times around, of which there are one or two."""
    times = [_near(one, answer) for one in answer.nearest]
    if len(times) == 1:
        return times[0]
    return said("{first} and {last}", first=times[0], last=times[1])


def _near(moment: datetime, answer: Explanation) -> str:
    local = shown(moment, answer.zone).split()
    same = shown(answer.asked.start, answer.zone).split()[0] == local[0]
    return local[1] if same else f"{local[0]} {local[1]}"


def _nearest(rules: list[Schedule], asked: Asked, created_at: datetime) -> list[datetime]:
    """Return the due times before and after the time that was asked about."""
    fixed = merged([rule for rule in rules if not rule.counts_from_end])
    before = fixed.last_until(to_instant(asked.start) - 1)
    after = fixed.next_after(to_instant(asked.end) - 1)
    found = [to_moment(one) for one in (before, after) if one is not None]
    return [one for one in found if one > created_at]


def _say_version(answer: Explanation) -> None:
    """Say which version of the definition was in force."""
    moment = answer.due_at or answer.asked.start
    rows = JobVersion.objects.filter(job=answer.job, created_at__lt=moment)
    version = rows.order_by("-version").first()
    if version is None:
        version = JobVersion.objects.filter(job=answer.job).order_by("version").first()
    if version is None:
        return
    saved = shown(version.created_at, answer.zone)
    told_of = {"number": version.version, "at": saved, "by": by_whom(version.created_by)}
    if version.version != answer.job.version:
        text = said("Version {number} was in force: saved on {at}{by}.", **told_of)
    elif moment > version.created_at and moment > answer.job.updated_at:
        text = said("Version {number}, the present one, is in force: saved on {at}{by}.", **told_of)
    else:
        text = said(
            "Version {number}, the present one, was in force: saved on {at}{by}.", **told_of
        )
    answer.steps.append(Step(ok=None, title="Definition", text=text, about="job"))


def _say_schedules(answer: Explanation, era: Era | None) -> None:
    """Say what named the due time."""
    due_at = answer.due_at
    assert due_at is not None  # noqa: S101 - called for a due time
    rules = list(era.schedules) if era is not None else []
    texts = [
        schedule_text(rule, number, len(rules), due_at)
        for number, rule in enumerate(rules, 1)
        if not rule.counts_from_end and named(rule, due_at)
    ]
    if not texts:
        texts = [_beside(answer, rules, due_at)]
    if answer.others:
        texts.append(said("{n} more due times lie in the same minute.", n=len(answer.others)))
    step = Step(ok=True, title="Schedules", text=told(texts), about="job")
    answer.steps.append(step)


def _beside(answer: Explanation, rules: list[Schedule], due_at: datetime) -> str:
    """Return what named a moment that no clock names: an event, the making, the end of a run."""
    happened = Occurrence.objects.filter(at=due_at, event__in={rule.event for rule in rules} - {""})
    event = happened.first()
    when = shown(due_at, answer.zone)
    if event is not None:
        by = said(", reported by {who}", who=event.actor) if event.actor else ""
        what = f"{event.event} ({event.detail})" if event.detail else event.event
        return said("The event {event} happened on {at}{by}.", event=what, at=when, by=by)
    ends = verdicts.starts_after_others(answer.job.pk, due_at - _TICK, due_at).first()
    if ends is not None:
        return said(
            "It runs after other jobs, and all that it waited for had come: {what}.",
            what=ends.detail,
        )
    if due_at == answer.job.created_at:
        return said("The job runs once when it is created, and that was on {at}.", at=when)
    if any(rule.counts_from_end for rule in rules):
        return said("{at} was counted from the end of the run before, by an interval.", at=when)
    return said(
        "A verdict is on record for {at}, but no schedule of that version names it.", at=when
    )


def _find_verdict(answer: Explanation) -> None:
    """Find what is on record for the due time."""
    job, due_at = answer.job, answer.due_at
    assert due_at is not None  # noqa: S101 - called for a due time
    executions = Execution.objects.filter(job=job, due_at=due_at)
    answer.execution = executions.filter(
        trigger__in=(*SCHEDULED_TRIGGERS, *BESIDE_TRIGGERS)
    ).first()
    if answer.execution is not None:
        return
    answer.omission = Omission.objects.filter(job=job, first_due_at=due_at).first()
    if answer.omission is None and not Occurrence.objects.filter(at=due_at).exists():
        answer.omission = verdicts.reaching_into(job.pk, due_at - _TICK)
