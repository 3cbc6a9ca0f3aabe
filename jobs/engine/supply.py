"""Where a cluster's pusher gets its work: claims from the table, by number where Redis hands over."""

from __future__ import annotations

import time
from collections.abc import Sequence

from jobs import broker, wake
from jobs.broker.pool import Pool
from jobs.polling import ready
from jobs.queries.ready import has_gated
from jobs.queries.supply import may_take_gated, supply
from jobs.services import claims

# Every wait ends early when there is work; these only bound what a lost wake-up may cost.
IDLE_SECONDS = 5.0
FULL_SECONDS = 2.0
# How long a look into Redis waits: a stop of the pool is noticed in between.
REDIS_SECONDS = 1.0
# How often the table is asked, beside Redis, for what limits and mutexes held back.
GATED_LOOK_SECONDS = 0.8


class Supply:
    """Claim never more than can start at once: what is claimed is out of every other's reach."""

    def __init__(
        self, pool: Pool, *, worker_id: int, queues: Sequence[str], labels: Sequence[str] = ()
    ) -> None:
        """Serve the pusher of ``pool`` on behalf of the cluster ``worker_id``."""
        self._pool = pool
        self._worker_id = worker_id
        self._queues = list(queues)
        self._labels = list(labels)
        self._listener: wake.Listener | None = None
        self._full = False
        self._drained = False
        self._looked_at = 0.0
        self._opens_in: float | None = None  # until a minute's starts are free again

    def claim(self) -> Sequence[tuple[int, str]]:
        """Claim for the free slots what is ready; nothing while the pool is stopping."""
        if self._listener is None:
            self._listener = wake.Listener(wake.QUEUE)  # here: it belongs to the pusher process
        if self._pool.stopping.is_set():
            return []
        # Lowered before the count: a worker that falls idle after it raises it again.
        self._pool.idle.clear()
        now = supply(self._worker_id, self._queues, self._labels)
        free = self._pool.workers - now.in_hand
        self._full = free <= 0
        self._drained = now.drained
        self._opens_in = now.opens_in
        if self._full or self._drained:
            return []
        if not broker.is_available():
            return self._claim_ready(free) if now.ready else []
        return self._claim_gated(free) or self._claim_handed_over(free)

    def _claim_ready(self, free: int) -> list[tuple[int, str]]:
        """Claim straight from the table."""
        taken = claims.claim(
            worker_id=self._worker_id, queues=self._queues, free=free, labels=self._labels
        )
        return [(claim.execution_id, claim.token) for claim in taken]

    def _claim_gated(self, free: int) -> list[tuple[int, str]]:
        """Claim from the table what its number could not claim: a limit or mutex was in the way.

        No number comes again when it may begin, so this looks by itself, once a second.
        """
        now = time.monotonic()
        if now - self._looked_at < GATED_LOOK_SECONDS or not has_gated(self._queues):
            return []
        self._looked_at = now
        if not may_take_gated(self._worker_id, self._queues, self._labels):
            return []
        self._looked_at = 0.0  # there may be more
        return self._claim_ready(free)

    def _claim_handed_over(self, free: int) -> list[tuple[int, str]]:
        """Claim what Redis names; a number that somebody else took meanwhile is dropped."""
        try:
            ids = broker.take(self._queues, free, timeout=self._at_most(REDIS_SECONDS))
        except broker.TransportError:
            return self._claim_ready(free)
        if not ids and self._at_most(REDIS_SECONDS) < REDIS_SECONDS:
            self._looked_at = 0.0  # slept until the next start is free: look for it now
        taken = [claims.claim_one(pk, worker_id=self._worker_id, labels=self._labels) for pk in ids]
        return [(claim.execution_id, claim.token) for claim in taken if claim is not None]

    def wait(self) -> None:
        """Sleep until a slot is free, or else until there may be work."""
        if self._full:
            ready((self._pool.idle, self._pool.stopping), FULL_SECONDS)
        elif self._drained and broker.is_available():
            ready((self._pool.stopping,), REDIS_SECONDS)  # nobody calls there when it is over
        elif self._listener is not None and not broker.is_available():
            self._listener.wait(self._at_most(IDLE_SECONDS), self._pool.idle, self._pool.stopping)

    def _at_most(self, seconds: float) -> float:
        """Return how long to sleep: until a start is free again, or as long as usual."""
        return seconds if self._opens_in is None else min(seconds, self._opens_in)

    def close(self) -> None:
        """Stop listening."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None
