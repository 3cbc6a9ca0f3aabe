"""Check-ins as people set them: jobs that run elsewhere and report to an address of their own."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Self, Unpack

from django.db import IntegrityError, transaction
from django.utils import timezone
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from jobs.domain.check_ins import Expectation
from jobs.domain.durations import parse_duration
from jobs.domain.errors import DuplicateError, UnknownError
from jobs.domain.permissions import Actor, Permission, require
from jobs.domain.said import said
from jobs.domain.zones import zone_name
from jobs.models import CheckIn, Workspace
from jobs.queries.check_ins import get_check_in
from jobs.services import audit, secret_box
from jobs.services.problems import named, parsed
from jobs.services.wording import refuse
from jobs.services.writing import write_transaction

SHORTEST, LONGEST = 10.0, 366 * 86_400.0


def _name(value: str) -> str:
    name = " ".join(value.split())
    if name and name.isprintable():
        return name
    raise refuse(said("It needs a name of 1 to 100 characters."))


def _seconds(value: object) -> object:
    """Accept a number of seconds, or a duration such as ``15m``."""
    if isinstance(value, str) and value.strip():
        with named():
            return parse_duration(value.strip()).total_seconds()
    return value


Seconds = Annotated[float, BeforeValidator(_seconds), Field(ge=SHORTEST, le=LONGEST)]


class CheckInDefinition(BaseModel):
    """When reports are awaited: a cron expression in a zone, or a period after the last one."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(max_length=100), AfterValidator(_name)]
    workspace: str | None = None
    description: str = Field(default="", max_length=10_000)
    expression: str = Field(default="", max_length=200)
    timezone: str = "UTC"
    period_seconds: Seconds | None = None
    grace_seconds: Seconds = 300.0

    @model_validator(mode="after")
    def _check(self) -> Self:
        """Ask for exactly one way to say when, and let the domain judge it."""
        self.expression = self.expression.strip()
        with named("timezone"):
            self.timezone = zone_name(self.timezone)
        if bool(self.expression) == (self.period_seconds is not None):
            raise refuse(said("Use either a cron expression or a period."))
        if self.expression:
            with named():
                rule = Expectation(expression=self.expression, timezone=self.timezone)
                if rule.due_after(timezone.now()) is None:
                    raise refuse(
                        said(
                            "{expression} names no time that will ever come.",
                            expression=self.expression,
                        )
                    )
        return self


def create(given: Mapping[str, Any], *, actor: Actor) -> tuple[CheckIn, str]:
    """Make a check-in; return it with the key of its address."""
    require(actor, Permission.EDIT)
    asked = parsed(CheckInDefinition, given)
    now = timezone.now()
    row = CheckIn(created_at=now, created_by=actor.name[:200])
    key = _give_key(row)
    with write_transaction():
        _save(row, asked)
        _record(row, actor, "check_in.create", after=definition_of(row))
    return row, key


def update(check_in_id: int, changes: Mapping[str, Any], *, actor: Actor) -> CheckIn:
    """Change a check-in; what is awaited counts from its latest report."""
    require(actor, Permission.EDIT)
    with write_transaction():
        row = _locked(check_in_id)
        before = definition_of(row)
        given = {**before, **changes}
        if "expression" in changes and changes["expression"] and "period_seconds" not in changes:
            given["period_seconds"] = None
        if changes.get("period_seconds") is not None and "expression" not in changes:
            given["expression"] = ""
        asked = parsed(CheckInDefinition, given)
        _save(row, asked)
        _await_anew(row)
        _record(row, actor, "check_in.update", before=before, after=definition_of(row))
    return row


def delete(check_in_id: int, *, actor: Actor) -> None:
    """Delete a check-in with its reports; its address is unknown from now on."""
    require(actor, Permission.EDIT)
    with write_transaction():
        row = _locked(check_in_id)
        _record(row, actor, "check_in.delete", before=definition_of(row))
        row.delete()


