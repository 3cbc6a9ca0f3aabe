"""The form of a channel. It only carries text: `services.channels` judges it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from jobs.domain.durations import format_duration
from jobs.models import Channel
from jobs.notify import SENDERS
from jobs.services.channel_routes import jobs_named, words_of, workspaces_named
from jobs.web.alert_words import KIND, SEVERITY

# Which of the fields are settings of which kind.
SETTINGS: dict[str, tuple[str, ...]] = {
    "email": ("to",),
    "webhook": ("url", "secret"),
    "slack": ("url",),
    "command": ("command",),
    "apprise": ("address",),
}

# What is sealed: it is never sent back to a browser.
_HIDDEN = ("url", "secret", "address")


def _text(**attributes: str) -> forms.TextInput:
    return forms.TextInput(attrs={"class": "in", "autocomplete": "off", **attributes})


class ChannelForm(forms.Form):
    """A name, where to, and what is told."""

    name = forms.CharField(label=_("Name"), required=False, widget=_text(maxlength="100"))
    # Chosen before the others, which it decides; see `kinds`.
    kind = forms.CharField(required=False, widget=forms.HiddenInput())
    to = forms.CharField(
        label=_("E-mail addresses"),
        help_text=_("Separated by commas"),
        required=False,
        widget=_text(),
    )
    url = forms.CharField(
        label=_("Address"),
        help_text=_("It is sealed and never shown again"),
        required=False,
        widget=_text(spellcheck="false"),
    )
    secret = forms.CharField(
        label=_("Signing secret"),
        help_text=_("It is sealed and never shown again"),
        required=False,
        widget=_text(spellcheck="false"),
    )
    command = forms.CharField(
        label=_("Command"),
        help_text=_("One line for the shell; it gets ALERT_TITLE, ALERT_JSON and more"),
        required=False,
        widget=_text(spellcheck="false"),
    )
    address = forms.CharField(
        label=_("Address for apprise"),
        help_text=_("Such as ntfy://topic; the server needs the package apprise; it is sealed"),
        required=False,
        widget=_text(spellcheck="false"),
    )
    severity = forms.ChoiceField(
        label=_("Tells from"),
        choices=lambda: [(value, badge.word) for value, badge in reversed(SEVERITY.items())],
        required=False,
        widget=forms.Select(attrs={"class": "in"}),
    )
    remind_seconds = forms.CharField(
        label=_("Reminds every"),
        help_text=_("Such as 4h, while nobody has acknowledged; 0: never"),
        required=False,
        widget=_text(),
    )
    tags = forms.CharField(
        label=_("Only for jobs with a tag"),
        help_text=_("Separated by commas; any of them leads here"),
        required=False,
        widget=_text(),
    )
    jobs = forms.CharField(
        label=_("Only for these jobs"),
        help_text=_("Names, separated by commas; all three empty: all alerts"),
        required=False,
        widget=_text(),
    )
    workspaces = forms.CharField(
        label=_("Only for jobs of these workspaces"),
        help_text=_("Separated by commas"),
        required=False,
        widget=_text(),
    )
    quiet_from = forms.CharField(
        label=_("Quiet from"),
        help_text=_("Such as 22:00; only what is critical is told then, the rest at the end"),
        required=False,
        widget=_text(),
    )
    quiet_to = forms.CharField(
        label=_("Until"), help_text=_("Such as 07:00"), required=False, widget=_text()
    )
    quiet_timezone = forms.CharField(
        label=_("By the clock of"),
        help_text=_("A time zone such as Europe/Berlin"),
        required=False,
        widget=_text(list="zones", spellcheck="false"),
    )
    tells_resolved = forms.BooleanField(label=_("Tell when an alert has ended"), required=False)
    links = forms.BooleanField(
        label=_("Messages carry links that acknowledge, run again or pause without a login"),
        required=False,
    )
    enabled = forms.BooleanField(label=_("Switched on"), required=False)


def kinds(chosen: str) -> list[tuple[str, str, bool]]:
    """Return each kind with its word, and whether it is the chosen one."""
    return [(kind, str(KIND.get(kind, kind)), kind == chosen) for kind in SENDERS]


def empty(kind: str) -> dict[str, Any]:
    """Return the fields of a new channel of a kind; one that does not exist is a webhook."""
    return {
        "kind": kind if kind in SENDERS else "webhook",
        "severity": "warning",
        "remind_seconds": "4h",
        "tells_resolved": "on",
        "enabled": "on",
    }


def of(row: Channel) -> dict[str, Any]:
    """Return the fields of a stored channel; of secrets never the value."""
    return {
        "name": row.name,
        "kind": row.kind,
        "to": ", ".join(row.settings.get("to", [])),
        "command": row.settings.get("command", ""),
        "severity": row.severity,
        "remind_seconds": format_duration(timedelta(seconds=row.remind_seconds)),
        **{name: ", ".join(found) for name, found in words_of(row).items()},
        **{f"quiet_{name}": value for name, value in row.quiet.items()},
        "tells_resolved": "on" if row.tells_resolved else "",
        "links": "on" if row.links else "",
        "enabled": "on" if row.enabled else "",
    }


def typed(data: Mapping[str, str]) -> dict[str, str]:
    """Return what was typed."""
    return {name: data.get(name, "").strip() for name in ChannelForm.base_fields}


def definition(values: Mapping[str, str], row: Channel | None) -> dict[str, Any]:
    """Return what `services.channels` judges; an empty secret field keeps what is stored."""
    kind = values["kind"] if row is None else row.kind
    hidden = SENDERS[kind].secrets if kind in SENDERS else frozenset()
    settings: dict[str, Any] = {
        name: values[name]
        for name in SETTINGS.get(kind, ())
        if values[name] or (row is None and name not in hidden) or name not in hidden
    }
    if "to" in settings:
        settings["to"] = _split(settings["to"])
    routes = {} if row is None else {**row.routes}
    return {
        "name": values["name"],
        "kind": kind,
        "settings": settings,
        "enabled": bool(values["enabled"]),
        "severity": values["severity"],
        "routes": {
            **routes,
            "tags": _split(values["tags"]),
            "jobs": jobs_named(_split(values["jobs"])),
            "workspaces": workspaces_named(_split(values["workspaces"])),
        },
        "quiet": _quiet(values),
        "remind_seconds": values["remind_seconds"],
        "links": bool(values["links"]),
        "tells_resolved": bool(values["tells_resolved"]),
    }


def _quiet(values: Mapping[str, str]) -> dict[str, str] | None:
    """Return quiet hours as they were typed; None where nobody typed any."""
    if not values["quiet_from"] and not values["quiet_to"]:
        return None
    return {
        "from": values["quiet_from"],
        "to": values["quiet_to"],
        "timezone": values["quiet_timezone"] or "UTC",
    }


def _split(text: str) -> list[str]:
    return [one.strip() for one in text.split(",") if one.strip()]


def form_of(
    values: Mapping[str, str], errors: Mapping[str, str], row: Channel | None
) -> ChannelForm:
    """Return the form with each sentence at its field; secrets are not sent back."""
    form = ChannelForm({**values, **dict.fromkeys(_HIDDEN, "")})
    if row is not None:
        del form.fields["kind"]
    kind = values.get("kind", "") if row is None else row.kind
    for name in {"to", "url", "secret", "command", "address"} - set(SETTINGS.get(kind, ())):
        del form.fields[name]
    form.is_valid()
    told = {key.removeprefix("settings.") for key in errors}
    for name in _HIDDEN:
        if name in form.fields and values.get(name) and name not in told:
            # Nobody is shown it again, and who overlooks that saves a channel without it.
            form.add_error(name, _("It was not kept, since it is secret. Type it again."))
    for key, sentence in errors.items():
        name = key.removeprefix("settings.").removeprefix("routes.")
        name = name.replace("quiet.", "quiet_").partition(".")[0]
        name = "quiet_from" if name == "quiet" else name
        shown = name in form.fields and name != "kind"
        form.add_error(name if shown else None, sentence)
    return form
