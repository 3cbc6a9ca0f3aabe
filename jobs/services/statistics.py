"""Forget hourly figures that are older than anybody asks for; their totals stay."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from jobs import conf
from jobs.models import EngineStat, JobStat, Stat
from jobs.models.stat import FORGOTTEN, LATE_COLUMNS
from jobs.services import revisions
from jobs.services.history_sums import SUMS_OF_QUEUE
from jobs.services.writing import write_transaction

_STEP = 500
_GREATEST = frozenset({"longest_seconds", "longest_wait_seconds", "longest_late_seconds"})
_OF_ENGINE = ("dispatched", "late_seconds", "longest_late_seconds", "rescued", *LATE_COLUMNS)


def forget(now: datetime | None = None) -> int:
    """Forget all figures older than the setting, in small steps; return how many rows."""
    before = (now or timezone.now()) - timedelta(days=conf.statistics_days())
    count = 0
    while step := forget_batch(before):
        count += step
    return count


def forget_batch(before: datetime) -> int:
    """Forget some rows of hours before ``before``; 0 when there are no more.

    What /metrics counts must never fall: the sums of queues and of the product go on in one row.
    """
    with write_transaction():
        return _forget_queues(before) or _forget_engine(before) or _forget_jobs(before)


def old(before: datetime, most: int | None = None) -> int:
    """Return how many rows of hours before ``before`` there are to forget, ``most`` at most."""
    found = 0
    for table in (Stat.objects, EngineStat.objects, JobStat.objects):
        rows = table.filter(hour__gt=FORGOTTEN, hour__lt=before)
        found += (rows if most is None else rows[: most - found]).count()
    return found


def _forget_queues(before: datetime) -> int:
    old = Stat.objects.filter(hour__gt=FORGOTTEN, hour__lt=before).order_by("hour", "pk")
    rows = list(old.select_for_update()[:_STEP])  # another that forgets too adds none twice
    for queue in sorted({row.queue for row in rows}):
        kept, _ = Stat.objects.select_for_update().get_or_create(
            hour=FORGOTTEN, queue=queue, shard=0
        )
        _add(kept, [row for row in rows if row.queue == queue], SUMS_OF_QUEUE)
    Stat.objects.filter(pk__in=[row.pk for row in rows]).delete()
    return len(rows)


def _forget_engine(before: datetime) -> int:
    old = EngineStat.objects.filter(hour__gt=FORGOTTEN, hour__lt=before).order_by("hour")
    rows = list(old.select_for_update()[:_STEP])
    if rows:
        kept, _ = EngineStat.objects.select_for_update().get_or_create(hour=FORGOTTEN)
        _add(kept, rows, _OF_ENGINE)
        EngineStat.objects.filter(pk__in=[row.pk for row in rows]).delete()
    return len(rows)


def _forget_jobs(before: datetime) -> int:
    ids = list(JobStat.objects.filter(hour__lt=before).values_list("pk", flat=True)[:_STEP])
    if ids:
        JobStat.objects.filter(pk__in=ids).delete()
        revisions.bump("figures")  # the remembered sums of limited readers hold these hours
    return len(ids)


def _add(
    kept: Stat | EngineStat, rows: list[Stat] | list[EngineStat], columns: tuple[str, ...]
) -> None:
    """Add rows to the one that is kept."""
    for name in columns:
        values = [getattr(row, name) or 0 for row in (kept, *rows)]
        setattr(kept, name, (max if name in _GREATEST else sum)(values) or _nothing(name))
    kept.save(update_fields=list(columns))


def _nothing(column: str) -> int | None:
    """Return how a column says that there is nothing: an empty bucket is null."""
    return None if column[1:].isdigit() else 0
