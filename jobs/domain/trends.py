"""Whether a queue gets better or worse: a period against the one before."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from jobs.domain.health import Sample, Thresholds, assess

# Less than this is noise.
LEAST_CHANGE = 0.05


class Direction(StrEnum):
    """Where it goes."""

    IMPROVING = "improving"
    DEGRADING = "degrading"
    STABLE = "stable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """How a period differs from the one before; a plus is more than before."""

    direction: Direction
    score: float
    score_before: float
    processing_seconds_change: float
    throughput_change: float  # per minute

    @property
    def score_change(self) -> float:
        """Return how much the score rose."""
        return self.score - self.score_before


def compare(now: Sample, before: Sample, limits: Thresholds) -> Trend:
    """Return the trend from ``before`` to ``now``.

    Both give what waited over their period, so that they can be compared. Where one of them saw no
    run at all, nothing is said about how long runs take.
    """
    score, score_before = assess(now, limits).score, assess(before, limits).score
    both = bool(now.ended and before.ended)
    slower = now.processing_seconds - before.processing_seconds if both else 0.0
    return Trend(
        direction=_direction(score - score_before),
        score=score,
        score_before=score_before,
        processing_seconds_change=slower,
        throughput_change=now.per_minute - before.per_minute,
    )


def _direction(change: float) -> Direction:
    if change > LEAST_CHANGE:
        return Direction.IMPROVING
    return Direction.DEGRADING if change < -LEAST_CHANGE else Direction.STABLE
