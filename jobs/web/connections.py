"""What a registration came to, connection by connection, as its page shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jobs.models import Execution
from jobs.queries.registering import TYPE

# More make the page heavy; the log and the result hold all of them.
MOST_ROWS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionRow:
    """One connection."""

    name: str
    registered: int
    failed: int
    seconds: int
    message: str

    @property
    def is_troubled(self) -> bool:
        """Say whether something of it could not be registered."""
        return self.failed > 0 or bool(self.message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Connections:
    """All of a run: the troubled ones first, then as the server listed them."""

    rows: tuple[ConnectionRow, ...]
    left_out: int
    registered: int
    failed: int
    resources: tuple[tuple[str, int], ...]


def connections_of(execution: Execution, result: object) -> Connections | None:
    """Return what a run's result tells of connections; None when it tells nothing.

    ``result`` is what the reader may see of it. Its shape is not taken for granted: a result is
    stored as JSON, and that of an older version may lack something.
    """
    if execution.job.type != TYPE or not isinstance(result, Mapping):
        return None
    listed = result.get("connections")
    entries = listed if isinstance(listed, list) else []
    rows = [_row(one) for one in entries if isinstance(one, Mapping)]
    if not rows:
        return None
    rows.sort(key=lambda row: not row.is_troubled)
    counted = result.get("resources")
    return Connections(
        rows=tuple(rows[:MOST_ROWS]),
        left_out=max(len(rows) - MOST_ROWS, 0),
        registered=_number(result.get("registered")),
        failed=_number(result.get("failed")),
        resources=tuple(
            (str(name), _number(count))
            for name, count in (counted.items() if isinstance(counted, Mapping) else ())
        ),
    )


def _row(given: Mapping[str, Any]) -> ConnectionRow:
    return ConnectionRow(
        name=str(given.get("name") or ""),
        registered=_number(given.get("registered")),
        failed=_number(given.get("failed")),
        seconds=_number(given.get("seconds")),
        message=str(given.get("message") or ""),
    )


def _number(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
