"""The lines by which a command talks to Jobdeck.

`::progress 40`, `::result {json}`, `::metric rows=1000`, `::warning The disk is nearly full`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

from jobs.domain.masking import Mask

# Long enough for a useful result, short enough to sit in a row that lists load.
MAX_LINE_BYTES = 65_536
# Levels of a result: whatever reads one later may call itself for each of them.
MAX_DEPTH = 100
MAX_METRICS = 100
# More are counted only: a list of thousands tells nobody more than the log does.
MAX_WARNINGS = 20
MAX_WARNING_CHARACTERS = 500
_START = b"::"
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
_METRIC = re.compile(r"([A-Za-z_][\w.-]{0,99})=(\S+)")


class Directives:
    """Read `::` lines out of a stream of bytes; everything else costs one search per read."""

    def __init__(self) -> None:
        """Begin at the start of a line with nothing said yet."""
        self._rest = b""  # the unfinished line, while it may still become a directive
        self._in_line = False  # inside a line that is none
        self.progress: int | None = None
        self.result: Any = None
        self.metrics: dict[str, float] = {}
        self.warnings: list[str] = []  # the first ones
        self.warning_count = 0
        # The first line that was not understood, as it came, and why.
        self._fault: tuple[bytes, str] | None = None

    def feed(self, data: bytes) -> None:
        """Take the next bytes of stdout."""
        if not self._rest and b":" not in data:
            self._in_line = not data.endswith(b"\n")
            return
        text = self._rest + data
        for start, end in self._lines(text):
            self._obey(text[start:end])

    def finish(self) -> None:
        """Take the last line, which may lack its end."""
        if self._rest.startswith(_START):
            self._obey(self._rest)
        self._rest = b""

    def _lines(self, text: bytes) -> Iterator[tuple[int, int]]:
        """Yield the bounds of complete lines that begin with the sign; keep the unfinished one."""
        position = text.find(b"\n") + 1 if self._in_line else 0
        if self._in_line and position == 0:
            return
        while text.startswith(_START, position) or (found := text.find(b"\n::", position)) >= 0:
            start = position if text.startswith(_START, position) else found + 1
            end = text.find(b"\n", start)
            if end < 0:
                self._keep_rest(text[start:])
                return
            yield start, end
            position = end + 1
        self._keep_rest(text[text.rfind(b"\n") + 1 :])

    def _keep_rest(self, rest: bytes) -> None:
        may_become = _START.startswith(rest[:2]) and len(rest) <= MAX_LINE_BYTES
        self._rest = rest if may_become else b""
        self._in_line = bool(rest) and not may_become
        if rest.startswith(_START) and not may_become:
            self._note_fault(rest, f"longer than {MAX_LINE_BYTES:,} bytes")

    def _obey(self, line: bytes) -> None:
        word, _, argument = line[2:].decode(errors="replace").strip().partition(" ")
        try:
            if word == "progress":
                self.progress = _percent(argument)
            elif word == "result":
                self.result = parse_json(argument)
            elif word == "metric":
                self._add_metric(argument)
            elif word == "warning":
                self.warn(argument)
        except (ValueError, RecursionError) as error:
            self._note_fault(line, str(error) or type(error).__name__)

    def _add_metric(self, argument: str) -> None:
        match = _METRIC.fullmatch(argument.strip())
        if match is None:
            raise ValueError("a metric is written name=number")
        value = _number(match[2], "a metric is a finite number")
        if not math.isfinite(value):
            raise ValueError("a metric is a finite number")
        if match[1] not in self.metrics and len(self.metrics) >= MAX_METRICS:
            raise ValueError(f"at most {MAX_METRICS} metrics are kept")
        self.metrics[match[1]] = value

    def warn(self, text: str) -> None:
        """Count a warning, and keep it if it is one of the first; control characters become blanks."""
        self.warning_count += 1
        if len(self.warnings) < MAX_WARNINGS:
            line = "".join(c if c.isprintable() else " " for c in text).strip()
            self.warnings.append(line)

    def _note_fault(self, line: bytes, reason: str) -> None:
        if self._fault is None:
            self._fault = line, reason

    def fault(self, mask: Mask) -> str | None:
        """Return what was wrong with the first line that was not understood; None for nothing.

        Cut after masking: a piece of a secret would not be found.
        """
        if self._fault is None:
            return None
        line, reason = self._fault
        return f"ignored {mask.clean(line).decode(errors='replace')[:60]!r}: {reason}"


def cut(mask: Mask, warnings: Sequence[str]) -> tuple[str, ...]:
    """Return warnings without secrets and of bearable length; a cut secret could not be found."""
    return tuple(mask.text(line)[:MAX_WARNING_CHARACTERS] for line in warnings)


def _percent(argument: str) -> int:
    fault = "progress is a number from 0 to 100"
    value = _number(argument.strip().removesuffix("%"), fault)
    if not 0 <= value <= 100:
        raise ValueError(fault)
    return int(value)


def _number(text: str, fault: str) -> float:
    """Return a number; Python's own error would repeat the text, which may be a secret."""
    try:
        return float(text)
    except ValueError:
        raise ValueError(fault) from None


def parse_json(argument: str) -> Any:
    """Parse strictly: no NaN, and nothing that a database would refuse to store as JSON."""
    value = json.loads(argument, parse_constant=_refuse_constant)
    if argument.count("[") + argument.count("{") > MAX_DEPTH and _is_deep(value):
        raise ValueError(f"it is nested deeper than {MAX_DEPTH} levels")
    stored = json.dumps(value, ensure_ascii=False, allow_nan=False)
    stored.encode()  # a lone surrogate raises UnicodeEncodeError, a ValueError
    if _NUL.search(stored):
        raise ValueError("PostgreSQL cannot store NUL characters")
    return value


def _is_deep(value: Any) -> bool:
    """Tell whether a value has more levels than every reader can follow."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [child for item in level for child in _children(item)]
    return any(isinstance(item, dict | list) for item in level)


def _children(item: Any) -> list[Any]:
    if isinstance(item, dict):
        return list(item.values())
    return item if isinstance(item, list) else []


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
