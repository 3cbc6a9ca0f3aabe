"""Create, change and delete calendars; each change makes a new version."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Self, Unpack

from django.conf import settings
from django.db import IntegrityError
from django.utils import timezone
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from jobs import wake
from jobs.domain.calendars import parse_windows, windows_json
from jobs.domain.errors import (
    Difference,
    DuplicateError,
    StaleError,
    StateError,
    UnknownError,
)
from jobs.domain.permissions import Actor, Permission, require
from jobs.domain.said import said
from jobs.domain.states import CalendarMode
from jobs.domain.zones import zone_name
from jobs.models import Calendar
from jobs.services import audit, revisions
from jobs.services.dispatch import settle_all
from jobs.services.problems import invalid_from, named
from jobs.services.storable import check_storable
from jobs.services.wording import choice, refuse
from jobs.services.writing import write_transaction

LONGEST_NAME = 100  # the column's width
_NAMED_AT_MOST = 5  # jobs that a refusal names
_RULE = ("mode", "timezone", "windows")  # what decides over due times


def _name(value: str) -> str:
    """Accept one line that a list separated by commas can hold."""
    name = " ".join(value.split())
    if name and len(name) <= LONGEST_NAME and name.isprintable() and "," not in name:
        return name
    raise refuse(
        said(
            "Name {name!r} is not allowed. Use 1 to {most} characters without a comma.",
            name=value[:120],
            most=LONGEST_NAME,
        )
    )


class CalendarDefinition(BaseModel):
    """All that a person decides about a calendar; ``windows`` are those of the domain, as JSON."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, AfterValidator(_name)]
    description: str = Field(default="", max_length=10_000)
    mode: Annotated[CalendarMode, choice(CalendarMode)] = CalendarMode.BLOCK
    timezone: str = Field(default_factory=lambda: settings.TIME_ZONE)
    windows: list[Any] = Field(default_factory=list)

    @model_validator(mode="after")
    def _check(self) -> Self:
        """Let the domain judge the zone and the windows, and write them in one form."""
        with named("timezone"):
            self.timezone = zone_name(self.timezone)
        with named():
            self.windows = windows_json(parse_windows(self.windows))
        return self


def parse_calendar(data: Mapping[str, Any]) -> CalendarDefinition:
    """Return the calendar that ``data`` holds; InvalidError names each wrong field and value."""
    check_storable(dict(data))
    try:
        return CalendarDefinition.model_validate(dict(data))
    except ValidationError as error:
        raise invalid_from(error, CalendarDefinition) from error


def create(
    definition: CalendarDefinition, *, actor: Actor, expanded_until: datetime | None = None
) -> Calendar:
    """Create a calendar; it does nothing until a job names it."""
    require(actor, Permission.EDIT)
    now = timezone.now()
    row = Calendar(created_at=now, created_by=actor.name[:200])
    with write_transaction():
        _check_name_free(definition.name, row)
        _take_over(row, definition, now, expanded_until)
        _save(row)
        _record(row, actor, "calendar.create", after=definition_of(row))
    return row


def update(
    calendar_id: int,
    changes: Mapping[str, Any],
    *,
    actor: Actor,
    expected_version: int | None = None,
    expanded_until: datetime | None = None,
) -> Calendar:
    """Change the named fields of a calendar; each due time uses exactly one version.

    Due times up to this moment are decided by the version before. Jobs keep their link to a calendar
    that gets another name. StaleError when somebody else saved after ``expected_version``.
    """
    require(actor, Permission.EDIT)
    with write_transaction():
        row = _locked(calendar_id)
        if expected_version is not None and expected_version != row.version:
            raise _stale(row, expected_version, changes)
        before = definition_of(row)
        definition = parse_calendar({**before, **changes})
        after = definition.model_dump(mode="json")
        if after == before and expanded_until == row.expanded_until:
            return row
        _check_name_free(definition.name, row)
        now = timezone.now()
        if any(after[name] != before[name] for name in _RULE):
            _settle(row, now)
        kept = row.expanded_until if after["windows"] == before["windows"] else None
        _take_over(row, definition, now, expanded_until or kept)
        row.version += 1
        _save(row)
        _record(
            row,
            actor,
            "calendar.update",
            before={key: value for key, value in before.items() if after[key] != value},
            after={key: value for key, value in after.items() if before[key] != value},
        )
    return row


