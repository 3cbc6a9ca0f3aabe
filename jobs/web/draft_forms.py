"""A draft as forms, with each error at the field that it is about."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.forms import Form

from jobs.domain.said import spoken
from jobs.web.draft import OWN_FIELD, Draft
from jobs.web.draft_schedules import Values, main_field, plainer
from jobs.web.forms import AfterForm, JobForm, ScheduleForm, VariableForm
from jobs.web.kind_forms import KindForm
from jobs.web.kind_settings import field_of

# The place of an item in a list that one field holds.
_ITEM = re.compile(r"\.\d+$", re.ASCII)
# The fields as the page has them, from top to bottom; "schedule" and the like stand for their rows.
_PAGE = (
    *("type", "name", "tags", "workspace", "script", "command"),
    *KindForm.base_fields,
    *("spec", "schedule", "calendars", "run_on_create", "after"),
    *("timeout_seconds", "soft_timeout_seconds", "overlap", "max_parallel", "misfire"),
    *("retry_max_attempts", "retry_base_seconds", "retry_kind", "auto_disable_after", "retry_on"),
    *("retry_lost", "retry_on_exit_codes", "retry_cap_seconds", "retry_jitter_seconds"),
    *("breaker_kind", "breaker_name", "breaker_threshold", "breaker_window_seconds"),
    *("breaker_open_seconds", "breaker_half_open_probes", "variable", "parameters"),
    *("description", "owner", "queue", "priority", "alert_channel", "mutex", "requires"),
    *("working_dir", "grace_seconds"),
)
_IN_A_ROW = (*ScheduleForm.base_fields, *VariableForm.base_fields, *AfterForm.base_fields)


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
    after: list[AfterForm]
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
    after = [
        AfterForm({f"after-{n}-{k}": v for k, v in row.items()}, prefix=f"after-{n}")
        for n, row in enumerate(draft.after)
    ]
    for form in (job, *schedules, *variables, *after):
        form.is_valid()
    problems = []
    for key, said in errors.items():
        target, name = _place(key, said, draft, job, schedules, variables)
        if key.startswith("depends_on") and after:
            target, name = _after_place(key, said, draft, after), "job"
        sentence = said
        if isinstance(target, ScheduleForm):
            sentence = plainer(draft.schedules[schedules.index(target)], name, said)
        if name:
            target.add_error(name, sentence)
            bound = target[name]
            # Many sentences begin with the field's name themselves.
            text = spoken(sentence)
            text = text if text.startswith(str(bound.label)) else f"{bound.label}: {text}"
            problems.append(Problem(field_id=bound.id_for_label, sentence=text))
        else:
            problems.append(Problem(field_id="", sentence=sentence))
    problems.sort(key=_row_on_page)
    return Forms(job=job, schedules=schedules, variables=variables, after=after, problems=problems)


def _row_on_page(problem: Problem) -> tuple[int, int, int]:
    """Return what sorts problems as their fields stand; what is about the whole form comes first."""
    if not problem.field_id:
        return -1, 0, 0
    name, __, rest = problem.field_id.removeprefix("id_").partition("-")
    number, __, column = rest.partition("-")
    return _rank(name, _PAGE), int(number or 0), _rank(column, _IN_A_ROW)


def _rank(name: str, names: Sequence[str]) -> int:
    return names.index(name) if name in names else len(names)


def _after_place(key: str, sentence: str, draft: Draft, after: Sequence[AfterForm]) -> AfterForm:
    """Return the row that an error is about: by its number among those filled in, or by its name."""
    used = [form for form, row in zip(after, draft.after, strict=True) if row["job"]] or after
    number = key.split(".")[1] if "." in key else ""
    if number.isdigit() and int(number) < len(used):
        return used[int(number)]
    named = [form for form in used if str(form["job"].value()) in sentence.split()]
    return (named or used)[0]


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
            return row, name if name in row.fields else main_field(draft.schedules[int(number)])
    if head == "environment":
        for place, values in enumerate(draft.variables):
            # The executor names the variable in its sentence only.
            if values["name"] == rest or repr(values["name"]) in sentence:
                return variables[place], "name"
    if head == "spec":
        return job, _setting_place(draft.values, rest.partition(".")[0])
    whole = _ITEM.sub("", key).replace(".", "_")
    for name in (whole, rest, head, f"{head}_kind"):
        if name in job.fields:
            return job, name
    return job, ""


def _setting_place(values: Values, name: str) -> str:
    """Return the field of a setting: the kind's own, unless the JSON alone says it."""
    kind = values["type"]
    if name == kind and kind in OWN_FIELD:
        return name
    field = field_of(kind, name)
    in_json_alone = f'"{name}"' in values["spec"] and not values.get(field, "").strip()
    return field if field and not in_json_alone else "spec"
