"""Hourly sums, so that no page counts history."""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import models

from jobs.domain.histogram import BUCKETS

# How many runs took so long, and waited so long, bucket by bucket (`domain.histogram`). Null until
# the first one: most buckets of most hours stay empty, and take no room then.
DURATION_COLUMNS = tuple(f"d{number:02}" for number in range(BUCKETS))
WAIT_COLUMNS = tuple(f"w{number:02}" for number in range(BUCKETS))
LATE_COLUMNS = tuple(f"l{number:02}" for number in range(BUCKETS))
OUTCOMES = ("succeeded", "failed", "timed_out", "lost", "cancelled", "skipped")
# The hour of rows that hold what was forgotten: counters of /metrics must never fall.
FORGOTTEN = datetime(1970, 1, 1, tzinfo=UTC)


class Stat(models.Model):
    """What ended in one hour on one queue, written in the transaction of each ending.

    Spread over a few rows like ``Revision``; readers add them up. Cancelled and skipped executions
    count as neither success nor failure, and their seconds are not added.
    """

    hour = models.DateTimeField()
    queue = models.CharField(max_length=100)
    shard = models.PositiveSmallIntegerField()
    succeeded = models.PositiveBigIntegerField(default=0)
    failed = models.PositiveBigIntegerField(default=0)
    timed_out = models.PositiveBigIntegerField(default=0)
    lost = models.PositiveBigIntegerField(default=0)
    cancelled = models.PositiveBigIntegerField(default=0)
    skipped = models.PositiveBigIntegerField(default=0)
    run_seconds = models.FloatField(default=0)
    wait_seconds = models.FloatField(default=0)
    longest_seconds = models.FloatField(default=0, db_default=0)
    longest_wait_seconds = models.FloatField(default=0, db_default=0)

    class Meta:
        """One row for each hour, queue and shard."""

        constraints = [models.UniqueConstraint(fields=["hour", "queue", "shard"], name="stat_once")]

    def __str__(self) -> str:
        """Return hour and queue."""
        return f"{self.hour:%Y-%m-%d %H} {self.queue}"


class JobStat(models.Model):
    """What ended in one hour of one job, written in the transaction of each ending.

    One row: an ending holds the lock of its job. The reference is no constraint of the database, so
    that inserting asks nothing.
    """

    job = models.ForeignKey(
        "jobs.Job", on_delete=models.CASCADE, db_constraint=False, db_index=False, related_name="+"
    )
    hour = models.DateTimeField()
    succeeded = models.IntegerField(default=0, db_default=0)
    failed = models.IntegerField(default=0, db_default=0)
    timed_out = models.IntegerField(default=0, db_default=0)
    lost = models.IntegerField(default=0, db_default=0)
    cancelled = models.IntegerField(default=0, db_default=0)
    skipped = models.IntegerField(default=0, db_default=0)
    run_seconds = models.FloatField(default=0, db_default=0)
    wait_seconds = models.FloatField(default=0, db_default=0)
    longest_seconds = models.FloatField(default=0, db_default=0)
    # Retention has removed executions that ended in it: history cannot prove it any more.
    partial = models.BooleanField(default=False, db_default=False)

    class Meta:
        """One row for each job and hour; what a job did in a period is one range of it."""

        constraints = [models.UniqueConstraint(fields=["job", "hour"], name="job_stat_once")]
        # What is too old, whatever job it is of.
        indexes = [models.Index(fields=["hour"], name="job_stat_hour")]

    def __str__(self) -> str:
        """Return hour and job."""
        return f"{self.hour:%Y-%m-%d %H} job {self.job_id}"


class EngineStat(models.Model):
    """What the product itself did in one hour: how late due times were queued, what was rescued.

    Samples that the dispatchers add every two seconds; history does not prove them.
    """

    hour = models.DateTimeField(unique=True)
    dispatched = models.BigIntegerField(default=0, db_default=0)
    late_seconds = models.FloatField(default=0, db_default=0)
    longest_late_seconds = models.FloatField(default=0, db_default=0)
    rescued = models.BigIntegerField(default=0, db_default=0)

    def __str__(self) -> str:
        """Return the hour."""
        return f"{self.hour:%Y-%m-%d %H}"


def _add(model: type[models.Model], names: tuple[str, ...]) -> None:
    for name in names:
        model.add_to_class(name, models.BigIntegerField(null=True))


_add(Stat, (*DURATION_COLUMNS, *WAIT_COLUMNS))
_add(EngineStat, LATE_COLUMNS)
for _name in DURATION_COLUMNS:
    JobStat.add_to_class(_name, models.IntegerField(null=True))
