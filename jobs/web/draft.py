"""A job while it is being written: from a definition to fields, and from fields to a definition."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.forms import Form
from django.utils.translation import gettext as _

from jobs.domain.durations import format_duration
from jobs.domain.states import ScheduleKind
from jobs.domain.zones import zone, zone_names
from jobs.web.forms import DEFAULTS, SCHEDULE_DEFAULTS, JobForm, ScheduleForm, VariableForm

MOST_ROWS = 50
_ROW_KEY = re.compile(r"(schedule|variable)-(\d{1,3})-\w+", re.ASCII)
_DURATIONS = ("timeout_seconds", "grace_seconds")
_RETRY = ("kind", "max_attempts", "base_seconds")
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

Values = dict[str, str]


@dataclass(slots=True, kw_only=True)
class Draft:
    """All fields as text; ``version`` is the one that is being edited, 0 for a new job."""

    values: Values
    schedules: list[Values] = field(default_factory=list)
    variables: list[Values] = field(default_factory=list)
    calendars: list[str] = field(default_factory=list)
    version: int = 0

    def definition(self) -> dict[str, Any]:
        """Return what `services.definitions` judges."""
        values = self.values
        spec_field = values["type"]
        data: dict[str, Any] = {
            name: values[name]
            for name in (
                "name",
                "type",
                "description",
                "owner",
                "working_dir",
                "overlap",
                "misfire",
            )
        }
        data["spec"] = {spec_field: values[spec_field]} if spec_field in values else {}
        data["tags"] = [tag.strip() for tag in values["tags"].split(",") if tag.strip()]
        data["queue"] = values["queue"] or DEFAULTS["queue"]
        data["priority"] = values["priority"] or 0
        for name in _DURATIONS:
            data[name] = values[name] or None
        data["grace_seconds"] = values["grace_seconds"] or 0
        data["auto_disable_after"] = values["auto_disable_after"] or None
        data["retry"] = {name: values[f"retry_{name}"] for name in _RETRY}
        data["environment"] = {row["name"]: row["value"] for row in self.used_variables()}
        data["schedules"] = [schedule_data(row) for row in self.schedules]
        data["run_on_create"] = bool(values["run_on_create"])
        data["calendars"] = self.calendars
        return data

    def doubled(self) -> dict[str, str]:
        """Return an error for each variable that is named twice."""
        names = [row["name"] for row in self.used_variables()]
        return {
            f"environment.{name}": _("%s is named twice. Keep one of them.") % name
            for name in names
            if names.count(name) > 1
        }

    def used_variables(self) -> list[Values]:
        """Return the variables that were filled in; an empty row is no variable."""
        return [row for row in self.variables if row["name"] or row["value"]]


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
    chosen = (*_LIMITS, *_CRON_ONLY) if kind == ScheduleKind.CRON else _LIMITS
    data.update({name: row[name].strip() for name in chosen if row[name].strip()})
    for name in _MOMENTS if kind == ScheduleKind.ONCE else _MOMENTS[1:]:
        if row[name]:
            data[name] = _moment_data(row[name], rest.get(name), row["timezone"])
    return data


def is_blank(row: Values) -> bool:
    """Say whether nothing was typed into a row yet."""
    return row["kind"] in _OWN and not row[_OWN[row["kind"]][0]].strip()


def _rest(text: str) -> dict[str, Any]:
    """Return the settings that the form does not show, and its moments as they were stored."""
    try:
        rest = json.loads(text or "{}")
    except ValueError:
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
    if at.tzinfo is not None or zone_name not in zone_names():
        return text
    if isinstance(stored, str) and _shown(stored, zone_name) == text:
        return stored
    try:
        return at.replace(tzinfo=zone(zone_name)).astimezone(UTC).isoformat()
    except OverflowError:
        return text


def _shown(stored: str, zone_name: str) -> str:
    """Return a stored moment as the field shows it; empty for what is none."""
    try:
        return datetime.fromisoformat(stored).astimezone(zone(zone_name)).strftime(_LOCAL)
    except (ValueError, OverflowError):
        return ""


def empty(zone_name: str) -> Draft:
    """Return the form of a new job."""
    fields = {name: DEFAULTS.get(name, "") for name in JobForm.base_fields}
    return Draft(values=fields, schedules=[new_schedule(zone_name)])


def new_schedule(zone_name: str) -> Values:
    """Return an empty schedule row."""
    return {**SCHEDULE_DEFAULTS, "timezone": zone_name, "rest": ""}


def new_variable() -> Values:
    """Return an empty variable row."""
    return {"name": "", "value": ""}


def from_definition(definition: Mapping[str, Any], *, version: int) -> Draft:
    """Return the form of a stored definition."""
    values = {name: DEFAULTS.get(name, "") for name in JobForm.base_fields}
    values["script"] = ""
    for name in values:
        value = definition.get(name)
        if value is not None and not isinstance(value, (bool, dict, list)):
            values[name] = str(value)
    values["run_on_create"] = "on" if definition["run_on_create"] else ""
    values.update(
        {name: str(value) for name, value in definition["spec"].items() if name in values}
    )
    values["tags"] = ", ".join(definition["tags"])
    for name in _DURATIONS:
        values[name] = _duration(definition[name])
    if definition["auto_disable_after"] is None:
        values["auto_disable_after"] = ""
    for name in _RETRY:
        values[f"retry_{name}"] = str(definition["retry"][name])
    values["retry_base_seconds"] = _duration(definition["retry"]["base_seconds"])
    return Draft(
        values=values,
        schedules=[_schedule_row(schedule) for schedule in definition["schedules"]],
        variables=[
            {"name": name, "value": value} for name, value in definition["environment"].items()
        ],
        calendars=list(definition["calendars"]),
        version=version,
    )


def _duration(seconds: float | None) -> str:
    return "" if seconds is None else format_duration(timedelta(seconds=seconds))


def _schedule_row(schedule: Mapping[str, Any]) -> Values:
    name = schedule["timezone"]
    moments = {one: str(schedule[one]) for one in _MOMENTS if schedule[one]}
    rest = {one: value for one, value in schedule.items() if one not in _SHOWN and value}
    row = {one: schedule[one] for one in ("kind", "expression", "anchor", "event", *_CRON_ONLY)}
    row["event"] = row["event"] or SCHEDULE_DEFAULTS["event"]
    return {
        **row,
        "seconds": _duration(schedule["seconds"]),
        "jitter_seconds": _duration(schedule["jitter_seconds"] or None),
        "spread_seconds": _duration(schedule["spread_seconds"] or None),
        "max_executions": str(schedule["max_executions"] or ""),
        **{one: _shown(moments[one], name) if one in moments else "" for one in _MOMENTS},
        "timezone": name,
        "rest": json.dumps(rest),
    }


def from_post(data: Mapping[str, str], *, calendars: Sequence[str] = ()) -> Draft:
    """Return what was typed, row by row in the order of the form."""
    rows: dict[str, set[int]] = {"schedule": set(), "variable": set()}
    for key in data:
        match = _ROW_KEY.fullmatch(key)
        if match:
            rows[match[1]].add(int(match[2]))

    def collected(prefix: str, names: Sequence[str]) -> list[Values]:
        places = sorted(rows[prefix])[:MOST_ROWS]
        return [
            {name: data.get(f"{prefix}-{place}-{name}", "") for name in names} for place in places
        ]

    version = data.get("version", "")
    return Draft(
        values={name: data.get(name, "").replace("\0", "") for name in JobForm.base_fields},
        schedules=collected("schedule", list(ScheduleForm.base_fields)),
        variables=collected("variable", list(VariableForm.base_fields)),
        calendars=list(calendars)[:MOST_ROWS],
        version=int(version) if version.isascii() and version.isdigit() else 0,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One line of the summary over the form: the sentence and the field that it is about."""

    field_id: str
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Forms:
    """The draft as forms, with each error at its field."""

    job: JobForm
    schedules: list[ScheduleForm]
    variables: list[VariableForm]
    problems: list[Problem]


