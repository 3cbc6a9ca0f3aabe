"""A job while it is being written: from a definition to fields, and from fields to a definition."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from jobs.domain.states import DependencyOutcome
from jobs.executors import EXECUTORS
from jobs.executors.directives import parse_json
from jobs.web import kind_settings
from jobs.web.draft_failures import breaker_data, breaker_values, retry_data, retry_values
from jobs.web.draft_schedules import (
    Values,
    duration_text,
    is_untouched,
    new_schedule,
    schedule_data,
    schedule_row,
)
from jobs.web.forms import DEFAULTS, AfterForm, JobForm, ScheduleForm, VariableForm
from jobs.web.http import small_number
from jobs.web.kind_words import short_spec

MOST_ROWS = 50
MOST_VARIABLES = 999
# The kinds whose main setting has a field of its own, of the same name.
OWN_FIELD = ("script", "command")
_ROW_KEY = re.compile(r"(schedule|variable|after)-(\d{1,3})-\w+", re.ASCII)
_DURATIONS = ("timeout_seconds", "soft_timeout_seconds", "grace_seconds")


@dataclass(slots=True, kw_only=True)
class Draft:
    """All fields as text; ``version`` is the one that is being edited, 0 for a new job."""

    values: Values
    schedules: list[Values] = field(default_factory=list)
    variables: list[Values] = field(default_factory=list)
    calendars: list[str] = field(default_factory=list)
    after: list[Values] = field(default_factory=list)  # the jobs that it runs after
    version: int = 0

    def definition(self) -> dict[str, Any]:
        """Return what `services.definitions` judges."""
        values = self.values
        data: dict[str, Any] = {
            name: values[name]
            for name in (
                "name",
                "type",
                "description",
                "owner",
                "alert_channel",
                "working_dir",
                "overlap",
                "misfire",
            )
        }
        data["spec"] = self._spec()
        data["parameters"] = self._parameters()
        data["workspace"] = values["workspace"].strip() or None
        data["tags"] = self.tags
        data["mutex"] = values["mutex"].strip()
        data["requires"] = words_of(values["requires"])
        data["queue"] = values["queue"] or DEFAULTS["queue"]
        data["priority"] = values["priority"] or 0
        data["max_parallel"] = values["max_parallel"] or DEFAULTS["max_parallel"]
        for name in _DURATIONS:
            data[name] = values[name] or None
        data["grace_seconds"] = values["grace_seconds"] or 0
        data["auto_disable_after"] = values["auto_disable_after"] or None
        data["retry"] = retry_data(values)
        data["breaker"] = breaker_data(values)
        data["environment"] = {row["name"]: row["value"] for row in self.used_variables()}
        data["schedules"] = [schedule_data(row) for row in self.used_schedules()]
        data["run_on_create"] = bool(values["run_on_create"])
        data["calendars"] = self.calendars
        data["depends_on"] = [dict(row) for row in self.used_after()]
        return data

    def _spec(self) -> object:
        """Return what the job does: the kind's own fields, and what has none as JSON."""
        kind, spec = self.values["type"], self._further()
        if not isinstance(spec, dict):
            return spec
        if kind in OWN_FIELD:
            # A blank field says nothing, as those of other kinds.
            return {**spec, kind: self.values[kind]} if self._own() else {kind: "", **spec}
        return kind_settings.put_in(kind, spec, self.values)

    def _own(self) -> bool:
        """Say whether the field of a kind that has one says anything."""
        return bool(self.values[self.values["type"]].strip())

    def _further(self) -> object:
        """Return the settings that are typed as JSON, or in a kind's short form.

        JSON that cannot be read goes on as it was typed: the refusal then quotes it.
        """
        kind, text = self.values["type"], self.values["spec"].strip()
        try:
            return (short_spec(kind, text) or parse_json(text)) if text else {}
        except (ValueError, RecursionError):
            return text

    def _said_otherwise(self) -> dict[str, str]:
        """Return an error for settings that the JSON and their own fields say differently."""
        kind, spec = self.values["type"], self._further()
        if not isinstance(spec, dict):
            return {}
        twice = kind_settings.said_otherwise(kind, spec, self.values)
        if (
            kind in OWN_FIELD
            and self._own()
            and spec.get(kind, self.values[kind]) != self.values[kind]
        ):
            twice.append((kind, kind))
        text = _(
            "%(setting)s is given in the field “%(field)s” too, and differs. Keep one of them."
        )
        # No values: a header may be a secret.
        sentences = [
            text % {"setting": name, "field": JobForm.base_fields[field].label}
            for name, field in twice
        ]
        return {"spec": " ".join(sentences)} if sentences else {}

    def _parameters(self) -> object:
        """Return the declarations; JSON that cannot be read goes on as it was typed."""
        text = self.values["parameters"].strip()
        try:
            return parse_json(text) if text else []
        except (ValueError, RecursionError):
            return text

    @property
    def tags(self) -> list[str]:
        """Return the tags, which are separated by commas."""
        return words_of(self.values["tags"])

    def unclear(self) -> dict[str, str]:
        """Return an error for what a definition could not tell, such as a variable named twice."""
        names = [row["name"] for row in self.used_variables()]
        doubled = {
            f"environment.{name}": _("%s is named twice. Keep one of them.") % name
            for name in names
            if names.count(name) > 1
        }
        headers = kind_settings.unclear(self.values["type"], self.values)
        return {**doubled, **headers, **self._said_otherwise()}

    def used_variables(self) -> list[Values]:
        """Return the variables that were filled in; an empty row is no variable."""
        return [row for row in self.variables if row["name"] or row["value"]]

    def used_schedules(self) -> list[Values]:
        """Return the schedules that were filled in; the last ones may stay as they were drawn.

        An empty one before others is kept, and refused: an error names its row by the number.
        """
        rows = list(self.schedules)
        while rows and is_untouched(rows[-1]):
            rows.pop()
        return rows

    def used_after(self) -> list[Values]:
        """Return the jobs that were filled in, each with the ending that is waited for."""
        return [row for row in self.after if row["job"]]


