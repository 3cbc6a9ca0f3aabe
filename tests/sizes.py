"""How much a test that draws its cases looks at: little in a short run, more where time is given."""

from __future__ import annotations

import os

# `make soak` repeats the properties of the domain with so many times the cases.
TIMES = int(os.environ.get("JOBDECK_TESTS_TIMES", "1"))


def many(few: int) -> int:
    """Return how many cases to draw where a short run draws ``few``."""
    return few * TIMES
