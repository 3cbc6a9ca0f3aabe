"""The form of a check-in. It only carries text: `services.check_ins` judges it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from jobs.domain.durations import format_duration
from jobs.models import CheckIn


def _text(**attributes: str) -> forms.TextInput:
    return forms.TextInput(attrs={"class": "in", "autocomplete": "off", **attributes})


class CheckInForm(forms.Form):
    """A name, and when reports are awaited."""

    name = forms.CharField(label=_("Name"), required=False, widget=_text(maxlength="100"))
    description = forms.CharField(label=_("Description"), required=False, widget=_text())
    workspace = forms.CharField(
        label=_("Workspace"), help_text=_("Empty: none"), required=False, widget=_text()
    )
    period_seconds = forms.CharField(
        label=_("Reports every"),
        help_text=_("Such as 1h or 1d; empty where a cron expression says when"),
        required=False,
        widget=_text(),
    )
    expression = forms.CharField(
        label=_("Cron expression"),
        help_text=_("Such as 30 2 * * *; empty where it reports every so often"),
        required=False,
        widget=_text(spellcheck="false"),
    )
    timezone = forms.CharField(
        label=_("Time zone"), help_text=_("Of the cron expression"), required=False, widget=_text()
    )
    grace_seconds = forms.CharField(
        label=_("Grace period"),
        help_text=_("How long a report may be late, and how long a run may take after its start"),
        required=False,
        widget=_text(),
    )


def empty(zone: str) -> dict[str, str]:
    """Return the fields of a new check-in."""
    return {"period_seconds": "1d", "timezone": zone, "grace_seconds": "1h"}


def of(row: CheckIn) -> dict[str, str]:
    """Return the fields of a stored check-in."""
    return {
        "name": row.name,
        "description": row.description,
        "workspace": "" if row.workspace is None else row.workspace.name,
        "period_seconds": words(row.period_seconds),
        "expression": row.expression,
        "timezone": row.timezone,
        "grace_seconds": words(row.grace_seconds),
    }


def words(seconds: float | None) -> str:
    """Return a duration as a person types it."""
    return "" if seconds is None else format_duration(timedelta(seconds=seconds))


def typed(data: Mapping[str, str]) -> dict[str, str]:
    """Return what was typed."""
    return {name: data.get(name, "").strip() for name in CheckInForm.base_fields}


def definition(values: Mapping[str, str]) -> dict[str, Any]:
    """Return what `services.check_ins` judges."""
    return {
        **values,
        "workspace": values["workspace"] or None,
        "period_seconds": values["period_seconds"] or None,
        "timezone": values["timezone"] or "UTC",
        "grace_seconds": values["grace_seconds"] or "5m",
    }


def form_of(values: Mapping[str, str], errors: Mapping[str, str]) -> CheckInForm:
    """Return the form with each sentence at its field."""
    form = CheckInForm(dict(values))
    form.is_valid()
    for name, sentence in errors.items():
        form.add_error(name if name in form.fields else None, sentence)
    return form
