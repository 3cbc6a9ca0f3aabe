"""What slows a queue down: four kinds, each with a severity that its value decides."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from jobs.domain.health import LEAST_ENDED, Sample, Thresholds


class Severity(StrEnum):
    """How much it matters, worst first."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def rank(self) -> int:
        """Return 1 for low to 4 for critical."""
        return 4 - list(Severity).index(self)


class Kind(StrEnum):
    """What is wrong."""

    QUEUE_BACKLOG = "queue_backlog"
    HIGH_FAILURE_RATE = "high_failure_rate"
    SLOW_PROCESSING = "slow_processing"
    HIGH_WAIT_TIME = "high_wait_time"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bottleneck:
    """One finding: the value and the threshold above which it is one of medium severity."""

    queue: str
    kind: Kind
    severity: Severity
    value: float
    threshold: float
    description: str


# How many times the threshold makes low, medium, high and critical; each begins above its step.
_STEPS: dict[Kind, tuple[float, float, float, float]] = {
    Kind.QUEUE_BACKLOG: (0.5, 1, 2, 5),
    Kind.HIGH_FAILURE_RATE: (0.5, 1, 1.5, 2.5),
    Kind.SLOW_PROCESSING: (0.5, 1, 2, 4),
    Kind.HIGH_WAIT_TIME: (0.5, 1, 5, 15),
}
WAIT_SECONDS = 60.0


def severity_of(kind: Kind, value: float, threshold: float) -> Severity | None:
    """Return how severe a value is; None when it is none."""
    reached = sum(value > threshold * step for step in _STEPS[kind])
    return list(Severity)[-reached] if reached else None


def bottlenecks(sample: Sample, limits: Thresholds) -> list[Bottleneck]:
    """Return what slows a queue down, worst first; failures of a few endings are never severe."""
    ended, few = max(sample.ended, LEAST_ENDED), sample.few
    values = {
        Kind.QUEUE_BACKLOG: (
            sample.waiting,
            limits.waiting,
            f"{sample.waiting:.0f} runs wait in queue {sample.queue}",
        ),
        Kind.HIGH_FAILURE_RATE: (
            sample.failed / ended,
            limits.failure_rate,
            (
                f"{sample.failed} of {sample.ended} runs of queue {sample.queue} failed "
                f"({sample.failure_rate:.1%})"
            ),
        ),
        Kind.SLOW_PROCESSING: (
            sample.processing_seconds,
            limits.processing_seconds,
            f"Runs of queue {sample.queue} take {sample.processing_seconds:.1f} s on average",
        ),
        Kind.HIGH_WAIT_TIME: (
            sample.longest_wait_seconds,
            WAIT_SECONDS,
            (
                f"Runs of queue {sample.queue} wait {sample.longest_wait_seconds:.0f} s for their "
                "start"
            ),
        ),
    }
    found = [
        Bottleneck(
            queue=sample.queue,
            kind=kind,
            severity=_lessened(severity) if few and kind == Kind.HIGH_FAILURE_RATE else severity,
            value=value,
            threshold=threshold,
            description=description,
        )
        for kind, (value, threshold, description) in values.items()
        if (severity := severity_of(kind, value, threshold)) is not None
    ]
    return worst_first(found)


def _lessened(severity: Severity) -> Severity:
    return min(severity, Severity.MEDIUM, key=lambda one: one.rank)


def worst_first(found: Iterable[Bottleneck]) -> list[Bottleneck]:
    """Return findings by severity; of the same severity those that exceed most first."""
    return sorted(
        found, key=lambda one: (-one.severity.rank, -one.value / one.threshold, one.queue)
    )


def matters(found: Iterable[Bottleneck]) -> list[Bottleneck]:
    """Return those above their threshold; a low one is only worth a look."""
    return [one for one in found if one.severity != Severity.LOW]
