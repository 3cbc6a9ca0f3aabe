"""Index the audit log by what its page is filtered on; old code does not notice."""

from typing import ClassVar

from django.db import migrations, models
from django.db.models.functions import Upper


class Migration(migrations.Migration):
    dependencies: ClassVar = [("jobs", "0014_check_ins")]

    operations: ClassVar = [
        migrations.AddIndex(
            model_name="auditentry",
            index=models.Index(models.F("at").desc(), models.F("id").desc(), name="audit_at"),
        ),
        migrations.AddIndex(
            model_name="auditentry",
            index=models.Index(Upper("actor"), models.F("id").desc(), name="audit_actor"),
        ),
    ]
