"""Rows as plain values, for answers that list many.

Of an answer of fifty jobs whole objects were most of the cost: each moment, each JSON value and each
related row goes through several calls of the ORM. Here a column is read once.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

from django.db import connection
from django.db.models import DateTimeField, Field, JSONField, Model

Row = dict[str, Any]
_ONE = "= %s"


def plain_rows(
    model: type[Model], names: tuple[str, ...], numbers: Sequence[int], *, by: str = "pk"
) -> list[Row]:
    """Return the named columns of the rows whose ``by`` is one of ``numbers``, in the model's order.

    A name may lead over foreign keys (``job__name``). Moments are aware and JSON is read; columns of
    other types are as the driver gives them, which for texts, numbers and booleans is what the ORM
    gives.
    """
    if not numbers:
        return []
    statement, kinds = _statement(model, names, by)
    marks = ", ".join(["%s"] * len(numbers))
    with connection.cursor() as cursor:
        cursor.execute(statement.replace(_ONE, f"IN ({marks})", 1), numbers)
        found = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    for name, kind in zip(names, kinds, strict=True):
        if issubclass(kind, DateTimeField):
            _make_aware(found, name)
        elif issubclass(kind, JSONField):
            _read_json(found, name)
    return found


@cache
def _statement(
    model: type[Model], names: tuple[str, ...], by: str
) -> tuple[str, list[type[Field[Any, Any]]]]:
    """Return the statement for the rows of one number, and what kind each column is.

    To build it costs more than to run it, and it is the same whenever the same columns are asked.
    """
    rows = model._default_manager.filter(**{by: 0})  # noqa: SLF001 - Django's way to any model's rows
    compiler = rows.values_list(*names).query.get_compiler(connection=connection)
    statement, _ = compiler.as_sql()
    return statement, [type(column.output_field) for column, *_ in compiler.select]


def _make_aware(rows: list[Row], name: str) -> None:
    """Say that moments are UTC, which SQLite's driver leaves open."""
    for row in rows:
        value: datetime | None = row[name]
        if value is not None and value.tzinfo is None:
            row[name] = value.replace(tzinfo=UTC)


def _read_json(rows: list[Row], name: str) -> None:
    for row in rows:
        if isinstance(row[name], str):
            row[name] = json.loads(row[name])
