"""The form of a freeze. It only carries text: `services.freeze_requests` judges it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from jobs.domain.states import FreezeScope
from jobs.models import Freeze

_LOCAL = "%Y-%m-%dT%H:%M"
_SCOPES = [
    (FreezeScope.EVERYTHING.value, _("Everything")),
    (FreezeScope.TAG.value, _("The jobs with a tag")),
    (FreezeScope.WORKSPACE.value, _("The jobs of a workspace")),
]


def _text(**attributes: str) -> forms.TextInput:
    return forms.TextInput(attrs={"class": "in", "autocomplete": "off", **attributes})


def _moment() -> forms.DateTimeInput:
    return forms.DateTimeInput(attrs={"class": "in", "type": "datetime-local"})


class FreezeChangesForm(forms.Form):
    """What can be changed while a freeze holds."""

    reason = forms.CharField(
        label=_("Reason"),
        help_text=_("Everybody reads it on every page, and later in the ledger"),
        required=False,
        widget=_text(),
    )
    duration_seconds = forms.CharField(
        label=pgettext_lazy("how long", "For"),
        help_text=_("Such as 2h or 30m"),
        required=False,
        widget=_text(),
    )
    ends_at = forms.CharField(label=_("Or until"), required=False, widget=_moment())


class FreezeForm(FreezeChangesForm):
    """A new freeze."""

    scope = forms.CharField(
        label=_("What"),
        required=False,
        widget=forms.Select(attrs={"class": "in"}, choices=_SCOPES),
    )
    target = forms.CharField(
        label=_("Tag or workspace"),
        help_text=_("Its name; not for everything"),
        required=False,
        widget=_text(list="tags"),
    )
    starts_at = forms.CharField(
        label=_("From"), help_text=_("Empty: now"), required=False, widget=_moment()
    )


def request_of(data: Mapping[str, str], zone: str) -> dict[str, Any]:
    """Return a posted new freeze as `services.freeze_requests` takes it; moments are in ``zone``."""
    narrow = data.get("scope") in (FreezeScope.TAG, FreezeScope.WORKSPACE)
    return {
        **changes_of(data, zone),
        "scope": data.get("scope", ""),
        # What was typed before somebody chose everything is no target.
        "target": data.get("target", "") if narrow else "",
        "starts_at": _in_zone(data.get("starts_at", ""), zone),
    }


def changes_of(data: Mapping[str, str], zone: str) -> dict[str, Any]:
    """Return posted changes as `services.freeze_requests` takes them; moments are in ``zone``."""
    return {
        "reason": data.get("reason", ""),
        "ends_at": _in_zone(data.get("ends_at", ""), zone),
        "duration_seconds": data.get("duration_seconds", "").strip() or None,
    }


def values_of(freeze: Freeze, zone: str) -> dict[str, str]:
    """Return the fields of a freeze that is to be changed."""
    ends_at = freeze.ends_at
    local = "" if ends_at is None else timezone.localtime(ends_at, ZoneInfo(zone)).strftime(_LOCAL)
    return {"reason": freeze.reason, "ends_at": local, "duration_seconds": ""}


def with_errors(form: forms.Form, errors: Mapping[str, str]) -> forms.Form:
    """Return the form with each sentence at its field."""
    form.is_valid()
    for name, sentence in errors.items():
        form.add_error(name if name in form.fields else None, sentence)
    return form


def _in_zone(text: str, zone: str) -> str | None:
    """Return the wall-clock time of a field as UTC; as it is when it makes no sense."""
    if not text.strip():
        return None
    try:
        at = datetime.fromisoformat(text)
        return at.replace(tzinfo=at.tzinfo or ZoneInfo(zone)).astimezone(UTC).isoformat()
    except (ValueError, OverflowError):
        return text
