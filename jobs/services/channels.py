"""Channels as people set them: where alerts are told."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Annotated, Any, Self

from django.db import IntegrityError, transaction
from django.utils import timezone
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from jobs.domain.alerts import Rule, Severity
from jobs.domain.durations import parse_duration
from jobs.domain.errors import ConflictError, InvalidError, UnknownError
from jobs.domain.permissions import Actor, Permission, require
from jobs.domain.quiet import clock
from jobs.domain.said import said, told
from jobs.domain.zones import zone_name
from jobs.models import AlertRule, Channel, Job
from jobs.notify import NotifyError, Ports
from jobs.services import audit, channel_specs, messages, reminders, revisions, ways_out
from jobs.services.problems import invalid_from, named
from jobs.services.storable import check_storable
from jobs.services.writing import write_transaction


def _clock(text: str) -> str:
    return f"{clock(text.strip()):%H:%M}"


def _zone(text: str) -> str:
    with named():
        return zone_name(text)


class Routes(BaseModel):
    """Which alerts a channel gets: of these rules, and about any of these jobs."""

    model_config = ConfigDict(extra="forbid")

    rules: list[Rule] = []
    jobs: Annotated[list[int], Field(max_length=1000)] = []
    tags: Annotated[list[Annotated[str, Field(max_length=60)]], Field(max_length=100)] = []
    workspaces: Annotated[list[int], Field(max_length=100)] = []


class Quiet(BaseModel):
    """Hours of the day in which only what is critical is told; the rest waits for their end."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    start: Annotated[str, Field(alias="from"), AfterValidator(_clock)]
    to: Annotated[str, AfterValidator(_clock)]
    timezone: Annotated[str, AfterValidator(_zone)] = "UTC"

    @model_validator(mode="after")
    def _check(self) -> Self:
        """Refuse hours that are none, or the whole day."""
        if self.start == self.to:
            raise ValueError(said("they begin and end at the same time. Use two times, or none"))
        return self


def _seconds(value: object) -> object:
    """Accept a number of seconds, or a duration such as ``4h``."""
    if isinstance(value, str) and value.strip():
        with named():
            return parse_duration(value.strip()).total_seconds()
    return value


