"""The form of a new template. It only carries text: `services.templates` judges it."""

from __future__ import annotations

from collections.abc import Mapping

from django import forms
from django.utils.translation import gettext_lazy as _

from jobs.domain.errors import InvalidError, JobdeckError


def _text(**attributes: str) -> forms.TextInput:
    return forms.TextInput(attrs={"class": "in", "autocomplete": "off", **attributes})


class TemplateForm(forms.Form):
    """A name, and where its files come from."""

    name = forms.CharField(label=_("Name"), required=False, widget=_text(maxlength="100"))
    description = forms.CharField(label=_("Description"), required=False, widget=_text())
    url = forms.CharField(
        label=_("Git repository"),
        help_text=_("Such as https://git.example.com/infra.git, without a user or a password"),
        required=False,
        widget=_text(spellcheck="false"),
    )
    path = forms.CharField(
        label=_("Directory"),
        help_text=_("Empty: the whole repository"),
        required=False,
        widget=_text(),
    )
    ref = forms.CharField(
        label=_("Branch or tag"),
        help_text=_("Empty: the default branch of the repository"),
        required=False,
        widget=_text(),
    )


def form_of(typed: Mapping[str, str], error: JobdeckError | None = None) -> TemplateForm:
    """Return the form with what was typed, and with what is wrong about it."""
    form = TemplateForm(dict(typed) if error else None, initial=dict(typed))
    if error is None:
        return form
    form.full_clean()
    fields = error.fields if isinstance(error, InvalidError) else {}
    named = {name: text for name, text in (fields or {}).items() if name in form.fields}
    for name, text in named.items():
        form.add_error(name, text)
    if not named:
        form.add_error(None, error.message)
    return form
