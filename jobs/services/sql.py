"""Hand-written statements for the path of every run.

The ORM spends 0.3 to 1 ms on building each statement; a run needs eight. Measured over `true`:
7.0 ms of CPU a run with the ORM, 1.9 ms with these (`benchmarks/README.md`). Everything that is not
on that path uses the ORM.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection

from jobs.services.dbtime import as_parameter


def run(statement: str, parameters: Sequence[Any]) -> int:
    """Execute a statement and return how many rows it changed."""
    with connection.cursor() as cursor:
        cursor.execute(statement, [_adapted(value) for value in parameters])
        changed: int = cursor.rowcount
        return changed


def run_many(statement: str, rows: Sequence[Sequence[Any]]) -> None:
    """Execute a statement once for each row of parameters."""
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.executemany(statement, [[_adapted(value) for value in row] for row in rows])


def row(statement: str, parameters: Sequence[Any]) -> tuple[Any, ...] | None:
    """Return the first row that a statement gives, or None."""
    with connection.cursor() as cursor:
        cursor.execute(statement, [_adapted(value) for value in parameters])
        found: tuple[Any, ...] | None = cursor.fetchone()
        return found


def rows(statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Return all rows that a statement gives."""
    with connection.cursor() as cursor:
        cursor.execute(statement, [_adapted(value) for value in parameters])
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found


def for_update() -> str:
    """Return the words that lock the selected row; SQLite has one writer and needs none."""
    return " FOR UPDATE" if connection.vendor == "postgresql" else ""


def skip_locked(table: str = "") -> str:
    """Return the words that lock the selected rows and pass over those another one holds.

    ``table`` is the one whose rows are meant, where there are several.
    """
    if connection.vendor != "postgresql":
        return ""
    return f" FOR UPDATE{f' OF {table}' if table else ''} SKIP LOCKED"


def moment(value: datetime | None) -> datetime | None:
    """Return a stored moment as an aware datetime; SQLite's driver gives naive UTC."""
    return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


def json_value(value: Any) -> Any:
    """Return a stored JSON value."""
    return json.loads(value) if isinstance(value, str) else value


def as_json(value: Any) -> str | None:
    """Return a JSON value as it is stored; None stays the absence of one."""
    return None if value is None else json.dumps(value, cls=DjangoJSONEncoder)


def _adapted(value: Any) -> Any:
    return as_parameter(value) if isinstance(value, datetime) else value
