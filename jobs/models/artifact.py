"""Artifacts: files that an execution left for people and scripts to fetch."""

from __future__ import annotations

from django.db import models

from jobs.models.execution import Execution


class Artifact(models.Model):
    """One file of one execution; its bytes lie under the artifacts directory."""

    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="artifacts")
    attempt = models.PositiveSmallIntegerField(default=1)
    # The path below the execution's directory, with forward slashes.
    name = models.CharField(max_length=500)
    size_bytes = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    created_at = models.DateTimeField()

    class Meta:
        """A name is kept once for each execution: a later attempt replaces the earlier file."""

        ordering = ["execution", "name"]
        constraints = [
            models.UniqueConstraint(fields=["execution", "name"], name="artifact_name_unique")
        ]

    def __str__(self) -> str:
        """Return execution and name."""
        return f"#{self.execution_id} {self.name}"
