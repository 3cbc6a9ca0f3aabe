"""Rules that people made: what they find now, and what they would have found."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from jobs.domain.alerts import Condition, Rule, Severity
from jobs.domain.own_rules import Comparing, Comparison, Hour, Metric
from jobs.domain.quiet import quiet_until
from jobs.domain.states import FAILURES, ExecutionState, JobState
from jobs.models import AlertRule, Execution, Job, JobStat

HOUR = timedelta(hours=1)
JOBS_LOOKED_AT = 2000
# A trial of single runs reads history: of so many jobs, and so many runs of each.
TRIED_JOBS, TRIED_RUNS = 25, 400
TRIED_FOR = timedelta(days=7)
_ENDED = frozenset({ExecutionState.SUCCEEDED.value, *(state.value for state in FAILURES)})


def own_rules() -> list[AlertRule]:
    """Return the rules that people made, by name."""
    return list(AlertRule.objects.filter(builtin=False).order_by("name"))


def comparing_of(settings: Mapping[str, Any]) -> Comparing:
    """Return the comparison of a stored rule."""
    return Comparing(
        metric=Metric(settings["metric"]),
        comparison=Comparison(settings["comparison"]),
        threshold=settings["threshold"],
        count=settings["count"],
    )


def jobs_of(settings: Mapping[str, Any]) -> list[Job]:
    """Return the active jobs that a rule looks at."""
    rows = Job.objects.present().filter(state=JobState.ACTIVE.value)
    if settings.get("tag"):
        rows = rows.tagged(settings["tag"])
    if settings.get("job"):
        rows = rows.filter(name__iexact=settings["job"])
    return list(rows.order_by("pk")[:JOBS_LOOKED_AT])


Figures = Mapping[int, Sequence[float | None]]


class Held:
    """What rules of whole hours found in the latest of them: it is asked once an hour, not each look."""

    # What ended in an hour may be written a little after it.
    SETTLES = timedelta(minutes=2)

    def __init__(self) -> None:
        """Know nothing."""
        self._known: dict[int, tuple[datetime, datetime, Figures]] = {}

    def of(self, rule: AlertRule, test: Comparing, now: datetime) -> Figures:
        """Return the figures of the jobs for which a rule of hours holds."""
        end = now.replace(minute=0, second=0, microsecond=0)
        known = self._known.get(rule.pk)
        if known is not None and known[:2] == (rule.updated_at, end):
            return known[2]
        figures = _holding(test, jobs_of(rule.settings), end)
        if now - end >= self.SETTLES:
            self._known[rule.pk] = (rule.updated_at, end, figures)
        return figures

    def keep_only(self, rules: Iterable[AlertRule]) -> None:
        """Forget rules that are gone."""
        stays = {rule.pk for rule in rules}
        self._known = {pk: known for pk, known in self._known.items() if pk in stays}


def _holding(test: Comparing, jobs: Sequence[Job], end: datetime) -> Figures:
    """Return the figures of the jobs for which it holds: the newest hour rules most of them out."""
    newest = _of_hours(test.metric, jobs, end - HOUR, end)
    likely = [job for job in jobs if test.one(newest[job.pk][0])]
    figures = _of_hours(test.metric, likely, end - test.count * HOUR, end) if likely else {}
    return {number: values for number, values in figures.items() if test.holds(values)}


def conditions(now: datetime, held: Held | None = None) -> list[Condition]:
    """Return what the rules find at this moment: one condition for each rule and job."""
    found: list[Condition | None] = []
    rules, held = own_rules(), held or Held()
    held.keep_only(rules)
    for rule in rules:
        if rule.enabled and quiet_until(rule.settings.get("mute") or {}, now) is None:
            found += _of_rule(rule, now, held)
    return [one for one in found if one is not None]


def _of_rule(rule: AlertRule, now: datetime, held: Held) -> list[Condition | None]:
    test = comparing_of(rule.settings)
    if test.metric.of_runs:
        jobs = jobs_of(rule.settings)
        return [_found(rule, test, job, _of_strip(job)) for job in jobs]
    figures = held.of(rule, test, now)
    active = Job.objects.present().filter(pk__in=figures, state=JobState.ACTIVE.value)
    return [
        _found(rule, test, job, figures[job.pk])
        for job in (active.order_by("pk") if figures else ())
    ]


def _of_strip(job: Job) -> list[float | None]:
    return [one[2] / 1000 for one in job.recent if one[1] in _ENDED]


def _of_hours(
    metric: Metric, jobs: Iterable[Job], start: datetime, end: datetime
) -> dict[int, list[float | None]]:
    """Return the figures of each whole hour; hours before a job was made have none."""
    made = {job.pk: job.created_at for job in jobs}
    rows = JobStat.objects.filter(job__in=made, hour__gte=start, hour__lt=end)
    hours: dict[int, dict[datetime, Hour]] = defaultdict(dict)
    names = ("job", "hour", "succeeded", "failed", "timed_out", "lost", "run_seconds")
    for job, hour, good, *bad, seconds in rows.values_list(*names):
        hours[job][hour] = Hour(good=good, bad=sum(bad), run_seconds=seconds)
    nothing, many = Hour(), round((end - start) / HOUR)
    moments = [start + number * HOUR for number in range(many)]
    return {
        job: [
            hours[job].get(at, nothing).figure(metric) if at >= born or at in hours[job] else None
            for at in moments
        ]
        for job, born in made.items()
    }


def _found(
    rule: AlertRule, test: Comparing, job: Job, values: Sequence[float | None]
) -> Condition | None:
    if not test.holds(values):
        return None
    return Condition(
        key=f"{Rule.OWN}:{rule.pk}:{job.pk}",
        rule=Rule.OWN,
        severity=Severity(rule.severity or Severity.WARNING),
        title=f"{rule.name}: {job.name}",
        jobs=(job.pk,),
        evidence={
            "metric": test.metric.value,
            "values": [one for one in values[-test.count :] if one is not None],
            "threshold": test.threshold,
        },
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What a rule would have opened in the past, job by job, most first."""

    jobs: list[tuple[Job, list[datetime]]]
    looked_at: int
    since: datetime

    @property
    def count(self) -> int:
        """Return how many alerts it would have opened."""
        return sum(len(moments) for _, moments in self.jobs)


