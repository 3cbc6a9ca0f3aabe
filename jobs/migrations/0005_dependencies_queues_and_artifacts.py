"""Add what dependencies, queues, mutexes, labels, parameters and artifacts need; rows stay as they are."""

from typing import Any

import django.db.models.deletion
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


class AddColumn(migrations.AddField):
    """Add a column with a constant default to a large table, in no time.

    Django writes such a table anew on SQLite, which is minutes for a history of a million rows. As
    the default stays in the database, SQLite can add the column by itself.
    """

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        """Add the column."""
        model = to_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            field = model._meta.get_field(self.name)  # noqa: SLF001 - documented
            BaseDatabaseSchemaEditor.add_field(schema_editor, model, field)


class Migration(migrations.Migration):
    dependencies = [
        ("jobs", "0004_breakers"),
    ]

    operations = [
        migrations.CreateModel(
            name="Queue",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=100, unique=True)),
                ("description", models.CharField(blank=True, max_length=500)),
                ("concurrency", models.PositiveIntegerField(blank=True, null=True)),
                ("paused_at", models.DateTimeField(blank=True, null=True)),
                ("paused_by", models.CharField(blank=True, max_length=200)),
                ("pause_reason", models.CharField(blank=True, max_length=500)),
                ("created_at", models.DateTimeField()),
                ("created_by", models.CharField(blank=True, max_length=200)),
                ("updated_at", models.DateTimeField()),
            ],
        ),
        migrations.AddField(
            model_name="execution",
            name="metrics",
            field=models.JSONField(blank=True, null=True),
        ),
        AddColumn(
            model_name="execution",
            name="mutex",
            field=models.CharField(blank=True, db_default="", default="", max_length=100),
        ),
        migrations.AddField(
            model_name="execution",
            name="parameters",
            field=models.JSONField(blank=True, null=True),
        ),
        AddColumn(
            model_name="execution",
            name="requires",
            field=models.CharField(blank=True, db_default="", default="", max_length=500),
        ),
        migrations.AddField(
            model_name="execution",
            name="soft_timeout_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="execution",
            name="upstream",
            field=models.JSONField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="execution",
            name="warnings",
            field=models.JSONField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="job",
            name="is_upstream",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="job",
            name="mutex",
            field=models.CharField(blank=True, db_default="", default="", max_length=100),
        ),
        migrations.AddField(
            model_name="job",
            name="parameters",
            field=models.JSONField(db_default=[], default=list),
        ),
        migrations.AddField(
            model_name="job",
            name="requires",
            field=models.JSONField(db_default=[], default=list),
        ),
        migrations.AddField(
            model_name="job",
            name="soft_timeout_seconds",
            field=models.FloatField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="worker",
            name="drain_requested_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="worker",
            name="drain_requested_by",
            field=models.CharField(blank=True, db_default="", default="", max_length=200),
        ),
        migrations.AddField(
            model_name="worker",
            name="labels",
            field=models.JSONField(db_default=[], default=list),
        ),
        migrations.AddIndex(
            model_name="execution",
            index=models.Index(
                condition=models.Q(("held", False), ("state", "queued")),
                fields=["queue", "requires", "id"],
                name="execution_waiting",
            ),
        ),
        migrations.AddIndex(
            model_name="execution",
            index=models.Index(
                condition=models.Q(
                    ("state__in", ("claimed", "running", "retrying")),
                    models.Q(("attempt__gt", 1), ("state", "queued")),
                    _connector="OR",
                ),
                fields=["queue"],
                name="execution_holding",
            ),
        ),
        migrations.AddIndex(
            model_name="execution",
            index=models.Index(
                condition=models.Q(
                    ("state__in", ("queued", "claimed", "running", "retrying")),
                    models.Q(("mutex", ""), _negated=True),
                ),
                fields=["mutex", "state", "attempt"],
                name="execution_mutex",
            ),
        ),
        migrations.CreateModel(
            name="Artifact",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("attempt", models.PositiveSmallIntegerField(default=1)),
                ("name", models.CharField(max_length=500)),
                ("size_bytes", models.BigIntegerField()),
                ("sha256", models.CharField(max_length=64)),
                ("created_at", models.DateTimeField()),
                (
                    "execution",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="artifacts",
                        to="jobs.execution",
                    ),
                ),
            ],
            options={
                "ordering": ["execution", "name"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("execution", "name"), name="artifact_name_unique"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Dependency",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("outcome", models.CharField(max_length=20)),
                ("met_by_execution_id", models.BigIntegerField(blank=True, null=True)),
                ("met_at", models.DateTimeField(blank=True, null=True)),
                (
                    "job",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="dependencies",
                        to="jobs.job",
                    ),
                ),
                (
                    "upstream",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="dependents",
                        to="jobs.job",
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("job", "upstream"), name="dependency_pair_unique"
                    )
                ],
            },
        ),
    ]
