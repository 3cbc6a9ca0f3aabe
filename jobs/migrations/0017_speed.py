"""What speed asks of the tables: hourly figures of jobs by their hour."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("jobs", "0016_job_channel")]

    operations: ClassVar = [
        # Forgetting what is too old read the figures of all jobs each time to find none.
        migrations.AddIndex(
            model_name="jobstat",
            index=models.Index(fields=["hour"], name="job_stat_hour"),
        ),
    ]
