"""Whether and when a failed attempt is followed by another."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import timedelta

from jobs.domain.errors import InvalidError
from jobs.domain.states import RetryKind


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """All attempts belong to one execution; ``max_attempts`` counts the first one too.

    ``jitter`` is the longest random addition to a wait. Raises InvalidError for values that make
    no policy.
    """

    max_attempts: int = 1
    kind: RetryKind = RetryKind.FIXED
    base: timedelta = timedelta(minutes=1)
    cap: timedelta = timedelta(hours=1)
    jitter: timedelta = timedelta()

    def __post_init__(self) -> None:
        """Refuse a policy that could never try, or would wait backwards."""
        if self.max_attempts < 1:
            raise InvalidError(
                f"max_attempts {self.max_attempts} is out of bounds. Use 1 (no retry) or more."
            )
        for name in ("base", "cap", "jitter"):
            if (value := getattr(self, name)) < timedelta():
                raise InvalidError(
                    f"{name} {value.total_seconds():g} s is negative. Use 0 or more."
                )

    def delay_after(self, attempt: int, rng: random.Random) -> timedelta | None:
        """Return the wait after failed attempt number ``attempt`` (1-based).

        Fixed: always ``base``. Exponential: doubles from ``base``. Both at most ``cap``, then up to
        ``jitter`` more from ``rng``. None when the attempts are used up.
        """
        if attempt >= self.max_attempts:
            return None
        return self._wait(attempt) + rng.random() * self.jitter

    def _wait(self, attempt: int) -> timedelta:
        """Return the wait without jitter."""
        if self.kind == RetryKind.FIXED or not self.base:
            return min(self.base, self.cap)
        # Stop doubling at the cap: 2 ** 99 would overflow a timedelta.
        wait = self.base
        for _ in range(attempt - 1):
            if wait >= self.cap:
                break
            wait *= 2
        return min(wait, self.cap)
