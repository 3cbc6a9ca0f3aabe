"""Keep hourly figures of each job, histograms of each queue, and what the product itself did.

Old code goes on: what is new in its table is null or has a default in the database. What ended
before is not counted here; `manage.py recompute_stats` does that, in small batches.
"""

from typing import Any, ClassVar

import django.db.models.deletion
from django.db import migrations, models

_BUCKETS = 36


def _columns(letter: str) -> list[str]:
    return [f"{letter}{number:02}" for number in range(_BUCKETS)]


def _count() -> "models.IntegerField[Any, Any]":
    return models.IntegerField(db_default=0, default=0)


def _seconds() -> "models.FloatField[Any, Any]":
    return models.FloatField(db_default=0, default=0)


class Migration(migrations.Migration):
    dependencies: ClassVar = [("jobs", "0009_pruned_history")]

    operations: ClassVar = [
        migrations.CreateModel(
            name="JobStat",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "job",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="jobs.job",
                    ),
                ),
                ("hour", models.DateTimeField()),
                ("succeeded", _count()),
                ("failed", _count()),
                ("timed_out", _count()),
                ("lost", _count()),
                ("cancelled", _count()),
                ("skipped", _count()),
                ("run_seconds", _seconds()),
                ("wait_seconds", _seconds()),
                ("longest_seconds", _seconds()),
                ("partial", models.BooleanField(db_default=False, default=False)),
                *((name, models.IntegerField(null=True)) for name in _columns("d")),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("job", "hour"), name="job_stat_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="EngineStat",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("hour", models.DateTimeField(unique=True)),
                ("dispatched", models.BigIntegerField(db_default=0, default=0)),
                ("late_seconds", _seconds()),
                ("longest_late_seconds", _seconds()),
                ("rescued", models.BigIntegerField(db_default=0, default=0)),
                *((name, models.BigIntegerField(null=True)) for name in _columns("l")),
            ],
        ),
        migrations.AddField("stat", "longest_seconds", _seconds()),
        migrations.AddField("stat", "longest_wait_seconds", _seconds()),
        *(
            migrations.AddField("stat", name, models.BigIntegerField(null=True))
            for name in (*_columns("d"), *_columns("w"))
        ),
    ]
