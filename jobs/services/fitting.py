"""Make what a run says about its end fit for the tables, whichever executor or plugin it came from.

A verdict that the database refuses would be no verdict: the run, whose work is done, would be lost.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

from jobs.executors.base import ExecutionResult
from jobs.executors.directives import MAX_DEPTH

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_TOO_DEEP = "…"


def fitting(result: ExecutionResult) -> ExecutionResult:
    """Return a result that every database takes; nearly all are such already."""
    return replace(
        result,
        message=_text(result.message),
        error=None if result.error is None else _text(result.error),
        result=_value(result.result, MAX_DEPTH),
        metrics={
            _text(name): value for name, value in result.metrics.items() if math.isfinite(value)
        },
        warnings=tuple(map(_text, result.warnings)),
    )


def _text(text: str) -> str:
    """Replace NUL characters and lone surrogates."""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", _REPLACEMENT).encode(errors="replace").decode()


def _value(value: Any, levels: int) -> Any:
    """Return a JSON value in which nothing stands that no database takes as JSON."""
    match value:
        case None | bool() | int():
            return value
        case str():
            return _text(value)
        case float():
            return value if math.isfinite(value) else str(value)
        case Mapping() | list() | tuple() if not levels:
            return _TOO_DEEP
        case Mapping():
            return {_text(str(name)): _value(item, levels - 1) for name, item in value.items()}
        case list() | tuple():
            return [_value(item, levels - 1) for item in value]
    return _other(value)


def _other(value: Any) -> Any:
    """Return what JSON has no word for as Django writes it, else as text."""
    try:
        return _value(json.loads(json.dumps(value, cls=DjangoJSONEncoder)), 1)
    except (TypeError, ValueError):
        return _text(str(value))
