"""A database transaction for jobs, in both of Python's ways of writing."""

from __future__ import annotations

from types import TracebackType
from typing import Any


class JobTransaction:
    """``with self.transaction():`` commits at the end of the block and rolls back on an exception.

    ``async with`` does the same for Django's async queries, which all use one thread and with it one
    connection.
    """

    def __init__(self, using: str | None = None) -> None:
        """Take the alias of the database; the default one without."""
        from django.db import transaction

        self._atomic: Any = transaction.atomic(using=using)

    def __enter__(self) -> None:
        """Begin."""
        self._atomic.__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Commit, or roll back."""
        self._atomic.__exit__(kind, error, trace)

    async def __aenter__(self) -> None:
        """Begin, in the thread of the async queries."""
        from asgiref.sync import sync_to_async

        await sync_to_async(self.__enter__)()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Commit, or roll back, in the thread of the async queries."""
        from asgiref.sync import sync_to_async

        await sync_to_async(self.__exit__)(kind, error, trace)
