"""Files of the configuration directory, and what each of them defines."""

from __future__ import annotations

from django.db import models


class ConfigFile(models.Model):
    """One file as it was last looked at; an unchanged one is not read again."""

    path = models.CharField(max_length=500, unique=True)  # below the configuration directory
    size = models.BigIntegerField(default=0)
    changed_ns = models.BigIntegerField(default=0)  # when the file system saw it change
    fingerprint = models.CharField(max_length=64, blank=True)
    present = models.BooleanField(default=True)
    # What is wrong with it, empty when it is applied; ``line`` is null where none can be named.
    fault = models.TextField(blank=True)
    line = models.PositiveIntegerField(null=True, blank=True)
    warnings = models.JSONField(default=list)
    commit = models.CharField(max_length=64, blank=True)  # of the checkout that it came from
    applied_at = models.DateTimeField(null=True, blank=True)
    looked_at = models.DateTimeField()

    class Meta:
        """Told by path."""

        ordering = ["path"]

    def __str__(self) -> str:
        """Return the path."""
        return self.path


class FileJob(models.Model):
    """A job that a file defines, and how the file has it: what differs was changed by a person."""

    job = models.OneToOneField("jobs.Job", on_delete=models.CASCADE, related_name="file_row")
    file = models.ForeignKey(ConfigFile, on_delete=models.CASCADE, related_name="jobs")
    definition = models.JSONField()

    def __str__(self) -> str:
        """Return job and file."""
        return f"{self.job_id} {self.file_id}"


class FileWorkspace(models.Model):
    """A workspace that a file defines, and how the file has it."""

    workspace = models.OneToOneField(
        "jobs.Workspace", on_delete=models.CASCADE, related_name="file_row"
    )
    file = models.ForeignKey(ConfigFile, on_delete=models.CASCADE, related_name="workspaces")
    definition = models.JSONField()

    def __str__(self) -> str:
        """Return workspace and file."""
        return f"{self.workspace_id} {self.file_id}"


class ConfigPull(models.Model):
    """What became of the pulls of one host's checkout of the configuration directory."""

    place = models.CharField(max_length=700, unique=True)  # host and directory
    branch = models.CharField(max_length=200, blank=True)
    commit = models.CharField(max_length=64, blank=True)
    pulled_at = models.DateTimeField(null=True, blank=True)  # the last that did not fail
    looked_at = models.DateTimeField()
    fault = models.TextField(blank=True)  # why the last failed
    failing_since = models.DateTimeField(null=True, blank=True)

    class Meta:
        """Told by host."""

        ordering = ["place"]

    def __str__(self) -> str:
        """Return host and directory."""
        return self.place