def delete(calendar_id: int, *, actor: Actor) -> Calendar:
    """Delete a calendar; StateError while a job names it."""
    require(actor, Permission.EDIT)
    with write_transaction():
        row = _locked(calendar_id)
        names = list(row.jobs.present().order_by("name").values_list("name", flat=True))
        if names:
            raise StateError(_still_named(row, names))
        _record(row, actor, "calendar.delete", before=definition_of(row))
        Calendar.objects.filter(pk=row.pk).delete()
    return row


def definition_of(row: Calendar) -> dict[str, Any]:
    """Return the stored definition as plain JSON: what `parse_calendar` took."""
    return {name: getattr(row, name) for name in CalendarDefinition.model_fields}


def _still_named(row: Calendar, names: list[str]) -> str:
    shown = names[:_NAMED_AT_MOST]
    more = len(names) - len(shown)
    jobs: str = shown[0]
    if more:
        jobs = said("{names} and {n} more", names=", ".join(shown), n=more)
    elif len(shown) > 1:
        jobs = said("{names} and {last}", names=", ".join(shown[:-1]), last=shown[-1])
    return said(
        "{name} is in use: {jobs} would run without it. Take it from them first.",
        name=row.name,
        jobs=jobs,
    )


def _settle(row: Calendar, now: datetime) -> None:
    """Let what is due already be decided before the windows change."""
    due = row.jobs.present().filter(next_fire_at__lte=now).order_by("pk")
    settle_all(list(due.select_for_update(of=("self",))), now)


def _locked(calendar_id: int) -> Calendar:
    row = Calendar.objects.select_for_update().filter(pk=calendar_id).first()
    if row is None:
        raise UnknownError(said("Calendar {id} does not exist.", id=calendar_id))
    return row


def _take_over(
    row: Calendar, definition: CalendarDefinition, now: datetime, expanded_until: datetime | None
) -> None:
    for name, value in definition.model_dump(mode="json").items():
        setattr(row, name, value)
    row.expanded_until = expanded_until
    row.updated_at = now


def _save(row: Calendar) -> None:
    try:
        with write_transaction():
            row.save()
    except IntegrityError as error:  # another request took the name at the same moment
        raise _name_taken(row.name) from error


def _check_name_free(name: str, row: Calendar) -> None:
    if Calendar.objects.filter(name__iexact=name).exclude(pk=row.pk).exists():
        raise _name_taken(name)


def _name_taken(name: str) -> DuplicateError:
    sentence = said("A calendar named {name} exists already. Choose another name.", name=name)
    return DuplicateError(sentence, fields={"name": sentence})


def _record(row: Calendar, actor: Actor, action: str, **facts: Unpack[audit.Facts]) -> None:
    """Write down who did it, and wake everybody who waits."""
    audit.record_on(row, row.name, actor, action, **facts)
    revisions.bump("jobs")
    wake.poke(wake.JOBS)


def _stale(row: Calendar, edited_version: int, changes: Mapping[str, Any]) -> StaleError:
    """Return the refusal of changes to an older version; it names what they would change now."""
    now = definition_of(row)
    return StaleError(
        said(
            "{name} was changed meanwhile: you edited version {edited}, "
            "version {version} is current. Load it and repeat your change.",
            name=row.name,
            edited=edited_version,
            version=row.version,
        ),
        version=row.version,
        diff=[
            Difference(field=name, before=None, now=now[name], yours=value)
            for name, value in changes.items()
            if name in now and now[name] != value
        ],
    )
