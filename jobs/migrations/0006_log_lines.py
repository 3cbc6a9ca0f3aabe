"""Let stored output say its line numbers and hold several streams; rows stay as they are."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("jobs", "0005_dependencies_queues_and_artifacts"),
    ]

    operations = [
        migrations.AddField(
            model_name="logchunk",
            name="line",
            field=models.BigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="logchunk",
            name="marks",
            field=models.TextField(null=True),
        ),
        migrations.AddField(
            model_name="logchunk",
            name="open_bytes",
            field=models.PositiveIntegerField(null=True),
        ),
    ]
