"""Keep the check-ins of jobs that run elsewhere."""

from typing import Any, ClassVar

import django.db.models.deletion
from django.db import migrations, models


def _number() -> "models.BigAutoField[Any, Any]":
    return models.BigAutoField(
        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
    )


def _moment() -> "models.DateTimeField[Any, Any]":
    return models.DateTimeField(blank=True, null=True)


class Migration(migrations.Migration):
    dependencies: ClassVar = [("jobs", "0013_preferences")]

    operations: ClassVar = [
        migrations.CreateModel(
            name="CheckIn",
            fields=[
                ("id", _number()),
                ("name", models.CharField(max_length=100, unique=True)),
                (
                    "workspace",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="check_ins",
                        to="jobs.workspace",
                    ),
                ),
                ("description", models.TextField(blank=True)),
                ("expression", models.CharField(blank=True, max_length=200)),
                ("timezone", models.CharField(default="UTC", max_length=64)),
                ("period_seconds", models.FloatField(blank=True, null=True)),
                ("grace_seconds", models.FloatField(default=300)),
                ("key_digest", models.CharField(max_length=64, unique=True)),
                ("sealed_key", models.TextField()),
                ("reported", models.BooleanField(default=False)),
                ("failed", models.BooleanField(default=False)),
                ("paused_at", _moment()),
                ("paused_by", models.CharField(blank=True, max_length=200)),
                ("started_at", _moment()),
                ("due_at", _moment()),
                ("late_at", _moment()),
                ("last_start_at", _moment()),
                ("last_success_at", _moment()),
                ("last_fail_at", _moment()),
                ("last_seconds", models.FloatField(blank=True, null=True)),
                ("created_at", models.DateTimeField()),
                ("created_by", models.CharField(blank=True, max_length=200)),
                ("updated_at", models.DateTimeField()),
            ],
            options={
                "indexes": [
                    models.Index(fields=["late_at"], name="check_in_late"),
                    models.Index(
                        condition=models.Q(("failed", True)),
                        fields=["failed"],
                        name="check_in_down",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(expression="", period_seconds__isnull=False)
                        | (~models.Q(expression="") & models.Q(period_seconds__isnull=True)),
                        name="check_in_one_schedule",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="CheckInReport",
            fields=[
                ("id", _number()),
                (
                    "check_in",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="reports",
                        to="jobs.checkin",
                    ),
                ),
                ("at", models.DateTimeField()),
                ("signal", models.CharField(max_length=10)),
                ("exit_code", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("seconds", models.FloatField(blank=True, null=True)),
                ("run_id", models.CharField(blank=True, max_length=36)),
                ("method", models.CharField(max_length=10)),
                ("address", models.CharField(blank=True, max_length=64)),
                ("agent", models.CharField(blank=True, max_length=200)),
                ("body", models.TextField(blank=True)),
            ],
            options={
                "indexes": [models.Index(fields=["check_in", "id"], name="report_of_check_in")],
            },
        ),
    ]
