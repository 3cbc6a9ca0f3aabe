"""Edits of what somebody else has changed meanwhile: told field by field, and laid over the new."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jobs.domain.errors import Difference, InvalidError, StaleError
from jobs.domain.said import said
from jobs.models import Job, JobVersion
from jobs.services.definitions import parse_definition
from jobs.services.stored_definitions import definition_of


def refusal(job: Job, edited_version: int, changes: Mapping[str, Any]) -> StaleError:
    """Return the refusal of ``changes`` to a version that is not current any more.

    It names each field that has changed since, and each that both have changed.
    """
    now = definition_of(job)
    base = _definition(job, edited_version)
    wanted = _wanted(now, changes)
    before = now if base is None else base
    fields = [name for name in now if now[name] != before.get(name, now[name])]
    if base is None:  # nobody knows what was edited: all that would change something
        fields = [name for name in wanted if wanted[name] != now[name]]
    return StaleError(
        said(
            "{job} was changed meanwhile: you edited version {edited}, version "
            "{current} is current. Load it and repeat your change.",
            job=job.name,
            edited=edited_version,
            current=job.version,
        ),
        version=job.version,
        diff=[
            Difference(
                field=name,
                before=None if base is None else base.get(name),
                now=now[name],
                yours=wanted.get(name, now[name]),
            )
            for name in fields
        ],
    )


def own_changes(job: Job, edited_version: int, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a whole definition differs from the version that was edited."""
    base = _definition(job, edited_version)
    if base is None:
        return dict(wanted)
    parsed = parse_definition(wanted, stored=base).model_dump(mode="json")
    return {name: value for name, value in parsed.items() if value != base.get(name, value)}


def _wanted(now: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the changes as they would be stored; as they were sent where they cannot be."""
    laid = {**now, **changes}
    if isinstance(changes.get("retry"), Mapping):
        laid["retry"] = {**now["retry"], **changes["retry"]}
    try:
        parsed = parse_definition(laid, stored=now).model_dump(mode="json")
    except InvalidError:
        parsed = laid
    return {name: parsed[name] for name in changes if name in now}


def _definition(job: Job, version: int) -> dict[str, Any] | None:
    found = JobVersion.objects.filter(job=job, version=version).first()
    return None if found is None else found.definition
