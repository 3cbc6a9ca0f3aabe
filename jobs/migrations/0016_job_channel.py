"""Give jobs an alert channel of their own, and keep which links of messages were used."""

from typing import ClassVar

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("jobs", "0015_audit_search")]

    operations: ClassVar = [
        # SQLite makes the table anew, which a view on it forbids; `jobs.models.views` made the view
        # in the same run if all migrations ran, and makes it again after the last one.
        migrations.RunSQL("DROP VIEW IF EXISTS job_executions", migrations.RunSQL.noop),
        migrations.AddField(
            model_name="job",
            name="alert_channel",
            field=models.CharField(blank=True, db_default="", default="", max_length=100),
        ),
        migrations.AddField(
            model_name="channel",
            name="links",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.CreateModel(
            name="UsedLink",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("mark", models.CharField(max_length=64, unique=True)),
                ("channel_name", models.CharField(max_length=100)),
                ("action", models.CharField(max_length=20)),
                ("used_at", models.DateTimeField()),
                (
                    "job",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="jobs.job",
                    ),
                ),
                ("resume_at", models.DateTimeField(blank=True, db_index=True, null=True)),
                (
                    "alert",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="used_links",
                        to="jobs.alert",
                    ),
                ),
            ],
        ),
    ]
