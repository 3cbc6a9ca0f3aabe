"""Which turns go to the oldest, whatever its priority: the bound of starvation.

Each process that takes executions counts its own turns, so that no shared counter slows it. Of any
ten in a row that one process takes, one is the oldest that it may take. With p processes at work, one
before which b older ones wait is therefore taken within ``10 * (b + 1) + 9 * p`` turns.
"""

from __future__ import annotations

EVERY = 10


class Turns:
    """The turns of one process, counted from 1."""

    def __init__(self, every: int = EVERY) -> None:
        """Give each ``every``-th turn to the oldest."""
        self._every = every
        self._taken = 0

    def for_oldest(self, wanted: int) -> int:
        """Return how many of the next ``wanted`` turns belong to the oldest."""
        return (self._taken + wanted) // self._every - self._taken // self._every

    def count(self, taken: int) -> None:
        """Count executions that were taken."""
        self._taken += taken
