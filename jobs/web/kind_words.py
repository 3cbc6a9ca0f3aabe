"""What may be typed as a kind's further settings, and what it means."""

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
        '{"json_condition": {"path": "status", "equals": "ok"}}': gettext_lazy(
            "Success only where the answer is JSON that says so."
        ),
        "connect_timeout_seconds, max_response_bytes": gettext_lazy("More that JSON may say."),
        "POST https://example.org": gettext_lazy("Or all in one line. POST before it posts."),
    },
    "python": {
        "limits": gettext_lazy("More that JSON may say."),
        "my_job": gettext_lazy("The name of a registered job alone is enough, too."),
    },
    "management_command": {
        "options, limits": gettext_lazy("More that JSON may say."),
        "clearsessions --verbosity 2": gettext_lazy("Or all in one line, as in the shell."),
    },
    "template": {
        "mode, scope, custom": gettext_lazy("More that JSON may say."),
        "my-template": gettext_lazy("The name of a template is enough: it is deployed."),
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
