"""The form of a variable. It only carries text: `services.variables` judges it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from jobs.domain.errors import InvalidError
from jobs.domain.said import said
from jobs.executors.base import STANDALONE
from jobs.models import Job, Variable
from jobs.queries.listing import in_workspace


def _text(**attributes: str) -> forms.TextInput:
    return forms.TextInput(attrs={"class": "in", "autocomplete": "off", **attributes})


class VariableForm(forms.Form):
    """A name, what stands behind it, and who may name it."""

    name = forms.CharField(
        label=_("Name"),
        help_text=_("Letters, digits and underscore; a job writes {{name}}"),
        required=False,
        widget=_text(),
    )
    job = forms.CharField(
        label=_("Only for the job"),
        help_text=_("Its name; empty: every job may name it"),
        required=False,
        widget=_text(list="jobs"),
    )
    workspace = forms.CharField(
        label=_("Only for the workspace"),
        help_text=_("Its name; its jobs may name it"),
        required=False,
        widget=_text(list="workspaces"),
    )
    secret = forms.BooleanField(
        label=_("Secret: encrypted, never shown again, masked in logs"), required=False
    )
    value = forms.CharField(
        label=_("Value"),
        required=False,
        strip=False,
        widget=forms.Textarea(
            attrs={"class": "in mono", "rows": 3, "spellcheck": "false", "autocomplete": "off"}
        ),
    )
    replace = forms.BooleanField(label=_("Set a new value"), required=False)
    description = forms.CharField(
        label=_("Description"), required=False, widget=_text(maxlength="500")
    )


def empty(name: str, job: str) -> dict[str, str]:
    """Return the fields of a new variable."""
    return {"name": name[:100], "job": job[:100]}


def of(row: Variable) -> dict[str, str]:
    """Return the fields of a stored variable; of a secret never its value."""
    return {
        "description": row.description,
        "secret": "on" if row.secret else "",
        "value": row.value,
    }


def typed(data: Mapping[str, str]) -> dict[str, str]:
    """Return what was typed; a browser sends each end of a line as CRLF."""
    values = {name: data.get(name, "") for name in VariableForm.base_fields}
    return {**values, "value": values["value"].replace("\r\n", "\n")}


def definition(values: Mapping[str, str]) -> dict[str, Any]:
    """Return what `services.variables.parse_variable` judges; InvalidError for an unknown job."""
    return {
        "name": values["name"].strip(),
        "value": values["value"],
        "secret": bool(values["secret"]),
        "description": values["description"],
        "job_id": _job_id(values["job"].strip()),
        "workspace": values["workspace"].strip() or None,
    }


def changes(values: Mapping[str, str], row: Variable) -> dict[str, Any]:
    """Return what `services.variables.parse_changes` judges.

    The field of a secret's value is empty because nobody may see it, not because it shall be: a new
    one counts when it was typed, or said to be new. The ends of lines that nobody changed stay.
    """
    found: dict[str, Any] = {
        "secret": bool(values["secret"]),
        "description": values["description"],
    }
    value = values["value"]
    unseen = row.secret and not value and not values["replace"]
    same = not row.secret and value == row.value.replace("\r\n", "\n")
    return found if unseen or same else {**found, "value": value}


def _job_id(name: str) -> int | None:
    if not name:
        return None
    room, slash, bare = name.rpartition("/")
    named = Job.objects.present().filter(name__iexact=bare)
    # Written without a workspace, it means the job that stands alone, where there is one.
    named = named.filter(in_workspace(room or STANDALONE, "")) if slash else named
    found = named.order_by("workspace__name", "pk").values_list("pk", flat=True).first()
    if found is None:
        sentence = said(
            "Job {name!r} does not exist. Leave it empty for every job.", name=name[:100]
        )
        raise InvalidError(sentence, fields={"job": sentence})
    return found


def form_of(
    values: Mapping[str, str], errors: Mapping[str, str], row: Variable | None
) -> VariableForm:
    """Return the form with each sentence at its field; a secret's value is not sent back."""
    shown = {**values, "value": "" if values.get("secret") else values.get("value", "")}
    form = VariableForm(shown)
    if row is not None:
        del form.fields["name"], form.fields["job"], form.fields["workspace"]
    form.is_valid()
    for key, sentence in errors.items():
        name = "job" if key == "job_id" else key.partition(".")[0]
        form.add_error(name if name in form.fields else None, sentence)
    return form
