"""Queue health: the score and its parts, bottlenecks, advice, trends."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.domain.bottlenecks import Kind, Severity, bottlenecks, matters, severity_of
from jobs.domain.health import (
    Part,
    Sample,
    SystemHealth,
    Thresholds,
    assess,
    mean_score,
    system_health,
)
from jobs.domain.recommendations import NOTHING_TO_DO, Capacity, recommend, workers_needed
from jobs.domain.trends import Direction, compare

LIMITS = Thresholds()
FREE = Capacity(slots=4)


def sample(**fields: Any) -> Sample:
    return Sample(**{"queue": "q", "period_seconds": 3600, **fields})


samples = st.builds(
    Sample,
    queue=st.just("q"),
    period_seconds=st.floats(60, 10**6),
    succeeded=st.integers(0, 10**6),
    failed=st.integers(0, 10**6),
    run_seconds=st.floats(0, 10**7),
    wait_seconds=st.floats(0, 10**7),
    waiting=st.floats(0, 10**5),
    running=st.integers(0, 1000),
    oldest_seconds=st.floats(0, 10**6),
    usual_per_minute=st.floats(0, 10**4),
)


def with_(one: Sample, **fields: Any) -> Sample:
    names = Sample.__dataclass_fields__
    return Sample(**{**{name: getattr(one, name) for name in names}, **fields})


def score(one: Sample) -> float:
    return assess(one, LIMITS).score


@given(samples)
def test_s4_22_a_score_is_from_0_to_1_and_its_costs_explain_it(one: Sample) -> None:
    health = assess(one, LIMITS)

    assert 0 <= health.score <= 1
    assert health.score == pytest.approx(max(0, 1 - sum(part.cost for part in health.parts)))
    assert [part.part for part in health.parts] == list(Part)
    for part in health.parts:
        assert 0 <= part.score <= 1
        assert part.cost >= 0


@given(samples, st.integers(1, 100), st.floats(0.1, 10**4))
def test_more_trouble_never_raises_a_score(one: Sample, many: int, much: float) -> None:
    here = score(one)
    moved = min(many, one.succeeded)

    worse = with_(one, succeeded=one.succeeded - moved, failed=one.failed + moved)
    assert score(worse) <= here + 1e-9
    assert score(with_(one, run_seconds=one.run_seconds + much)) <= here + 1e-9
    assert score(with_(one, waiting=one.waiting + many)) <= here + 1e-9
    assert score(with_(one, usual_per_minute=one.usual_per_minute + much)) <= here + 1e-9


@given(st.floats(0, 10**5))
def test_s4_23_an_idle_queue_is_healthy(usual: float) -> None:
    assert score(sample(usual_per_minute=usual)) == 1
    assert bottlenecks(sample(usual_per_minute=usual), LIMITS) == []


@pytest.mark.parametrize(
    ("fields", "part"),
    [
        ({"succeeded": 90, "failed": 10, "run_seconds": 100}, Part.FAILURE_RATE),
        ({"succeeded": 100, "run_seconds": 3000}, Part.PROCESSING_SPEED),
        ({"succeeded": 100, "run_seconds": 100, "waiting": 100}, Part.BACKLOG),
        (
            {"succeeded": 60, "run_seconds": 60, "waiting": 1, "usual_per_minute": 10},
            Part.THROUGHPUT,
        ),
    ],
)
def test_s4_22_each_part_alone_lowers_the_score(fields: dict[str, Any], part: Part) -> None:
    healthy = sample(succeeded=100, run_seconds=100)
    health = assess(sample(**fields), LIMITS)

    assert health.score < score(healthy) - 0.1
    most = max(health.parts, key=lambda one: one.cost)
    assert most.part == part
    assert most.cost == pytest.approx(most.weight if part != Part.THROUGHPUT else 0.135)


def test_a_queue_that_only_fails_is_unhealthy_but_one_failure_is_not() -> None:
    assert score(sample(failed=20)) < 0.2
    assert score(sample(failed=1)) == pytest.approx(0.65)
    assert score(sample(succeeded=19, failed=1)) == pytest.approx(0.825)


@pytest.mark.parametrize(
    ("kind", "threshold", "steps"),
    [
        (Kind.QUEUE_BACKLOG, 100, (50, 100, 200, 500)),
        (Kind.HIGH_FAILURE_RATE, 0.1, (0.05, 0.1, 0.15, 0.25)),
        (Kind.SLOW_PROCESSING, 30, (15, 30, 60, 120)),
        (Kind.HIGH_WAIT_TIME, 60, (30, 60, 300, 900)),
    ],
)
def test_s4_26_27_28_29_severities_begin_above_their_steps(
    kind: Kind, threshold: float, steps: tuple[float, ...]
) -> None:
    rising = [None, Severity.LOW, Severity.MEDIUM, Severity.HIGH, Severity.CRITICAL]

    at = [severity_of(kind, step, threshold) for step in steps]
    above = [severity_of(kind, step * 1.01, threshold) for step in steps]

    assert at == rising[:4]
    assert above == rising[1:]


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"waiting": 101}, Kind.QUEUE_BACKLOG),
        ({"succeeded": 8, "failed": 2}, Kind.HIGH_FAILURE_RATE),
        ({"succeeded": 10, "run_seconds": 310}, Kind.SLOW_PROCESSING),
        ({"waiting": 1, "oldest_seconds": 61}, Kind.HIGH_WAIT_TIME),
        ({"succeeded": 2, "wait_seconds": 130}, Kind.HIGH_WAIT_TIME),
    ],
)
def test_s4_25_each_kind_of_bottleneck_is_found(fields: dict[str, Any], kind: Kind) -> None:
    found = bottlenecks(sample(**fields), LIMITS)

    assert [one.kind for one in matters(found)] == [kind]


@given(samples)
def test_bottlenecks_come_worst_first_and_each_kind_once(one: Sample) -> None:
    found = bottlenecks(one, LIMITS)

    assert [b.severity.rank for b in found] == sorted(
        (b.severity.rank for b in found), reverse=True
    )
    assert len({b.kind for b in found}) == len(found)
    advice = recommend(one, found, FREE)
    assert advice
    assert all(one.text and one.evidence for one in advice)


@pytest.mark.parametrize(
    ("fields", "texts"),
    [
        ({"waiting": 500}, ("Increase worker concurrency", "Optimize job processing", "resource")),
        (
            {"succeeded": 5, "failed": 5},
            ("external API", "error logs", "Validate job data", "retry strategy"),
        ),
        (
            {"succeeded": 10, "run_seconds": 400},
            ("Profile job execution", "Optimize database queries", "Add caching"),
        ),
        ({}, (NOTHING_TO_DO,)),
    ],
)
def test_s4_30_31_advice_fits_the_condition(fields: dict[str, Any], texts: tuple[str, ...]) -> None:
    one = sample(**fields)

    advice = " | ".join(each.text for each in recommend(one, bottlenecks(one, LIMITS), FREE))

    for text in texts:
        assert text in advice
    assert ("no immediate action" in advice) == (not fields)


def test_s4_113_the_load_says_how_many_workers_are_needed() -> None:
    """S4-89."""
    busy = sample(succeeded=720, run_seconds=720 * 50, waiting=0, wait_seconds=720 * 400)

    assert workers_needed(busy) == 10
    advice = recommend(busy, bottlenecks(busy, LIMITS), FREE)
    assert any("the number of workers from 4 to 10" in one.text for one in advice)
    limited = recommend(busy, bottlenecks(busy, LIMITS), Capacity(slots=20, limit=3))
    assert any("the queue's limit from 3 to 10" in one.text for one in limited)


def test_what_nobody_takes_is_told_first() -> None:
    one = sample(waiting=3)
    found = bottlenecks(one, LIMITS)

    assert recommend(one, found, Capacity(slots=0, served=False))[0].text.startswith(
        "Start a worker"
    )
    assert recommend(one, found, Capacity(slots=4, paused=True))[0].text == "Resume queue q"


def test_s4_32_a_trend_says_where_it_goes() -> None:
    good = sample(succeeded=100, run_seconds=100)
    bad = sample(succeeded=50, failed=50, run_seconds=1000)

    assert compare(good, good, LIMITS).direction == Direction.STABLE
    worse, better = compare(bad, good, LIMITS), compare(good, bad, LIMITS)
    assert (worse.direction, better.direction) == (Direction.DEGRADING, Direction.IMPROVING)
    assert worse.processing_seconds_change == pytest.approx(9)
    assert worse.score_change == -better.score_change < 0
    assert compare(good, sample(), LIMITS).processing_seconds_change == 0


@pytest.mark.parametrize(
    ("score", "facts", "word"),
    [
        (1, {}, SystemHealth.HEALTHY),
        (0.7, {}, SystemHealth.HEALTHY),
        (0.69, {}, SystemHealth.WARNING),
        (0.29, {}, SystemHealth.CRITICAL),
        (1, {"failing": True}, SystemHealth.WARNING),
        (1, {"bottleneck": True}, SystemHealth.WARNING),
        (1, {"bottleneck": True, "critical": True}, SystemHealth.CRITICAL),
        (1, {"circuit_open": True}, SystemHealth.CRITICAL),
    ],
)
def test_s4_35_the_system_is_healthy_warning_or_critical(
    score: float, facts: dict[str, bool], word: SystemHealth
) -> None:
    none = dict.fromkeys(("critical", "bottleneck", "circuit_open", "failing"), False)

    assert system_health(score, **{**none, **facts}) == word


def test_the_failures_of_a_few_runs_call_nobody_until_ten_have_ended() -> None:
    """A first job that fails every minute: told with its figures, but the queue is not critical."""
    few, enough = sample(failed=9), sample(failed=10)

    assert score(few) == pytest.approx(0.125)  # the formula itself stays
    assert assess(few, LIMITS).certain_score == 1
    assert [one.severity for one in bottlenecks(few, LIMITS)] == [Severity.MEDIUM]
    assert mean_score([assess(few, LIMITS)]) == 1
    crowded = with_(few, waiting=300, running=1)
    assert assess(crowded, LIMITS).certain_score == pytest.approx(0.5)  # else it costs as ever
    assert assess(enough, LIMITS).certain_score == score(enough) == pytest.approx(0.125)
    assert [one.severity for one in bottlenecks(enough, LIMITS)] == [Severity.CRITICAL]
