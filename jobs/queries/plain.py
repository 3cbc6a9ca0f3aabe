"""Rows as plain values, for answers that list many.

Of an answer of fifty jobs whole objects were most of the cost: each moment, each JSON value and each
related row goes through several calls of the ORM. Here a column is read once.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.models import DateTimeField, JSONField, QuerySet

Row = dict[str, Any]


def plain_rows(rows: QuerySet[Any, Any], names: Sequence[str]) -> list[Row]:
    """Return the named columns of ``rows``, in one statement; moments are aware, JSON is read.

    A name may lead over foreign keys (``job__name``). Columns of other types are left as the
    driver gives them, which for texts, numbers and booleans is what the ORM gives.
    """
    compiler = rows.values_list(*names).query.get_compiler(using=rows.db)
    try:
        statement, parameters = compiler.as_sql()
    except EmptyResultSet:
        return []
    kinds = [expression.output_field for expression, *_ in compiler.select]
    with connections[rows.db].cursor() as cursor:
        cursor.execute(statement, parameters)
        found = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    for name, kind in zip(names, kinds, strict=True):
        if isinstance(kind, DateTimeField):
            _make_aware(found, name)
        elif isinstance(kind, JSONField):
            _read_json(found, name)
    return found


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
