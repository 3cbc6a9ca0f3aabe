"""The part of a workspace's form about its infrastructure; `services` judge what it carries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

_LINES = {"class": "in mono", "rows": 2, "spellcheck": "false", "autocomplete": "off"}
_NEVER = "false"
_DEPLOY = ("init_command", "plan_command", "apply_command")
_DESTROY = ("init_command", "destroy_command")


def _lines(label: Any, hint: Any = "") -> forms.CharField:
    return forms.CharField(
        label=label,
        help_text=hint,
        required=False,
        strip=False,
        widget=forms.Textarea(attrs=dict(_LINES)),
    )


def _text(label: Any, hint: Any = "") -> forms.CharField:
    widget = forms.TextInput(attrs={"class": "in", "autocomplete": "off"})
    return forms.CharField(label=label, help_text=hint, required=False, widget=widget)


class OperationsForm(forms.Form):
    """When and how a workspace is deployed and destroyed."""

    template = _text(_("Template"), _("Empty: its own files, or nothing to deploy"))
    timezone = _text(_("Time zone"), _("Of the schedules, such as Europe/Paris"))
    deploy_schedule = _lines(_("Deploy at"), _("A cron expression in each line"))
    destroy_schedule = _lines(_("Destroy at"), _("A cron expression in each line; false: never"))
    mode_schedules = _lines(
        _("Deploy in modes at"), _("In place of Deploy at; lines such as busy: 0 9 * * 1-5")
    )
    environment = _lines(_("Environment"), _("NAME=value in each line; OpenTofu finds it"))
    timeout = _text(_("Time limit"), _("Of one operation, such as 1h or 90m"))
    deploy_init = _lines(_("Own line for init before deploying"))
    deploy_plan = _lines(_("Own line for plan"))
    deploy_apply = _lines(_("Own line for apply"))
    destroy_init = _lines(_("Own line for init before destroying"))
    destroy_destroy = _lines(_("Own line for destroy"))


# What of the form says which part of the definition, for the sentences of refusals.
_PLACES = {
    "timeout_seconds": "timeout",
    "custom_deploy": "deploy_apply",
    "custom_destroy": "destroy_destroy",
}


def values_of(config: Mapping[str, Any]) -> dict[str, str]:
    """Return the texts of the fields for what is decided."""
    never = config.get("destroy_schedule") is False
    modes = config.get("mode_schedules") or {}
    seconds = config.get("timeout_seconds")
    deploy, destroy = config.get("custom_deploy") or {}, config.get("custom_destroy") or {}
    return {
        "template": config.get("template", ""),
        "timezone": config.get("timezone", ""),
        "deploy_schedule": "\n".join(config.get("deploy_schedule") or []),
        "destroy_schedule": _NEVER if never else "\n".join(config.get("destroy_schedule") or []),
        "mode_schedules": "\n".join(
            f"{mode}: {one}" for mode, times in modes.items() for one in times
        ),
        "environment": "\n".join(f"{n}={v}" for n, v in (config.get("environment") or {}).items()),
        "timeout": "" if seconds is None else f"{seconds:g}s",
        **{f"deploy_{name.removesuffix('_command')}": deploy.get(name, "") for name in _DEPLOY},
        **{f"destroy_{name.removesuffix('_command')}": destroy.get(name, "") for name in _DESTROY},
    }


def operations_in(data: Mapping[str, str]) -> dict[str, Any]:
    """Return the definition that was typed; what was left empty is left out."""
    text = {name: data.get(name, "").replace("\r\n", "\n").strip() for name in _names()}
    found: dict[str, Any] = {
        "template": text["template"],
        "timezone": text["timezone"],
        "deploy_schedule": _rows(text["deploy_schedule"]),
        "destroy_schedule": _destroy(text["destroy_schedule"]),
        "mode_schedules": _modes(text["mode_schedules"]),
        "environment": dict(_pair(row, "=") for row in _rows(text["environment"])),
        "timeout_seconds": text["timeout"],
        "custom_deploy": _commands(text, "deploy", _DEPLOY),
        "custom_destroy": _commands(text, "destroy", _DESTROY),
    }
    return {name: one for name, one in found.items() if one is False or one}


def field_of(place: str) -> str:
    """Return the field that a refused part of a definition was typed into."""
    part = place.removeprefix("operations.").partition(".")[0]
    return _PLACES.get(part, part)


def _names() -> list[str]:
    return list(OperationsForm.base_fields)


def _rows(text: str) -> list[str]:
    return [row.strip() for row in text.split("\n") if row.strip()]


def _destroy(text: str) -> Any:
    return False if text.lower() == _NEVER else _rows(text)


def _pair(row: str, mark: str) -> tuple[str, str]:
    name, _mark, value = row.partition(mark)
    return name.strip(), value.strip()


def _modes(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in _rows(text):
        mode, expression = _pair(row, ":")
        found.setdefault(mode, []).append(expression)
    return found


def _commands(text: Mapping[str, str], verb: str, names: tuple[str, ...]) -> dict[str, str]:
    given = {name: text[f"{verb}_{name.removesuffix('_command')}"] for name in names}
    return {name: one for name, one in given.items() if one}
