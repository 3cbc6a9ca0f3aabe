"""Circuit breakers: stop starting what fails again and again, and try carefully later.

    closed ──threshold failures in a row within the window──> open
    open ──open time over, at the next due time──> half_open
    half_open ──a test run succeeds──> closed
    half_open ──a test run fails──> open

What an execution tells counts only when it was made after the breaker last changed (``after``): one
that began before has met the target as it was then. A success ends the row of failures; what was
cancelled or skipped says nothing. Nothing counts while the circuit is open.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from jobs.domain.errors import InvalidError
from jobs.domain.said import said
from jobs.domain.states import FAILURES, BreakerState, ExecutionState


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerPolicy:
    """When a breaker opens, for how long, and how many test runs it then allows at a time.

    Raises InvalidError for values that make no policy.
    """

    threshold: int = 5
    window: timedelta = timedelta(seconds=60)
    open_for: timedelta = timedelta(seconds=300)
    half_open_probes: int = 1

    def __post_init__(self) -> None:
        """Refuse a breaker that would open by itself, or never close again."""
        for name in ("threshold", "half_open_probes"):
            if (count := getattr(self, name)) < 1:
                raise InvalidError(
                    said("{name} {count} is out of bounds. Use 1 or more.", name=name, count=count)
                )
        for name in ("window", "open_for"):
            if (value := getattr(self, name)) <= timedelta():
                seconds = value.total_seconds()
                raise InvalidError(
                    said(
                        "{name} {seconds:g} s is out of bounds. Use more than 0.",
                        name=name,
                        seconds=seconds,
                    )
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class Circuit:
    """Where a breaker stands.

    ``failures`` are the moments of the latest failures in a row. ``opened_at`` and ``open_until``
    are the latest stretch in which it was open; both stay when it is over.
    """

    state: BreakerState = BreakerState.CLOSED
    failures: tuple[datetime, ...] = ()
    opened_at: datetime | None = None
    open_until: datetime | None = None
    after: int = 0  # the newest execution when the state last changed


def ended(
    circuit: Circuit, policy: BreakerPolicy, *, execution: int, state: ExecutionState, at: datetime
) -> Circuit:
    """Return where the breaker stands after one of its executions ended."""
    if circuit.state == BreakerState.OPEN or execution <= circuit.after:
        return circuit
    if state == ExecutionState.SUCCEEDED:
        return replace(circuit, state=BreakerState.CLOSED, failures=())
    if state not in FAILURES:
        return circuit
    if circuit.state == BreakerState.HALF_OPEN:
        return opened(circuit, policy, at)
    failures = (*_within(circuit.failures, policy.window, at), at)
    if len(failures) >= policy.threshold:
        return opened(replace(circuit, failures=failures), policy, at)
    return replace(circuit, failures=failures)


def _within(
    failures: tuple[datetime, ...], window: timedelta, at: datetime
) -> tuple[datetime, ...]:
    """Keep the failures of the window that ends now.

    A clock that went back leaves failures in the future; those count no longer than others.
    """
    return tuple(one for one in failures if abs(at - one) <= window)


def opened(circuit: Circuit, policy: BreakerPolicy, at: datetime) -> Circuit:
    """Return the breaker open from ``at`` on, for its whole open time."""
    return replace(circuit, state=BreakerState.OPEN, opened_at=at, open_until=at + policy.open_for)


def closed(circuit: Circuit, at: datetime) -> Circuit:
    """Return the breaker closed by a person: the row of failures begins anew.

    Due times that it held back until now stay held back.
    """
    until = circuit.open_until
    if circuit.state == BreakerState.OPEN and until is not None:
        until = min(until, at)
    return replace(circuit, state=BreakerState.CLOSED, failures=(), open_until=until)


def is_over(circuit: Circuit, now: datetime) -> bool:
    """Say whether an open breaker may let a test run through."""
    return circuit.state == BreakerState.OPEN and (
        circuit.open_until is None or circuit.open_until <= now
    )


def admit(circuit: Circuit, now: datetime) -> Circuit:
    """Return where the breaker stands when something is due: an open one whose time is over tests."""
    return replace(circuit, state=BreakerState.HALF_OPEN) if is_over(circuit, now) else circuit


def room(circuit: Circuit, policy: BreakerPolicy, *, probing: int) -> int | None:
    """Return how many executions may begin; None for any number.

    ``probing`` is how many have begun since it is half open and have not ended.
    """
    if circuit.state == BreakerState.CLOSED:
        return None
    if circuit.state == BreakerState.OPEN:
        return 0
    return max(policy.half_open_probes - probing, 0)
