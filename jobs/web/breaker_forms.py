"""The form of a shared breaker's settings. It only carries text: `services.breakers` judges it."""

from __future__ import annotations

from collections.abc import Mapping

from django import forms
from django.utils.translation import gettext_lazy as _

from jobs.models import Breaker
from jobs.web.draft_schedules import duration_text

_SECONDS = ("window_seconds", "open_seconds")


def _text(**attributes: str) -> forms.TextInput:
    return forms.TextInput(attrs={"class": "in", "autocomplete": "off", **attributes})


class BreakerForm(forms.Form):
    """When it opens, for how long, and how it tries again."""

    threshold = forms.CharField(
        label=_("Opens after"),
        help_text=_("Failures in a row, of all its jobs"),
        required=False,
        widget=_text(inputmode="numeric"),
    )
    window_seconds = forms.CharField(
        label=_("Within"), help_text=_("Such as 1m"), required=False, widget=_text()
    )
    open_seconds = forms.CharField(
        label=_("Stays open"), help_text=_("Such as 5m"), required=False, widget=_text()
    )
    half_open_probes = forms.CharField(
        label=_("Test runs"),
        help_text=_("At a time, after that"),
        required=False,
        widget=_text(inputmode="numeric"),
    )


def of(row: Breaker) -> dict[str, str]:
    """Return the stored settings as fields."""
    return {
        name: duration_text(value) if name in _SECONDS else str(value)
        for name, value in ((name, getattr(row, name)) for name in BreakerForm.base_fields)
    }


def typed(data: Mapping[str, str]) -> dict[str, str]:
    """Return what was typed."""
    return {name: data.get(name, "").strip() for name in BreakerForm.base_fields}


def settings_form(values: Mapping[str, str], errors: Mapping[str, str]) -> BreakerForm:
    """Return the form with each sentence at its field."""
    form = BreakerForm(values)
    form.is_valid()
    for name, sentence in errors.items():
        form.add_error(name if name in form.fields else None, sentence)
    return form
