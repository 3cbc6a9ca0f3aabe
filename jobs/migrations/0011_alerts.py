"""Keep alerts, their rules and their deliveries."""

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar = [("jobs", "0010_statistics")]

    operations: ClassVar = []
