"""The versions of a job's definition: who saved which, and what each changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from django.db.models import QuerySet

from jobs.domain.definition_changes import FieldChange, changes_between
from jobs.domain.disclosure import definition_for, masked
from jobs.domain.errors import UnknownError
from jobs.domain.permissions import Actor
from jobs.domain.said import said
from jobs.models import Job, JobVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRow:
    """A version, and what it changed; None where the one before it is not on record."""

    version: JobVersion
    changes: Sequence[FieldChange] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionPage:
    """Some versions, the newest first; ``older`` is the one below which the next page begins."""

    rows: list[VersionRow]
    older: int | None


def list_versions(
    job: Job, *, seen_by: Actor, before: int | None = None, limit: int = 25
) -> VersionPage:
    """Return a page of a job's versions; ``before`` is where it begins, not included."""
    rows = _of(job).order_by("-version")
    if before is not None:
        rows = rows.filter(version__lt=before)
    found = list(rows[: limit + 1])
    shown = found[:limit]
    return VersionPage(
        rows=[
            VersionRow(version=one, changes=None if last is None else compared(last, one, seen_by))
            for one, last in zip_longest(shown, found[1:][:limit])
        ],
        older=shown[-1].version if len(found) > limit else None,
    )


def version_before(job: Job, number: int) -> JobVersion | None:
    """Return the version before one; None where there is none on record."""
    return _of(job).filter(version__lt=number).order_by("-version").first()


def get_version(job: Job, number: int) -> JobVersion:
    """Return one version; UnknownError, with the numbers that there are, when it is not on record."""
    row = _of(job).filter(version=number).first()
    if row is None:
        raise UnknownError(
            said(
                "{job} has no version {number}. Use 1 to {most}.",
                job=job.name,
                number=number,
                most=job.version,
            )
        )
    return row


def compared(before: JobVersion, after: JobVersion, seen_by: Actor) -> list[FieldChange]:
    """Return what differs between two versions, as ``seen_by`` may see it."""
    sides = (before.definition, after.definition)
    return changes_between(*sides, shown=(seen(before, seen_by), seen(after, seen_by)))


def seen(version: JobVersion, actor: Actor) -> dict[str, Any]:
    """Return a version's definition as ``actor`` may see it.

    Who has a role for some jobs only learns no secret of a workspace in which the job was before.
    """
    here = version.job.workspace.name if version.job.workspace else None
    if actor.sees_all or (version.definition.get("workspace") or None) == here:
        return definition_for(actor, version.definition)
    hidden: dict[str, Any] = masked(version.definition)
    return hidden


def _of(job: Job) -> QuerySet[JobVersion]:
    return JobVersion.objects.filter(job=job).select_related("job__workspace")
