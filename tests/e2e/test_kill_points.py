"""SIGKILL of each process at each point of an execution's life (F-02, F-03, F-07, F-08).

The shortest test kills at three points, the long ones at each whoever is there, and some others; the
soak kills everybody everywhere, and says how many kills and executions there were. In between
PostgreSQL crashes, Redis is emptied and crashes. Afterwards the account must be right: nothing lost, nothing doubled.
"""

from __future__ import annotations

import os
import secrets
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import product as pairs
from pathlib import Path

import pytest

from tests.e2e import killpoints
from tests.e2e.account import (
    BEGUN,
    check_account,
    check_counters,
    check_logs,
    create_by_hand,
    create_load,
    logs_of,
    settle,
)
from tests.e2e.conftest import TEMPLATE
from tests.e2e.harness import ClusterTree, Product, below, is_alive, signal_to, wait_until
from tests.e2e.servers import Postgres, Redis, own_redis

SELF = "whoever is there"
VICTIMS = (SELF, "dispatcher", "worker", "sentinel", "cluster", "everything")
DATABASES = ("sqlite", "postgres", "postgres+redis")
# Who else dies in the short test, and where; each point also kills whoever is there.
OTHERS = (
    ("insert", "worker"),
    ("start", "sentinel"),
    ("spawn", "cluster"),
    ("record", "dispatcher"),
    ("logged", "everything"),
)
# What is written out after half a second is stored: the log of such a run is not empty.
STORED = "logged"
DUE_TIMES = 4
DYING_SECONDS = 3.0

Step = tuple[str, str]


@dataclass
class Bench:
    """A product under load, with the servers behind it."""

    product: Product
    postgres: Postgres | None = None
    redis: Redis | None = None

    @property
    def points(self) -> list[str]:
        """Return the points that an execution passes here."""
        absent = killpoints.TABLE_ONLY if self.redis else killpoints.TRANSPORT_ONLY
        return [point for point in killpoints.POINTS if point not in absent]

    def start(self) -> None:
        """Start a dispatcher and a cluster, with the hooks."""
        self.product.program = ["-m", "tests.e2e.killpoints", str(self.armed)]
        self.product.start("--dispatcher", "--cluster", "main")

    @property
    def armed(self) -> Path:
        """Return the directory of the files that arm a point."""
        directory = self.product.folder / "armed"
        directory.mkdir(exist_ok=True)
        return directory

    def kill(self, point: str, victim: str, job: int) -> None:
        """Kill the victim the next time that somebody passes the point.

        Whoever passes may itself be dying of the step before, and not get to it: then again.
        """
        wait_until(lambda: self._strike(point, victim, job), what=f"{victim} dies at {point!r}")
        if victim == "everything":
            for part in self.product.parts:
                part.wait(10)
            self.product.parts.clear()
            self.start()

    def _strike(self, point: str, victim: str, job: int) -> bool:
        """Arm the point, make somebody pass it, and say whether the victim has died."""
        victims = self._pids(victim)
        path = self.armed / point
        taken = path.with_suffix(killpoints.TAKEN)
        taken.unlink(missing_ok=True)
        path.with_suffix(".new").write_text(" ".join(map(str, victims)))
        path.with_suffix(".new").rename(path)
        self.product.trigger(job)
        wait_until(taken.exists, what=f"somebody passes {point!r}")
        deadline = time.monotonic() + DYING_SECONDS
        while any(map(is_alive, victims)) and time.monotonic() < deadline:
            time.sleep(0.01)
        return not any(map(is_alive, victims))

    def _pids(self, victim: str) -> Sequence[int]:
        match victim:
            case "dispatcher":
                return [self._dispatcher()]
            case "worker":
                return self._tree().workers
            case "sentinel":
                return [self._tree().sentinel]
            case "cluster":
                return [self._tree().cluster]
            case "everything":
                return self.product.processes()
            case _:
                return []

    def _tree(self) -> ClusterTree:
        """Return the processes of the cluster, once it has all of them."""
        tree = wait_until(self._whole_tree, what="the pool is complete")
        assert tree is not None
        return tree

    def _whole_tree(self) -> ClusterTree | None:
        (part,) = self.product.parts
        size = int(self.product.environment["WORKERS"]) + 2
        whole = [pid for pid in below(part.pid) if [len(below(c)) for c in below(pid)] == [size]]
        return ClusterTree(whole[0]) if whole else None

    def _dispatcher(self) -> int:
        """Return the child of the supervisor that has no children."""
        (part,) = self.product.parts
        found = wait_until(
            lambda: [pid for pid in below(part.pid) if not below(pid)], what="a dispatcher runs"
        )
        return found[0]

    def upset_servers(self) -> Counter[str]:
        """Crash and empty what stands behind the product; return what was done."""
        done: Counter[str] = Counter()
        if self.postgres is not None:
            self.postgres.stop("immediate")
            self.postgres.start()
            self.product.ask("reconnect")
            done["PostgreSQL crashed"] += 1
        if self.redis is not None:
            self.redis.empty()
            self.redis.kill()
            self.redis.start()
            done["Redis emptied and crashed"] += 1
        return done


