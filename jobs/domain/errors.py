"""The error tree. Each class has a stable ``code``; its message tells a person what to do.

JobdeckError                  error
├── InvalidError              invalid            a value that cannot be accepted (400)
│   ├── CronError             invalid_cron
│   ├── ZoneError             invalid_zone
│   └── DurationError         invalid_duration
├── UnknownError              not_found          nothing has that id or name (404)
├── ForbiddenError            forbidden          the actor may not do this (403)
├── ConflictError             conflict           the present state does not allow it (409)
│   ├── DuplicateError        duplicate          the name or configuration exists already
│   ├── StaleError            stale              somebody else has changed it meanwhile
│   └── StateError            wrong_state        e.g. cancel of a finished execution
└── UnprocessableError        unprocessable      well-formed, but it cannot be done (422)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


class JobdeckError(Exception):
    """Something a person can mend; ``str()`` says how."""

    code = "error"

    def __init__(self, message: str, *, fields: Mapping[str, str] | None = None) -> None:
        """Take the sentence for a person and, for forms, the same per field name."""
        super().__init__(message)
        self.message = message
        self.fields = dict(fields or {})


class InvalidError(JobdeckError):
    """A value that cannot be accepted; the message names it and what is allowed."""

    code = "invalid"


class CronError(InvalidError):
    """A cron expression that is malformed or never fires."""

    code = "invalid_cron"


class ZoneError(InvalidError):
    """A time zone that the IANA database does not know."""

    code = "invalid_zone"


class DurationError(InvalidError):
    """A duration that is malformed or out of bounds."""

    code = "invalid_duration"


class UnknownError(JobdeckError):
    """Nothing has that id or name."""

    code = "not_found"


class ForbiddenError(JobdeckError):
    """The actor may not do this."""

    code = "forbidden"


class ConflictError(JobdeckError):
    """The present state does not allow it."""

    code = "conflict"


class DuplicateError(ConflictError):
    """The name or the configuration exists already."""

    code = "duplicate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One field: as it was edited, as it is now, and as the refused edit would have it."""

    field: str
    before: object
    now: object
    yours: object


class StaleError(ConflictError):
    """Somebody else has changed it since it was loaded."""

    code = "stale"

    def __init__(self, message: str, *, version: int, diff: Sequence[Difference] = ()) -> None:
        """Take the sentence, the current version, and what has changed since."""
        super().__init__(message)
        self.version = version
        self.diff = tuple(diff)


class StateError(ConflictError):
    """The object is not in a state in which this can be done."""

    code = "wrong_state"


class UnprocessableError(JobdeckError):
    """Well-formed, but it cannot be done."""

    code = "unprocessable"
