"""The hourly sums of a made-up past."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime

from jobs.models import Stat

_QUEUE = "default"
_HOUR = 3600
_COUNTERS = ("succeeded", "failed", "timed_out", "lost", "cancelled", "skipped")


class Hours:
    """Collect endings by hour and shard; ``write`` adds them to what is stored."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._sums: dict[tuple[int, int], dict[str, float]] = defaultdict(
            lambda: defaultdict(float)
        )

    def add(self, shard: int, ended_at: datetime, state: str, *, ran: float, waited: float) -> None:
        """Count one ending; times in seconds."""
        sums = self._sums[int(ended_at.timestamp()) // _HOUR, shard]
        sums[state] += 1
        sums["run_seconds"] += ran
        sums["wait_seconds"] += waited

    def write(self) -> None:
        """Add the sums to the stored rows, and make those that are missing."""
        if not self._sums:
            return
        found = {(_moment(number), shard): sums for (number, shard), sums in self._sums.items()}
        rows = Stat.objects.filter(queue=_QUEUE, hour__gte=min(found)[0], hour__lte=max(found)[0])
        stored = {(row.hour, row.shard): row for row in rows}
        new: list[Stat] = []
        changed: list[Stat] = []
        for (hour, shard), sums in found.items():
            row = stored.get((hour, shard))
            (new if row is None else changed).append(
                _plus(row or Stat(hour=hour, queue=_QUEUE, shard=shard), sums)
            )
        Stat.objects.bulk_create(new)
        fields = (*_COUNTERS, "run_seconds", "wait_seconds")
        Stat.objects.bulk_update(changed, fields, batch_size=100)


def _moment(number: int) -> datetime:
    return datetime.fromtimestamp(number * _HOUR, UTC)


def _plus(row: Stat, sums: dict[str, float]) -> Stat:
    for name in _COUNTERS:
        setattr(row, name, getattr(row, name) + int(sums.get(name, 0)))
    row.run_seconds += sums["run_seconds"]
    row.wait_seconds += sums["wait_seconds"]
    return row
