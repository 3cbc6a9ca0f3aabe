"""Rows of the jobs list as they are shown: the strip, the schedule in words, what comes next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from uuid import uuid4

from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from jobs.domain.schedule import Schedule
from jobs.domain.states import JobState
from jobs.models import Execution, Freeze, Job
from jobs.queries.freezes import freezing
from jobs.queries.jobs import JobRow
from jobs.queries.standing import Standing
from jobs.services.firing import rules_of
from jobs.web import after, charts, schedules

# Where since when says something about the state.
_DATED = (Standing.PAUSED,)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownJob:
    """One row; ``key`` makes a double click one run."""

    job: Job
    live: Execution | None
    standing: Standing
    since: datetime | None
    strip: SafeString
    words: str
    written: str
    url: str  # its page; what can be done with it lies below
    no_next: str  # why there is no next run; empty when there is one
    frozen: Freeze | None  # what holds its next run back
    key: str

    @property
    def stopped(self) -> bool:
        """Say whether its schedules rest."""
        return self.job.state != JobState.ACTIVE


def strip_of(job: Job, live: Execution | None) -> SafeString:
    """Draw a job's latest runs from what it keeps itself."""
    runs = tuple((state, ms) for _id, state, ms in job.recent)
    return _strip(runs, None if live is None else live.state, get_language())


@lru_cache(maxsize=512)
def _strip(
    runs: tuple[tuple[str, int], ...], live: str | None, _language: str | None
) -> SafeString:
    """Draw it; nothing else tells on it, and the same lists are drawn again and again."""
    drawn = [charts.Run(state=state, seconds=ms / 1000) for state, ms in runs]
    if live is not None:
        drawn.append(charts.Run(state=live))
    return charts.strip(drawn)


def shown(row: JobRow, freezes: Sequence[Freeze]) -> ShownJob:
    """Return what the list shows of a row; ``freezes`` are all that hold or are planned."""
    job = row.job
    rules = rules_of(job.schedules.all())
    return ShownJob(
        job=job,
        live=row.live,
        standing=row.standing,
        since=_since(row),
        strip=strip_of(job, row.live),
        words=when(job, rules),
        written=schedules.written(rules),
        url=reverse("job", args=[job.pk]),
        no_next=no_next(job, row.standing),
        frozen=freezing(freezes, job, job.next_fire_at) if job.next_fire_at else None,
        key=uuid4().hex,
    )


def when(job: Job, rules: Sequence[Schedule]) -> str:
    """Return in words when a job runs: by its schedules, after other jobs, or by hand."""
    others = after.of_job(job)
    if not others:
        return schedules.words(rules)
    if not rules:
        return others[:1].upper() + others[1:]
    return _(", and ").join([schedules.words(rules), others])


def _since(row: JobRow) -> datetime | None:
    if row.standing == Standing.OVERDUE:
        return row.job.next_fire_at
    return row.job.state_changed_at if row.standing in _DATED else None


def no_next(job: Job, standing: Standing) -> str:
    """Return why a job has no next run; empty when it has one."""
    if job.deleted_at:
        return _("deleted")
    if job.state == JobState.AUTO_DISABLED:
        return _("disabled")
    if job.state == JobState.PAUSED:
        by = job.state_changed_by
        return _("paused by %s") % by if by else _("paused")
    if job.next_fire_at:
        return ""
    if job.counts_from_end and job.live_count:
        return _("after this run")
    if standing == Standing.ENDED:
        return _("no more runs")
    return after.of_job(job) or _("by hand")
