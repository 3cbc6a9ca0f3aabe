"""Dispatch what is due, on time: sleep until the next due time or until somebody pokes.

Any number of dispatchers may run; the batch's transaction keeps them apart. The cost of a look
with nothing due is two index probes, however many jobs are registered.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db.models import Min
from django.utils import timezone

from jobs.domain.states import ExecutionState
from jobs.models import Execution, Job
from jobs.services import dispatch, rescue

log = logging.getLogger("scheduler.dispatch")

LONGEST_SLEEP = 1.0  # seconds; a clock that jumped is noticed within it


class Dispatcher:
    """One dispatcher: ``step`` does all that is due now, ``sleep_seconds`` says for how long not."""

    def __init__(self, *, clock: Callable[[], datetime] = timezone.now) -> None:
        """Take the clock; tests bring their own."""
        self._clock = clock
        self.last_tick_at: datetime | None = None
        self.lag: timedelta | None = None

    def step(self) -> bool:
        """Dispatch everything due and queue the retries whose wait is over; say if there was any."""
        worked = False
        while True:
            tick = dispatch.dispatch_due(self._clock())
            worked = worked or tick.jobs > 0
            if tick.lag is not None:
                self.lag = tick.lag
            if tick.jobs < dispatch.BATCH:
                break
        worked = bool(rescue.requeue_retries(self._clock())) or worked
        self.last_tick_at = self._clock()
        return worked

    def sleep_seconds(self) -> float:
        """Return how long nothing is due, at most ``LONGEST_SLEEP``."""
        moments = [
            Job.objects.filter(next_fire_at__isnull=False).aggregate(at=Min("next_fire_at"))["at"],
            Execution.objects.filter(state=ExecutionState.RETRYING.value).aggregate(
                at=Min("retry_at")
            )["at"],
        ]
        now = self._clock()
        waits = [(moment - now).total_seconds() for moment in moments if moment is not None]
        return min(LONGEST_SLEEP, max(0.0, min(waits, default=LONGEST_SLEEP)))
