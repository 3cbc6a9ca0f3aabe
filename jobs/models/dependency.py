"""Dependencies: a job that starts when other jobs have ended."""

from __future__ import annotations

from django.db import models

from jobs.models.job import Job


class Dependency(models.Model):
    """One job waits for one ending of another.

    A job that names several waits for all of them: each keeps the ending that met it until the last
    is met, then all are used up together. Whoever writes rows of a job holds that job locked.
    """

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="dependencies")
    upstream = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="dependents")
    outcome = models.CharField(max_length=20)
    # The execution of the upstream job that met it and has not been used yet. While there is none,
    # ``met_at`` of a new row is since when endings count; a used one has none.
    met_by_execution_id = models.BigIntegerField(null=True, blank=True)
    met_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """A pair is named once; the index of ``upstream`` serves every ending."""

        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["job", "upstream"], name="dependency_pair_unique")
        ]

    def __str__(self) -> str:
        """Return both jobs and the outcome."""
        return f"{self.upstream_id} {self.outcome} -> {self.job_id}"
