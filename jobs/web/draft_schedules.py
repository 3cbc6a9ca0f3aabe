"""One schedule while it is being written: from its fields to a definition, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from jobs.domain.cron_spoken import Doubt, doubt_about, looks_spoken, spoken
from jobs.domain.durations import format_duration
from jobs.domain.errors import ZoneError
from jobs.domain.states import ScheduleKind
from jobs.domain.zones import zone
from jobs.executors.directives import parse_json
from jobs.web.forms import SCHEDULE_DEFAULTS

Values = dict[str, str]
# What belongs to one kind of schedule only.
_OWN = {
    ScheduleKind.CRON.value: ("expression",),
    ScheduleKind.INTERVAL.value: ("seconds", "anchor"),
    ScheduleKind.ONCE.value: ("at",),
    ScheduleKind.EVENT.value: ("event",),
}
_CRON_ONLY = ("day_match", "seconds_position", "gap", "fold")
_LIMITS = ("jitter_seconds", "spread_seconds", "max_executions")
_MOMENTS = ("at", "starts_at", "ends_at")
_SHOWN = {"kind", "timezone", "expression", "seconds", "anchor", "event", *_CRON_ONLY, *_LIMITS}
_LOCAL = "%Y-%m-%dT%H:%M"


def schedule_data(row: Values) -> dict[str, Any]:
    """Return one schedule as `services.definitions` takes it; what is empty keeps its default."""
    kind = row["kind"]
    rest = _rest(row["rest"])
    data: dict[str, Any] = {
        **{name: value for name, value in rest.items() if name not in (*_SHOWN, *_MOMENTS)},
        "kind": kind,
        "timezone": row["timezone"],
    }
    for name in _OWN.get(kind, ()):
        data[name] = row[name].strip()
    if kind == ScheduleKind.CRON:
        data["expression"], place = spoken(data["expression"])
        data["timezone"] = place or data["timezone"]
    chosen = (*_LIMITS, *_CRON_ONLY) if kind == ScheduleKind.CRON else _LIMITS
    data.update({name: row[name].strip() for name in chosen if row[name].strip()})
    for name in _MOMENTS if kind == ScheduleKind.ONCE else _MOMENTS[1:]:
        if row[name]:
            data[name] = _moment_data(row[name], rest.get(name), data["timezone"])
    return data


def is_blank(row: Values) -> bool:
    """Say whether nothing was typed into a row yet."""
    return row["kind"] in _OWN and not row[_OWN[row["kind"]][0]].strip()


def is_untouched(row: Values) -> bool:
    """Say whether a new row is as it was drawn, its zone aside: then it is no schedule.

    A stored one that was emptied, or one whose kind somebody chose, lacks something instead.
    """
    return not row["rest"] and all(
        row[name].strip() in ("", value) for name, value in SCHEDULE_DEFAULTS.items()
    )


def _rest(text: str) -> dict[str, Any]:
    """Return the settings that the form does not show, and its moments as they were stored."""
    try:
        rest = parse_json(text or "{}")
    except (ValueError, RecursionError):
        return {}
    return rest if isinstance(rest, dict) else {}


def _moment_data(text: str, stored: object, zone_name: str) -> str:
    """Return the wall-clock time of a field as UTC; as it is when it makes no sense.

    What was not changed stays exactly as stored: seconds, and which pass of a repeated hour.
    """
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    if at.tzinfo is not None:
        return text
    if isinstance(stored, str) and _shown(stored, zone_name) == text:
        return stored
    try:
        return at.replace(tzinfo=zone(zone_name)).astimezone(UTC).isoformat()
    except (ZoneError, OverflowError):
        return text


def _shown(stored: str, zone_name: str) -> str:
    """Return a stored moment as the field shows it; empty for what is none."""
    try:
        return datetime.fromisoformat(stored).astimezone(zone(zone_name)).strftime(_LOCAL)
    except (ValueError, OverflowError):
        return ""


def new_schedule(zone_name: str) -> Values:
    """Return an empty schedule row."""
    return {**SCHEDULE_DEFAULTS, "timezone": zone_name, "rest": ""}


def schedule_row(schedule: Mapping[str, Any]) -> Values:
    """Return a stored schedule as a row of the form."""
    name = schedule["timezone"]
    moments = {one: str(schedule[one]) for one in _MOMENTS if schedule[one]}
    rest = {one: value for one, value in schedule.items() if one not in _SHOWN and value}
    row = {one: schedule[one] for one in ("kind", "expression", "anchor", "event", *_CRON_ONLY)}
    row["event"] = row["event"] or SCHEDULE_DEFAULTS["event"]
    return {
        **row,
        "seconds": duration_text(schedule["seconds"]),
        "jitter_seconds": duration_text(schedule["jitter_seconds"] or None),
        "spread_seconds": duration_text(schedule["spread_seconds"] or None),
        "max_executions": str(schedule["max_executions"] or ""),
        **{one: _shown(moments[one], name) if one in moments else "" for one in _MOMENTS},
        "timezone": name,
        "rest": json.dumps(rest),
    }


def duration_text(seconds: float | None) -> str:
    """Return a number of seconds as the field shows it."""
    return "" if seconds is None else format_duration(timedelta(seconds=seconds))


def names_place(row: Values) -> bool:
    """Say whether the words of a row name the clock that counts, whatever the field of zones says."""
    return row["kind"] == ScheduleKind.CRON and bool(spoken(row["expression"])[1])


def plainer(row: Values, field: str, sentence: str) -> str:
    """Return what is wrong with a field; of words that nobody understood, which ones there are."""
    typed = row["expression"].strip()
    if row["kind"] != ScheduleKind.CRON or field != "expression" or not looks_spoken(typed):
        return sentence
    if spoken(typed)[0] != typed:  # the words were understood, so it is what they mean
        return sentence
    return _why_not(typed) % (typed if len(typed) <= 80 else f"{typed[:79]}…")


def _why_not(typed: str) -> str:
    """Return a sentence about words that are not understood, with a place for them."""
    doubt = doubt_about(typed)
    if doubt is Doubt.INTERVAL:
        return _(
            "“%s” does not fit evenly into a clock's hour or day. Choose the type Interval for it, or "
            "use words such as “every 15 minutes” or “every 6 hours”."
        )
    if doubt is Doubt.WHICH:
        return _(
            "“%s” can mean one in two, or one in each month. Use words such as “second Monday of the "
            "month at 9”, or the type Interval with 14d."
        )
    return _(
        "“%s” is not understood. Use words such as “daily at 9 in the evening”, “weekdays at 9 in "
        "Paris”, “hourly at :15” or “first Monday of the month at 8:30”, or a cron expression such "
        "as 0 9 * * 1-5."
    )


def main_field(row: Values) -> str:
    """Return the field that an error without a field of its own is shown at."""
    return _OWN.get(row["kind"], ("kind",))[0]
