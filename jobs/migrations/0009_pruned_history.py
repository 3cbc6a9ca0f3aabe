"""Let a job say what retention has removed of its history; rows stay as they are."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("jobs", "0008_job_executions_view")]

    operations = [
        migrations.AddField(
            model_name="job",
            name="history_from",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="job",
            name="pruned",
            field=models.JSONField(blank=True, null=True),
        ),
    ]
