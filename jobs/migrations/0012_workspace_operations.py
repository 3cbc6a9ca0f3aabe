"""Keep what workspaces deploy and destroy."""

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar = [("jobs", "0011_alerts")]

    operations: ClassVar = []
