"""Wait for an execution inside a request, without taking the web server hostage."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Annotated

from pydantic import Field

from jobs.domain.states import TERMINAL
from jobs.models import Execution

# The web server has two threads, and a waiting request holds one: waits are bounded, and
# only one request waits at a time. Whoever gets 202 asks again, as `jobctl run` does.
MAX_WAIT = 30.0
_SHORTEST, _LONGEST = 0.02, 0.25
_ENDED = tuple(state.value for state in TERMINAL)
_place = threading.Lock()

WaitSeconds = Annotated[
    float,
    Field(
        ge=0,
        le=3600,
        description="Answer when the execution has ended, after this many seconds at the latest. "
        f"The server waits {MAX_WAIT:g} s at most, for one request at a time; then the answer "
        "shows the execution as it is.",
    ),
]


def wait_for_end(execution_id: int, seconds: float) -> bool:
    """Wait until the execution has ended; False when the time, or the place to wait, is over."""
    return wait_until(lambda: has_ended(execution_id), seconds)


def wait_until(is_so: Callable[[], bool], seconds: float) -> bool:
    """Wait until something is so; False when the time, or the place to wait, is over."""
    if seconds <= 0 or not _place.acquire(blocking=False):
        return is_so()
    try:
        return _watch(is_so, time.monotonic() + seconds)
    finally:
        _place.release()


def _watch(is_so: Callable[[], bool], deadline: float) -> bool:
    """Look, often at first and less often later."""
    pause = _SHORTEST
    while not is_so():
        rest = deadline - time.monotonic()
        if rest <= 0:
            return False
        time.sleep(min(pause, rest))
        pause = min(pause * 1.5, _LONGEST)
    return True


def has_ended(execution_id: int) -> bool:
    """Say whether the execution is final, or gone."""
    return not Execution.objects.filter(pk=execution_id).exclude(state__in=_ENDED).exists()