def pause(check_in_id: int, *, actor: Actor) -> CheckIn:
    """Await nothing until it is resumed; reports are still kept."""
    require(actor, Permission.PAUSE)
    with write_transaction():
        row = _locked(check_in_id)
        if row.paused_at is None:
            row.paused_at, row.paused_by = timezone.now(), actor.name[:200]
            row.save(update_fields=["paused_at", "paused_by"])
            _record(row, actor, "check_in.pause")
    return row


def resume(check_in_id: int, *, actor: Actor) -> CheckIn:
    """Await reports again: the next one counts from now, not from before the pause."""
    require(actor, Permission.PAUSE)
    with write_transaction():
        row = _locked(check_in_id)
        if row.paused_at is not None:
            row.paused_at, row.paused_by, row.started_at = None, "", None
            row.failed = False
            standing = row.standing.awaiting(row.expectation, timezone.now())
            row.due_at, row.late_at = standing.due_at, standing.late_at
            row.save()
            _record(row, actor, "check_in.resume")
    return row


def rotate_key(check_in_id: int, *, actor: Actor) -> str:
    """Give a check-in another key; the address with the old one is unknown at once."""
    require(actor, Permission.EDIT)
    with write_transaction():
        row = _locked(check_in_id)
        key = _give_key(row)
        row.save(update_fields=["key_digest", "sealed_key"])
        _record(row, actor, "check_in.rotate_key")
    return key


def key_of(row: CheckIn, *, actor: Actor) -> str:
    """Return the key of a check-in to who may change it."""
    require(actor, Permission.EDIT)
    return secret_box.unseal(row.sealed_key)


def digest_of(key: str) -> str:
    """Return what a key is found by; keys are UUIDs, in any case."""
    return hashlib.sha256(key.strip().lower().encode()).hexdigest()


def definition_of(row: CheckIn) -> dict[str, Any]:
    """Return what people decided about a check-in; never its key."""
    return {
        "name": row.name,
        "workspace": None if row.workspace is None else row.workspace.name,
        "description": row.description,
        "expression": row.expression,
        "timezone": row.timezone,
        "period_seconds": row.period_seconds,
        "grace_seconds": row.grace_seconds,
    }


def _give_key(row: CheckIn) -> str:
    key = str(uuid.uuid4())  # 122 random bits, and the form that clients of Healthchecks expect
    row.key_digest, row.sealed_key = digest_of(key), secret_box.seal(key)
    return key


def _locked(check_in_id: int) -> CheckIn:
    row = CheckIn.objects.select_for_update().filter(pk=check_in_id).first()
    return row if row is not None else get_check_in(check_in_id)


def _save(row: CheckIn, asked: CheckInDefinition) -> None:
    row.name, row.description = asked.name, asked.description
    row.workspace = None if not asked.workspace else _workspace(asked.workspace)
    row.expression, row.timezone = asked.expression, asked.timezone
    row.period_seconds, row.grace_seconds = asked.period_seconds, asked.grace_seconds
    row.updated_at = timezone.now()
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        sentence = said("A check-in {name} exists already.", name=row.name)
        raise DuplicateError(sentence, fields={"name": sentence}) from error


def _workspace(name: str) -> Workspace:
    found = Workspace.objects.filter(name__iexact=name).first()
    if found is None:
        raise UnknownError(said("Workspace {name!r} does not exist.", name=name[:100]))
    return found


def _await_anew(row: CheckIn) -> None:
    """Count what is awaited from the latest end that was reported."""
    ends = [one for one in (row.last_success_at, row.last_fail_at) if one is not None]
    if not ends:
        return
    standing = row.standing.awaiting(row.expectation, max(ends))
    row.due_at, row.late_at = standing.due_at, standing.late_at
    if row.started_at is not None and row.late_at is not None:
        row.late_at = min(row.late_at, row.started_at + timedelta(seconds=row.grace_seconds))
    row.save(update_fields=["due_at", "late_at"])


def _record(row: CheckIn, actor: Actor, action: str, **facts: Unpack[audit.Facts]) -> None:
    audit.record(
        actor, action, object_type="check_in", object_id=row.pk, object_name=row.name, **facts
    )
