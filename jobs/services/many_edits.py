"""One change of many definitions: tags, queue, times. Told beforehand, done one by one, undone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from jobs.domain.cron import parse_cron
from jobs.domain.errors import InvalidError, JobdeckError, StateError
from jobs.domain.permissions import Actor, Permission, require, require_somewhere
from jobs.domain.said import said
from jobs.domain.schedule import Schedule
from jobs.domain.shifting import MOST_MINUTES, shifted
from jobs.domain.states import DayMatch, JobState, ScheduleKind, SecondsPosition
from jobs.models import Job, JobVersion
from jobs.queries.jobs import get_job
from jobs.services import jobs, previews
from jobs.services.definitions import parse_definition
from jobs.services.firing import next_fire, rules_of
from jobs.services.problems import parsed
from jobs.services.stored_definitions import definition_of
from jobs.services.wording import check_queue, check_tag

# What an edit may change, and what undoing it brings back.
FIELDS = ("tags", "queue", "schedules")
_TIMED = {ScheduleKind.CRON.value, ScheduleKind.ONCE.value}
Tag = Annotated[str, AfterValidator(check_tag)]


def _queue(name: str) -> str:
    return check_queue(name) if name else ""


class EditRequest(BaseModel):
    """What to change of each job; what is empty stays as it is."""

    model_config = ConfigDict(extra="forbid")

    add_tags: list[Tag] = Field(default_factory=list, max_length=50)
    remove_tags: list[Tag] = Field(default_factory=list, max_length=50)
    queue: Annotated[str, AfterValidator(_queue)] = ""
    shift_minutes: Annotated[int, Field(ge=-MOST_MINUTES, le=MOST_MINUTES)] = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedEdit:
    """What an edit would do to one job: fields before and after, its next run, or why not."""

    job: Job
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    next_before: datetime | None
    next_after: datetime | None
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EditOutcome:
    """What became of one job; ``version`` is the one that was made, None where nothing was."""

    job_id: int
    version: int | None = None
    error: JobdeckError | None = None


def parse_edit(data: Mapping[str, Any]) -> EditRequest:
    """Return the edit that ``data`` holds; InvalidError names each wrong field, or that none is."""
    asked = parsed(EditRequest, data)
    require_change(asked)
    return asked


def require_change(asked: EditRequest) -> None:
    """Raise InvalidError where an edit changes nothing of any job."""
    if not (asked.add_tags or asked.remove_tags or asked.queue or asked.shift_minutes):
        raise InvalidError(said("Nothing is to be changed. Give tags, a queue or minutes."))


def plan(
    rows: Iterable[Job], asked: EditRequest, *, actor: Actor, now: datetime
) -> list[PlannedEdit]:
    """Return what the edit would do to each job."""
    return [_planned(job, asked, actor, now) for job in rows]


def _planned(job: Job, asked: EditRequest, actor: Actor, now: datetime) -> PlannedEdit:
    before = definition_of(job)
    try:
        require(actor, Permission.EDIT, job)
        changes = _changes(before, asked)
        parse_definition({**before, **changes}, stored=before)
        error = "" if changes else _idle(before, asked)
    except JobdeckError as refused:
        changes, error = {}, refused.message
    return PlannedEdit(
        job=job,
        before={name: before[name] for name in changes},
        after=changes,
        next_before=job.next_fire_at,
        next_after=_next(job, changes, now) if "schedules" in changes else job.next_fire_at,
        error=error,
    )


def _idle(definition: Mapping[str, Any], asked: EditRequest) -> str:
    """Return why the edit changes nothing."""
    timed = {one["kind"] for one in definition["schedules"]} & _TIMED
    if asked.shift_minutes and not timed:
        return said("It has no schedule with a time of day: there is nothing to shift.")
    return said("It is so already.")


def _next(job: Job, changes: Mapping[str, Any], now: datetime) -> datetime | None:
    """Return when the job would run next with other schedules; None while it is stopped."""
    if job.state != JobState.ACTIVE:
        return None
    stored = previews.stored_of(job)
    entries = [previews.drafted(one, now=now, stored=stored) for one in changes["schedules"]]
    rules = [one.rule for one in entries if not isinstance(one, InvalidError)]
    return next_of(job, rules, now)


def next_of(job: Job, rules: list[Schedule], now: datetime) -> datetime | None:
    """Return what the rules name next for a job that is not stopped."""
    live = job.live_count > 0
    return next_fire(rules, after=now, live=live, last_finished_at=job.last_finished_at)


def next_if_resumed(job: Job, now: datetime) -> datetime | None:
    """Return when a stopped job would run next if it were resumed now."""
    return next_of(job, rules_of(job.schedules.all()), now)


def _changes(definition: Mapping[str, Any], asked: EditRequest) -> dict[str, Any]:
    """Return the fields that the edit changes."""
    tags = [tag for tag in definition["tags"] if tag not in asked.remove_tags]
    tags += [tag for tag in asked.add_tags if tag not in tags]
    wanted: dict[str, Any] = {"tags": tags, "queue": asked.queue or definition["queue"]}
    if asked.shift_minutes:
        rows = definition["schedules"]
        wanted["schedules"] = [_moved(one, asked.shift_minutes) for one in rows]
    return {
        name: value
        for name, value in wanted.items()
        if value != definition[name] and (name != "tags" or set(value) != set(definition[name]))
    }


def _moved(one: Mapping[str, Any], minutes: int) -> dict[str, Any]:
    """Move what has a time of day or a moment; intervals and events stay as they are."""
    if one["kind"] == ScheduleKind.ONCE and one["at"]:
        at = datetime.fromisoformat(one["at"]) + timedelta(minutes=minutes)
        return {**one, "at": at.isoformat().replace("+00:00", "Z")}
    if one["kind"] != ScheduleKind.CRON:
        return dict(one)
    position = SecondsPosition(one["seconds_position"])
    text = shifted(one["expression"], minutes, seconds_position=position)
    parse_cron(text, DayMatch(one["day_match"]), position)
    return {**one, "expression": text}


def apply(
    versions: Mapping[int, int], asked: EditRequest, *, actor: Actor
) -> Sequence[EditOutcome]:
    """Change each job whose version is still the one that was shown; who fails stops no other."""
    require_somewhere(actor, Permission.EDIT)
    return [_applied(number, version, asked, actor) for number, version in versions.items()]


def _applied(job_id: int, version: int, asked: EditRequest, actor: Actor) -> EditOutcome:
    def changes(job: Job) -> dict[str, Any]:
        return _changes(definition_of(job), asked)

    return _one(job_id, version, changes, actor)


def undo(versions: Mapping[int, int], *, actor: Actor) -> Sequence[EditOutcome]:
    """Bring back tags, queue and schedules as they were before each of these versions."""
    require_somewhere(actor, Permission.EDIT)
    return [_one(number, version, _before, actor) for number, version in versions.items()]


def _before(job: Job) -> dict[str, Any]:
    row = JobVersion.objects.filter(job=job, version=job.version - 1).first()
    if row is None:
        raise StateError(
            said("{name} has no version before {version}.", name=job.name, version=job.version)
        )
    return {name: row.definition[name] for name in FIELDS}


def _one(
    job_id: int, version: int, changes: Callable[[Job], Mapping[str, Any]], actor: Actor
) -> EditOutcome:
    try:
        wanted = changes(get_job(job_id, seen_by=actor))
        saved = jobs.update(job_id, wanted, actor=actor, expected_version=version)
    except JobdeckError as error:
        return EditOutcome(job_id=job_id, error=error)
    return EditOutcome(job_id=job_id, version=saved.version if saved.version != version else None)
