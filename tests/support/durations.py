"""Series of durations with known disturbances, to measure how well anomalies are found.

``generated`` makes series of each class from a seed: what is usual (a multiplicative noise of 15 %), a
pattern or a drift over it, and, from a place on, runs that are known to be too long (four times as long)
or suspiciously fast (a fifteenth). ``recorded`` returns what Jobdeck itself recorded: two real
commands (sha256sum, and gzip) that it ran 110 times each on a machine of two cores that others kept
busy (load 10 to 19), doing four times the work or none in runs that are known; all of it
succeeded. Seconds are multiplied by ``SCALE``, since nobody is told of a few: one stands for ten minutes.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, get_args
from zoneinfo import ZoneInfo

BERLIN = ZoneInfo("Europe/Berlin")
RECORDED = Path(__file__).parents[1] / "data" / "recorded_durations.json"
SCALE = 600.0
WARM_UP = 120  # runs before the first disturbance
MANY = 700
Kind = Literal["usual", "slow", "fast"]
Class = Literal["steady", "daily", "weekly", "clock change", "drift", "outliers"]
CLASSES: Sequence[Class] = get_args(Class)


@dataclass(frozen=True, slots=True)
class Run:
    """A run with what is known of it."""

    at: datetime
    seconds: float
    kind: Kind


def generated(name: Class, seed: int) -> list[Run]:
    """Return a series of a class."""
    rng = random.Random(f"{name} {seed}")
    usual, step = _SHAPES[name]
    # Half of it lies before the clocks of Europe go forward on 2026-03-29.
    start = datetime(2026, 3, 29, 1, tzinfo=UTC) - step * (MANY // 2)
    level = rng.uniform(120, 1800)
    return list(_runs(rng, level, usual, start, step, wild=name == "outliers"))


def _runs(
    rng: random.Random,
    level: float,
    usual: Callable[[datetime, int], float],
    start: datetime,
    step: timedelta,
    *,
    wild: bool,
) -> Iterator[Run]:
    for number in range(MANY):
        # Schedules name hours of the clock on the wall; who runs every hour runs at all of them.
        at = (start + number * step).astimezone(BERLIN)
        if step > timedelta(hours=1):
            at = start.replace(tzinfo=BERLIN) + number * step
        seconds = level * usual(at, number) * rng.lognormvariate(0, 0.15)
        chance = rng.random()
        kind: Kind = "usual"
        if number >= WARM_UP:
            kind = "slow" if chance < 0.03 else "fast" if chance < 0.05 else "usual"
        elif wild and chance < 0.05:  # what is usual is learned from a past with wild runs
            seconds *= rng.choice((0.02, 8, 30))
        yield Run(at, seconds * {"usual": 1.0, "slow": 4.0, "fast": 1 / 15}[kind], kind)


_SHAPES: dict[Class, tuple[Callable[[datetime, int], float], timedelta]] = {
    "steady": (lambda _at, _number: 1.0, timedelta(hours=1)),
    "daily": (lambda at, _number: 5.0 if at.hour in (2, 3) else 1.0, timedelta(hours=1)),
    "weekly": (lambda at, _number: 6.0 if at.weekday() == 6 else 1.0, timedelta(hours=6)),
    # Around the change only: a heavy run each day at two by the clock on the wall.
    "clock change": (lambda at, _number: 5.0 if at.hour == 4 else 1.0, timedelta(hours=1)),
    "drift": (lambda _at, number: math.exp(number / MANY), timedelta(hours=1)),
    "outliers": (lambda _at, _number: 1.0, timedelta(hours=1)),
}


def recorded() -> dict[str, list[Run]]:
    """Return what Jobdeck recorded of each command, one run an hour."""
    start = datetime(2026, 3, 1, tzinfo=UTC)
    found = json.loads(RECORDED.read_text())
    return {
        name: [
            Run(start + timedelta(hours=number), seconds * SCALE, kind)
            for number, (seconds, kind) in enumerate(rows)
        ]
        for name, rows in found.items()
    }
