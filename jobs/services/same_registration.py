"""At most one job registers the same resources: the rule for every face that makes such a job."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

from django.db import connection

from jobs.domain.errors import DuplicateError
from jobs.domain.said import said
from jobs.models import Job
from jobs.services import sql
from jobs.services.journal import TYPE, public_id

# What makes two of them the same; how often they run does not.
IDENTITY = (
    "ns_id",
    "connection_name",
    "provider",
    "region",
    "zone",
    "mci_name_prefix",
    "mci_flag",
)
# Any number of ours: creates of this type take turns while they hold it.
_LOCK = zlib.crc32(b"jobdeck.registering")


class SameConfigurationError(DuplicateError):
    """A job with the same configuration exists: ``job_id``, which others call ``existing_id``."""

    def __init__(self, job: Job) -> None:
        """Take the job that is there."""
        self.job_id, self.existing_id = job.pk, public_id(job)
        super().__init__(
            said("A job with the same configuration already exists"),
            fields={
                "spec.ns_id": said(
                    "Job {existing_id} has the same configuration.", existing_id=self.existing_id
                )
            },
        )


def take_turns() -> None:
    """Let nobody else look for the same configuration until this transaction ends.

    SQLite has one writer anyway. An index could not tell: which resource types are named, and in
    what order, is one configuration in many texts.
    """
    if connection.vendor == "postgresql":
        sql.row("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


def refuse(spec: Mapping[str, Any], *, apart_from: int | None = None) -> None:
    """Raise SameConfigurationError where another job of the type is configured so."""
    same = {f"spec__{name}": spec[name] for name in IDENTITY}
    options = set(spec["option"].split(","))
    for job in Job.objects.present().filter(type=TYPE, **same).exclude(pk=apart_from or 0):
        if set(job.spec["option"].split(",")) == options:
            raise SameConfigurationError(job)


def check(job_type: str, spec: Mapping[str, Any], *, apart_from: int | None = None) -> None:
    """Refuse a job that would be a second one; of another type any number may be the same."""
    if job_type == TYPE:
        take_turns()
        refuse(spec, apart_from=apart_from)
