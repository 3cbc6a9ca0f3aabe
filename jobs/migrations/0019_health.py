"""Let each alert say when its reminders are looked at again."""

from typing import ClassVar

import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("jobs", "0018_templates")]

    operations: ClassVar = [
        # What is open at the upgrade is looked at once, and old code may go on opening alerts.
        migrations.AddField(
            model_name="alert",
            name="remind_at",
            field=models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
        ),
        migrations.AddIndex(
            model_name="alert",
            index=models.Index(
                fields=["resolved_at", "acknowledged_at", "remind_at"], name="alert_remind"
            ),
        ),
    ]
