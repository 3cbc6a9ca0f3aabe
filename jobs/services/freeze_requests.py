"""A freeze as a person asks for it, and what can be changed while it holds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

from jobs.domain.durations import parse_duration
from jobs.domain.errors import InvalidError
from jobs.domain.said import said
from jobs.domain.states import FreezeScope
from jobs.services.problems import named, parsed
from jobs.services.wording import check_name, check_tag, choice, refuse, sentence_of

LONGEST = timedelta(days=366)  # what is longer is a slip of the unit, or a job to delete
LONGEST_REASON = 500  # the column's width


def _utc(value: datetime) -> datetime:
    """Return the moment in UTC; one without an offset is taken as UTC."""
    try:
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError:
        raise refuse(
            said("{value} is out of range. Use a moment of the next year.", value=value)
        ) from None


def _reason(value: str) -> str:
    text = " ".join(value.split())
    if not text:
        raise refuse(
            said("A reason is missing. Say why nothing may start; everybody will read it.")
        )
    if len(text) > LONGEST_REASON:
        raise refuse(
            said(
                "The reason has {number} characters. Use {most} or less.",
                number=len(text),
                most=LONGEST_REASON,
            )
        )
    return text


def _duration(value: object) -> object:
    """Turn ``"2h"`` into 7200.0; leave the rest to the model."""
    if not isinstance(value, str):
        return value
    with named():
        return parse_duration(value).total_seconds()


Moment = Annotated[datetime, AfterValidator(_utc)]
Reason = Annotated[str, AfterValidator(_reason)]
Duration = Annotated[float, BeforeValidator(_duration), Field(gt=0, le=LONGEST.total_seconds())]


class FreezeChanges(BaseModel):
    """What can be changed while a freeze holds: the reason, and when it ends by itself."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason | None = None
    # Null: until somebody lifts it.
    ends_at: Moment | None = None
    # Counted from the change, or from the start of a freeze that has not begun.
    duration_seconds: Duration | None = None

    @model_validator(mode="after")
    def _check_end(self) -> Self:
        """Refuse two ends."""
        if self.ends_at is not None and self.duration_seconds is not None:
            sentence = said("Give ends_at or duration_seconds, not both.")
            with named():
                raise InvalidError(sentence, fields={"duration_seconds": sentence})
        return self

    @property
    def names_end(self) -> bool:
        """Say whether the end is to change, to none as well."""
        return bool({"ends_at", "duration_seconds"} & self.model_fields_set)

    def end_from(self, start: datetime) -> datetime | None:
        """Return when it ends by itself, counted from ``start``; None for never."""
        if self.duration_seconds is None:
            return self.ends_at
        return start + timedelta(seconds=self.duration_seconds)


class FreezeRequest(FreezeChanges):
    """A freeze as a person asks for it."""

    scope: Annotated[FreezeScope, choice(FreezeScope)] = FreezeScope.EVERYTHING
    # The tag or workspace, for the scope of that name.
    target: str = ""
    reason: Reason
    # Null: now.
    starts_at: Moment | None = None

    @model_validator(mode="after")
    def _check_target(self) -> Self:
        """Let exactly the narrow scopes name what they hold back."""
        if self.scope == FreezeScope.EVERYTHING and self.target:
            sentence = said(
                "A freeze of everything has no target, and {target!r:.80} is one.",
                target=self.target,
            )
            with named():
                raise InvalidError(sentence, fields={"target": sentence})
        if self.scope != FreezeScope.EVERYTHING:
            check = check_tag if self.scope == FreezeScope.TAG else check_name
            try:
                self.target = check(self.target)
            except ValueError as error:
                why = sentence_of(error)
                with named():
                    raise InvalidError(why, fields={"target": why}) from error
        return self


def parse_freeze(data: Mapping[str, Any]) -> FreezeRequest:
    """Return the freeze that ``data`` asks for; InvalidError names each wrong field and value."""
    return parsed(FreezeRequest, data)


def parse_changes(data: Mapping[str, Any]) -> FreezeChanges:
    """Return the changes that ``data`` asks for; InvalidError names each wrong field and value."""
    return parsed(FreezeChanges, data)
