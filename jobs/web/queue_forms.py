"""The form of a queue's settings. It only carries text: `services.queues` judges it."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from jobs.models import Queue


class QueueForm(forms.Form):
    """What a person sets of a queue."""

    limit = forms.CharField(
        label=_("Runs at a time"),
        help_text=_("Over all workers; empty: no limit"),
        required=False,
        widget=forms.TextInput(
            attrs={"class": "in", "inputmode": "numeric", "autocomplete": "off"}
        ),
    )
    starts_per_minute = forms.CharField(
        label=_("Starts a minute"),
        help_text=_("First and later attempts, over all workers; empty: no limit"),
        required=False,
        widget=forms.TextInput(
            attrs={"class": "in", "inputmode": "numeric", "autocomplete": "off"}
        ),
    )
    description = forms.CharField(
        label=_("Description"),
        required=False,
        widget=forms.TextInput(attrs={"class": "in", "autocomplete": "off"}),
    )


def values_of(row: Queue | None) -> dict[str, str]:
    """Return the fields of stored settings."""
    if row is None:
        return {"limit": "", "starts_per_minute": "", "description": ""}
    return {
        "limit": _shown(row.concurrency),
        "starts_per_minute": _shown(row.starts_per_minute),
        "description": row.description,
    }


def _shown(number: int | None) -> str:
    return "" if number is None else str(number)
