"""Random SIGKILLs under load change nothing about the ledger (ENGINE.md 6.6, test 1; I-01 to I-05).

Every due time of every job ends as exactly one execution or as part of one omission, every attempt
is started at most once, nothing stays in progress, and no process is left.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.e2e.harness import Product, below, signal_to, wait_until

JOBS = 6
SECOND = timedelta(seconds=1)
LIVE = "('queued', 'claimed', 'running', 'retrying')"


@pytest.mark.parametrize(
    "database", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]
)
def test_kills_lose_and_double_nothing(
    make_product: Callable[..., Product], database: str, postgres_url: str
) -> None:
    chaos(make_product(**settings_for(database, postgres_url)), seconds=8, seed=1)


@pytest.mark.soak
@pytest.mark.parametrize(
    "database", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]
)
def test_long_chaos_loses_and_doubles_nothing(
    make_product: Callable[..., Product], database: str, postgres_url: str
) -> None:
    product = make_product(**settings_for(database, postgres_url))
    for round_number in range(int(os.environ.get("SOAK_ROUNDS", "20"))):
        chaos(product, seconds=float(os.environ.get("SOAK_SECONDS", "20")), seed=round_number)


def settings_for(database: str, postgres_url: str) -> dict[str, str]:
    """Return the product's environment for a database."""
    base = {"WORKERS": "2", "LEASE": "5s", "DRAIN": "5s"}
    return base | ({"DATABASE_URL": postgres_url} if database == "postgres" else {})


def chaos(product: Product, *, seconds: float, seed: int) -> None:
    """Run one round: load, kills, calm, then the account."""
    chance = random.Random(seed)
    start_all(product)
    jobs = create_load(product, f"round-{seed}")
    ends_at = time.monotonic() + seconds
    kills: Counter[str] = Counter()
    while time.monotonic() < ends_at:
        time.sleep(chance.uniform(0.2, 0.8))
        kills[kill_something(product, chance)] += 1

    for job in jobs:
        product.ask("pause", job_id=job)
    wait_until(
        lambda: not product.sql(f"SELECT id FROM jobs_execution WHERE state IN {LIVE}"),
        what="everything in progress ends",
        patience=60,
    )

    codes = product.stop()
    assert set(codes) == {0}
    assert product.processes_left() == []
    for job in jobs:
        check_ledger(product, job)
        check_counters(product, job)
    check_evidence(product, f"round-{seed}", jobs)
    assert sum(kills.values()) > seconds / 2, kills


def start_all(product: Product) -> None:
    """Start two dispatchers and two clusters, each under a supervisor of its own."""
    product.start("--dispatcher", expect=0)
    product.start("--dispatcher", expect=0)
    product.start("--cluster", "one")
    product.start("--cluster", "two")


def create_load(product: Product, name: str) -> list[int]:
    """Create jobs that are due each second and leave evidence, some of them for a while."""
    path = product.folder / name
    definitions: list[dict[str, Any]] = [
        {
            "name": f"{name}-{number}",
            "type": "command",
            "spec": {
                "command": f'echo "$EXECUTION_ID $ATTEMPT" >> {path}; sync {path}; '
                f"sleep {0.7 * (number % 2)}"
            },
            "schedules": [{"kind": "interval", "seconds": 1, "anchor": "start"}],
            "overlap": "allow",
            "max_parallel": 50,
            "misfire": "fire_all",
        }
        for number in range(JOBS)
    ]
    jobs: list[int] = product.ask("create_jobs", definitions=definitions)
    return jobs


def kill_something(product: Product, chance: random.Random) -> str:
    """Kill one process of the product at random, rarely all of it."""
    if chance.random() < 0.07:
        product.kill_everything()
        start_all(product)
        return "everything"
    part = chance.choice(product.parts)
    children = below(part.pid)
    victims = {"child": children}
    for child in children:
        victims["sentinel"] = below(child)
        for sentinel in below(child):
            victims["worker"] = below(sentinel)
    kind = chance.choice(sorted(kind for kind, pids in victims.items() if pids) or ["none"])
    if kind != "none":
        signal_to(chance.choice(victims[kind]), signal.SIGKILL)
    return kind


def check_ledger(product: Product, job: int) -> None:
    """Check that the due times up to the pause have one verdict each."""
    executed = Counter(
        moment(due_at)
        for (due_at,) in product.sql(
            "SELECT due_at FROM jobs_execution WHERE job_id = %s AND trigger IN "
            "('schedule', 'misfire')",
            job,
        )
    )
    omitted: Counter[datetime] = Counter()
    for first, last, count in product.sql(
        "SELECT first_due_at, last_due_at, count FROM jobs_omission WHERE job_id = %s "
        "AND reason <> 'paused'",
        job,
    ):
        instants = instants_of(moment(first), moment(last))
        assert len(instants) == count
        omitted.update(instants)
    verdicts = executed + omitted
    assert set(verdicts.values()) == {1}, [due for due, n in verdicts.items() if n > 1]
    assert set(verdicts) == set(instants_of(min(verdicts), max(verdicts)))


def instants_of(first: datetime, last: datetime) -> list[datetime]:
    """Return the seconds from one due time to another, both included."""
    return [first + number * SECOND for number in range(round((last - first) / SECOND) + 1)]


def check_counters(product: Product, job: int) -> None:
    """Check the stored counters against history."""
    (stored,) = product.sql(
        "SELECT execution_count, success_count, failure_count FROM jobs_job WHERE id = %s", job
    )
    (counted,) = product.sql(
        "SELECT count(*), coalesce(sum(CASE WHEN state = 'succeeded' THEN 1 ELSE 0 END), 0), "
        "coalesce(sum(CASE WHEN state IN ('failed', 'timed_out', 'lost') THEN 1 ELSE 0 END), 0) "
        "FROM jobs_execution WHERE job_id = %s",
        job,
    )
    assert stored == counted


def check_evidence(product: Product, name: str, jobs: list[int]) -> None:
    """Check that no attempt was started twice, and that each success really ran."""
    starts = Counter(tuple(map(int, line)) for line in product.evidence(name))
    assert [start for start, count in starts.items() if count > 1] == []
    places = ", ".join(["%s"] * len(jobs))
    succeeded = product.sql(
        "SELECT id, attempt FROM jobs_execution WHERE state = 'succeeded' "
        f"AND job_id IN ({places})",
        *jobs,
    )
    assert [row for row in succeeded if tuple(row) not in starts] == []
    assert len(succeeded) > len(jobs)


def moment(text: str) -> datetime:
    """Return a stored moment; SQLite's text has no zone, and means UTC."""
    value = datetime.fromisoformat(text)
    return value if value.tzinfo else value.replace(tzinfo=UTC)
