"""Facts become conditions by the limits of the seeds; failures are grouped by cause."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from jobs.domain.alerts import (
    JobFacts,
    Kind,
    Limits,
    ProductFacts,
    Rule,
    RunFacts,
    Severity,
    calm_trouble,
    failures_title,
    job_trouble,
    lasting_trouble,
    product_conditions,
    run_conditions,
)
from jobs.domain.baseline import LEAST, Past, baseline, may_be_fast
from jobs.domain.causes import as_printed, cause_of, fingerprint, normalised

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
WELL = JobFacts(
    name="report",
    active=True,
    auto_disabled=False,
    executions=1000,
    failures=10,
    in_a_row=0,
    last_state="failed",
    last_error="boom",
)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"in_a_row": 2}, None),
        ({"in_a_row": 3}, Severity.WARNING),
        ({"in_a_row": 4}, Severity.WARNING),
        ({"in_a_row": 5}, Severity.CRITICAL),
        ({"active": False, "auto_disabled": True}, Severity.CRITICAL),
        ({"active": False, "in_a_row": 9}, None),
        ({"executions": 10, "failures": 1}, None),
        ({"executions": 10, "failures": 2}, Severity.WARNING),
        ({"executions": 5, "failures": 1}, Severity.WARNING),
        ({"executions": 0, "failures": 0}, None),
        ({"burst": True, "in_a_row": 1}, Severity.WARNING),
        ({"burst": True, "in_a_row": 0}, None),
    ],
)
def test_the_seed_limits_decide(changes: dict[str, object], expected: Severity | None) -> None:
    """S0-131, S0-132, S0-134, S0-135: 5 and 3 in a row, disabled, strictly over a tenth."""
    facts = replace(WELL, **changes)  # type: ignore[arg-type]

    found = job_trouble(facts, Limits())

    assert (found.severity if found else None) == expected


def test_a_success_ends_a_row_and_only_a_low_rate_ends_a_rate() -> None:
    """S0-138: the alert clears when its condition ends."""
    flaky = replace(WELL, executions=10, failures=5)

    assert lasting_trouble(flaky, Limits(), Kind.IN_A_ROW) is None
    assert lasting_trouble(flaky, Limits(), Kind.RATE) is not None
    assert lasting_trouble(replace(flaky, in_a_row=1), Limits(), Kind.IN_A_ROW) is not None
    assert lasting_trouble(replace(flaky, failures=1), Limits(), Kind.RATE) is None
    calm = calm_trouble(flaky, Limits(), "boom")
    assert calm is not None
    assert (calm.severity, calm.why) == (Severity.WARNING, "5 of 10 runs failed")
    assert calm.key != job_trouble(replace(flaky, last_error="boom"), Limits()).key  # type: ignore[union-attr]
    assert calm_trouble(replace(flaky, failures=1), Limits(), "boom") is None
    assert calm_trouble(replace(flaky, in_a_row=3), Limits(), "boom") is None


def test_limits_can_be_moved() -> None:
    """S0-139: 5, 3, 0.1 and 30 min are only the defaults."""
    limits = Limits().changed({"critical_in_a_row": 2, "long_seconds": 60, "nonsense": 1})

    trouble = job_trouble(replace(WELL, in_a_row=2), limits)
    run = run_conditions(RunFacts(execution=1, job=1, name="report", seconds=61), limits)

    assert trouble is not None
    assert trouble.severity == Severity.CRITICAL
    assert [one.rule for one in run] == [Rule.LONG_RUN]
    early = job_trouble(replace(WELL, in_a_row=2), Limits().changed({"warning_in_a_row": 2}))
    assert early is not None
    assert early.severity == Severity.WARNING
    half = Limits().changed({"failure_rate": 0.5})
    assert job_trouble(replace(WELL, executions=10, failures=5), half) is None
    assert job_trouble(replace(WELL, executions=10, failures=6), half) is not None


@pytest.mark.parametrize(
    ("changes", "rules"),
    [
        ({"seconds": 1800}, []),
        ({"seconds": 1801}, [Rule.LONG_RUN]),
        ({"seconds": 90, "slow_after": 80.0, "usual_seconds": 30.0}, [Rule.SLOW_RUN]),
        ({"seconds": 79, "slow_after": 80.0, "usual_seconds": 30.0}, []),
        ({"seconds": 131, "timeout_seconds": 60, "grace_seconds": 10}, [Rule.STUCK]),
        ({"seconds": 129, "timeout_seconds": 60, "grace_seconds": 10}, []),
        ({"seconds": 500, "cancel_seconds": 71, "grace_seconds": 10}, [Rule.STUCK]),
    ],
)
def test_a_run_is_judged_while_it_runs(changes: dict[str, float], rules: list[Rule]) -> None:
    """S0-108, S0-133: over 30 minutes; stuck past its limit; longer than usual."""
    facts = replace(RunFacts(execution=7, job=1, name="report", seconds=0), **changes)  # type: ignore[arg-type]

    found = run_conditions(facts, Limits())

    assert [one.rule for one in found] == rules
    assert all(one.key.endswith(":7") for one in found)


def test_the_product_itself_is_watched() -> None:
    """S0-136: a dispatcher that does not tick, one that lags, and a disk that fills."""
    well = ProductFacts(
        tick_at=NOW, lag_seconds=0.1, free_bytes=10**10, disk_low=False, disk_full=False
    )

    assert product_conditions(well, Limits(), NOW) == []
    dead = replace(well, tick_at=NOW - timedelta(seconds=61))
    assert [one.key for one in product_conditions(dead, Limits(), NOW)] == ["dispatcher:dead"]
    lags = replace(well, lag_seconds=6)
    assert [one.key for one in product_conditions(lags, Limits(), NOW)] == ["dispatcher:lag"]
    full = replace(well, disk_full=True)
    assert product_conditions(full, Limits(), NOW)[0].severity == Severity.CRITICAL


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("connection refused db1 after 12.5 s", "connection refused db1 after 7 s"),
        ("2026-11-22T10:00:00Z ERROR no row 4711", "2026-11-23 11:00:01 ERROR no row 12"),
        ("peer 10.0.0.1:5432 gone", "peer 10.9.8.7:6000 gone"),
        ("at 0x7f3a", "at 0x11"),
        (
            "request 123e4567-e89b-12d3-a456-426614174000 lost",
            "request 00000000-e89b-12d3-a456-426614174fff lost",
        ),
        ("Traceback\n  File x, line 3\nValueError: no 3", "other\nValueError: no 4"),
    ],
)
def test_equal_causes_have_equal_marks(one: str, other: str) -> None:
    assert normalised(one) == normalised(other)
    assert fingerprint(normalised(one)) == fingerprint(normalised(other))


def test_one_job_s_own_words_are_told_instead_of_the_shared_cause() -> None:
    error = "Traceback\n  \x1b[31mconnect to 10.0.0.7:5432 failed after 30 s\x1b[0m\n"
    cause = normalised(error)

    assert cause == "connect to <address> failed after <n> s"
    assert as_printed(cause, error) == "connect to 10.0.0.7:5432 failed after 30 s"
    assert as_printed(cause, "disk full") == as_printed(cause, "") == cause
    assert as_printed("timed out", "Timed out after 20 s") == "timed out"
    assert len(as_printed(normalised("7" * 3000), "7" * 3000)) <= 160


def test_different_causes_stay_apart_and_are_never_empty() -> None:
    causes = {
        cause_of("failed", text)
        for text in ("connection refused db1", "connection refused db2", "disk full", "", "\n")
    }

    assert len(causes) == 4
    assert cause_of("timed_out", "whatever it printed last") == "timed out"
    title = failures_title("connection refused db1", jobs=17, first="a", why="")
    assert title == "17 jobs: connection refused db1"
    assert len(normalised("x" * 10**6)) <= 160


def _history(rng: random.Random, usual: float, many: int) -> list[Past]:
    """Return runs each hour, a few of which are wild."""
    return [
        Past(
            NOW - timedelta(hours=number),
            usual * rng.lognormvariate(0, 0.15) * (10 if rng.random() < 0.02 else 1),
        )
        for number in range(1, many + 1)
    ]


def test_anomalies_are_found_on_generated_series() -> None:
    """S4-106, S4-99: of runs three times as long nearly all are found, of usual ones hardly any."""
    rng = random.Random(7)
    found = missed = false = 0
    for _ in range(400):
        usual = rng.uniform(60, 3000)
        base = baseline(_history(rng, usual, 300), NOW)
        assert base is not None
        found += usual * 3 * rng.lognormvariate(0, 0.15) > base.slow_after
        false += usual * rng.lognormvariate(0, 0.15) > base.slow_after
        missed += usual * 0.1 >= base.fast_below
    recall, precision = found / 400, found / (found + false)

    assert recall >= 0.95
    assert precision >= 0.97
    assert missed <= 40  # of runs that took a tenth


def test_a_baseline_knows_weekday_and_hour() -> None:
    """A heavy run each Sunday noon is no anomaly on Sunday noon."""
    past = [
        Past(NOW - timedelta(hours=number), 900.0 if number % 168 == 0 else 60.0)
        for number in range(1, 168 * 10)
    ]

    sunday, monday = baseline(past, NOW), baseline(past, NOW + timedelta(hours=24))

    assert sunday is not None
    assert monday is not None
    assert (sunday.median, monday.median) == (900.0, 60.0)
    assert baseline(past[: LEAST - 1], NOW) is None


def test_a_fast_end_is_looked_at_only_when_the_job_takes_its_time() -> None:
    assert may_be_fast([600.0] * 8, 100)
    assert not may_be_fast([600.0] * 8, 200)
    assert not may_be_fast([600.0] * 7, 1)
    assert not may_be_fast([5.0] * 8, 0.1)
