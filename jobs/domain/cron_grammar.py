"""The grammar of cron expressions: text -> fields and terms, or an error that says what is wrong.

Strict on purpose: what crontab accepts and then never runs (``22-2``), or what means something else
than it seems to (``*/90``), is refused here. ``docs/reference/cron.md`` lists every form.
"""

from __future__ import annotations

import re

from jobs.domain.cron_special import read_special_day, read_special_weekday, read_value
from jobs.domain.cron_terms import (
    DAY,
    HOUR,
    MINUTE,
    MONTH,
    SECOND,
    WEEKDAY,
    Expression,
    Field,
    FieldKind,
    Form,
    Term,
)
from jobs.domain.errors import CronError
from jobs.domain.said import said, said_of, told
from jobs.domain.states import Event, SecondsPosition

# An 800 kB expression blocks a cron parser for seconds; no real one is longer than this.
MAX_LENGTH = 255

NICKNAMES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}


def read_expression(
    text: str, *, seconds_position: SecondsPosition = SecondsPosition.LAST
) -> Expression:
    """Return the parsed expression; raise CronError that names field, value and what is allowed."""
    if len(text) > MAX_LENGTH:
        raise CronError(
            said(
                "The expression has {count} characters. Use at most {most}.",
                count=len(text),
                most=MAX_LENGTH,
            )
        )
    if not text.isascii():
        odd = next(character for character in text if not character.isascii())
        raise CronError(
            said("The character {odd} has no place in a cron expression. Use plain ASCII.", odd=odd)
        )
    words = _expand_nickname(text.strip().lower()).split()
    if len(words) not in (5, 6):
        raise CronError(_wrong_count(" ".join(words), len(words)))
    second = "0"
    if len(words) == 6:
        second = words.pop(0 if seconds_position == SecondsPosition.FIRST else 5)
    minute, hour, day, month, weekday = words
    return Expression(
        second=_read_field(SECOND, second),
        minute=_read_field(MINUTE, minute),
        hour=_read_field(HOUR, hour),
        day=_read_field(DAY, day),
        month=_read_field(MONTH, month),
        weekday=_read_field(WEEKDAY, weekday),
        with_seconds=len(text.split()) == 6,
    )


def _expand_nickname(text: str) -> str:
    """Return the fields of a nickname; any other text as it is."""
    if not text.startswith("@"):
        return text
    if text in NICKNAMES:
        return NICKNAMES[text]
    if text in set(Event):
        raise CronError(
            said("{text} is an event, not a time. Use a schedule of the kind event.", text=text)
        )
    raise CronError(
        said(
            "The nickname {text} does not exist. Use {allowed}.",
            text=text,
            allowed=", ".join(NICKNAMES),
        )
    )


def _wrong_count(text: str, count: int) -> str:
    """Return the message for a wrong number of fields."""
    fields = said("minute, hour, day of month, month, weekday")
    if count == 0:
        return said("The cron expression is empty. Use five fields: {fields}.", fields=fields)
    shown = text if len(text) <= 40 else f"{text[:39]}…"
    message = said_of(
        "The expression {shown!r} has {n} field. Use 5 ({fields}), or 6 with seconds.",
        "The expression {shown!r} has {n} fields. Use 5 ({fields}), or 6 with seconds.",
        count,
        shown=shown,
        fields=fields,
    )
    if count != 7:
        return message
    return told([message, said("Years cannot be given: use a start and an end.")])


def _read_field(kind: FieldKind, text: str) -> Field:
    """Return the field; ``?`` in a day field is Quartz's word for ``*``."""
    if text == "?" and kind in (DAY, WEEKDAY):
        text = "*"
    return Field(
        kind=kind, text=text, terms=tuple(_read_term(kind, term) for term in text.split(","))
    )


_PLAIN = re.compile(
    r"(?P<base>\*|(?P<low>[a-z]+|\d+)(?:-(?P<high>[a-z]+|\d+))?)(?:/(?P<step>\d+))?"
)


def _read_term(kind: FieldKind, text: str) -> Term:
    """Return one entry of a field's list."""
    if not text:
        raise CronError(
            said("The {field} field has an empty entry. Write a list like 1,2,3.", field=kind.name)
        )
    special = read_special_day(text) if kind is DAY else None
    special = read_special_weekday(text) if kind is WEEKDAY else special
    if special is not None:
        return special
    match = _PLAIN.fullmatch(text)
    if match is None:
        raise CronError(_unreadable(kind, text))
    if match["low"] is None:
        return Term(form=Form.EVERY, low=kind.low, high=kind.high, step=_read_step(kind, match))
    low = read_value(kind, match["low"])
    if match["high"] is None:
        return _single(kind, low, match)
    return _read_range(kind, low, match)


def _single(kind: FieldKind, low: int, match: re.Match[str]) -> Term:
    """Return a single value; a step needs a range to step through."""
    if match["step"] is not None:
        raise CronError(
            said(
                "{field} {text} has a step without a range. Write {low}-{last}/{step}.",
                field=kind.label,
                text=match[0],
                low=low,
                last=_last(kind),
                step=match["step"],
            )
        )
    return Term(form=Form.VALUE, low=_sunday(kind, low))


def _read_range(kind: FieldKind, low: int, match: re.Match[str]) -> Term:
    """Return a range; ``a-a`` means just a, and a range never runs backwards."""
    high = read_value(kind, match["high"])
    step = _read_step(kind, match)
    if low == high:
        return Term(form=Form.VALUE, low=_sunday(kind, low))
    if kind is WEEKDAY and high == 0:
        high = 7  # sat-sun: a Sunday that ends a range is day 7
    if low > high:
        raise CronError(
            said(
                "{field} range {text} runs backwards. Write {low}-{last},{first}-{high}.",
                field=kind.label,
                text=match["base"],
                low=low,
                last=_last(kind),
                first=kind.low,
                high=high,
            )
        )
    if step > high - low:
        return Term(form=Form.VALUE, low=_sunday(kind, low))
    return Term(form=Form.RANGE, low=low, high=high, step=step)


def _read_step(kind: FieldKind, match: re.Match[str]) -> int:
    """Return the step, 1 when there is none."""
    if match["step"] is None:
        return 1
    step = int(match["step"])
    if not 1 <= step <= kind.largest_step:
        raise CronError(
            said(
                "Step {step} does not fit the {field} field. Use 1 to {most}.",
                step=match["step"],
                field=kind.name,
                most=kind.largest_step,
            )
        )
    return step


def _last(kind: FieldKind) -> int:
    """Return the field's last value, each value counted once."""
    return 6 if kind is WEEKDAY else kind.high


def _sunday(kind: FieldKind, value: int) -> int:
    """Return 0 for the Sunday that was written as 7."""
    return value % 7 if kind is WEEKDAY else value


def _unreadable(kind: FieldKind, text: str) -> str:
    """Return the message for a term that has no known form, with the likely reason."""
    if re.search(r"[hr](\(|/|$)", text):
        return said(
            "{field} {text}: hashed and random values are not supported. {allowed} To move "
            "jobs apart, use the schedule's spread.",
            field=kind.label,
            text=text,
            allowed=kind.allowed,
        )
    if "?" in text:
        return said(
            "{field} {text}: ? stands alone, in day of month or weekday only.",
            field=kind.label,
            text=text,
        )
    return said(
        "{field} {text} cannot be read. {allowed} Write 1,2 or 1-5 or */2.",
        field=kind.label,
        text=text,
        allowed=kind.allowed,
    )