def tried(settings: Mapping[str, Any], now: datetime) -> Trial:
    """Return what a rule would have opened in the last seven days.

    Figures of hours come from the hourly sums; those of single runs from the latest runs of a few
    jobs.
    """
    test, jobs = comparing_of(settings), jobs_of(settings)
    end = now.replace(minute=0, second=0, microsecond=0)
    since = end - TRIED_FOR
    found: list[tuple[Job, list[datetime]]] = []
    if test.metric.of_runs:
        jobs = jobs[:TRIED_JOBS]
        for job in jobs:
            moments, figures = _runs_of(job, since)
            found.append((job, [moments[place] for place in test.openings(figures)]))
    else:
        hours = _of_hours(test.metric, jobs, since, end)
        for job in jobs:
            places = test.openings(hours[job.pk])
            found.append((job, [since + (place + 1) * HOUR for place in places]))
    opened = sorted((one for one in found if one[1]), key=lambda one: (-len(one[1]), one[0].name))
    return Trial(jobs=opened, looked_at=len(jobs), since=since)


def _runs_of(job: Job, since: datetime) -> tuple[list[datetime], list[float | None]]:
    rows = Execution.objects.filter(job=job.pk).order_by("-pk")
    names = ("state", "started_at", "finished_at")
    latest = reversed(rows.values_list(*names)[:TRIED_RUNS])
    ended = [
        (finished, (finished - started).total_seconds())
        for state, started, finished in latest
        if state in _ENDED and started is not None and finished is not None and finished >= since
    ]
    return [at for at, _ in ended], [seconds for _, seconds in ended]
