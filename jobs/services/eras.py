"""The life of a job as eras: which schedules named its due times, and from when to when."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from jobs.domain.instants import LAST_INSTANT, to_moment
from jobs.domain.proof import Era
from jobs.domain.schedule import Schedule, due_between
from jobs.models import Job, JobVersion
from jobs.services.firing import rules_of
from jobs.services.versions import rules_of_version

FAR = to_moment(LAST_INSTANT)
_TICK = timedelta(microseconds=1)


def eras_of(job: Job) -> list[Era]:
    """Return a job's versions in order, each with the due times that are its own to name.

    Those up to the moment of an edit are the version's before. The present version's are open to
    the future, a deleted job's last one ends with it.
    """
    versions = list(JobVersion.objects.filter(job=job).order_by("version"))
    ends = [*(version.created_at for version in versions[1:]), job.deleted_at or FAR]
    eras: list[Era] = []
    known: dict[Schedule, datetime | None] = {}
    for version, until in zip(versions, ends, strict=True):
        after = max([version.created_at, *(era.until for era in eras[-1:])])  # clocks went back
        rules = _rules(job, version, known)
        known = {_unanchored(rule): rule.anchor_at for rule in rules}
        eras.append(Era(after=after, until=max(after, until), schedules=rules))
    return eras


def era_at(eras: list[Era], moment: datetime) -> Era | None:
    """Return the era to which a due time belongs; None before the job was made or after its end."""
    return next((era for era in eras if era.after < moment <= era.until), None)


def _rules(job: Job, version: JobVersion, known: dict[Schedule, datetime | None]) -> list[Schedule]:
    if version.version == job.version:
        return rules_of(job.schedules.all())
    rules = rules_of_version(version)
    if version.schedule_facts:
        return rules
    # Older than its facts: a schedule that stayed the same through an edit kept its grid.
    return [replace(rule, anchor_at=known.get(_unanchored(rule), rule.anchor_at)) for rule in rules]


def _unanchored(rule: Schedule) -> Schedule:
    """Return what stays the same as long as a schedule keeps its grid."""
    return replace(
        rule, anchor_at=None, starts_at=None, ends_at=None, jitter_seconds=0, spread_seconds=0
    )


def due_in(job: Job, first: datetime, last: datetime, limit: int) -> list[datetime]:
    """Return the first due times of a stretch, its ends among them, which stand in any case."""
    found = [first]
    for era in eras_of(job):
        low, high = max(era.after, first), min(era.until, last - _TICK)
        if low < high and len(found) < limit:
            fixed = [rule for rule in era.schedules if not rule.counts_from_end]
            found += due_between(fixed, low, high, limit - len(found))
    if last > first and len(found) < limit:
        found.append(last)
    return found
