"""Move starts apart without moving due times: reproducible from a seed, never early."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta


def delay(
    seed: str,
    due_at: datetime,
    *,
    jitter: timedelta = timedelta(),
    spread: timedelta = timedelta(),
) -> timedelta:
    """Return how long after ``due_at`` an execution starts: at least 0, at most jitter + spread.

    ``jitter`` is drawn anew for each due time; ``spread`` is the same for every due time of a seed
    (the job), so that jobs with the same expression stay apart but keep their rhythm. The due time
    itself stays on its grid.
    """
    drawn = _share(f"jitter:{seed}:{due_at.astimezone(UTC).isoformat()}") * jitter
    return drawn + _share(f"spread:{seed}") * spread


def _share(text: str) -> float:
    """Return a number from 0 to 1 that looks random and depends on ``text`` only.

    A hash and not ``random.Random(text)``, so that it stays the same in every Python version.
    """
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest) / (2**64 - 1)
