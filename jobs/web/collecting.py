"""The garbage collector's work: between answers rather than within them, and little of it.

What a page leaves behind in circles (rows that know each other, the request that knows its person)
piles up until Python looks through all that is alive, in the middle of some answer, for as long as
that answer takes. Here it looks earlier, once an answer is written, and what the process has loaded
to answer with at all is not looked through again.
"""

from __future__ import annotations

import gc
from itertools import count
from typing import Any

# After so many answers what is loaded is set apart: templates and modules are loaded when first asked
# for. Not more often: what other threads answer with just then would never be collected.
SET_APART_AFTER = (10, 100, 1_000, 10_000)
# Times that Python has looked through what is new; at ten it would look through all.
ENOUGH = 4


class Collector:
    """Collects when answers are finished."""

    def __init__(self) -> None:
        """Begin to count answers."""
        self._answers = count(1)

    def answered(self, **_: Any) -> None:
        """Note that an answer is written; a receiver of Django's ``request_finished``."""
        number = next(self._answers)
        if number in SET_APART_AFTER:
            gc.collect()
            gc.freeze()
        elif gc.get_count()[2] >= ENOUGH:
            gc.collect()
