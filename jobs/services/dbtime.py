"""The database's clock: leases of several hosts are compared on one clock only."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from django.db import connection
from django.utils import timezone


def db_now() -> datetime:
    """Return the database server's present moment; SQLite has none of its own, so the host's."""
    if connection.vendor != "postgresql":
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cast("datetime", cursor.fetchone()[0])


def as_parameter(moment: datetime) -> Any:
    """Return ``moment`` in the form in which this database stores it, for hand-written SQL."""
    return connection.ops.adapt_datetimefield_value(moment)
