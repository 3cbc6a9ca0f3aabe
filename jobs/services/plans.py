"""What saving a whole definition would change: the job of its name against what was sent."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from jobs.domain.errors import InvalidError
from jobs.domain.permissions import Actor, Permission, require_somewhere
from jobs.models import Job
from jobs.services import access, breakers, dependency_edits
from jobs.services.definitions import JobDefinition, parse_definition
from jobs.services.stored_definitions import definition_of


class Deed(StrEnum):
    """What saving would do."""

    CREATE = "create"
    UPDATE = "update"
    KEEP = "keep"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What saving a definition would do; ``before`` is None where it would make a job."""

    deed: Deed
    job: Job | None
    before: dict[str, Any] | None
    after: dict[str, Any]

    @property
    def changed(self) -> list[str]:
        """Return the fields that would change; for a new job none."""
        before = self.before
        return [] if before is None else [n for n, v in self.after.items() if before.get(n) != v]


def plan(data: Mapping[str, Any], *, actor: Actor) -> Plan:
    """Return what saving ``data`` would do: a whole definition, so what it leaves out is the default.

    InvalidError names what is wrong with it. Whether the jobs, calendars and breakers that it names
    exist is judged when it is saved: another definition of the same set may make them before.
    """
    require_somewhere(actor, Permission.EDIT)
    job = _named(data, actor)
    if job is None:
        after = parse_definition(data).model_dump(mode="json")
        return Plan(deed=Deed.CREATE, job=None, before=None, after=after)
    access.require_on(actor, Permission.EDIT, job)
    before = definition_of(job)
    definition = parse_definition(data, stored=before)
    _spell(definition, job)
    # A name in another case is the same job; to rename one is not what a set of files does.
    after = {**definition.model_dump(mode="json"), "name": job.name}
    if "workspace" in after:
        after["workspace"] = before["workspace"]
    deed = Deed.KEEP if after == before else Deed.UPDATE
    return Plan(deed=deed, job=job, before=before, after=after)


def _named(data: Mapping[str, Any], actor: Actor) -> Job | None:
    name, workspace = data.get("name"), data.get("workspace")
    if not isinstance(name, str) or not isinstance(workspace, str | None) or "\0" in name:
        return None
    jobs = Job.objects.present().visible_to(actor).filter(name__iexact=name)
    if workspace:
        return jobs.filter(workspace__name__iexact=workspace.replace("\0", "")).first()
    return jobs.filter(workspace=None).first()


def _spell(definition: JobDefinition, job: Job) -> None:
    """Write the names of breakers and jobs as they are stored: their case says nothing."""
    with suppress(InvalidError):
        breakers.resolve(definition)
    with suppress(InvalidError):
        dependency_edits.resolve(definition, job.pk)
