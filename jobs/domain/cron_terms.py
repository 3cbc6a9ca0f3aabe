"""What a cron expression consists of: kinds of fields, forms of terms, and the parsed whole."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import cached_property

from jobs.domain.said import Said, said

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


@dataclass(frozen=True, kw_only=True)
class FieldKind:
    """What a field may hold."""

    label: Said
    low: int
    high: int
    names: dict[str, int]

    @property
    def name(self) -> Said:
        """Return the label as it stands within a sentence."""
        return Said(self.label.lower(), self.label.pattern)

    @cached_property
    def allowed(self) -> str:
        """Return the allowed values for a message."""
        words = list(self.names)
        if not words:
            return said("Use {low} to {high}.", low=self.low, high=self.high)
        return said(
            "Use {low} to {high}, or {first} to {last}.",
            low=self.low,
            high=self.high,
            first=words[0],
            last=words[-1],
        )

    @property
    def largest_step(self) -> int:
        """Return the longest step that still means something; 7 days for weekdays."""
        return self.high


SECOND = FieldKind(label=said("Second"), low=0, high=59, names={})
MINUTE = FieldKind(label=said("Minute"), low=0, high=59, names={})
HOUR = FieldKind(label=said("Hour"), low=0, high=23, names={})
DAY = FieldKind(label=said("Day of month"), low=1, high=31, names={})
MONTH = FieldKind(
    label=said("Month"),
    low=1,
    high=12,
    names={m: n for n, m in enumerate(MONTHS, 1)},
)
WEEKDAY = FieldKind(
    label=said("Weekday"),
    low=0,
    high=7,
    names={d: n for n, d in enumerate(WEEKDAYS)},
)


class Form(Enum):
    """The forms of one term in a field's list."""

    EVERY = "*"  # also */n
    VALUE = "n"
    RANGE = "a-b"  # also a-b/n
    LAST = "L"  # the last day of the month, or L-n: n days before it
    LAST_WORKDAY = "LW"
    NEAREST_WORKDAY = "nW"
    LAST_WEEKDAY = "dL"  # the last such weekday of the month
    NTH_WEEKDAY = "d#n"


PLAIN = (Form.EVERY, Form.VALUE, Form.RANGE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One entry of a field's list, numbers resolved; weekdays count from Sunday = 0.

    ``low`` is the value or the start of a range, ``high`` the end of a range (7 for a Sunday that
    ends it), ``extra`` the n of ``L-n`` or ``d#n``.
    """

    form: Form
    low: int = 0
    high: int = 0
    step: int = 1
    extra: int = 0

    @property
    def canonical(self) -> str:
        """Return a plain term in numbers, as croniter reads it."""
        if self.form is Form.VALUE:
            return str(self.low)
        span = "*" if self.form is Form.EVERY else f"{self.low}-{self.high}"
        return span if self.step == 1 else f"{span}/{self.step}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field: its kind and the terms of its list."""

    kind: FieldKind
    text: str
    terms: tuple[Term, ...]

    @property
    def starred(self) -> bool:
        """Say whether it starts with ``*``: cron's rules for days and for DST hang on that."""
        return self.text.startswith("*")

    @property
    def every(self) -> bool:
        """Say whether it restricts nothing."""
        return any(term.form is Form.EVERY and term.step == 1 for term in self.terms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    """A whole expression; ``second`` is the single value 0 when it was written in five fields."""

    second: Field
    minute: Field
    hour: Field
    day: Field
    month: Field
    weekday: Field
    with_seconds: bool

    @property
    def follows_clock(self) -> bool:
        """Say whether it is one of cron's star jobs, which run by elapsed time through DST."""
        return self.minute.starred or self.hour.starred
