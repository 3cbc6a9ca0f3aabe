"""Rules as people make them: judged, stored, changed, deleted."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Unpack

from django.db import IntegrityError, transaction
from django.utils import timezone
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from jobs.domain.alerts import Rule, Severity
from jobs.domain.durations import parse_duration
from jobs.domain.errors import ConflictError, InvalidError, UnknownError
from jobs.domain.own_rules import Comparison, Metric
from jobs.domain.permissions import Actor, Permission, require
from jobs.domain.said import said, told
from jobs.models import Alert, AlertRule, Channel
from jobs.queries import own_rules as past
from jobs.services import alerting, audit, revisions
from jobs.services.channels import Quiet
from jobs.services.endings import RECENT
from jobs.services.problems import invalid_from, named
from jobs.services.storable import check_storable
from jobs.services.writing import write_transaction

MOST_HOURS = 168


def _minutes(value: object) -> object:
    """Accept a number of minutes, or a duration such as ``1h30m``."""
    if not isinstance(value, str) or not value.strip() or value.strip().isdecimal():
        return value
    with named():
        minutes = parse_duration(value).total_seconds() / 60
        if not minutes.is_integer():
            raise InvalidError(
                said("{value} is not allowed. Use whole minutes.", value=value.strip()[:40])
            )
        return int(minutes)


class OwnRule(BaseModel):
    """A rule as somebody describes it."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=100)]
    enabled: bool = True
    severity: Severity = Severity.WARNING
    metric: Metric
    comparison: Comparison = Comparison.ABOVE
    threshold: Annotated[float, Field(ge=0, le=10**9)]
    count: Annotated[int, Field(ge=1, le=MOST_HOURS, description="So many runs or hours in a row.")]
    job: Annotated[str, Field(max_length=100, description="Only a job of this name.")] = ""
    tag: Annotated[str, Field(max_length=60, description="Only jobs with this tag.")] = ""
    channel: Annotated[str, Field(max_length=100, description="Told there only.")] = ""
    mute: Annotated[Quiet | None, Field(description="Hours in which it opens nothing.")] = None
    escalate_to: Annotated[str, Field(max_length=100)] = ""
    escalate_minutes: Annotated[
        int,
        BeforeValidator(_minutes),
        Field(ge=1, le=10_080, description="Minutes, or a duration such as `30m`."),
    ] = 30


def judged(given: Mapping[str, Any]) -> OwnRule:
    """Return a rule as it was described; InvalidError with a sentence a field."""
    check_storable(dict(given))
    try:
        asked = OwnRule.model_validate(dict(given))
    except ValidationError as error:
        raise invalid_from(error, OwnRule) from error
    asked.name = asked.name.strip()
    if not asked.name or asked.name in set(Rule):
        raise _wrong("name", said("It needs a name of its own."))
    if asked.metric.of_runs and asked.count > RECENT:
        raise _wrong(
            "count",
            said(
                "{count} is too many. Of runs the latest {most} are known.",
                count=asked.count,
                most=RECENT,
            ),
        )
    for field in ("channel", "escalate_to"):
        name = getattr(asked, field)
        if name and not Channel.objects.filter(name=name).exists():
            raise _wrong(field, said("Channel {name} does not exist.", name=name[:100]))
    return asked


def save(rule_id: int | None, given: Mapping[str, Any], *, actor: Actor) -> AlertRule:
    """Make a rule, or change one."""
    require(actor, Permission.ADMINISTER)
    asked, now = judged(given), timezone.now()
    with write_transaction():
        row = get(rule_id) if rule_id else AlertRule(builtin=False, created_at=now)
        before = shown(row) if rule_id else None
        row.created_by = row.created_by or actor.name[:200]
        row.name, row.enabled, row.severity = asked.name, asked.enabled, asked.severity.value
        apart = {"name", "enabled", "severity"}
        row.settings = asked.model_dump(mode="json", by_alias=True, exclude=apart)
        row.updated_at = now
        try:
            with transaction.atomic():
                row.save()
        except IntegrityError as error:
            raise ConflictError(said("Rule {name} exists already.", name=row.name)) from error
        action = "alert_rule.update" if rule_id else "alert_rule.create"
        _record(row, actor, action, before=before, after=shown(row))
    return row


def update(rule_id: int, changes: Mapping[str, Any], *, actor: Actor) -> AlertRule:
    """Change the fields of a rule that are named."""
    require(actor, Permission.ADMINISTER)
    return save(rule_id, {**shown(get(rule_id)), **changes}, actor=actor)


def tried(given: Mapping[str, Any], *, actor: Actor, now: datetime) -> past.Trial:
    """Return what a rule would have opened in the past; nothing is saved."""
    require(actor, Permission.ADMINISTER)
    return past.tried(judged(given).model_dump(mode="json"), now)


def delete(rule_id: int, *, actor: Actor) -> str:
    """Delete a rule and end its alerts; return its name."""
    require(actor, Permission.ADMINISTER)
    with write_transaction():
        row = get(rule_id)
        _record(row, actor, "alert_rule.delete", before=shown(row))
        prefix = f"{Rule.OWN}:{row.pk}:"
        for alert in Alert.objects.filter(
            rule=Rule.OWN.value, key__startswith=prefix, resolved_at=None
        ):
            alerting.resolve(alert, now=timezone.now(), by=actor.name)
        row.delete()
    return row.name


def get(rule_id: int) -> AlertRule:
    """Return a rule that somebody made; UnknownError when there is none."""
    row = AlertRule.objects.filter(pk=rule_id, builtin=False).first()
    if row is None:
        raise UnknownError(said("Rule {number} does not exist.", number=rule_id))
    return row


def shown(row: AlertRule) -> dict[str, Any]:
    """Return a rule as it was described."""
    return {"name": row.name, "enabled": row.enabled, "severity": row.severity, **row.settings}


def _wrong(field: str, sentence: str) -> InvalidError:
    return InvalidError(told((f"{field}:", sentence)), fields={field: sentence})


def _record(row: AlertRule, actor: Actor, action: str, **facts: Unpack[audit.Facts]) -> None:
    audit.record(
        actor, action, object_type="alert_rule", object_id=row.pk, object_name=row.name, **facts
    )
    revisions.bump("jobs")