class ChannelDefinition(BaseModel):
    """A channel as somebody describes it; ``settings`` are those of its kind."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=100)]
    kind: str
    settings: dict[str, Any] = {}
    enabled: bool = True
    severity: Severity = Severity.WARNING
    routes: Routes = Routes()
    quiet: Quiet | None = None
    remind_seconds: Annotated[
        int,
        BeforeValidator(_seconds),
        Field(
            ge=0,
            le=30 * 86_400,
            description="Seconds, or a duration such as `4h`; 0: no reminders.",
        ),
    ] = 14_400
    tells_resolved: bool = True
    links: Annotated[
        bool,
        Field(description="Messages carry links that act without a login: who reads it may act."),
    ] = False


def create(given: Mapping[str, Any], *, actor: Actor) -> Channel:
    """Make a channel."""
    require(actor, Permission.ADMINISTER)
    asked = _judged(given)
    spec = channel_specs.judged(asked.kind, asked.settings)
    now = timezone.now()
    row = Channel(kind=asked.kind, created_at=now, created_by=actor.name[:200], updated_at=now)
    with write_transaction():
        channel_specs.store(row, spec)
        _save(row, asked)
        audit.record_on(row, row.name, actor, "channel.create", after=shown(row))
    return row


def update(channel_id: int, changes: Mapping[str, Any], *, actor: Actor) -> Channel:
    """Change a channel; settings that are not named stay, so do secrets that nobody can see."""
    require(actor, Permission.ADMINISTER)
    with write_transaction():
        row = get(channel_id, locked=True)
        if changes.get("kind", row.kind) != row.kind:
            sentence = said("A channel keeps its kind. Make another one.")
            raise InvalidError(told(["kind:", sentence]), fields={"kind": sentence})
        before = shown(row)
        settings = changes.get("settings", {})
        merged = (
            {**channel_specs.values_of(row), **settings} if isinstance(settings, dict) else settings
        )
        asked = _judged({**_definition(row), **changes, "settings": merged})
        if asked.name != row.name:  # jobs name it
            _rename(row.name, asked.name)
        channel_specs.store(row, channel_specs.judged(row.kind, asked.settings))
        row.updated_at = timezone.now()
        _save(row, asked)
        audit.record_on(row, row.name, actor, "channel.update", before=before, after=shown(row))
    return row


def delete(channel_id: int, *, actor: Actor) -> None:
    """Delete a channel with what waits for it."""
    require(actor, Permission.ADMINISTER)
    with write_transaction():
        row = get(channel_id, locked=True)
        audit.record_on(row, row.name, actor, "channel.delete", before=shown(row))
        _rename(row.name, "")
        row.delete()


def _rename(before: str, after: str) -> None:
    """Let jobs and rules that name a channel follow it."""
    Job.objects.filter(alert_channel=before).update(alert_channel=after)
    for rule in AlertRule.objects.filter(builtin=False):
        names = {
            one: after for one in ("channel", "escalate_to") if rule.settings.get(one) == before
        }
        if names:
            rule.settings = {**rule.settings, **names}
            rule.save(update_fields=["settings"])


def send_test(channel_id: int, *, actor: Actor, ports: Ports | None = None) -> str:
    """Send a test message at once; return why it failed, or nothing."""
    require(actor, Permission.ADMINISTER)
    row = get(channel_id)
    message = messages.trial_of(row.name, token=secrets.token_hex(16), at=timezone.now())
    try:
        sender = channel_specs.sender_of(row.kind)
        sender.send(channel_specs.spec_of(row), message, ports or ways_out.ports())
    except NotifyError as error:
        why = str(error)
    else:
        why = ""
    audit.record_on(row, row.name, actor, "channel.test", note=why)
    return why


def get(channel_id: int, *, locked: bool = False) -> Channel:
    """Return a channel; UnknownError when there is none."""
    rows = Channel.objects.select_for_update() if locked else Channel.objects
    row = rows.filter(pk=channel_id).first()
    if row is None:
        raise UnknownError(said("Channel {id} does not exist.", id=channel_id))
    return row


def shown(row: Channel) -> dict[str, Any]:
    """Return a channel as everybody may see it: of secrets only that they are set."""
    hidden = channel_specs.sender_of(row.kind).secrets
    sealed = dict.fromkeys(sorted(hidden), "(secret)") if row.sealed else {}
    return {**_definition(row), "settings": {**row.settings, **sealed}}


def _definition(row: Channel) -> dict[str, Any]:
    return {
        "name": row.name,
        "kind": row.kind,
        "settings": row.settings,
        "enabled": row.enabled,
        "severity": row.severity,
        "routes": row.routes,
        "quiet": row.quiet or None,
        "remind_seconds": row.remind_seconds,
        "tells_resolved": row.tells_resolved,
        "links": row.links,
    }


def _judged(given: Mapping[str, Any]) -> ChannelDefinition:
    check_storable(dict(given))
    try:
        asked = ChannelDefinition.model_validate(dict(given))
    except ValidationError as error:
        raise invalid_from(error, ChannelDefinition) from error
    asked.name = asked.name.strip()
    if not asked.name:
        sentence = said("It needs a name.")
        raise InvalidError(told(["name:", sentence]), fields={"name": sentence})
    return asked


def _save(row: Channel, asked: ChannelDefinition) -> None:
    row.name, row.enabled, row.severity = asked.name, asked.enabled, asked.severity.value
    routes = asked.routes.model_dump(mode="json")
    row.routes = {name: value for name, value in routes.items() if value}
    row.quiet = {} if asked.quiet is None else asked.quiet.model_dump(mode="json", by_alias=True)
    row.remind_seconds, row.tells_resolved = asked.remind_seconds, asked.tells_resolved
    row.links = asked.links
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        raise ConflictError(said("Channel {name} exists already.", name=row.name)) from error
    reminders.look_again(row.updated_at)
    revisions.bump("jobs")
