"""A django-q2 broker whose queue is the executions table: what it hands out is claimed there."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Sequence
from typing import Protocol

from django.db import DatabaseError, connection
from django.utils import timezone
from django_q.brokers import Broker
from django_q.signing import SignedPackage

logger = logging.getLogger("jobs.broker")

# What a worker calls; django-q2 resolves the name in the worker process.
RUNNER = "jobs.engine.runner.run_claimed"
# After an error: long enough not to fill the log, short enough to be back at once.
ERROR_PAUSE_SECONDS = 0.5


class Source(Protocol):
    """Where the pusher gets its work; the engine registers one before it starts the pool."""

    def claim(self) -> Sequence[tuple[int, str]]:
        """Claim what free workers can start now: pairs of execution id and token."""

    def wait(self) -> None:
        """Sleep until there may be something to claim, a worker fell idle, or the pool stops."""


_source: list[Source] = []


def use_source(source: Source) -> None:
    """Let the pushers that are forked from this process get their work from ``source``."""
    _source[:] = [source]


def package(execution_id: int, token: str) -> str:
    """Return the signed django-q2 message that makes a worker run a claimed execution.

    Signed when it is claimed, so that a change of the key never finds an old message.
    """
    return str(
        SignedPackage.dumps(
            {
                "id": uuid.uuid4().hex,
                "name": f"execution-{execution_id}",
                "func": RUNNER,
                "args": (execution_id, token),
                "kwargs": {},
                "started": timezone.now(),
                # The runner has its own time limits; django-q2's alarm would hit the runner itself.
                "timeout": -1,
                "save": False,
            }
        )
    )


class TableBroker(Broker):  # type: ignore[misc]  # django-q2 has no annotations
    """Hand out claimed executions; everything else a broker does is done by the table itself."""

    def dequeue(self) -> list[tuple[str, str]] | None:
        """Return messages for as many executions as can start now; None after a sleep.

        Must not raise: django-q2's pusher sleeps ten seconds and ends when it does.
        """
        source = _source[0]
        try:
            claimed = source.claim()
            if claimed:
                return [(str(pk), package(pk, token)) for pk, token in claimed]
            source.wait()
        except Exception as error:  # noqa: BLE001 - the pusher survives whatever the database does
            self._recover(error)
        return None

    def _recover(self, error: Exception) -> None:
        """Say what is wrong, drop a connection that may be broken, and pause."""
        logger.warning("Cannot take work now: %s", error, exc_info=not _is_outage(error))
        connection.close()
        time.sleep(ERROR_PAUSE_SECONDS)

    def enqueue(self, task: object) -> None:
        """Refuse: work enters by an executions row only."""
        raise NotImplementedError("Jobdeck's queue is its executions table. Trigger a job instead.")

    def ping(self) -> bool:
        """Say yes: the pool may start while the database is away, and waits for it."""
        return True

    def queue_size(self) -> int:
        """Return 0: nothing waits in the broker."""
        return 0

    def lock_size(self) -> int:
        """Return 0: a claim is a state of the row."""
        return 0

    def set_stat(self, key: str, value: str, timeout: int) -> None:
        """Do nothing: signs of life are rows of the Worker table."""

    @staticmethod
    def get_cache() -> None:
        """Return no cache, as no statistics go there."""

    def info(self) -> str:
        """Return the broker's name."""
        return "Jobdeck executions table"


def _is_outage(error: Exception) -> bool:
    """Say whether the database is merely away, which needs no traceback."""
    return isinstance(error, DatabaseError)