def forms_of(draft: Draft, errors: Mapping[str, str]) -> Forms:
    """Return the forms; ``errors`` is keyed like ``schedules.0.expression``."""
    job = JobForm(draft.values)
    schedules = [
        ScheduleForm({f"schedule-{n}-{k}": v for k, v in row.items()}, prefix=f"schedule-{n}")
        for n, row in enumerate(draft.schedules)
    ]
    variables = [
        VariableForm({f"variable-{n}-{k}": v for k, v in row.items()}, prefix=f"variable-{n}")
        for n, row in enumerate(draft.variables)
    ]
    for form in (job, *schedules, *variables):
        form.is_valid()
    problems = []
    for key, sentence in errors.items():
        target, name = _place(key, sentence, draft, job, schedules, variables)
        if name:
            target.add_error(name, sentence)
            bound = target[name]
            # Many sentences begin with the field's name themselves.
            named = sentence.startswith(str(bound.label))
            text = sentence if named else f"{bound.label}: {sentence}"
            problems.append(Problem(field_id=bound.id_for_label, sentence=text))
        else:
            problems.append(Problem(field_id="", sentence=sentence))
    return Forms(job=job, schedules=schedules, variables=variables, problems=problems)


def _place(
    key: str,
    sentence: str,
    draft: Draft,
    job: JobForm,
    schedules: Sequence[Form],
    variables: Sequence[Form],
) -> tuple[Form, str]:
    """Return the form and field that an error belongs to; an empty name for the form as a whole."""
    head, __, rest = key.partition(".")
    if head == "schedules" and rest:
        number, __, name = rest.partition(".")
        if number.isdigit() and int(number) < len(schedules):
            row = schedules[int(number)]
            return row, name if name in row.fields else _main_field(draft.schedules[int(number)])
    if head == "environment":
        for place, values in enumerate(draft.variables):
            # The executor names the variable in its sentence only.
            if values["name"] == rest or repr(values["name"]) in sentence:
                return variables[place], "name"
    for name in (key.replace(".", "_"), rest, head):
        if name in job.fields:
            return job, name
    return job, ""


def _main_field(row: Values) -> str:
    return _OWN.get(row["kind"], ("kind",))[0]