def words_of(text: str) -> list[str]:
    """Return the words of a field that is separated by commas."""
    return [word.strip() for word in text.split(",") if word.strip()]


def empty(zone_name: str) -> Draft:
    """Return the form of a new job."""
    fields = {name: DEFAULTS.get(name, "") for name in JobForm.base_fields}
    return Draft(values=fields, schedules=[new_schedule(zone_name)])


def new_variable() -> Values:
    """Return an empty variable row."""
    return {"name": "", "value": ""}


def new_after() -> Values:
    """Return an empty row for a job to run after."""
    return {"job": "", "on": DependencyOutcome.SUCCESS.value}


def from_definition(definition: Mapping[str, Any], *, version: int) -> Draft:
    """Return the form of a stored definition."""
    values = {name: DEFAULTS.get(name, "") for name in JobForm.base_fields}
    values["script"] = ""
    for name in values:
        value = definition.get(name)
        if value is not None and not isinstance(value, (bool, dict, list)):
            values[name] = str(value)
    values["run_on_create"] = "on" if definition["run_on_create"] else ""
    spec = _telling(definition["type"], definition["spec"])
    if definition["type"] in OWN_FIELD:
        values[definition["type"]] = str(spec.pop(definition["type"], ""))
    texts, spec = kind_settings.taken_out(definition["type"], spec)
    values.update(texts)
    values["spec"] = json.dumps(spec, indent=2, ensure_ascii=False) if spec else ""
    values["tags"] = ", ".join(definition["tags"])
    values["requires"] = ", ".join(definition["requires"])
    declared = [_declaration(one) for one in definition["parameters"]]
    values["parameters"] = json.dumps(declared, indent=2, ensure_ascii=False) if declared else ""
    for name in _DURATIONS:
        values[name] = duration_text(definition[name])
    if definition["auto_disable_after"] is None:
        values["auto_disable_after"] = ""
    values.update(retry_values(definition["retry"]))
    values.update(breaker_values(definition["breaker"]))
    return Draft(
        values=values,
        schedules=[schedule_row(schedule) for schedule in definition["schedules"]],
        variables=[
            {"name": name, "value": value} for name, value in definition["environment"].items()
        ],
        calendars=list(definition["calendars"]),
        after=[{"job": one["job"], "on": one["on"]} for one in definition["depends_on"]],
        version=version,
    )


def _declaration(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return a parameter without the rules that it does not use."""
    unsaid = {"title": "", "description": "", "pattern": "", "choices": []}
    return {
        name: value
        for name, value in stored.items()
        if value is not None
        and value != unsaid.get(name)
        and not (name in ("required", "secret") and not value)
    }


def _telling(kind: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out of a spec what is as it would be unsaid."""
    executor = EXECUTORS.get(kind)
    known = executor.spec_model.model_fields if executor else {}
    defaults = {
        name: one.get_default(call_default_factory=True)
        for name, one in known.items()
        if not one.is_required()
    }
    return {name: value for name, value in spec.items() if defaults.get(name, ...) != value}


def from_post(data: Mapping[str, str], *, calendars: Sequence[str] = ()) -> Draft:
    """Return what was typed, row by row in the order of the form."""
    rows: dict[str, set[int]] = {"schedule": set(), "variable": set(), "after": set()}
    for key in data:
        match = _ROW_KEY.fullmatch(key)
        if match:
            rows[match[1]].add(int(match[2]))

    def collected(prefix: str, names: Sequence[str], most: int) -> list[Values]:
        places = sorted(rows[prefix])[:most]
        return [
            {name: _typed(data, f"{prefix}-{place}-{name}") for name in names} for place in places
        ]

    return Draft(
        values={name: _typed(data, name).replace("\0", "") for name in JobForm.base_fields},
        schedules=collected("schedule", list(ScheduleForm.base_fields), MOST_ROWS),
        variables=collected("variable", list(VariableForm.base_fields), MOST_VARIABLES),
        calendars=list(calendars)[:MOST_ROWS],
        after=[
            {"job": row["job"].strip(), "on": row["on"] or DependencyOutcome.SUCCESS.value}
            for row in collected("after", list(AfterForm.base_fields), MOST_ROWS)
        ],
        version=small_number(data.get("version", "")) or 0,
    )


def _typed(data: Mapping[str, str], name: str) -> str:
    """Return the text of a field; a browser sends each end of a line as CRLF."""
    return data.get(name, "").replace("\r\n", "\n")


def completed(data: dict[str, Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return a definition with what the form has no field for as ``stored`` has it.

    The ends of lines too: a browser cannot tell those of a text that nobody changed.
    """
    whole = {**stored, **data}
    whole["retry"] = {**stored["retry"], **data["retry"]}
    return {name: _as_stored(value, stored.get(name)) for name, value in whole.items()}


def _as_stored(value: Any, stored: Any) -> Any:
    if isinstance(value, str) and isinstance(stored, str):
        return stored if value == stored.replace("\r\n", "\n") else value
    if isinstance(value, dict) and isinstance(stored, Mapping):
        return {name: _as_stored(item, stored.get(name)) for name, item in value.items()}
    return value
