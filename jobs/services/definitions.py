"""A job definition as a value: what the API, the form, the CLI and files all hand over.

One Pydantic model validates every face, so that the same wrong value gets the same words anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Annotated, Any, Self

from django.conf import settings
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    model_serializer,
    model_validator,
)

from jobs import conf
from jobs.domain import schedule as rules
from jobs.domain.disclosure import masked_at
from jobs.domain.durations import format_duration, parse_duration
from jobs.domain.errors import InvalidError
from jobs.domain.labels import MOST as MOST_LABELS
from jobs.domain.labels import check_labels
from jobs.domain.masking import MASK
from jobs.domain.misfire import MAX_STEPS
from jobs.domain.parameters import check_declarations
from jobs.domain.retry import RetryPolicy
from jobs.domain.said import said, told
from jobs.domain.states import (
    Anchor,
    DayMatch,
    DependencyOutcome,
    Event,
    Fold,
    Gap,
    Misfire,
    Overlap,
    RetryCause,
    RetryKind,
    ScheduleKind,
    SecondsPosition,
)
from jobs.domain.strategies import strategy
from jobs.domain.variables import check_placeholders
from jobs.executors import executor_for, parse_spec
from jobs.executors.environment import validate_environment
from jobs.services.findings import WHOLE, Findings
from jobs.services.parameter_definitions import ParameterDefinition, check_uses
from jobs.services.problems import invalid_from, named, together
from jobs.services.storable import check_storable
from jobs.services.wording import (
    check_job_reference,
    check_mutex,
    check_name,
    check_queue,
    check_tag,
    choice,
)

PRIORITIES = {"low": -10, "normal": 0, "high": 10, "critical": 20}
MAX_SECONDS = 366 * 24 * 3600  # a year: what is longer is a slip of the unit
LAST_YEAR = 9990  # a later moment has no name in some time zone
KEPT = {"kept": True}  # context of a schedule that is on record: its years are not judged again


def _seconds(value: object) -> object:
    """Turn ``"30m"`` into 1800.0; leave the rest to the model."""
    if not isinstance(value, str):
        return value
    with named():
        return parse_duration(value).total_seconds()


def _priority(value: object) -> object:
    """Turn ``"high"`` into its number."""
    return PRIORITIES.get(value.lower(), value) if isinstance(value, str) else value


Seconds = Annotated[float, BeforeValidator(_seconds), Field(ge=0, le=MAX_SECONDS)]


class ScheduleDefinition(BaseModel):
    """One schedule of a job; which fields count depends on ``kind``."""

    model_config = ConfigDict(extra="forbid")

    kind: Annotated[ScheduleKind, choice(ScheduleKind)]
    expression: Annotated[str, Field(max_length=255)] = ""
    day_match: Annotated[DayMatch, choice(DayMatch)] = DayMatch.ANY
    seconds_position: Annotated[SecondsPosition, choice(SecondsPosition)] = SecondsPosition.LAST
    gap: Annotated[Gap, choice(Gap)] = Gap.FIRST_VALID
    fold: Annotated[Fold, choice(Fold)] = Fold.FIRST
    seconds: Annotated[float, BeforeValidator(_seconds), Field(ge=1, le=MAX_SECONDS)] | None = None
    anchor: Annotated[Anchor, choice(Anchor)] = Anchor.COMPLETION
    at: datetime | None = None
    event: str = ""
    timezone: str = Field(default_factory=lambda: settings.TIME_ZONE)
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    jitter_seconds: Seconds = 0
    spread_seconds: Seconds = 0
    max_executions: Annotated[int, Field(ge=1, le=1_000_000)] | None = None

    @model_validator(mode="after")
    def _check(self, info: ValidationInfo) -> Self:
        """Let the domain judge the whole: expression, zone, and what belongs to the kind."""
        with named():
            self.timezone = self.rule(anchor_at=None).timezone
        self._check_years(info.context or {})
        return self

    def _check_years(self, stored: Mapping[str, Any]) -> None:
        """Refuse moments that are none in some time zone; what is stored already is not judged."""
        far = [
            name
            for name in ("at", "starts_at", "ends_at")
            if (moment := getattr(self, name)) is not None and not 2 <= moment.year <= LAST_YEAR
        ]
        known = stored.get("schedules", ())
        if not far or stored.get("kept") or self.model_dump(mode="json") in known:
            return
        sentence = said(
            "{moment} is out of range. Use years 2 to {last}.",
            moment=getattr(self, far[0]),
            last=LAST_YEAR,
        )
        with named():
            raise InvalidError(sentence, fields=dict.fromkeys(far, sentence))

    def rule(
        self, *, anchor_at: datetime | None, ends_at: datetime | None = None
    ) -> rules.Schedule:
        """Return the domain's schedule; ``anchor_at`` is the origin of an interval's grid.

        ``ends_at`` is where it really ended, when that is earlier than it says.
        """
        values = self.model_dump(exclude={"max_executions", "ends_at"})
        return rules.Schedule(anchor_at=anchor_at, ends_at=ends_at or self.ends_at, **values)


class RetryDefinition(BaseModel):
    """When a failed attempt is followed by another."""

    model_config = ConfigDict(extra="forbid")

    max_attempts: int = Field(default=1, ge=1, le=100)
    kind: Annotated[RetryKind, choice(RetryKind)] = RetryKind.FIXED
    base_seconds: Seconds = 60
    cap_seconds: Seconds = 3600
    jitter_seconds: Seconds = 0
    lost: bool = False
    # Null: any cause, or with exit codes below those alone.
    on: list[Annotated[RetryCause, choice(RetryCause)]] | None = None
    on_exit_codes: Annotated[list[int], Field(max_length=255)] | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        """Let the domain judge which failures are tried again; order and repetition say nothing."""
        causes = None if self.on is None else frozenset(self.on)
        exit_codes = None if self.on_exit_codes is None else frozenset(self.on_exit_codes)
        with named():
            RetryPolicy(on=causes, on_exit_codes=exit_codes)
        if causes is not None:
            self.on = [cause for cause in RetryCause if cause in causes]
        if exit_codes is not None:
            self.on_exit_codes = sorted(exit_codes)
        return self


def _strategy(value: object) -> object:
    """Turn the name of a retry strategy into its settings; leave the rest to the model."""
    if not isinstance(value, str):
        return value
    with named():
        return strategy(value)


def _by_name(value: object) -> object:
    """Turn the name of a shared breaker into its object; leave the rest to the model."""
    return {"name": value} if isinstance(value, str) else value


def _breaker_name(value: str) -> str:
    return check_name(value) if value else ""


class BreakerDefinition(BaseModel):
    """A circuit breaker: a shared one by its name, or without one the job's own."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, AfterValidator(_breaker_name)] = ""
    threshold: int = Field(default=5, ge=1, le=1000)
    window_seconds: Annotated[float, BeforeValidator(_seconds), Field(gt=0, le=MAX_SECONDS)] = 60
    open_seconds: Annotated[float, BeforeValidator(_seconds), Field(gt=0, le=MAX_SECONDS)] = 300
    half_open_probes: int = Field(default=1, ge=1, le=100)

    @property
    def names_settings(self) -> bool:
        """Say whether any setting was given."""
        return bool(self.model_fields_set - {"name"})

    def model_dump_settings(self, *, every: bool = False) -> dict[str, Any]:
        """Return the settings that were given, or all of them."""
        names = [name for name in BreakerDefinition.model_fields if name != "name"]
        return {one: getattr(self, one) for one in names if every or one in self.model_fields_set}

    @model_serializer
    def _written(self) -> str | dict[str, Any]:
        """Write a shared one by its name: its settings are not the job's."""
        return self.name or self.model_dump_settings(every=True)


