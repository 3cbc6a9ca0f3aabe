"""The forms of a workspace. They only carry text: `services.workspaces` judges it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _


class WorkspaceForm(forms.Form):
    """A name and what the workspace is for."""

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
        form.add_error(key if key in form.fields else None, sentence)
    return form


def typed(data: Mapping[str, str], *, named: bool = True) -> dict[str, Any]:
    """Return what was typed; a browser sends each end of a line as CRLF."""
    values = {"description": data.get("description", "").replace("\r\n", "\n")}
    return {"name": data.get("name", "").strip(), **values} if named else values
