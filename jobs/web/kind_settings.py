"""The settings of a kind as the text of its fields, and that text as settings.

A setting goes to its field only where the field can say it exactly; otherwise it stays in the JSON
below, so that a job that is opened and saved is the same job.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from jobs.executors.directives import parse_json

_HEADERS = "http_headers"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Setting:
    """One setting: its field, its text, and what a text that is not blank means."""

    field: str
    write: Callable[[Any], str] = str
    read: Callable[[str], Any] = str.strip
    lines: bool = False

    def text_of(self, value: Any) -> str | None:
        """Return the text that means exactly this value; None where there is none."""
        try:
            text = self.write(value)
        except (TypeError, ValueError, AttributeError):
            return None
        # A browser changes other ends of lines, and has none in a field of one line.
        if not text.strip() or "\r" in text or ("\n" in text and not self.lines):
            return None
        return text if _same(self.read(text), value) else None


def _same(one: Any, other: Any) -> bool:
    """Tell whether two settings are equal, of the same types: 404 is not "404"."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _read_json(text: str) -> Any:
    """Return what JSON says; what cannot be read goes on as text, which the refusal quotes."""
    try:
        return parse_json(text)
    except (ValueError, RecursionError):
        return text


def _read_body(text: str) -> Any:
    value = _read_json(text)
    return value if isinstance(value, dict | list) else text


def _write_body(body: Any) -> str:
    return body if isinstance(body, str) else _json(body)


def _write_headers(headers: Mapping[str, str]) -> str:
    return "\n".join(f"{name}: {value}" for name, value in headers.items())


def _header_lines(text: str) -> list[tuple[str, str, str]]:
    """Return the name, the colon and the value of each line."""
    split = (line.partition(":") for line in text.split("\n") if line.strip())
    return [(name.strip(), colon, value.strip()) for name, colon, value in split]


def _read_headers(text: str) -> dict[str, str]:
    return {name: value for name, __, value in _header_lines(text)}


def _write_list(entries: list[Any]) -> str:
    return ", ".join(str(entry) for entry in entries)


def _read_list(text: str) -> list[int | str]:
    entries = [one.strip() for one in text.split(",") if one.strip()]
    return [int(one) if one.isdecimal() and len(one) < 9 else one for one in entries]


def _read_words(text: str) -> list[str] | str:
    try:
        return shlex.split(text)
    except ValueError:
        return text


def _ticked(field: str, *, when: bool) -> _Setting:
    """Return a setting that a ticked box turns to ``when``."""
    return _Setting(
        field=field, write=lambda value: "on" if value is when else "", read=lambda _text: when
    )


_KINDS: Mapping[str, Mapping[str, _Setting]] = {
    "http": {
        "url": _Setting(field="http_url"),
        "method": _Setting(field="http_method"),
        "expected_status": _Setting(
            field="http_expected_status", write=_write_list, read=_read_list
        ),
        "headers": _Setting(field=_HEADERS, write=_write_headers, read=_read_headers, lines=True),
        "body": _Setting(field="http_body", write=_write_body, read=_read_body, lines=True),
        "follow_redirects": _ticked("http_follow_redirects", when=True),
        "verify_tls": _ticked("http_any_certificate", when=False),
    },
    "python": {
        "job": _Setting(field="python_job"),
        "kwargs": _Setting(field="python_kwargs", write=_json, read=_read_json, lines=True),
    },
    "management_command": {
        "command": _Setting(field="management_name"),
        "args": _Setting(field="management_args", write=shlex.join, read=_read_words),
    },
    "template": {
        "template": _Setting(field="template_named"),
        "operation": _Setting(field="template_operation"),
    },
}


def field_of(kind: str, setting: str) -> str:
    """Return the name of the field that a setting has; empty where it has none."""
    known = _KINDS.get(kind, {}).get(setting)
    return known.field if known else ""


def taken_out(kind: str, spec: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, Any]]:
    """Return the texts of a kind's fields, and the settings that no field can say."""
    texts, rest = {}, {}
    for name, value in spec.items():
        known = _KINDS.get(kind, {}).get(name)
        text = known.text_of(value) if known else None
        if known and text is not None:
            texts[known.field] = text
        else:
            rest[name] = value
    return texts, rest


def put_in(kind: str, spec: Mapping[str, Any], values: Mapping[str, str]) -> dict[str, Any]:
    """Return settings with what the kind's fields say over them; a blank field says nothing."""
    whole = dict(spec)
    for name, known in _KINDS.get(kind, {}).items():
        if values[known.field].strip():
            said, below = known.read(values[known.field]), whole.get(name)
            if isinstance(said, dict) and isinstance(below, dict):
                said = {**below, **said}
            whole[name] = said
    return whole


def said_otherwise(
    kind: str, spec: Mapping[str, Any], values: Mapping[str, str]
) -> list[tuple[str, str]]:
    """Return each setting that both the JSON and its field say, and not the same; with the field."""
    return [
        (name, known.field)
        for name, known in _KINDS.get(kind, {}).items()
        if name in spec
        and values[known.field].strip()
        and _differ(known.read(values[known.field]), spec[name])
    ]


def _differ(said: Any, below: Any) -> bool:
    """Tell whether two values of a setting contradict each other; entries of objects add up."""
    if isinstance(said, dict) and isinstance(below, dict):
        return any(not _same(said[name], below[name]) for name in said.keys() & below.keys())
    return not _same(said, below)


def unclear(kind: str, values: Mapping[str, str]) -> dict[str, str]:
    """Return an error for lines of headers that a definition could not tell: without a colon, or twice."""
    lines = _header_lines(values[_HEADERS]) if kind == "http" else []
    names = [name for name, __, __ in lines]
    for name, colon, __ in lines:
        if not colon:
            # No word of the line: it may be a secret that somebody pasted.
            return {"spec.headers": _("A line has no colon. Write each as Name: value.")}
        if names.count(name) > 1:
            return {"spec.headers": _("%s is named twice. Keep one of them.") % name}
    return {}
