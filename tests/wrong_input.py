"""Definitions that every face refuses, with the words that the person has to read.

The API and the command line share these; the form has the same sentences from the same service.
"""

from __future__ import annotations

from typing import Any

from tests.factories import cron, definition

TAKEN = "taken"

# What is wrong -> the definition, the words of the message (the value and what is allowed).
WRONG_DEFINITIONS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "bad cron": (definition(schedules=[cron("61 * * * *")]), ("61", "0 to 59")),
    "cron that never fires": (definition(schedules=[cron("0 0 30 2 *")]), ("0 0 30 2 *", "never")),
    "unknown zone": (
        definition(schedules=[cron("* * * * *", "Europe/Pariss")]),
        ("Europe/Pariss", "Europe/Paris"),
    ),
    "negative timeout": (definition(timeout_seconds=-3), ("-3", "more than 0")),
    "unknown type": (definition(type="teleport"), ("teleport", "command", "script")),
    "name taken": (definition(name=TAKEN), (TAKEN, "another name")),
    "bad name": (definition(name="a b/../c"), ("a b/../c", "letters, digits")),
    "missing command": (definition(spec={}), ("command is required",)),
    "unknown overlap": (definition(overlap="both"), ("'both'", "skip", "cancel_running")),
    "unknown field": (definition(colour="red"), ("colour", "does not exist")),
    "workspace": (definition(workspace="my-app"), ("'my-app'", "null")),
    "interval too short": (
        definition(schedules=[{"kind": "interval", "seconds": 0.1}]),
        ("0.1", "1 or more"),
    ),
}
# What is wrong -> the body as it is sent, the words of the message.
WRONG_BODIES: dict[str, tuple[bytes, tuple[str, ...]]] = {
    "no JSON": (b"name=report", ("not JSON", "line 1")),
    "nothing": (b"", ("empty", "JSON object")),
    "a list": (b"[1, 2]", ("a list", "JSON object")),
    "a text": (b'"report"', ("a text", "JSON object")),
    "no UTF-8": (b'{"name": "\xff"}', ("UTF-8",)),
    "NaN": (b'{"timeout_seconds": NaN}', ("NaN",)),
    "infinity": (b'{"timeout_seconds": 1e999, "name": "a", "type": "command"}', ("too large",)),
    "a number of 5000 digits": (b'{"priority": ' + b"9" * 5000 + b"}", ("too long",)),
    "a huge number": (
        b'{"name": "a", "type": "command", "priority": 1' + b"0" * 40 + b"}",
        ("10000",),
    ),
    "deep nesting": (b'{"spec": ' + b"[" * 200 + b"]" * 200 + b"}", ("nested", "32")),
    "very deep nesting": (b"[" * 100_000, ("nested", "32")),
    "a NUL": (b'{"name": "a", "description": "x\\u0000y"}', ("NUL",)),
    "half a character": (b'{"name": "a", "description": "\\ud800"}', ("surrogate",)),
    "a name of a wrong kind": (b'{"name": {"a": 1}, "type": "command"}', ("name",)),
}
