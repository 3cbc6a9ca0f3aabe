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

import pytest

from tests.e2e.account import check_account, create_load, settle
from tests.e2e.harness import Product, below, signal_to

JOBS = 6


@pytest.mark.parametrize(
    "database",
    ["sqlite", pytest.param("postgres", marks=[pytest.mark.postgres, pytest.mark.soak])],
)
def test_kills_lose_and_double_nothing(
    make_product: Callable[..., Product], database: str, postgres_url: str
) -> None:
    """S3-67, S3-69, S3-82: kill -9 of anything."""
    chaos(make_product(**settings_for(database, postgres_url)), seconds=5, seed=1)


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
    name = f"round-{seed}"
    jobs = create_load(product, name, jobs=JOBS)
    ends_at = time.monotonic() + seconds
    kills: Counter[str] = Counter()
    while time.monotonic() < ends_at:
        time.sleep(chance.uniform(0.2, 0.8))
        kills[kill_something(product, chance)] += 1

    settle(product, jobs)
    codes = product.stop()
    assert set(codes) == {0}
    assert product.processes_left() == []
    check_account(product, name, jobs)
    # How many fit into a round is the machine's affair: after `everything` all has to start again.
    assert kills.total() > 0


def start_all(product: Product) -> None:
    """Start two dispatchers and two clusters, each under a supervisor of its own."""
    product.start("--dispatcher", expect=0)
    product.start("--dispatcher", expect=0)
    product.start("--cluster", "one")
    product.start("--cluster", "two")


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
