"""Let a queue say how many of its runs start in a minute, and keep the starts that count."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("jobs", "0020_speed")]

    operations: ClassVar = [
        migrations.AddField(
            model_name="queue",
            name="starts_per_minute",
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
        migrations.CreateModel(
            name="QueueStart",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("queue", models.CharField(max_length=100)),
                ("execution_id", models.BigIntegerField()),
                ("attempt", models.PositiveSmallIntegerField()),
                ("claimed_at", models.DateTimeField()),
            ],
            options={
                "indexes": [models.Index(fields=["queue", "claimed_at"], name="queue_start")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=["execution_id", "attempt"], name="queue_start_once"
                    )
                ],
            },
        ),
    ]
