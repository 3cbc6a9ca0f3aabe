"""Nothing yet."""

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar = [("jobs", "0017_speed")]

    operations: ClassVar = []
