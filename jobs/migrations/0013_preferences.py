"""Keep what each person set for their own pages."""

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar = [("jobs", "0012_workspace_operations")]

    operations: ClassVar = []
