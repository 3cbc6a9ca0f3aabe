"""Keep hourly figures of each job and queue."""

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar = [("jobs", "0009_pruned_history")]

    operations: ClassVar = []
