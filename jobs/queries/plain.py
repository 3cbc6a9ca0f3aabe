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

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import DateTimeField, Field, JSONField, Model, QuerySet

Row = dict[str, Any]
_ONE = "= %s"


def plain_rows(
    model: type[Model],
    names: tuple[str, ...],
    chosen: Sequence[int] | QuerySet[Any],
    *,
    by: str = "pk",
) -> list[Row]:
    """Return the named columns of the rows whose ``by`` is chosen, in the model's order.

    ``chosen`` are numbers, or a query of the model's own rows, which becomes part of the statement.
    A name may lead over foreign keys (``job__name``). Moments are aware and JSON is read; columns of
    other types are as the driver gives them, which for texts, numbers and booleans is what the ORM
    gives.
    """
    try:
        among, parameters = _among(chosen)
    except EmptyResultSet:
        return []
    statement, kinds = _statement(model, names, by)
    with connection.cursor() as cursor:
        cursor.execute(statement.replace(_ONE, f"IN ({among})", 1), parameters)
        found = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    for name, kind in zip(names, kinds, strict=True):
        if issubclass(kind, DateTimeField):
            _make_aware(found, name)
        elif issubclass(kind, JSONField):
            _read_json(found, name)
    return found


def _among(chosen: Sequence[int] | QuerySet[Any]) -> tuple[str, Sequence[Any]]:
    """Return what stands within ``IN ()``, with its parameters; EmptyResultSet for nothing."""
    if isinstance(chosen, QuerySet):
        return chosen.values_list("pk").query.sql_with_params()
    if not chosen:
        raise EmptyResultSet
    return ", ".join(["%s"] * len(chosen)), chosen


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


def plain_values(rows: QuerySet[Any, tuple[Any, ...]]) -> list[list[Any]]:
    """Return the values of a ``values_list``; moments are aware, the rest is as the driver gives it.

    For lists without an end: what the ORM does with each value would be a quarter of their cost.
    """
    compiler = rows.query.get_compiler(connection=connection)
    try:
        statement, parameters = compiler.as_sql()
    except EmptyResultSet:
        return []
    kinds = [column.output_field for column, *_ in compiler.select]
    moments = [place for place, kind in enumerate(kinds) if isinstance(kind, DateTimeField)]
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        found = [list(row) for row in cursor.fetchall()]
    for place in moments:
        _make_aware(found, place)
    return found


def _make_aware(rows: Sequence[Any], place: object) -> None:
    """Say that moments are UTC, which SQLite's driver leaves open."""
    for row in rows:
        value: datetime | None = row[place]
        if value is not None and value.tzinfo is None:
            row[place] = value.replace(tzinfo=UTC)


def _read_json(rows: list[Row], name: str) -> None:
    for row in rows:
        if isinstance(row[name], str):
            row[name] = json.loads(row[name])
