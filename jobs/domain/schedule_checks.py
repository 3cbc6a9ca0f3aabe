"""What makes a schedule: which fields belong to which kind, and which values they take."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from jobs.domain.cron import parse_cron
from jobs.domain.errors import CronError, InvalidError, ZoneError
from jobs.domain.said import said
from jobs.domain.states import (
    Anchor,
    DayMatch,
    Event,
    Fold,
    Gap,
    ScheduleKind,
    SecondsPosition,
)
from jobs.domain.zones import zone

if TYPE_CHECKING:
    from jobs.domain.schedule import Schedule

SHORTEST_INTERVAL = 1.0
LONGEST_INTERVAL = 10 * 366 * 86_400.0  # ten years: beyond that it is a slip of the unit
LONGEST_DELAY = 86_400.0  # more than a day of jitter or spread belongs into the schedule itself

# The field that says when, for each kind; it has to be given, and the others must not be.
_OWN_FIELD = {
    ScheduleKind.CRON: "expression",
    ScheduleKind.INTERVAL: "seconds",
    ScheduleKind.ONCE: "at",
    ScheduleKind.EVENT: "event",
}
_CHOICES: dict[str, tuple[str, ...]] = {
    "day_match": tuple(DayMatch),
    "seconds_position": tuple(SecondsPosition),
    "anchor": tuple(Anchor),
    "gap": tuple(Gap),
    "fold": tuple(Fold),
    "event": tuple(Event),
}
_MAY_BE_EMPTY = ("gap", "fold", "event")
_MOMENTS = ("anchor_at", "at", "starts_at", "ends_at")
Problem = tuple[str, InvalidError]


# The dispatcher builds the same schedules again in every batch; right ones are remembered.
@lru_cache(maxsize=8192)
def check_schedule(rule: Schedule) -> None:
    """Raise the error of the first wrong field; its ``fields`` name all of them."""
    problems = dict(_problems(rule))
    if problems:
        first = next(iter(problems.values()))
        fields = {name: error.message for name, error in problems.items()}
        # The class of the first one, so that a wrong expression stays a CronError.
        raise type(first)(first.message, fields=fields)


def _problems(rule: Schedule) -> Iterator[Problem]:
    """Yield what is wrong, by field; a value of the wrong kind ends the search early."""
    choices = [*_wrong_choices(rule)]
    yield from choices
    if choices:
        return
    yield from _misplaced(rule)
    yield from _wrong_moments(rule)
    yield from _wrong_zone(rule)
    if rule.kind == ScheduleKind.CRON and rule.expression:
        yield from _wrong_expression(rule)
    if rule.seconds is not None:
        yield from _wrong_interval(rule.seconds)
    yield from _wrong_delays(rule)


def _wrong_choices(rule: Schedule) -> Iterator[Problem]:
    """Yield fields whose value is none of their closed set."""
    if rule.kind not in _OWN_FIELD:
        yield "kind", InvalidError(_not_one_of("kind", rule.kind, tuple(ScheduleKind)))
    for name, choices in _CHOICES.items():
        value = getattr(rule, name)
        if value not in choices and not (value == "" and name in _MAY_BE_EMPTY):
            yield name, InvalidError(_not_one_of(name, value, choices))


def _not_one_of(name: str, value: object, choices: tuple[str, ...]) -> str:
    """Return the message for a value outside its closed set."""
    return said(
        "{name} {value} does not exist. Use {allowed}.",
        name=name,
        value=value,
        allowed=", ".join(choices),
    )


def _misplaced(rule: Schedule) -> Iterator[Problem]:
    """Yield the kind's own field when it is missing, and the others' when they are given."""
    for kind, name in _OWN_FIELD.items():
        value = getattr(rule, name)
        if kind == rule.kind and (value is None or value == ""):
            yield (
                name,
                InvalidError(
                    said("A schedule of the kind {kind} needs {name}.", kind=kind, name=name)
                ),
            )
        elif kind != rule.kind and value is not None and value != "":
            yield (
                name,
                InvalidError(
                    said(
                        "{name} belongs to the kind {kind}, not to {mine}.",
                        name=name,
                        kind=kind,
                        mine=rule.kind,
                    )
                ),
            )


def _wrong_moments(rule: Schedule) -> Iterator[Problem]:
    """Yield moments without an offset, and a period that ends before it starts."""
    aware = True
    for name in _MOMENTS:
        moment: datetime | None = getattr(rule, name)
        if moment is not None and moment.utcoffset() is None:
            aware = False
            yield (
                name,
                InvalidError(
                    said(
                        "{name} {moment} needs an offset, such as Z.",
                        name=name,
                        moment=moment.isoformat(),
                    )
                ),
            )
    if aware and rule.starts_at and rule.ends_at and rule.ends_at <= rule.starts_at:
        yield (
            "ends_at",
            InvalidError(
                said(
                    "ends_at {end} has to be later than starts_at {start}.",
                    end=rule.ends_at.isoformat(),
                    start=rule.starts_at.isoformat(),
                )
            ),
        )


def _wrong_zone(rule: Schedule) -> Iterator[Problem]:
    """Yield the time zone when it does not exist."""
    try:
        zone(rule.timezone)
    except ZoneError as error:
        yield "timezone", error


def _wrong_expression(rule: Schedule) -> Iterator[Problem]:
    """Yield the expression when it is malformed or never fires."""
    try:
        parse_cron(
            rule.expression, DayMatch(rule.day_match), SecondsPosition(rule.seconds_position)
        )
    except CronError as error:
        yield "expression", error


def _wrong_interval(seconds: float) -> Iterator[Problem]:
    """Yield an interval that is too short or too long."""
    if not SHORTEST_INTERVAL <= seconds <= LONGEST_INTERVAL or not math.isfinite(seconds):
        yield (
            "seconds",
            InvalidError(
                said(
                    "An interval of {seconds:g} s is out of bounds. Use {least:g} to {most:.0f} seconds.",
                    seconds=seconds,
                    least=SHORTEST_INTERVAL,
                    most=LONGEST_INTERVAL,
                )
            ),
        )


def _wrong_delays(rule: Schedule) -> Iterator[Problem]:
    """Yield jitter or spread that is negative, too long, or longer than the interval."""
    longest = min(LONGEST_DELAY, rule.seconds or LONGEST_DELAY)
    for name in ("jitter_seconds", "spread_seconds"):
        value: float = getattr(rule, name)
        if not 0 <= value <= longest:
            yield (
                name,
                InvalidError(
                    said(
                        "{name} {value:g} is out of bounds. Use 0 to {longest:g}.",
                        name=name,
                        value=value,
                        longest=longest,
                    )
                ),
            )
