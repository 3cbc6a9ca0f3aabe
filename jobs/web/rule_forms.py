"""The form of a rule. It only carries text: `services.own_rules` judges it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from jobs.domain.durations import format_duration
from jobs.models import AlertRule
from jobs.web.alert_words import COMPARISON, METRIC, SEVERITY


def _field(label: Any, hint: Any = "", **attributes: str) -> forms.CharField:
    widget = forms.TextInput(attrs={"class": "in", "autocomplete": "off", **attributes})
    return forms.CharField(label=label, help_text=hint, required=False, widget=widget)


def _choice(label: Any, words: Mapping[str, Any]) -> forms.ChoiceField:
    widget = forms.Select(attrs={"class": "in"})
    return forms.ChoiceField(
        label=label, choices=lambda: list(words.items()), required=False, widget=widget
    )


class RuleForm(forms.Form):
    """What is looked at, for how long, and who is told."""

    name = _field(_("Name"), maxlength="100")
    metric = _choice(_("Figure"), METRIC)
    comparison = _choice(_("Is"), COMPARISON)
    threshold = _field(_("Limit"), inputmode="decimal")
    count = _field(_("For so many runs or hours in a row"), inputmode="numeric")
    job = _field(_("Only a job named"), _("Empty: all"), list="jobs")
    tag = _field(_("Only jobs with the tag"), _("Empty: all"))
    severity = _choice(
        _("Severity"), {value: badge.word for value, badge in reversed(SEVERITY.items())}
    )
    channel = _field(_("Told to"), _("A channel; empty: as channels are routed"), list="channels")
    escalate_to = _field(_("Passed on to"), _("A channel; empty: to nobody"), list="channels")
    escalate_minutes = _field(
        _("When unacknowledged for"), _("Such as 30m or 2h; a number alone is minutes")
    )
    mute_from = _field(_("Asleep from"), _("Such as 22:00; it opens nothing then"))
    mute_to = _field(_("Until"), _("Such as 07:00"))
    mute_timezone = _field(_("By the clock of"), _("A time zone"), list="zones")
    enabled = forms.BooleanField(label=_("Switched on"), required=False)


def empty() -> dict[str, str]:
    """Return the fields of a new rule."""
    return {
        "metric": "run_seconds",
        "comparison": "above",
        "count": "3",
        "severity": "warning",
        "escalate_minutes": "30m",
        "enabled": "on",
    }


def of(row: AlertRule) -> dict[str, str]:
    """Return the fields of a stored rule."""
    apart = {"mute", "threshold"}
    plain = {name: str(value) for name, value in row.settings.items() if name not in apart}
    mute = row.settings.get("mute") or {}
    return {
        **plain,
        **{f"mute_{name}": value for name, value in mute.items()},
        "escalate_minutes": _duration(row.settings["escalate_minutes"]),
        "threshold": f"{row.settings['threshold']:g}",
        "name": row.name,
        "severity": row.severity,
        "enabled": "on" if row.enabled else "",
    }


def _duration(minutes: int) -> str:
    return format_duration(timedelta(minutes=minutes))


def typed(data: Mapping[str, str]) -> dict[str, str]:
    """Return what was typed."""
    return {name: data.get(name, "").strip() for name in RuleForm.base_fields}


def definition(values: Mapping[str, str]) -> dict[str, Any]:
    """Return what `services.own_rules` judges."""
    apart = {"enabled", "mute_from", "mute_to", "mute_timezone"}
    given: dict[str, Any] = {name: value for name, value in values.items() if name not in apart}
    given["threshold"] = values["threshold"].replace(",", ".")
    if not given["escalate_minutes"]:
        del given["escalate_minutes"]
    given["enabled"] = bool(values["enabled"])
    if values["mute_from"] or values["mute_to"]:
        zone = values["mute_timezone"] or "UTC"
        given["mute"] = {"from": values["mute_from"], "to": values["mute_to"], "timezone": zone}
    return given


def form_of(values: Mapping[str, str], errors: Mapping[str, str]) -> RuleForm:
    """Return the form with each sentence at its field."""
    form = RuleForm(dict(values))
    form.is_valid()
    for key, sentence in errors.items():
        name = "mute_from" if key == "mute" else key.replace("mute.", "mute_")
        form.add_error(name if name in form.fields else None, sentence)
    return form
