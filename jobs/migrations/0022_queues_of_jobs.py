"""Index the queues of present jobs: a page that offers them need not read ten thousand jobs."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("jobs", "0021_starts_per_minute")]

    operations: ClassVar = [
        migrations.AddIndex(
            model_name="job",
            index=models.Index(
                fields=["queue"], condition=models.Q(("deleted_at", None)), name="job_queue"
            ),
        ),
    ]
