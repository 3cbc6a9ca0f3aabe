"""The hourly sums of a made-up past."""

from __future__ import annotations

from datetime import UTC, datetime

from jobs.models import JobStat, Stat
from jobs.services.history_sums import SUMS_OF_JOB, SUMS_OF_QUEUE, Sums

_QUEUE = "default"
_HOUR = 3600


class Hours:
    """Collect endings by hour; ``write`` adds them to what is stored."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._queue: dict[tuple[int, int], Sums] = {}
        self._jobs: dict[tuple[int, int], Sums] = {}
        self._latest = 0

    def add(
        self,
        job_id: int,
        shard: int,
        ended_at: datetime,
        state: str,
        *,
        ran: float,
        waited: float,
    ) -> None:
        """Count one ending of a new job; times in seconds."""
        hour = int(ended_at.timestamp()) // _HOUR
        self._latest = max(self._latest, hour)
        for sums, key in ((self._queue, (hour, shard)), (self._jobs, (hour, job_id))):
            if key not in sums:
                sums[key] = Sums()
            sums[key].add(state, ran=ran, waited=waited)

    def write_past(self) -> None:
        """Write the hours of jobs to which nothing is added any more: a past is made in its order."""
        self._write_jobs(self._latest - 1)

    def write(self) -> None:
        """Add the sums to the stored rows, and make those that are missing."""
        self._write_jobs(self._latest + 1)
        new = []
        for (number, shard), sums in self._queue.items():
            row = Stat.objects.filter(hour=_moment(number), queue=_QUEUE, shard=shard).first()
            if row is None:
                new.append(_filled(Stat(hour=_moment(number), queue=_QUEUE, shard=shard), sums))
            else:
                sums.merge(_sums_of(row))
                _filled(row, sums).save()
        Stat.objects.bulk_create(new, batch_size=100)

    def _write_jobs(self, before: int) -> None:
        over = [key for key in self._jobs if key[0] < before]
        rows = []
        for number, job_id in over:
            said = self._jobs.pop((number, job_id)).columns()
            values = {name: said[name] for name in SUMS_OF_JOB}
            rows.append(JobStat(job_id=job_id, hour=_moment(number), **values))
        JobStat.objects.bulk_create(rows, batch_size=500)


def _moment(number: int) -> datetime:
    return datetime.fromtimestamp(number * _HOUR, UTC)


def _filled(row: Stat, sums: Sums) -> Stat:
    said = sums.columns()
    for name in SUMS_OF_QUEUE:
        setattr(row, name, said[name])
    return row


def _sums_of(row: Stat) -> Sums:
    return Sums.of({name: getattr(row, name) for name in SUMS_OF_QUEUE})
