"""Redis (or Valkey) as the optional way of handing executions to clusters.

The row in the executions table stays the truth; what travels is its number. A number that is lost
is sent again by the rescuer, one that arrives twice finds its row taken. While Redis is away the
clusters claim from the table.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from django.conf import settings

if TYPE_CHECKING:
    from redis import Redis

CONNECT_SECONDS = 2.0
# A server that hangs still takes calls; without a limit dispatcher and clusters would hang with it.
# More than the longest wait for a number, which is no failure.
ANSWER_SECONDS = 4.0
# After a failure Redis is left alone this long: each attempt may cost the connect time.
REST_SECONDS = 5.0
# More numbers than this in a list mean that nobody reads it; the oldest go, their rows remain.
LIST_LIMIT = 100_000

_rest_until = 0.0


class TransportError(Exception):
    """Redis did not take or give anything; the table goes on without it."""


def is_configured() -> bool:
    """Say whether executions travel by Redis."""
    return bool(settings.BROKER_URL)


def is_available() -> bool:
    """Say whether Redis is configured and has not failed a moment ago."""
    return is_configured() and time.monotonic() >= _rest_until


def push(queue: str, ids: Sequence[int]) -> None:
    """Send the numbers of ready executions of one queue; TransportError while Redis is away."""
    if not ids:
        return
    if not is_available():
        raise TransportError("Redis did not answer a moment ago; it is tried again soon.")
    key = _key(queue)
    with _failures_named():
        pipe = _client().pipeline(transaction=False)
        pipe.rpush(key, *ids)
        pipe.ltrim(key, -LIST_LIMIT, -1)
        pipe.execute()


def take(queues: Sequence[str], wanted: int, *, timeout: float) -> list[int]:
    """Return up to ``wanted`` numbers, best queue first, waiting for the first one at most so long.

    TransportError while Redis is away.
    """
    if not is_available():
        raise TransportError("Redis did not answer a moment ago; it is tried again soon.")
    client: Any = _client()  # redis-py's annotations mix its two worlds, blocking and not
    keys = [_key(queue) for queue in queues]
    with _failures_named():
        # A wait of 0 would be for ever.
        first = client.blpop(keys, timeout=max(timeout, 0.01))
        ids = [first[1]] if first else []
        for key in keys if first else []:
            if len(ids) < wanted:
                ids += client.lpop(key, wanted - len(ids)) or []
    return [int(number) for number in ids if number.isdigit()]


def ping() -> float:
    """Return how many seconds Redis takes to answer, asked even when it failed a moment ago.

    TransportError while Redis is away.
    """
    began = time.monotonic()
    with _failures_named():
        _client().ping()
    return time.monotonic() - began


@contextmanager
def _failures_named() -> Iterator[None]:
    """Turn redis-py's errors into TransportError, and let Redis rest after one."""
    global _rest_until
    from redis.exceptions import RedisError

    try:
        yield
    except (RedisError, OSError) as error:
        _rest_until = time.monotonic() + REST_SECONDS
        raise TransportError(f"Redis does not answer: {error}") from error


def _key(queue: str) -> str:
    """Return the name of a queue's list; each installation has its own."""
    return f"jobdeck:{settings.INSTANCE_ID}:queue:{queue}"


@cache
def _client() -> Redis:
    """Return this process's connections; redis-py opens new ones after a fork."""
    from redis import Redis

    return Redis.from_url(
        settings.BROKER_URL,
        socket_connect_timeout=CONNECT_SECONDS,
        socket_timeout=ANSWER_SECONDS,
        socket_keepalive=True,
    )
