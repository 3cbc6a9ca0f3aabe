"""Keep the check-ins of jobs that run elsewhere."""

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar = [("jobs", "0013_preferences")]

    operations: ClassVar = []
