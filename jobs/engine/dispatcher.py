"""Dispatch what is due: one batch a step, so that a stop or a dying database is noticed between.

Any number of dispatchers may run; the batch's transaction keeps them apart.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from django.utils import timezone

from jobs.services import dispatch, events, releasing, rescue

LONGEST_SLEEP = 1.0  # seconds; a clock that jumped is noticed within it


class Dispatcher:
    """One dispatcher; ``lag`` is how late its latest due time was decided."""

    def __init__(self, *, clock: Callable[[], datetime] = timezone.now) -> None:
        """Take the clock; tests bring their own."""
        self._clock = clock
        self.lag: timedelta | None = None

    def step(self) -> bool:
        """Dispatch one batch of everything that is due; say if there was any work."""
        now = self._clock()
        tick = dispatch.dispatch_due(now)
        if tick.lag is not None:
            self.lag = tick.lag
        others = (rescue.requeue_retries, releasing.release_put_off, events.serve_open)
        return sum(serve(now) for serve in others) > 0 or tick.jobs > 0
