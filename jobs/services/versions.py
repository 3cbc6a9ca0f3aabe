"""What a job's schedules were at any time: the versions of its definition, as rules again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from jobs.domain import schedule as rules
from jobs.models import Job, JobVersion, Schedule
from jobs.services.definitions import KEPT, ScheduleDefinition
from jobs.services.firing import effective_end, effective_start

Facts = list[dict[str, str | None]]


def facts_of(rows: Iterable[Schedule]) -> Facts:
    """Return what the definition does not say about its schedules, in their order."""
    return [
        {"anchor_at": _text(row.anchor_at), "exhausted_at": _text(row.exhausted_at)} for row in rows
    ]


def keep_facts(job: Job) -> None:
    """Let the job's present version remember what its schedules have come to."""
    rows = job.schedules.order_by("position")
    JobVersion.objects.filter(job=job, version=job.version).update(schedule_facts=facts_of(rows))


def rules_of_version(version: JobVersion) -> list[rules.Schedule]:
    """Return the schedules of a version as the dispatcher saw them.

    A version without facts is older than they are: its grids began when it was saved.
    """
    definitions = version.definition["schedules"]
    facts: Sequence[dict[str, Any]] = version.schedule_facts or [{}] * len(definitions)
    return [
        _rule(definition, fact, version.created_at)
        for definition, fact in zip(definitions, facts, strict=True)
    ]


def _rule(definition: dict[str, Any], fact: dict[str, Any], saved_at: datetime) -> rules.Schedule:
    known = ScheduleDefinition.model_fields
    fields = {name: value for name, value in definition.items() if name in known}
    values = ScheduleDefinition.model_validate(fields, context=KEPT)
    anchor_at = _moment(fact.get("anchor_at")) or saved_at
    exhausted_at = _moment(fact.get("exhausted_at"))
    ends_at = effective_end(values.ends_at, exhausted_at)
    values.starts_at = effective_start(values.starts_at, exhausted_at)
    return values.rule(anchor_at=anchor_at, ends_at=ends_at)


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
