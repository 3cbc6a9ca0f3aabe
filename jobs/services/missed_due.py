"""Which due times several jobs missed in a window, as a backfill of each would list them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from jobs.domain.backfill import Basis, Record, Stretch, due_times
from jobs.domain.states import BackfillChoice, ExecutionState
from jobs.models import Job, JobVersion, Omission
from jobs.models import Schedule as StoredSchedule
from jobs.queries.backfills import taken_of
from jobs.queries.missed import REASONS, Outage, outages_of
from jobs.services.backfill_due import (
    Listing,
    check_number,
    chosen,
    stretches_of,
    waits_for_events,
)

_INSTANT = timedelta(microseconds=1)


class Misses:
    """What several jobs missed in the same window: asked for in as many statements as that of one.

    Their clocks are asked for what lies inside the stretches that nothing dispatched, not for the
    whole window.
    """

    def __init__(self, jobs: Iterable[Job], start: datetime, end: datetime) -> None:
        """Read what became of their due times."""
        self.start, self.end = start, end
        named = [job.pk for job in jobs]
        self._versions: dict[int, list[JobVersion]] = {job: [] for job in named}
        for version in JobVersion.objects.filter(job__in=named).order_by("job_id", "version"):
            self._versions[version.job_id].append(version)
        self._present: dict[int, list[StoredSchedule]] = {job: [] for job in named}
        for row in StoredSchedule.objects.filter(job__in=named).order_by("job_id", "position"):
            self._present[row.job_id].append(row)
        events = {job for job, found in self._versions.items() if any(map(waits_for_events, found))}
        self._outages = outages_of(named, start, end, events=events)
        self._taken = taken_of(named, start, end)

    def listing(self, job: Job) -> Listing:
        """Return its missed due times; InvalidError when there are too many."""
        outage = self._outages[job.pk]
        stretches = self._stretches(job, outage)
        check_number(sum(one.count() for one in stretches))
        return chosen(
            job,
            due_times(stretches, self._recorded(outage)),
            outage.past,
            self._taken.get(job.pk, {}),
            BackfillChoice.MISSED,
            self.start,
            self.end,
            about=_by_outage,
        )

    def _recorded(self, outage: Outage) -> set[datetime]:
        """Return the due times that are known without asking a clock."""
        edges = {edge for row in outage.stretches for edge in (row.first_due_at, row.last_due_at)}
        return outage.lost | {edge for edge in edges if self.start <= edge <= self.end}

    def _stretches(self, job: Job, outage: Outage) -> list[Stretch]:
        """Return what the schedules are asked for: stretches that have more than their two ends."""
        long = [row for row in outage.stretches if row.count > 2]
        if not long:
            return []
        versions, present = self._versions[job.pk], self._present[job.pk]
        known = stretches_of(job, versions, present, self.start, self.end, Basis.HISTORY)
        cut = (_cut(one, row) for row in long for one in known)
        return [one for one in cut if one.after < one.until]


def _cut(stretch: Stretch, row: Omission) -> Stretch:
    """Return the part of a stretch that was left out."""
    return Stretch(
        rules=stretch.rules,
        after=max(stretch.after, row.first_due_at - _INSTANT),
        until=min(stretch.until, row.last_due_at),
    )


def _by_outage(record: Record) -> bool:
    """Say whether a due time was missed because nothing dispatched it, or its run was lost."""
    return record.reason in REASONS or ExecutionState.LOST in record.states
