"""Dispatch what is due: one batch a step, so that a stop or a dying database is noticed between.

Any number of dispatchers may run; the batch's transaction keeps them apart.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from django.utils import timezone

from jobs.services import dispatch, rescue

LONGEST_SLEEP = 1.0  # seconds; a clock that jumped is noticed within it


class Dispatcher:
    """One dispatcher; ``lag`` is how late its latest due time was decided."""

    def __init__(self, *, clock: Callable[[], datetime] = timezone.now) -> None:
        """Take the clock; tests bring their own."""
        self._clock = clock
        self.lag: timedelta | None = None

    def step(self) -> bool:
        """Dispatch one batch of what is due and queue due retries; say if there was any work."""
        tick = dispatch.dispatch_due(self._clock())
        if tick.lag is not None:
            self.lag = tick.lag
        retried = rescue.requeue_retries(self._clock())
        return tick.jobs > 0 or retried > 0
