"""Which database errors mean that it is away for a while, and not that something is wrong."""

from __future__ import annotations

from django.db import InterfaceError, OperationalError

OUTAGE = (OperationalError, InterfaceError)
