"""The account after a storm: what the promises of the product say about its tables and the evidence.

Of every job due each second: each due time up to its pause has one verdict, no attempt was started
twice, what is recorded as a success did run, counters, hourly sums, failures in a row and the scores
of queues equal history, and the log of an attempt is an unbroken beginning of what it printed.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.e2e.harness import Product, wait_until

SECOND = timedelta(seconds=1)
LIVE = "('queued', 'claimed', 'running', 'retrying')"
BEGUN, OVER = "begun\n", "over\n"


def create_load(product: Product, name: str, *, jobs: int) -> list[int]:
    """Create jobs that are due each second and leave evidence, every other one for a while."""
    every_second = [{"kind": "interval", "seconds": 1, "anchor": "start"}]
    definitions = [
        _definition(product, name, f"{name}-{number}", 0.7 * (number % 2), schedules=every_second)
        for number in range(jobs)
    ]
    created: list[int] = product.ask("create_jobs", definitions=definitions)
    return created


def create_by_hand(product: Product, name: str) -> int:
    """Create a job that runs when it is told to, before all others, and leaves evidence."""
    definition = _definition(product, name, f"{name}-by-hand", 0.7, schedules=[], priority="high")
    created: list[int] = product.ask("create_jobs", definitions=[definition])
    return created[0]


def _definition(
    product: Product, name: str, job: str, seconds: float, **fields: Any
) -> dict[str, Any]:
    path = product.folder / name
    return {
        "name": job,
        "type": "command",
        "spec": {
            "command": f'echo "$EXECUTION_ID $ATTEMPT" >> {path}; sync {path}; '
            f"echo begun; sleep {seconds}; echo over"
        },
        "overlap": "allow",
        "max_parallel": 50,
        "misfire": "fire_all",
        **fields,
    }


def settle(product: Product, jobs: list[int], *, patience: float = 60) -> None:
    """Pause the jobs and wait until nothing is in progress."""
    for job in jobs:
        product.ask("pause", job_id=job)
    wait_until(
        lambda: not product.sql(f"SELECT id FROM jobs_execution WHERE state IN {LIVE}"),
        what="everything in progress ends",
        patience=patience,
    )


def check_account(product: Product, name: str, jobs: list[int]) -> Counter[str]:
    """Check every promise; return how many executions ended in each state."""
    for job in jobs:
        check_ledger(product, job)
        check_counters(product, job)
    check_hours(product)
    assert product.ask("wrong_figures") == []
    check_evidence(product, name, jobs)
    check_logs(product, jobs)
    places = ", ".join(["%s"] * len(jobs))
    return Counter(
        state
        for (state,) in product.sql(
            f"SELECT state FROM jobs_execution WHERE job_id IN ({places})", *jobs
        )
    )


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


def check_hours(product: Product) -> None:
    """Check the sums by hour, from which the pages are drawn, against history."""
    states = ("succeeded", "failed", "timed_out", "lost", "cancelled", "skipped")
    (stored,) = product.sql(
        f"SELECT {', '.join(f'coalesce(sum({state}), 0)' for state in states)} FROM jobs_stat"
    )
    history = dict(product.sql("SELECT state, count(*) FROM jobs_execution GROUP BY state"))
    assert [int(number) for number in stored] == [history.get(state, 0) for state in states]
    assert product.ask("wrong_hours") == []


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


def check_logs(product: Product, jobs: list[int]) -> None:
    """Check that each success has its whole log, and all others an unbroken beginning of it."""
    printed = logs_of(product)
    places = ", ".join(["%s"] * len(jobs))
    for pk, state in product.sql(
        f"SELECT id, state FROM jobs_execution WHERE job_id IN ({places})", *jobs
    ):
        whole = BEGUN + OVER
        assert whole.startswith(printed[pk]), (pk, state, printed[pk])
        assert state != "succeeded" or printed[pk] == whole, (pk, printed[pk])


def logs_of(product: Product) -> dict[int, str]:
    """Return what is stored of each execution's output."""
    printed: dict[int, str] = defaultdict(str)
    for pk, text in product.ask("logs"):
        printed[pk] += text
    return printed


def moment(text: str) -> datetime:
    """Return a stored moment; SQLite's text has no zone, and means UTC."""
    value = datetime.fromisoformat(text)
    return value if value.tzinfo else value.replace(tzinfo=UTC)
