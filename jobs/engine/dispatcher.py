"""Dispatch what is due: one batch a step, so that a stop or a dying database is noticed between.

Any number of dispatchers may run; the batch's transaction keeps them apart.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import DatabaseError
from django.utils import timezone

from jobs.queries.due import moments
from jobs.services import dependencies, dispatch, events, feeding, releasing, rescue

LONGEST_SLEEP = 1.0  # seconds; a clock that jumped is noticed within it


class Dispatcher:
    """One dispatcher; ``lag`` is how late its latest due time was decided."""

    def __init__(self, *, clock: Callable[[], datetime] = timezone.now) -> None:
        """Take the clock; tests bring their own."""
        self._clock = clock
        self.lag: timedelta | None = None
        self.late_seconds: list[float] = []  # of each due time since somebody took them

    def step(self) -> bool:
        """Dispatch one batch of everything that is due; say if there was any work.

        Asks first what is due: each kind of work costs some queries, and seldom are all due.
        """
        now = self._clock()
        due = moments()
        worked = self._dispatch(now) if due.job and due.job <= now else False
        others = (
            (due.retry, rescue.requeue_retries),
            (due.start, releasing.release_put_off),
            (due.event, events.serve_open),
            (due.event, dependencies.serve_ended),
            (due.backfill, feeding.feed),  # last: what is due goes first
        )
        failed: list[Exception] = []
        for at, serve in others:
            if at is not None and at <= now:
                worked = _served(serve, now, failed) or worked
        if failed and not worked:
            raise failed[0]  # the loop tells it, once, and pauses: it would be due again at once
        return worked

    def _dispatch(self, now: datetime) -> bool:
        """Decide a batch of due jobs."""
        tick = dispatch.dispatch_due(now)
        if tick.lag is not None:
            self.lag = tick.lag
        self.late_seconds += tick.late_seconds
        return tick.jobs > 0


def _served(serve: Callable[[datetime], int], now: datetime, failed: list[Exception]) -> bool:
    """Serve one kind of work; its error keeps no other kind from its turn."""
    try:
        return serve(now) > 0
    except DatabaseError:
        raise
    except Exception as error:  # noqa: BLE001 - raised when all others have had their turn
        failed.append(error)
        return False
