"""Variables and secrets: named texts that `{{name}}` in a job stands for."""

from __future__ import annotations

from typing import Final

from django.db import models
from django.db.models import Q

# Where a variable is known. The column is open text: a narrower scope needs no change of the table.
GLOBAL: Final = "global"
JOB: Final = "job"
_WORKSPACE: Final = "workspace:"  # and the number of the workspace


def workspace_scope(workspace_id: int) -> str:
    """Return the scope of the variables that the jobs of a workspace may name."""
    return f"{_WORKSPACE}{workspace_id}"


def workspace_of(scope: str) -> int | None:
    """Return the number of the workspace that a scope means; None for another scope."""
    return int(scope.removeprefix(_WORKSPACE)) if scope.startswith(_WORKSPACE) else None


def nearness(scope: str) -> int:
    """Return where a scope stands: of variables with one name, that of the greatest counts."""
    return {GLOBAL: 0, JOB: 2}.get(scope, 1)


class Variable(models.Model):
    """A name and its value; a secret's value is kept sealed and never shown again."""

    scope = models.CharField(max_length=20)
    # For the scope "job".
    job = models.ForeignKey(
        "jobs.Job", null=True, blank=True, on_delete=models.CASCADE, related_name="variables"
    )
    name = models.CharField(max_length=100)
    description = models.CharField(max_length=500, blank=True)
    secret = models.BooleanField(default=False)
    value = models.TextField(blank=True)
    # The encrypted value of a secret. A column of its own: no query of ``value`` can leak one.
    sealed = models.TextField(blank=True)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=200, blank=True)
    # Of the value: its age is all that is shown of a secret.
    changed_at = models.DateTimeField()
    changed_by = models.CharField(max_length=200, blank=True)

    class Meta:
        """One value for each name and scope; a run asks for those of its job and the global ones."""

        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["name"], condition=Q(scope=GLOBAL), name="variable_global_name_unique"
            ),
            models.UniqueConstraint(
                fields=["job", "name"], condition=Q(scope=JOB), name="variable_job_name_unique"
            ),
            models.CheckConstraint(
                condition=Q(scope=JOB, job__isnull=False) | (~Q(scope=JOB) & Q(job__isnull=True)),
                name="variable_scope_names_its_job",
            ),
            models.CheckConstraint(
                condition=Q(secret=True, value="") | Q(secret=False, sealed=""),
                name="variable_secret_is_sealed",
            ),
        ]

    def __str__(self) -> str:
        """Return the name; never the value."""
        return self.name
