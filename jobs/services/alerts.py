"""Alerts as people handle them: acknowledge, mute, end by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

from django.utils import timezone

from jobs.domain.alerts import OFF_AT_FIRST, Limits, Rule, Severity
from jobs.domain.errors import InvalidError, JobdeckError, StateError, UnknownError
from jobs.domain.permissions import Actor, Permission, require
from jobs.domain.said import said, told
from jobs.models import Alert, AlertRule
from jobs.services import alerting, audit, reminders, revisions
from jobs.services.alert_requests import AlertBulk
from jobs.services.storable import check_storable
from jobs.services.writing import write_transaction

LONGEST_MUTE = timedelta(days=90)


def acknowledge(alert_id: int, *, actor: Actor, note: str = "") -> Alert:
    """Say that somebody looks after an alert: nobody is reminded of it any more."""
    require(actor, Permission.PAUSE)
    check_storable(note)
    with write_transaction():
        row = _locked(alert_id)
        if row.acknowledged_at is not None:
            raise StateError(
                said(
                    "Alert {id} is acknowledged already, by {name}.",
                    id=row.pk,
                    name=row.acknowledged_by,
                )
            )
        row.acknowledged_at = timezone.now()
        row.acknowledged_by = actor.name[:200]
        row.note = note[:500]
        row.save(update_fields=["acknowledged_at", "acknowledged_by", "note"])
        _record(row, actor, "alert.acknowledge", note)
    return row


def unacknowledge(alert_id: int, *, actor: Actor, note: str = "") -> Alert:
    """Take that back: the alert waits for somebody again, and reminders go on at their times."""
    require(actor, Permission.PAUSE)
    check_storable(note)
    with write_transaction():
        row = _locked(alert_id)
        if row.acknowledged_at is None:
            raise StateError(said("Alert {id} is not acknowledged.", id=row.pk))
        row.acknowledged_at, row.acknowledged_by, row.note = None, "", note[:500]
        row.save(update_fields=["acknowledged_at", "acknowledged_by", "note"])
        _record(row, actor, "alert.unacknowledge", note)
    return row


def mute(alert_id: int, *, seconds: float, actor: Actor, note: str = "") -> Alert:
    """Tell nobody of an alert for a while; 0 ends that."""
    require(actor, Permission.PAUSE)
    check_storable(note)
    until = _until(seconds)
    with write_transaction():
        row = _locked(alert_id)
        row.muted_until = until
        row.muted_by = "" if until is None else actor.name[:200]
        row.save(update_fields=["muted_until", "muted_by"])
        reminders.look_again(timezone.now(), pk=row.pk)
        _record(row, actor, "alert.unmute" if until is None else "alert.mute", note)
    return row


def resolve(alert_id: int, *, actor: Actor, note: str = "") -> Alert:
    """End an alert by hand; one whose condition still holds is opened anew at the next look."""
    require(actor, Permission.PAUSE)
    check_storable(note)
    with write_transaction():
        row = _locked(alert_id)
        alerting.resolve(row, now=timezone.now(), by=actor.name)
        _record(row, actor, "alert.resolve", note)
    return row


def each(numbers: Iterable[int], act: Callable[[int], Alert]) -> tuple[list[Alert], list[str]]:
    """Do the same to several; return what was done, and a sentence for each that was refused."""
    found = outcomes(numbers, act).values()
    done = [one for one in found if isinstance(one, Alert)]
    return done, [one.message for one in found if isinstance(one, JobdeckError)]


def outcomes(
    numbers: Iterable[int], act: Callable[[int], Alert]
) -> dict[int, Alert | JobdeckError]:
    """Do the same to each once; return by number what it is now, or why it was refused."""
    found: dict[int, Alert | JobdeckError] = {}
    for number in dict.fromkeys(numbers):
        try:
            found[number] = act(number)
        except (StateError, UnknownError) as error:
            found[number] = error
    return found


def apply(asked: AlertBulk, *, actor: Actor) -> dict[int, Alert | JobdeckError]:
    """Do what is asked to each alert once; what is refused stops no other."""
    require(actor, Permission.PAUSE)
    deeds: dict[str, Callable[[int], Alert]] = {
        "acknowledge": lambda number: acknowledge(number, actor=actor, note=asked.note),
        "unacknowledge": lambda number: unacknowledge(number, actor=actor, note=asked.note),
        "mute": lambda number: mute(number, seconds=asked.seconds, actor=actor, note=asked.note),
        "resolve": lambda number: resolve(number, actor=actor, note=asked.note),
    }
    return outcomes(asked.ids, deeds[asked.action])


def set_rule(
    name: str,
    *,
    actor: Actor,
    enabled: bool | None = None,
    severity: str | None = None,
    limits: dict[str, float] | None = None,
    mute_seconds: float | None = None,
) -> AlertRule:
    """Change what holds for a built-in rule, from the next look on."""
    require(actor, Permission.ADMINISTER)
    _check_rule(name, severity, limits or {})
    with write_transaction():
        now = timezone.now()
        row, _made = AlertRule.objects.get_or_create(
            name=name,
            defaults={
                "enabled": name not in OFF_AT_FIRST,
                "created_at": now,
                "updated_at": now,
                "created_by": actor.name[:200],
            },
        )
        before = _rule_values(row)
        row.enabled = row.enabled if enabled is None else enabled
        row.severity = row.severity if severity is None else severity
        row.settings = {**row.settings, **(limits or {})}
        row.muted_until = row.muted_until if mute_seconds is None else _until(mute_seconds)
        row.updated_at = now
        row.save()
        if mute_seconds is not None:
            reminders.look_again(now, rule=name)
        audit.record(
            actor,
            "alert_rule.update",
            object_type="alert_rule",
            object_id=row.pk,
            object_name=name,
            before=before,
            after=_rule_values(row),
        )
        revisions.bump("jobs")
    return row


def _rule_values(row: AlertRule) -> dict[str, object]:
    return {
        "enabled": row.enabled,
        "severity": row.severity,
        "limits": dict(row.settings),
        "muted_until": None if row.muted_until is None else row.muted_until.isoformat(),
    }


def _check_rule(name: str, severity: str | None, limits: Mapping[str, object]) -> None:
    if name not in set(Rule) or name == Rule.OWN:
        raise UnknownError(
            said(
                "Rule {name!r} does not exist. Known are {known}.",
                name=name[:100],
                known=", ".join(Rule),
            )
        )
    if severity and severity not in set(Severity):
        sentence = said(
            "{value!r} is not allowed. Use {allowed}, or nothing.",
            value=severity[:40],
            allowed=", ".join(Severity),
        )
        raise InvalidError(told(["severity:", sentence]), fields={"severity": sentence})
    for limit, value in limits.items():
        if limit not in Limits.__dataclass_fields__:
            known = ", ".join(Limits.__dataclass_fields__)
            sentence = said(
                "{name!r} is no limit. Known are {known}.", name=limit[:40], known=known
            )
            raise InvalidError(sentence, fields={"limits": sentence})
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 10**9:
            sentence = said(
                "{value!r} is not allowed for {limit}. Use a number of 0 or more.",
                value=str(value)[:40],
                limit=limit,
            )
            raise InvalidError(sentence, fields={f"limits.{limit}": sentence})


def _until(seconds: float) -> datetime | None:
    if not 0 <= seconds <= LONGEST_MUTE.total_seconds():
        sentence = said(
            "{seconds:g} s is out of range. Mute for 0 s to {days} days.",
            seconds=seconds,
            days=LONGEST_MUTE.days,
        )
        raise InvalidError(told(["seconds:", sentence]), fields={"seconds": sentence})
    return timezone.now() + timedelta(seconds=seconds) if seconds else None


def _locked(alert_id: int) -> Alert:
    row = Alert.objects.select_for_update().filter(pk=alert_id).first()
    if row is None:
        raise UnknownError(said("Alert {id} does not exist.", id=alert_id))
    if row.resolved_at is not None:
        raise StateError(said("Alert {id} has ended.", id=alert_id))
    return row


def _record(row: Alert, actor: Actor, action: str, note: str) -> None:
    audit.record_on(row, row.title, actor, action, note=note)
    revisions.bump("jobs")
