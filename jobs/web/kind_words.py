"""Kinds of jobs without fields of their own in the form: what may be typed, and what it means."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy

from jobs.web import registering_words
from jobs.web.words import Text

_FIELDS: Mapping[str, Mapping[str, Text]] = {
    "http": {
        "https://example.org/health": gettext_lazy("An address is enough. POST before it posts."),
        "url, method, headers, body": gettext_lazy("The same as JSON, with more to say."),
        "expected_status": gettext_lazy('Answers that count as success: ["200-299", 404].'),
        "json_condition, follow_redirects, verify_tls": gettext_lazy("More that JSON may say."),
    },
    "python": {
        "my_job": gettext_lazy("The name of a registered job is enough."),
        "job, kwargs": gettext_lazy("The same as JSON, with what it is called with."),
    },
    "management_command": {
        "clearsessions --verbosity 2": gettext_lazy("A command as it is typed in the shell."),
        "command, args, options": gettext_lazy("The same as JSON."),
    },
    "template": {
        "my-template": gettext_lazy("The name of a template is enough: it is deployed."),
        "template, operation": gettext_lazy("The same as JSON; apply, destroy or plan."),
        "mode, scope, custom": gettext_lazy("More that JSON may say."),
    },
}
_REQUEST = re.compile(r"(?:([A-Za-z]{3,7})\s+)?(https?://\S+)", re.ASCII | re.IGNORECASE)
_NAME = re.compile(r"[\w.-]+", re.ASCII)
# What a single word means, of the kinds where it is a name.
_NAMED = {"python": "job", "template": "template"}
_NO_NAMES = ("null", "true", "false", "NaN")


def fields_of(kind: str) -> list[tuple[str, Text]]:
    """Return what the settings of a kind may say, each with what it means."""
    return list(_FIELDS.get(kind, {}).items()) or registering_words.fields_of(kind)


def short_spec(kind: str, text: str) -> dict[str, Any] | None:
    """Return the settings that a short form means, such as an address; None where it is none."""
    if kind == "http" and (asked := _REQUEST.fullmatch(text)):
        return {"url": asked[2], **({"method": asked[1].upper()} if asked[1] else {})}
    if kind in _NAMED and _NAME.fullmatch(text) and text not in _NO_NAMES and not text.isdigit():
        return {_NAMED[kind]: text}
    if kind == "management_command" and text[0].isalpha() and text not in _NO_NAMES:
        return _command(text)
    return None


def _command(text: str) -> dict[str, Any] | None:
    try:
        words = shlex.split(text)
    except ValueError:
        return None
    return {"command": words[0], "args": words[1:]}
