"""Keep alerts, their rules and their deliveries."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("jobs", "0010_statistics"),
    ]

    operations = [
        migrations.CreateModel(
            name="AlertRule",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=100, unique=True)),
                ("builtin", models.BooleanField(default=True)),
                ("enabled", models.BooleanField(default=True)),
                ("settings", models.JSONField(default=dict)),
                ("severity", models.CharField(blank=True, max_length=20)),
                ("muted_until", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField()),
                ("created_by", models.CharField(blank=True, max_length=200)),
                ("updated_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="Channel",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=100, unique=True)),
                ("kind", models.CharField(max_length=20)),
                ("settings", models.JSONField(default=dict)),
                ("sealed", models.TextField(blank=True)),
                ("enabled", models.BooleanField(default=True)),
                ("severity", models.CharField(default="warning", max_length=20)),
                ("routes", models.JSONField(default=dict)),
                ("quiet", models.JSONField(default=dict)),
                ("remind_seconds", models.PositiveIntegerField(default=14400)),
                ("tells_resolved", models.BooleanField(default=True)),
                ("created_at", models.DateTimeField()),
                ("created_by", models.CharField(blank=True, max_length=200)),
                ("updated_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="Lease",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=40, unique=True)),
                ("holder", models.CharField(max_length=64)),
                ("expires_at", models.DateTimeField()),
                ("state", models.JSONField(default=dict)),
            ],
        ),
        migrations.CreateModel(
            name="Alert",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("key", models.CharField(max_length=200)),
                ("rule", models.CharField(max_length=40)),
                ("severity", models.CharField(max_length=20)),
                ("title", models.CharField(max_length=500)),
                ("cause", models.CharField(blank=True, max_length=200)),
                ("evidence", models.JSONField(default=dict)),
                ("execution_id", models.BigIntegerField(blank=True, null=True)),
                ("job_count", models.PositiveIntegerField(default=0)),
                ("execution_count", models.PositiveBigIntegerField(default=0)),
                ("opened_at", models.DateTimeField()),
                ("seen_at", models.DateTimeField()),
                ("changed_at", models.DateTimeField()),
                ("acknowledged_at", models.DateTimeField(blank=True, null=True)),
                ("acknowledged_by", models.CharField(blank=True, max_length=200)),
                ("note", models.CharField(blank=True, max_length=500)),
                ("muted_until", models.DateTimeField(blank=True, null=True)),
                ("muted_by", models.CharField(blank=True, max_length=200)),
                ("reminded_at", models.DateTimeField(blank=True, null=True)),
                ("resolved_at", models.DateTimeField(blank=True, null=True)),
                ("resolved_by", models.CharField(blank=True, max_length=200)),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("resolved_at__isnull", True)),
                        fields=["rule", "key"],
                        name="alert_open",
                    ),
                    models.Index(fields=["resolved_at"], name="alert_resolved"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("resolved_at__isnull", True)),
                        fields=("key",),
                        name="alert_open_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="AlertSignal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                ("job_id", models.BigIntegerField()),
                ("execution_id", models.BigIntegerField()),
                ("kind", models.CharField(max_length=20)),
                ("cause", models.CharField(blank=True, default="", max_length=16)),
                ("served_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("served_at__isnull", True)),
                        fields=["id"],
                        name="alert_signal_waiting",
                    ),
                    models.Index(fields=["cause", "at"], name="alert_signal_cause"),
                    models.Index(fields=["served_at"], name="alert_signal_served"),
                ],
            },
        ),
        migrations.CreateModel(
            name="AlertJob",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("severity", models.CharField(max_length=20)),
                ("kind", models.CharField(blank=True, max_length=20)),
                ("why", models.CharField(blank=True, max_length=200)),
                ("failures", models.PositiveIntegerField(default=0)),
                ("first_execution_id", models.BigIntegerField(blank=True, null=True)),
                ("last_execution_id", models.BigIntegerField(blank=True, null=True)),
                ("joined_at", models.DateTimeField()),
                ("checked_at", models.DateTimeField()),
                ("left_at", models.DateTimeField(blank=True, null=True)),
                (
                    "alert",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="members",
                        to="jobs.alert",
                    ),
                ),
                (
                    "job",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="alert_rows",
                        to="jobs.job",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("left_at__isnull", True)),
                        fields=["checked_at"],
                        name="alert_job_present",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("alert", "job"), name="alert_job_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="Delivery",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("event", models.CharField(max_length=20)),
                ("token", models.CharField(max_length=32, unique=True)),
                ("created_at", models.DateTimeField()),
                ("next_try_at", models.DateTimeField(blank=True, null=True)),
                ("tries", models.PositiveSmallIntegerField(default=0)),
                ("error", models.CharField(blank=True, max_length=500)),
                ("delivered_at", models.DateTimeField(blank=True, null=True)),
                ("failed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "alert",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="deliveries",
                        to="jobs.alert",
                    ),
                ),
                (
                    "channel",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="deliveries",
                        to="jobs.channel",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("next_try_at__isnull", False)),
                        fields=["next_try_at"],
                        name="delivery_due",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("event__in", ("opened", "resolved"))),
                        fields=("alert", "channel", "event"),
                        name="delivery_once",
                    )
                ],
            },
        ),
    ]