def _as_success(value: object) -> object:
    """Turn the name of a job into the wait for its success; leave the rest to the model."""
    return {"job": value} if isinstance(value, str) else value


class DependencyDefinition(BaseModel):
    """Another job, and which ending of it is waited for."""

    model_config = ConfigDict(extra="forbid")

    # A name means the workspace's own job, else one that stands alone.
    job: Annotated[str, AfterValidator(check_job_reference)]
    on: Annotated[DependencyOutcome, choice(DependencyOutcome)] = DependencyOutcome.SUCCESS


class JobDefinition(BaseModel):
    """All that a person decides about a job."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, AfterValidator(check_name)]
    # Null: it stands alone.
    workspace: Annotated[str, AfterValidator(check_name)] | None = None
    type: str
    spec: dict[str, Any] = Field(default_factory=dict)
    schedules: list[ScheduleDefinition] = Field(default_factory=list, max_length=50)
    description: str = Field(default="", max_length=10_000)
    category: str = Field(default="", max_length=100)
    owner: str = Field(default="", max_length=100)
    external_id: str = Field(default="", max_length=200)
    tags: list[Annotated[str, AfterValidator(check_tag)]] = Field(
        default_factory=list, max_length=50
    )
    environment: dict[str, str] = Field(default_factory=dict)
    working_dir: str = Field(default="", max_length=1000)
    queue: Annotated[str, AfterValidator(check_queue)] = "default"
    priority: Annotated[int, BeforeValidator(_priority), Field(ge=-100, le=100)] = 0
    mutex: Annotated[str, AfterValidator(check_mutex)] = ""
    requires: list[str] = Field(default_factory=list, max_length=MOST_LABELS)
    timeout_seconds: (
        Annotated[float, BeforeValidator(_seconds), Field(gt=0, le=MAX_SECONDS)] | None
    ) = Field(default_factory=conf.default_timeout_seconds)
    grace_seconds: Annotated[float, BeforeValidator(_seconds), Field(ge=0, le=3600)] = 10
    # Past this a run is reported as slow; `timeout_seconds` ends it.
    soft_timeout_seconds: (
        Annotated[float, BeforeValidator(_seconds), Field(gt=0, le=MAX_SECONDS)] | None
    ) = None
    output_limit_bytes: Annotated[int, Field(ge=10_000, le=1_000_000_000)] | None = None
    overlap: Annotated[Overlap, choice(Overlap)] = Overlap.SKIP
    max_parallel: int = Field(default=1, ge=1, le=1000)
    misfire: Annotated[Misfire, choice(Misfire)] = Misfire.FIRE_ONCE
    misfire_grace_seconds: Seconds = 60
    misfire_limit: int = Field(default=100, ge=1, le=MAX_STEPS)
    retry: Annotated[RetryDefinition, BeforeValidator(_strategy)] = Field(
        default_factory=RetryDefinition
    )
    auto_disable_after: Annotated[int, Field(ge=1, le=1000)] | None = None
    breaker: Annotated[BreakerDefinition, BeforeValidator(_by_name)] | None = None
    run_on_create: bool = False
    # Also told of its alerts, whatever that channel's routes.
    alert_channel: str = Field(default="", max_length=100)
    calendars: list[str] = Field(default_factory=list, max_length=50)
    depends_on: list[Annotated[DependencyDefinition, BeforeValidator(_as_success)]] = Field(
        default_factory=list, max_length=50
    )
    parameters: list[ParameterDefinition] = Field(default_factory=list)

    @model_validator(mode="after")
    def _check(self, info: ValidationInfo) -> Self:
        """Let the job type judge its spec, and the environment its names; tell all at once."""
        stored = info.context or {}
        wrong = Findings()
        if (self.type, self.spec) != (stored.get("type"), stored.get("spec")):
            self._check_what_runs(wrong)
        with wrong.under("environment"):
            validate_environment(self.environment)
            check_placeholders(self.environment)
        with wrong.under("requires"):
            self.requires = check_labels(self.requires)
        with wrong.under("working_dir"):
            check_placeholders(self.working_dir)
        self._check_parameters(stored, wrong)
        with wrong.under():
            self._check_soft_timeout()
        self.tags = sorted(set(self.tags))
        self.calendars = sorted(set(self.calendars))
        with wrong.under():
            self._check_dependencies()
        wrong.tell()
        return self

    def _check_dependencies(self) -> None:
        """Refuse a job that is named twice; their order says nothing."""
        self.depends_on.sort(key=lambda one: one.job.lower())
        for one, other in pairwise(self.depends_on):
            if one.job.lower() == other.job.lower():
                sentence = said("Job {job} is named twice. Keep one of them.", job=one.job)
                raise InvalidError(sentence, fields={"depends_on": sentence})

    def _check_parameters(self, stored: Mapping[str, Any], wrong: Findings) -> None:
        """Let the domain judge the declarations together, and where their values are put in."""
        by_itself = any(one.event != Event.MANUALLY for one in self.schedules)
        parameters = [one.declared() for one in self.parameters]
        with wrong.under("parameters"):
            check_declarations(
                parameters,
                scheduled=by_itself or self.run_on_create or bool(self.depends_on),
            )
        names = {"type", "spec", "environment", "working_dir", "parameters"}
        mine = self.model_dump(mode="json", include=names)
        if wrong.fields or all(mine[name] == stored.get(name) for name in names):
            return
        others = {"environment": self.environment, "working_dir": self.working_dir}
        with wrong.under():
            check_uses(self.spec, self.type, others, parameters)

    def _check_soft_timeout(self) -> None:
        soft, hard = self.soft_timeout_seconds, self.timeout_seconds
        if soft is not None and hard is not None and soft >= hard:
            sentence = said(
                "{soft} is not less than the time limit, {hard}: the run would be ended first.",
                soft=format_duration(timedelta(seconds=soft)),
                hard=format_duration(timedelta(seconds=hard)),
            )
            raise InvalidError(sentence, fields={"soft_timeout_seconds": sentence})

    def _check_what_runs(self, wrong: Findings) -> None:
        with wrong.under():
            executor_for(self.type)
        if wrong.fields:
            return
        with wrong.under("spec"):
            self.spec = parse_spec(self.type, self.spec).model_dump(mode="json")
            check_placeholders(self.spec)


def parse_definition(
    data: Mapping[str, Any], *, stored: Mapping[str, Any] | None = None
) -> JobDefinition:
    """Return the definition that ``data`` holds; InvalidError names each wrong field and value.

    What runs is not judged again where it is as in ``stored``: a job whose class or package is gone
    can be paused, renamed or given to another owner.
    """
    check_storable(dict(data))
    _refuse_masks(data, stored or {})
    try:
        return JobDefinition.model_validate(data, context=stored)
    except ValidationError as error:
        first = invalid_from(error, JobDefinition)
        raise _with_the_rest(first, data, stored) from error


def _with_the_rest(
    first: InvalidError, data: Mapping[str, Any], stored: Mapping[str, Any] | None
) -> InvalidError:
    """Add what is wrong beside the fields that cannot be read: nobody is told in two rounds.

    What hangs together with such a field is left for later: it could be right with it.
    """
    unread = {key.partition(".")[0] for key in first.fields}
    if unread & {"type", "spec", "parameters", "environment", "working_dir", WHOLE}:
        return first
    if "timeout_seconds" in unread:
        unread.add("soft_timeout_seconds")
    left = {key: value for key, value in data.items() if key not in unread}
    try:
        JobDefinition.model_validate({**left, "name": "name"}, context=stored)
    except ValidationError as error:
        rest = invalid_from(error).fields
        return together({**rest, **first.fields})
    return first


def _refuse_masks(data: Mapping[str, Any], stored: Mapping[str, Any]) -> None:
    """Refuse what a viewer reads in place of a secret: saved, it would be the secret."""
    changed = {name: value for name, value in data.items() if value != stored.get(name)}
    place = masked_at(changed)
    if place is not None:
        sentence = said(
            "{mask} stands for a secret that was hidden from who exported this. "
            "Give the value itself, or export it as somebody who may edit jobs.",
            mask=MASK,
        )
        raise InvalidError(told([place, sentence], ": "), fields={place: sentence})
