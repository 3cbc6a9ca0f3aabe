"""Index what is asked for of executions: those of a rare queue, and old output that is kept.

PostgreSQL makes them beside the writes of a running product: with millions of executions it takes
seconds, in which nothing could start or end.
"""

from typing import Any, ClassVar

from django.db import migrations, models


class AddIndexBesideWrites(migrations.AddIndex):
    """Add an index without a lock on writes where the database can."""

    atomic = False

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        """Make the index; what a creation that was cut off left is made anew."""
        model = to_state.apps.get_model(app_label, self.model_name)
        if not self.allow_migrate_model(schema_editor.connection.alias, model):
            return
        beside = schema_editor.connection.vendor == "postgresql"
        name = schema_editor.quote_name(self.index.name)
        schema_editor.execute(f"DROP INDEX {'CONCURRENTLY ' if beside else ''}IF EXISTS {name}")
        if beside:
            schema_editor.add_index(model, self.index, concurrently=True)
        else:
            schema_editor.add_index(model, self.index)


class Migration(migrations.Migration):
    atomic = False

    dependencies: ClassVar = [("jobs", "0019_health")]

    operations: ClassVar = [
        AddIndexBesideWrites(
            model_name="execution",
            index=models.Index(
                fields=["queue", "state", "-id"],
                condition=models.Q(
                    (
                        "state__in",
                        ("succeeded", "failed", "timed_out", "cancelled", "skipped", "lost"),
                    )
                ),
                name="execution_queue",
            ),
        ),
        AddIndexBesideWrites(
            model_name="execution",
            index=models.Index(
                fields=["finished_at"],
                condition=models.Q(("log_bytes__gt", 0)),
                name="execution_logged",
            ),
        ),
    ]
