"""How healthy a queue is: a score from 0 to 1, and what each part of it costs.

    score = 1 - cost of failures - cost of slowness - cost of backlog - cost of low throughput

A part costs its weight when its value reaches the alert threshold, and proportionally less or more;
only failures and backlog may cost more than their weight. So every score can be explained line by
line. Nothing is held against a queue that has nothing to do.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

# A share is taken over at least so many endings: one failure among one says little.
LEAST_ENDED = 10


class Part(StrEnum):
    """What a score is made of."""

    FAILURE_RATE = "failure_rate"
    PROCESSING_SPEED = "processing_speed"
    BACKLOG = "backlog"
    THROUGHPUT = "throughput"


class SystemHealth(StrEnum):
    """The whole in one word."""

    HEALTHY = "healthy"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """Above which values a queue needs a look."""

    score: float = 0.5  # below
    failure_rate: float = 0.1
    waiting: float = 100
    processing_seconds: float = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What one queue did in a period, and what waits in it at the end of that.

    ``usual_per_minute`` is how many ended in a minute before the period.
    """

    queue: str
    period_seconds: float
    succeeded: int = 0
    failed: int = 0
    run_seconds: float = 0.0
    wait_seconds: float = 0.0
    waiting: float = 0.0
    running: int = 0
    oldest_seconds: float = 0.0
    usual_per_minute: float = 0.0

    @property
    def ended(self) -> int:
        """Return how many succeeded or failed."""
        return self.succeeded + self.failed

    @property
    def few(self) -> bool:
        """Say whether too few ended for their failures to call anybody."""
        return self.ended < LEAST_ENDED

    @property
    def failure_rate(self) -> float:
        """Return the share that failed; 0 when nothing ended."""
        return self.failed / self.ended if self.ended else 0.0

    @property
    def weighed_failure_rate(self) -> float:
        """Return the share that failed, of a few endings with the weight of a few."""
        return self.failed / max(self.ended, LEAST_ENDED)

    @property
    def processing_seconds(self) -> float:
        """Return how long a run took on average."""
        return self.run_seconds / self.ended if self.ended else 0.0

    @property
    def mean_wait_seconds(self) -> float:
        """Return how long a run waited for its start on average."""
        return self.wait_seconds / self.ended if self.ended else 0.0

    @property
    def longest_wait_seconds(self) -> float:
        """Return the mean wait, or the age of the oldest that still waits if that is more."""
        return max(self.mean_wait_seconds, self.oldest_seconds)

    @property
    def per_minute(self) -> float:
        """Return how many ended in a minute."""
        return self.ended * 60 / self.period_seconds if self.period_seconds > 0 else 0.0

    @property
    def mean_waiting(self) -> float:
        """Return how many waited on average: arrivals times wait (Little's law)."""
        return self.wait_seconds / self.period_seconds if self.period_seconds > 0 else 0.0

    @property
    def idle(self) -> bool:
        """Say whether there was and is nothing to do."""
        return not self.ended and not self.waiting and not self.running


@dataclass(frozen=True, slots=True, kw_only=True)
class PartScore:
    """One part: its value, the threshold at which it costs its weight, and what it costs."""

    part: Part
    value: float
    threshold: float
    weight: float
    cost: float

    @property
    def score(self) -> float:
        """Return the part alone, 1 for no cost and 0 from the threshold on."""
        return max(0.0, 1 - self.cost / self.weight)


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """A queue's score with its parts; the costs explain the difference to 1."""

    sample: Sample
    parts: tuple[PartScore, ...]

    @property
    def score(self) -> float:
        """Return the score, 0 to 1."""
        return max(0.0, 1 - sum(part.cost for part in self.parts))

    @property
    def certain_score(self) -> float:
        """Return the score without what the failures of a few endings cost: alerts go by it."""
        failures = self.part(Part.FAILURE_RATE).cost if self.sample.few else 0.0
        return max(0.0, 1 - sum(part.cost for part in self.parts) + failures)

    def part(self, name: Part) -> PartScore:
        """Return one part."""
        return next(one for one in self.parts if one.part == name)


# Weight, and how much the part may cost at most. A queue that only fails, or that nobody gets done
# with, is unhealthy whatever else holds; one with long runs is not for that alone.
_WEIGHTS = {
    Part.FAILURE_RATE: (0.35, 0.875),
    Part.PROCESSING_SPEED: (0.25, 0.25),
    Part.BACKLOG: (0.25, 0.5),
    Part.THROUGHPUT: (0.15, 0.15),
}


def assess(sample: Sample, limits: Thresholds) -> Health:
    """Return a queue's score and what each part costs."""
    return Health(
        sample=sample,
        parts=(
            _part(
                Part.FAILURE_RATE,
                sample.failure_rate,
                limits.failure_rate,
                _ratio(sample.weighed_failure_rate, limits.failure_rate),
            ),
            _part(
                Part.PROCESSING_SPEED,
                sample.processing_seconds,
                limits.processing_seconds,
                _ratio(sample.processing_seconds, limits.processing_seconds),
            ),
            _part(
                Part.BACKLOG,
                sample.waiting,
                limits.waiting,
                _ratio(sample.waiting, limits.waiting),
            ),
            _part(Part.THROUGHPUT, sample.per_minute, sample.usual_per_minute, _shortfall(sample)),
        ),
    )


def _part(part: Part, value: float, threshold: float, ratio: float) -> PartScore:
    weight, most = _WEIGHTS[part]
    cost = min(weight * ratio, most)
    return PartScore(part=part, value=value, threshold=threshold, weight=weight, cost=cost)


def _ratio(value: float, threshold: float) -> float:
    """Return how much of the threshold is reached; a threshold of 0 is reached by anything."""
    if threshold > 0:
        return value / threshold
    return 1.0 if value > 0 else 0.0


def _shortfall(sample: Sample) -> float:
    """Return the share of the usual throughput that is missing while work waits for it."""
    if not sample.waiting:
        return 0.0
    if sample.usual_per_minute <= 0:
        return 0.0 if sample.ended or sample.running else 1.0
    return max(0.0, 1 - sample.per_minute / sample.usual_per_minute)


def mean_score(found: Iterable[Health]) -> float:
    """Return the mean score of what is certain; nothing at all is healthy."""
    scores = [one.certain_score for one in found]
    return sum(scores) / len(scores) if scores else 1.0


def system_health(
    score: float, *, critical: bool, bottleneck: bool, circuit_open: bool, failing: bool
) -> SystemHealth:
    """Return the whole in one word, from the mean score and what is wrong anywhere."""
    if critical or circuit_open or score < 0.3:
        return SystemHealth.CRITICAL
    if bottleneck or failing or score < 0.7:
        return SystemHealth.WARNING
    return SystemHealth.HEALTHY
