"""The cause of a failure, without what differs from run to run: equal causes are one trouble."""

from __future__ import annotations

import hashlib
import re

from jobs.domain.states import ExecutionState

LONGEST = 160
_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
# In this order: what comes first may hold what comes later. Letters and digits of names such as
# "db1" stay: they say which server it was.
_STRIPPED: tuple[tuple[re.Pattern[str], str], ...] = (
    (_COLOUR, ""),
    (
        re.compile(
            r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", re.IGNORECASE
        ),
        "<id>",
    ),
    (
        re.compile(
            r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)?(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))?"
        ),
        "<time>",
    ),
    (re.compile(r"\b\d{1,2}:\d\d(?::\d\d(?:[.,]\d+)?)?\b"), "<time>"),
    (re.compile(r"\b0x[0-9a-f]+\b", re.IGNORECASE), "<address>"),
    (re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b"), "<address>"),
    (
        re.compile(r"(?<![\w:])\[?(?:[0-9a-f]{1,4}:){3,7}[0-9a-f]{1,4}\]?(?![\w:])", re.IGNORECASE),
        "<address>",
    ),
    (re.compile(r"\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{12,}\b", re.IGNORECASE), "<id>"),
    (re.compile(r"(?<![\w.])[+-]?\d+(?:[.,]\d+)*(?=(?:ms|s|m|h|[kMG]i?B|B|%)?(?![\w]))"), "<n>"),
)
_ENDED_WORDS = {
    ExecutionState.TIMED_OUT.value: "timed out",
    ExecutionState.LOST.value: "lost: its worker was gone",
}
# A longer text says nothing more, and patterns take their time.
_READ = 2000


def cause_of(state: str, error: str) -> str:
    """Return the normalised cause of a failure; never empty."""
    fixed = _ENDED_WORDS.get(state)
    return fixed or normalised(error) or "failed without a message"


def normalised(text: str) -> str:
    """Return the telling line of an error without numbers, ids, addresses and times."""
    line = _telling_line(text[:_READ] if len(text) <= _READ else text[-_READ:])
    for pattern, word in _STRIPPED:
        line = pattern.sub(word, line)
    return " ".join(line.split())[:LONGEST]


def as_printed(cause: str, error: str) -> str:
    """Return the line of ``error`` that ``cause`` is about as it was printed, numbers and all.

    Many jobs share a cause; of a single one its own words say more. The cause itself where the error
    is of another one, or gone.
    """
    text = error[-_READ:]
    if not text or normalised(text) != cause:
        return cause
    return " ".join(_COLOUR.sub("", _telling_line(text)).split())[:LONGEST]


def fingerprint(cause: str) -> str:
    """Return a short mark that equal causes share, whatever their letter case."""
    return hashlib.sha256(cause.casefold().encode()).hexdigest()[:16]


def _telling_line(text: str) -> str:
    """Return the last line that says something: a traceback ends with its error."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""
