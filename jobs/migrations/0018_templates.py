"""Keep when templates and the configuration directory were last asked for, and what came of it."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("jobs", "0017_speed")]

    operations: ClassVar = [
        migrations.AddField(
            model_name="template",
            name="checked_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="template",
            name="fault",
            field=models.TextField(blank=True, db_default="", default=""),
        ),
        migrations.AddField(
            model_name="jobversion",
            name="commit",
            field=models.CharField(blank=True, db_default="", default="", max_length=64),
        ),
        migrations.CreateModel(
            name="ConfigPull",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("place", models.CharField(max_length=700, unique=True)),
                ("branch", models.CharField(blank=True, max_length=200)),
                ("commit", models.CharField(blank=True, max_length=64)),
                ("pulled_at", models.DateTimeField(blank=True, null=True)),
                ("looked_at", models.DateTimeField()),
                ("fault", models.TextField(blank=True)),
                ("failing_since", models.DateTimeField(blank=True, null=True)),
            ],
            options={"ordering": ["place"]},
        ),
    ]
