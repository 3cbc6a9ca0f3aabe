"""Single values of cron fields, and the days that plain numbers cannot name: ``L``, ``15W``, ``5#2``."""

from __future__ import annotations

import re

from jobs.domain.cron_terms import DAY, WEEKDAY, WEEKDAYS, FieldKind, Form, Term
from jobs.domain.errors import CronError
from jobs.domain.said import said

_LAST_DAY = re.compile(r"l(?:-(\d+))?")
_NEAREST = re.compile(r"(\d+)w")
_LAST_WEEKDAY = re.compile(r"([a-z]{3}|\d+)l")
_NTH_WEEKDAY = re.compile(r"([a-z]{3}|\d+)#(\d+)")


def read_value(kind: FieldKind, text: str) -> int:
    """Return the number that a value or a name stands for."""
    value = int(text) if text.isdigit() else kind.names.get(text)
    if value is None or not kind.low <= value <= kind.high:
        if text in ("h", "r"):
            raise CronError(
                said(
                    "{field} {text} (a hashed or random value) is not supported. {allowed} To move "
                    "jobs apart, use the schedule's spread.",
                    field=kind.label,
                    text=text.upper(),
                    allowed=kind.allowed,
                )
            )
        raise CronError(
            said(
                "{field} {text} does not exist. {allowed}",
                field=kind.label,
                text=text,
                allowed=kind.allowed,
            )
        )
    return value


def read_special_day(text: str) -> Term | None:
    """Return ``L``, ``L-n``, ``LW`` or ``nW``; None for any other form."""
    if text == "lw":
        return Term(form=Form.LAST_WORKDAY)
    if match := _LAST_DAY.fullmatch(text):
        before = int(match[1] or 0)
        if before > 30:
            raise CronError(
                said("Day of month L-{before} does not exist. Use L-1 to L-30.", before=before)
            )
        return Term(form=Form.LAST, extra=before)
    if match := _NEAREST.fullmatch(text):
        return Term(form=Form.NEAREST_WORKDAY, low=read_value(DAY, match[1]))
    if "w" in text or "l" in text:
        raise CronError(
            said(
                "Day of month {text} cannot be read. Use L (last day), L-3 (three days before "
                "it), LW (last workday) or 15W (workday nearest to the 15th).",
                text=text.upper(),
            )
        )
    return None


def read_special_weekday(text: str) -> Term | None:
    """Return ``dL`` or ``d#n``; None for any other form."""
    if match := _LAST_WEEKDAY.fullmatch(text):
        if match[1] not in WEEKDAYS and not match[1].isdigit():
            return None
        return Term(form=Form.LAST_WEEKDAY, low=read_value(WEEKDAY, match[1]) % 7)
    if match := _NTH_WEEKDAY.fullmatch(text):
        nth = int(match[2])
        if not 1 <= nth <= 5:
            raise CronError(
                said(
                    "Weekday {text}: there is no week {nth} of a month. Use #1 to #5.",
                    text=text,
                    nth=nth,
                )
            )
        return Term(form=Form.NTH_WEEKDAY, low=read_value(WEEKDAY, match[1]) % 7, extra=nth)
    if text == "l" or re.fullmatch(r"l([a-z]{3}|\d)", text) or "#" in text:
        raise CronError(
            said(
                "Weekday {text} cannot be read. Use 5L or friL (the last Friday of the month) or "
                "5#2 or fri#2 (the second Friday).",
                text=text.upper(),
            )
        )
    return None