@pytest.mark.short
def test_a_kill_at_some_points_loses_and_doubles_nothing(
    make_product: Callable[..., Product], migrated: Callable[[], Postgres]
) -> None:
    steps = [(point, SELF) for point in ("insert", "start", STORED)]
    with bench_on("sqlite", make_product, migrated) as bench:
        figures = storm(bench, steps, "shortest")

    assert figures["kills"] == len(steps), figures


@pytest.mark.parametrize("database", DATABASES)
def test_a_kill_at_each_point_loses_and_doubles_nothing(
    make_product: Callable[..., Product], database: str, migrated: Callable[[], Postgres]
) -> None:
    with bench_on(database, make_product, migrated) as bench:
        steps = [(point, SELF) for point in bench.points]
        if database == "postgres":  # what differs from SQLite and from Redis: the transactions
            steps = [(point, SELF) for point in ("insert", "claim", "start", "record")]
        elif database == "sqlite":
            steps += OTHERS
        else:  # what the transport adds, and the start that it leads to
            steps = [(point, SELF) for point in (*killpoints.TRANSPORT_ONLY, "start")]

        figures = storm(bench, steps, "short")

    # How many of the kills met a run of the load is chance; that each was done is not.
    assert figures["kills"] == len(steps), figures


@pytest.mark.soak
@pytest.mark.parametrize("database", DATABASES)
def test_a_kill_of_everybody_everywhere_loses_and_doubles_nothing(
    make_product: Callable[..., Product], database: str, migrated: Callable[[], Postgres]
) -> None:
    with bench_on(database, make_product, migrated) as bench:
        total: Counter[str] = Counter()
        for number in range(int(os.environ.get("SOAK_KILL_ROUNDS", "1"))):
            total += storm(bench, list(pairs(bench.points, VICTIMS)), f"round{number}")
    print(f"\n{database}: {dict(total)}; without verdict 0, doubled 0", file=sys.stderr)  # noqa: T201


def storm(bench: Bench, steps: Sequence[Step], name: str) -> Counter[str]:
    """Take the steps under load, calm down, check the account and return the figures."""
    product = bench.product
    bench.start()
    jobs = create_load(product, name, jobs=3)
    by_hand = create_by_hand(product, name)
    figures: Counter[str] = Counter()
    for number, (point, victim) in enumerate(steps):
        bench.kill(point, victim, by_hand)
        figures["kills"] += 1
        if number % 10 == 2:
            figures += bench.upset_servers()

    wait_until(lambda: has_run(product, jobs, DUE_TIMES), what="each job was due some times")
    settle(product, jobs)
    codes = product.stop()
    assert codes == [0]
    assert product.processes_left() == []
    figures += check_account(product, name, jobs)
    check_logs(product, [by_hand])
    check_counters(product, by_hand)
    figures["attempts started"] += len(product.evidence(name))
    if any(point == STORED for point, _ in steps):
        check_stored(product)
    return figures


def has_run(product: Product, jobs: Sequence[int], times: int) -> bool:
    """Say whether each of the jobs has been due so many times."""
    found = product.sql(
        "SELECT job_id, count(*) FROM jobs_execution WHERE trigger IN ('schedule', 'misfire') "
        "GROUP BY job_id"
    )
    counts = dict(found)
    return all(counts.get(job, 0) >= times for job in jobs)


def check_stored(product: Product) -> None:
    """Check that what was stored of a run before the kill is still there."""
    struck = (product.folder / "armed" / STORED).with_suffix(".struck").read_text()
    assert logs_of(product)[int(struck)].startswith(BEGUN)


@contextmanager
def bench_on(
    database: str, make_product: Callable[..., Product], migrated: Callable[[], Postgres]
) -> Iterator[Bench]:
    """Make a product on a database, with servers of its own behind it."""
    environment = {"WORKERS": "4", "LEASE": "5s", "DRAIN": "5s"}
    postgres: Postgres | None = None
    redis: Redis | None = None
    with ExitStack() as stack:
        if database.startswith("postgres"):
            postgres = migrated()
            name = f"jobdeck_{secrets.token_hex(4)}"
            environment["DATABASE_URL"] = postgres.create(name, template=TEMPLATE)
        if database.endswith("redis"):
            redis = stack.enter_context(own_redis())
            environment["BROKER_URL"] = redis.url
        product = make_product(**environment)
        stack.callback(partial(_end, product))  # before its database goes
        yield Bench(product, postgres, redis)


def _end(product: Product) -> None:
    for pid in product.processes_left():
        signal_to(pid, signal.SIGKILL)
