"""How well unusual durations are found, on series that Jobdeck recorded and on generated ones.

Run with ``-s`` to read the figures that `docs/operator.md` states.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import pytest

from jobs.domain.baseline import LEAST, Baseline, Past, baseline
from tests.support.durations import CLASSES, Run, generated, recorded

# As `jobs.queries.alert_facts.PAST_READ`: how many runs a baseline reads.
READ = 1000


def judged(runs: Sequence[Run]) -> Iterable[tuple[Run, Baseline | None]]:
    """Yield each run with what was usual before it; what was disturbed stays in the past."""
    past: list[Past] = []
    for run in runs:
        yield run, baseline(past[:READ], run.at)
        past.insert(0, Past(run.at, run.seconds))


def counted(series: Iterable[Sequence[Run]]) -> Counter[str]:
    """Count what was told of slow and fast runs, rightly and wrongly, and what was not.

    A pattern has to be seen before it is known: the runs before the first disturbance do not count.
    """
    found: Counter[str] = Counter()
    for runs in series:
        first = next(place for place, run in enumerate(runs) if run.kind != "usual")
        for run, usual in list(judged(runs))[first:]:
            assert usual is not None
            for kind, told in (
                ("slow", run.seconds > usual.slow_after),
                ("fast", run.seconds < usual.fast_below),
            ):
                right = run.kind == kind
                found[f"{kind} found"] += told and right
                found[f"{kind} false"] += told and not right
                found[f"{kind} missed"] += right and not told
            found["runs"] += 1
            if run.kind == "slow" and run.seconds > usual.slow_after:
                found["early"] += usual.slow_after < run.seconds / 2
    return found


def shares(found: Counter[str], kind: str) -> tuple[float, float]:
    """Return precision and recall."""
    right = found[f"{kind} found"]
    return (
        right / ((right + found[f"{kind} false"]) or 1),
        right / ((right + found[f"{kind} missed"]) or 1),
    )


# The least that is promised: precision and recall of slow runs, then of fast ones.
PROMISED = {
    "steady": (0.97, 0.97, 0.97, 0.97),
    "daily": (0.97, 0.97, 0.97, 0.97),
    "weekly": (0.97, 0.97, 0.97, 0.95),
    "clock change": (0.97, 0.97, 0.97, 0.95),
    "drift": (0.88, 0.97, 0.97, 0.97),
    "outliers": (0.97, 0.97, 0.97, 0.97),
    "recorded": (0.80, 0.90, 0.90, 0.90),
}


@pytest.mark.parametrize("name", [*CLASSES, "recorded"])
def test_anomalies_are_found_and_little_else(name: str) -> None:
    """S4-99: precision and recall of each class of series."""
    series = (
        list(recorded().values())
        if name == "recorded"
        else [generated(name, seed) for seed in range(3)]  # type: ignore[arg-type]
    )

    found = counted(series)

    slow, fast = shares(found, "slow"), shares(found, "fast")
    early = found["early"] / (found["slow found"] or 1)
    print(  # noqa: T201 - the figures of the docs
        f"\n{name:>12}: slow precision {slow[0]:.3f} recall {slow[1]:.3f}, "
        f"fast precision {fast[0]:.3f} recall {fast[1]:.3f}, "
        f"{early:.0%} told in their first half, {found['runs']} runs"
    )
    assert found["slow found"] + found["slow missed"] >= 12
    assert found["fast found"] + found["fast missed"] >= 10
    assert all(
        measured >= least for measured, least in zip((*slow, *fast), PROMISED[name], strict=True)
    ), (slow, fast)
    # Told while the run goes on, not after it.
    assert early >= 0.5


def test_below_the_least_sample_nothing_is_said() -> None:
    runs = generated("steady", 1)

    silent = [usual for _, usual in list(judged(runs))[:LEAST]]

    assert silent == [None] * LEAST
    assert next(usual for _, usual in list(judged(runs))[LEAST:]) is not None
