"""Whether and when a failed attempt is followed by another."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import timedelta

from jobs.domain.errors import InvalidError
from jobs.domain.said import said
from jobs.domain.states import FAILURES, ExecutionState, RetryCause, RetryKind

EXIT_CODES = range(1, 256)  # 0 is the success


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """All attempts belong to one execution; ``max_attempts`` counts the first one too.

    ``jitter`` is the longest random addition to a wait. ``on`` names the causes that are tried
    again; None is any, or with ``on_exit_codes`` the exit codes alone. ``lost`` is apart: what a
    lost attempt has done is unknown. Raises InvalidError for values that make no policy.
    """

    max_attempts: int = 1
    kind: RetryKind = RetryKind.FIXED
    base: timedelta = timedelta(minutes=1)
    cap: timedelta = timedelta(hours=1)
    jitter: timedelta = timedelta()
    on: frozenset[RetryCause] | None = None
    on_exit_codes: frozenset[int] | None = None
    lost: bool = False

    def __post_init__(self) -> None:
        """Refuse a policy that could never try, or would wait backwards."""
        if self.max_attempts < 1:
            raise InvalidError(
                said(
                    "max_attempts {max_attempts} is out of bounds. Use 1 (no retry) or more.",
                    max_attempts=self.max_attempts,
                )
            )
        for name in ("base", "cap", "jitter"):
            if (value := getattr(self, name)) < timedelta():
                raise InvalidError(
                    said(
                        "{name} {seconds:g} s is negative. Use 0 or more.",
                        name=name,
                        seconds=value.total_seconds(),
                    )
                )
        self._check_conditions()

    def _check_conditions(self) -> None:
        """Refuse conditions that nothing meets, or that contradict each other."""
        if self.on is not None and not self.on:
            causes = ", ".join(RetryCause)
            sentence = said(
                "on is empty: nothing would be tried again. Name some of {causes}.", causes=causes
            )
            raise InvalidError(sentence, fields={"on": sentence})
        if self.on_exit_codes is None:
            return
        wrong = sorted(code for code in self.on_exit_codes if code not in EXIT_CODES)
        if wrong or not self.on_exit_codes:
            what = said("on_exit_codes is empty")
            if wrong:
                what = said("Exit code {code} is not allowed", code=wrong[0])
            sentence = said(
                "{what}. Use codes from 1 to 255; 0 is the success. Null is any.", what=what
            )
            raise InvalidError(sentence, fields={"on_exit_codes": sentence})
        if self.on is not None and RetryCause.EXIT_CODE not in self.on:
            sentence = said(
                "on_exit_codes needs exit_code among the causes of on. Add it, or use null."
            )
            raise InvalidError(sentence, fields={"on": sentence})

    def covers(
        self, state: ExecutionState, *, exit_code: int | None = None, signal: int | None = None
    ) -> bool:
        """Say whether an attempt that ended so is to be tried again, attempts permitting.

        A shell that answers 137 for its child's signal 9 ends with an exit code, not by a signal.
        """
        if state == ExecutionState.LOST:
            return self.lost
        if state not in FAILURES:
            return False
        cause = cause_of(state, exit_code=exit_code, signal=signal)
        if self.on is None:
            wanted = self.on_exit_codes is None or cause == RetryCause.EXIT_CODE
        else:
            wanted = cause in self.on
        if cause != RetryCause.EXIT_CODE or self.on_exit_codes is None:
            return wanted
        return wanted and exit_code in self.on_exit_codes

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


def cause_of(state: ExecutionState, *, exit_code: int | None, signal: int | None) -> RetryCause:
    """Return how an attempt failed.

    A time limit ends the process by a signal and may leave an exit code: it is a timeout all the
    same.
    """
    if state == ExecutionState.TIMED_OUT:
        return RetryCause.TIMEOUT
    if signal is not None:
        return RetryCause.SIGNAL
    return RetryCause.ERROR if exit_code is None else RetryCause.EXIT_CODE
