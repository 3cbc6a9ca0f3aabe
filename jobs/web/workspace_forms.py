"""The forms of a workspace. They only carry text: `services.workspaces` judges it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from jobs.web.operation_forms import OperationsForm, field_of, operations_in, values_of


class WorkspaceForm(OperationsForm):
    """A name, what the workspace is for, and what becomes of its infrastructure."""

    name = forms.CharField(
        label=_("Name"),
        help_text=_("Letters, digits, dot, dash and underscore; it stays"),
        required=False,
        widget=forms.TextInput(attrs={"class": "in", "autocomplete": "off"}),
    )
    description = forms.CharField(
        label=_("Description"),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"class": "in", "rows": 3}),
    )


def form_of(
    values: Mapping[str, str], errors: Mapping[str, str], *, named: bool = True
) -> WorkspaceForm:
    """Return the form with each sentence at its field; without the name, which stays."""
    form = WorkspaceForm(dict(values))
    if not named:
        del form.fields["name"]
    form.is_valid()
    for key, sentence in errors.items():
        field = key if key in form.fields else field_of(key)
        form.add_error(field if field in form.fields else None, sentence)
    return form


def operations_shown(config: Mapping[str, Any]) -> dict[str, str]:
    """Return the texts of what is decided about a workspace's infrastructure."""
    return values_of(config)


def typed(
    data: Mapping[str, str], *, named: bool = True, before: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return what was typed; a browser sends each end of a line as CRLF.

    Infrastructure is named only where something is said of it now, or was ``before``.
    """
    values: dict[str, Any] = {"description": data.get("description", "").replace("\r\n", "\n")}
    operations = operations_in(data)
    if "template" in data and (operations or before):
        values["operations"] = operations
    return {"name": data.get("name", "").strip(), **values} if named else values
