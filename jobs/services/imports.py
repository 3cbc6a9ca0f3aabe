"""Jobs of what another scheduler runs: found in a text, looked at, made paused, taken back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from graphlib import CycleError, TopologicalSorter
from typing import Any

from jobs.domain.errors import (
    DuplicateError,
    ForbiddenError,
    InvalidError,
    JobdeckError,
    StateError,
)
from jobs.domain.permissions import Actor, Permission, require_somewhere
from jobs.domain.said import said, told
from jobs.domain.schedule import Schedule
from jobs.domain.states import JobState
from jobs.importers import candidates
from jobs.importers.candidates import Candidate, Kind
from jobs.importers.notes import Note
from jobs.models import Job
from jobs.services import dependency_edits, jobs
from jobs.services.definitions import JobDefinition, parse_definition
from jobs.services.findings import WHOLE
from jobs.services.firing import next_fire
from jobs.services.import_requests import MOST, ImportApply, ImportRequest
from jobs.services.many import Outcome
from jobs.services.writing import write_transaction

_RUNS = ("command", "script", "url", "class", "template", "ns_id", "name")
_SHOWN = 200  # characters of what a job runs


class Deed(StrEnum):
    """What importing would do with a job."""

    CREATE = "create"
    EXISTS = "exists"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One job of the text; ``number`` counts from 1, ``next_at`` is as if it were not paused."""

    number: int
    line: int | None
    name: str
    deed: Deed
    reason: str = ""
    reasons: Sequence[str] = ()  # each alone, where there are several
    type: str = ""
    runs: str = ""
    workspace: str = ""
    rules: Sequence[Schedule] = ()
    next_at: datetime | None = None
    notes: Sequence[Note] = ()
    definition: JobDefinition | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a text is, and what importing it would do."""

    kind: Kind
    items: Sequence[Item]

    def count(self, deed: Deed) -> int:
        """Return how many jobs it would be done to."""
        return sum(one.deed == deed for one in self.items)


def preview(asked: ImportRequest, *, actor: Actor, now: datetime) -> Preview:
    """Return each job that a text holds, and what importing would do with it; nothing is saved."""
    require_somewhere(actor, Permission.EDIT)
    kind = asked.kind or candidates.recognised(asked.text, asked.source)
    found = candidates.read(
        asked.text, kind, source=asked.source, zone=asked.timezone, home=asked.home
    )
    if not found:
        sentence = said("The text holds no job. Give a crontab, or a file of jobs.")
        raise InvalidError(sentence, fields={"text": sentence})
    if len(found) > MOST:
        sentence = said(
            "The text holds {count} jobs. Import {most} or fewer at a time, or use `jobctl apply`.",
            count=len(found),
            most=MOST,
        )
        raise InvalidError(sentence, fields={"text": sentence})
    return Preview(kind=kind, items=_judged(found, asked, actor, now))


def make(asked: ImportApply, *, actor: Actor, now: datetime) -> list[Job]:
    """Create the chosen jobs paused, all or none; InvalidError names the one that cannot be.

    Without a choice it is all that are new.
    """
    found = preview(asked, actor=actor, now=now).items
    wanted = _chosen(found, asked.chosen)
    made = {}
    with write_transaction():
        for one in _in_order(wanted):
            assert one.definition is not None  # noqa: S101 - what is new has one
            try:
                made[one.number] = jobs.create(one.definition, actor=actor, paused=True)
            except JobdeckError as error:
                raise _not_made(one, error.message) from error
    return [made[number] for number in sorted(made)]


def undo(versions: Mapping[int, int], *, actor: Actor) -> list[Outcome]:
    """Delete jobs that are as they were imported; one that was changed, resumed or has run stays."""
    require_somewhere(actor, Permission.DELETE)
    return [_taken_back(number, version, actor) for number, version in versions.items()]


def _taken_back(job_id: int, version: int, actor: Actor) -> Outcome:
    try:
        with write_transaction():
            dependency_edits.lock_with_neighbours(job_id)
            job = jobs.locked(job_id)
            touched = job.version != version or job.state != JobState.PAUSED
            if touched or job.execution_count:
                raise StateError(
                    said(
                        "{name} was changed or has run since it was made: it stays.", name=job.name
                    )
                )
            jobs.delete(job_id, actor=actor)
    except JobdeckError as error:
        return Outcome(job_id=job_id, error=error)
    return Outcome(job_id=job_id)


def _chosen(found: Sequence[Item], numbers: Sequence[int] | None) -> list[Item]:
    """Return the items to make; InvalidError for a number that is none, or of no new job."""
    if numbers is None:
        wanted = [one for one in found if one.deed == Deed.CREATE]
    else:
        known = {one.number: one for one in found}
        for number in numbers:
            if number not in known:
                raise InvalidError(
                    said(
                        "The text has no job number {number}. Use 1 to {count}.",
                        number=number,
                        count=len(found),
                    )
                )
            if known[number].deed != Deed.CREATE:
                raise _not_made(known[number], known[number].reason)
        wanted = [known[number] for number in dict.fromkeys(numbers)]
    if not wanted:
        raise InvalidError(said("No job is chosen, or none of the text is new: nothing is made."))
    return wanted


def _not_made(one: Item, reason: str) -> InvalidError:
    name = one.name or str(one.number)
    at = told((name, said("(line {line})", line=one.line))) if one.line else name
    sentence = said("Nothing was made. {job}: {reason}", job=at, reason=reason)
    return InvalidError(sentence, fields={f"chosen.{one.number}": reason})


# --- What would become of each --------------------------------------------------------------------


def _judged(
    found: Sequence[Candidate], asked: ImportRequest, actor: Actor, now: datetime
) -> list[Item]:
    """Return the candidates with their verdicts; each may wait for others of the text."""
    read = [_read(number, one, asked, found) for number, one in enumerate(found, 1)]
    seen: dict[tuple[str, str], int] = {}
    items = []
    for item, one in zip(read, found, strict=True):
        if item.definition is None:
            items.append(item)
            continue
        first = seen.setdefault(_key(item.definition), item.number)
        if first != item.number:
            at = found[first - 1].line
            reason = (
                said("The job is also at line {line}.", line=at)
                if at
                else said("It is also job {number} of these.", number=first)
            )
            items.append(replace(item, deed=Deed.REFUSED, reason=reason, definition=None))
            continue
        items.append(_verdict(item, one, read, actor, now))
    return items


def _read(number: int, one: Candidate, asked: ImportRequest, found: Sequence[Candidate]) -> Item:
    """Return a candidate as a definition of ours, if it is one."""
    if one.definition is None:
        return Item(
            number=number, line=one.line, name=one.title, deed=Deed.REFUSED, reason=one.reason
        )
    values = _placed(one, asked, found)
    item = Item(
        number=number,
        line=one.line,
        name=str(values.get("name") or one.title)[:200],
        deed=Deed.CREATE,
        type=str(values.get("type") or "")[:60],
        runs=_runs(values.get("spec")),
        notes=one.notes,
    )
    try:
        definition = parse_definition(values)
    except InvalidError as error:
        return _refused(item, one, error)
    return replace(item, definition=definition, workspace=definition.workspace or "")


def _placed(one: Candidate, asked: ImportRequest, found: Sequence[Candidate]) -> dict[str, Any]:
    """Return a definition with the prefix, the workspace and the tag that were asked for."""
    values = dict(one.definition or {})
    name = values.get("name")
    if asked.prefix and isinstance(name, str):
        values["name"] = f"{asked.prefix}{name}"
        waits = values.get("depends_on")
        if isinstance(waits, list):  # what is none is refused as it is written
            values["depends_on"] = list(_prefixed(waits, asked.prefix, found))
    if values.get("workspace") is None:
        values["workspace"] = asked.workspace or one.workspace or None
    tags = values.get("tags") or []
    if asked.tag and isinstance(tags, list) and asked.tag not in tags:
        values["tags"] = [*tags, asked.tag]
    return values


def _prefixed(waits: Sequence[object], prefix: str, found: Sequence[Candidate]) -> Iterator[object]:
    """Yield what a job waits for; other jobs of the text are called by their new names."""
    names = {str((one.definition or {}).get("name")).lower() for one in found}
    for one in waits:
        told = one.get("job") if isinstance(one, dict) else one
        room, slash, name = str(told).rpartition("/")
        if name.lower() not in names:
            yield one
            continue
        called = f"{room}{slash}{prefix}{name}"
        yield {**one, "job": called} if isinstance(one, dict) else called


def _verdict(item: Item, one: Candidate, read: Sequence[Item], actor: Actor, now: datetime) -> Item:
    """Return what creating would say now, taking the other jobs of the text for made."""
    definition = item.definition
    assert definition is not None  # noqa: S101 - only those are asked about
    rules = [schedule.rule(anchor_at=now) for schedule in definition.schedules]
    at = next_fire(rules, after=now, live=False, last_finished_at=None)
    item = replace(item, rules=rules, next_at=at)
    alone = definition.model_copy(deep=True)
    together = {_key(other.definition) for other in read if other.definition is not None}
    together.discard(_key(definition))
    alone.depends_on = [
        each for each in alone.depends_on if not _means(each.job, definition) & together
    ]
    try:
        jobs.check_new(alone, actor=actor)
    except DuplicateError as error:
        return replace(item, deed=Deed.EXISTS, reason=error.message)
    except (InvalidError, ForbiddenError) as error:
        return _refused(item, one, error)
    return item


def _refused(item: Item, one: Candidate, error: JobdeckError) -> Item:
    line = one.line_of(next(iter(error.fields), ""))
    # Only who wrote our words knows our fields.
    reasons = [
        told((f"{name}:", text)) if one.entry and name != WHOLE else text
        for name, text in error.fields.items()
    ]
    reason = error.message if one.entry else told(reasons) or error.message
    several = reasons if len(reasons) > 1 else ()
    refused = replace(item, deed=Deed.REFUSED, reason=reason, reasons=several)
    return replace(refused, line=line, definition=None)


def _key(definition: JobDefinition) -> tuple[str, str]:
    return (definition.workspace or "").lower(), definition.name.lower()


def _means(name: str, definition: JobDefinition) -> set[tuple[str, str]]:
    """Return which jobs a name in ``depends_on`` may mean: of its workspace, or standing alone."""
    room, slash, last = name.lower().rpartition("/")
    return {(room, last)} if slash else {((definition.workspace or "").lower(), last), ("", last)}


def _in_order(wanted: Sequence[Item]) -> list[Item]:
    """Return the jobs so that what one waits for is made before it; in a circle as they are."""
    defined = {one.number: one.definition for one in wanted if one.definition is not None}
    by_key = {_key(definition): number for number, definition in defined.items()}
    waits = {
        number: {
            by_key[key]
            for each in definition.depends_on
            for key in _means(each.job, definition) & set(by_key)
            if by_key[key] != number
        }
        for number, definition in defined.items()
    }
    by_number = {one.number: one for one in wanted}
    try:
        return [by_number[number] for number in TopologicalSorter(waits).static_order()]
    except CycleError:
        return list(wanted)


def _runs(spec: object) -> str:
    """Return what a job runs in few words: its command, or the first line of its script."""
    if not isinstance(spec, Mapping):
        return ""
    told = next((spec[name] for name in _RUNS if isinstance(spec.get(name), str)), "")
    return next((line.strip() for line in told.splitlines() if line.strip()), "")[:_SHOWN]
