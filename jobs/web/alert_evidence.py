"""What an alert was opened for, as a reader reads it: moments on his clock, times and sizes in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jobs.web import formats, health_words
from jobs.web.alert_words import EVIDENCE, VALUES
from jobs.web.words import Text

_NOTHING: tuple[object, ...] = (None, "", [])
HIDDEN = frozenset({"says"})  # what the title is made of


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One figure: its word, and one of a moment, lines, or a text."""

    word: Text
    text: str = ""
    moment: datetime | None = None
    code: bool = False


def shown_evidence(evidence: Mapping[str, Any]) -> list[Shown]:
    """Return the figures of an alert that say something."""
    return [
        _shown(name, value)
        for name, value in _in_language(evidence).items()
        if value not in _NOTHING and name not in HIDDEN
    ]


def _in_language(evidence: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the figures with the reasons of a queue's health in the reader's language."""
    if health_words.is_english() or not evidence.get("says") or "queue" not in evidence:
        return evidence
    return {**evidence, "issues": health_words.reasons(evidence["queue"], evidence["says"])}


def _shown(name: str, value: Any) -> Shown:
    word = EVIDENCE.get(name, name)
    if name == "error":
        return Shown(word=word, text=str(value), code=True)
    if isinstance(value, list):
        return Shown(word=word, text="; ".join(map(str, value)))
    if (moment := _moment(value)) is not None:
        return Shown(word=word, moment=moment)
    if (said := VALUES.get(name, {}).get(str(value))) is not None:
        return Shown(word=word, text=str(said))
    return Shown(word=word, text=_text(name, value))


def _moment(value: Any) -> datetime | None:
    """Return the moment that a text is; evidence is JSON, which knows none."""
    if not isinstance(value, str) or len(value) < 19 or value[10] != "T":
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    return found if found.tzinfo else None


def _text(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return str(value)
    number = _number(value)
    if number is None:
        return str(value)
    if name.endswith("_seconds") or name == "seconds":
        return formats.duration(number)
    if name.endswith("_bytes"):
        return formats.size(int(number))
    return formats.figure(number)


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
