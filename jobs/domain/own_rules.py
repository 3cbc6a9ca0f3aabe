"""Rules that people make: a figure of a job, compared with a limit, for so many runs or hours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Metric(StrEnum):
    """What is looked at: of each run, or of each whole hour."""

    RUN_SECONDS = "run_seconds"
    FAILURES = "failures"
    FAILURE_RATE = "failure_rate"
    RUNS = "runs"
    MEAN_SECONDS = "mean_seconds"

    @property
    def of_runs(self) -> bool:
        """Say whether it is a figure of a run; the others are of an hour."""
        return self == Metric.RUN_SECONDS


class Comparison(StrEnum):
    """How a figure is compared; the limit itself is neither."""

    ABOVE = "above"
    BELOW = "below"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparing:
    """A comparison that must hold for the latest ``count`` runs or hours."""

    metric: Metric
    comparison: Comparison
    threshold: float
    count: int

    def one(self, value: float | None) -> bool:
        """Say whether it holds for one figure; where there is none it does not."""
        if value is None:
            return False
        if self.comparison == Comparison.ABOVE:
            return value > self.threshold
        return value < self.threshold

    def holds(self, values: Sequence[float | None]) -> bool:
        """Say whether it holds for the latest figures, oldest first; too few are never enough."""
        latest = values[-self.count :]
        return len(latest) == self.count and all(self.one(value) for value in latest)

    def openings(self, values: Sequence[float | None]) -> list[int]:
        """Return the places in a series, oldest first, at which it would have begun to hold."""
        found, row = [], 0
        for place, value in enumerate(values):
            row = row + 1 if self.one(value) else 0
            if row == self.count:
                found.append(place)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """What ended in an hour."""

    good: int = 0
    bad: int = 0
    run_seconds: float = 0.0

    def figure(self, metric: Metric) -> float | None:
        """Return a figure of it; None where nothing ended that it could be of."""
        ended = self.good + self.bad
        if metric == Metric.FAILURES:
            return self.bad
        if metric == Metric.RUNS:
            return ended
        if not ended:
            return None
        return self.bad / ended if metric == Metric.FAILURE_RATE else self.run_seconds / ended
