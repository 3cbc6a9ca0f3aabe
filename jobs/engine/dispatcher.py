"""Dispatch what is due: one batch a step, so that a stop or a dying database is noticed between.

Any number of dispatchers may run; the batch's transaction keeps them apart.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import DatabaseError
from django.utils import timezone

from jobs.queries.due import moments
from jobs.services import dependencies, dispatch, events, feeding, releasing, rescue

log = logging.getLogger("scheduler.dispatch")

LONGEST_SLEEP = 1.0  # seconds; a clock that jumped is noticed within it


class Dispatcher:
    """One dispatcher; ``lag`` is how late its latest due time was decided."""

    def __init__(self, *, clock: Callable[[], datetime] = timezone.now) -> None:
        """Take the clock; tests bring their own."""
        self._clock = clock
        self.lag: timedelta | None = None

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
        done = [_guarded(serve, now) for at, serve in others if at is not None and at <= now]
        return worked or any(done)

    def _dispatch(self, now: datetime) -> bool:
        """Decide a batch of due jobs."""
        tick = dispatch.dispatch_due(now)
        if tick.lag is not None:
            self.lag = tick.lag
        return tick.jobs > 0


def _guarded(serve: Callable[[datetime], int], now: datetime) -> int:
    """Serve one kind of work; its error is told and keeps no other kind from its turn."""
    try:
        return serve(now)
    except DatabaseError:
        raise
    except Exception:
        log.exception("%s failed, will try again", serve.__module__)
        return 0
