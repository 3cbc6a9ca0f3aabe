"""Alerts of real runs at a real receiver: five failures in a row, a storm, a day of silence."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.harness import Product, wait_until
from tests.receiver import Received, receiver

# What differs from run to run makes no cause of its own.
CAUSES = {
    "refused": "connection refused by the shop's database after $$ ms",
    "quota": "disk quota exceeded: wrote $$ of 4096 bytes",
    "table": "no such table: orders (request $$)",
    "denied": "permission denied on line $$",
}
DAY = 24 * 3600
# Longer than a try that crossed a change of the clock waits for the next.
LONG = 90.0


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """Return a product that looks for alerts every second."""
    folder = tmp_path_factory.mktemp("product")
    product = Product(folder, ALERT_INTERVAL="1s", JOBS_HTTP_ALLOW="127.0.0.1", WORKERS="2")
    product.start("--dispatcher", "--cluster", "main")
    yield product
    product.close()


def channel(product: Product, url: str, tag: str, **fields: Any) -> int:
    """Make a webhook for the alerts of the jobs with a tag."""
    settings = {"url": url, "secret": "s"}
    made: int = product.ask(
        "create_channel",
        name=tag,
        kind="webhook",
        settings=settings,
        routes={"tags": [tag]},
        **fields,
    )
    return made


def messages(product: Product, number: int, columns: str) -> list[list[Any]]:
    """Return what a channel was to be told, or what is known of it."""
    query = f"SELECT {columns} FROM jobs_delivery WHERE channel_id = %s ORDER BY id"
    return product.sql(query, number)


def told(came: list[Received], *, status: int) -> list[dict[str, Any]]:
    """Return the messages that were answered so."""
    return [json.loads(one.body) for one in came if one.status == status]


def test_five_failures_in_a_row_are_told_once_and_so_is_the_recovery(watched: Product) -> None:
    """S0-119, S0-131, S0-132, S0-137, S0-138: with a real dispatcher, cluster and receiver."""
    flag = watched.folder / "mended"
    job = watched.job(
        "fragile",
        f"test -e {flag} || {{ echo out of paper >&2; exit 1; }}",
        auto_disable_after=5,
        tags=["fragile"],
    )
    with receiver() as kept:
        number = channel(watched, kept.url, "fragile", severity="critical")
        runs = [watched.run(job) for _ in range(5)]
        wait_until(lambda: kept.came, what="the alert is told")
        state = watched.sql("SELECT state FROM jobs_job WHERE id = %s", job)
        open_ones = watched.sql(
            "SELECT a.severity, a.job_count, a.execution_count FROM jobs_alert a "
            "JOIN jobs_alertjob m ON m.alert_id = a.id WHERE m.job_id = %s "
            "AND a.resolved_at IS NULL",
            job,
        )
        flag.touch()
        watched.ask("resume", job_id=job)
        mended = watched.run(job)
        wait_until(lambda: len(kept.came) > 1, what="the recovery is told")
        wait_until(
            lambda: not any(at for [at] in messages(watched, number, "next_try_at")),
            what="the outbox is empty",
        )

    found = told(kept.came, status=204)
    assert (runs, mended, state) == (["failed"] * 5, "succeeded", [["auto_disabled"]])
    assert [row[:2] for row in open_ones] == [["critical", 1]]
    assert open_ones[0][2] >= 5
    assert [one["event"] for one in found] in (["opened", "resolved"], ["escalated", "resolved"])
    assert found[0]["alert"]["title"].startswith("fragile: disabled after 5 failures in a row")
    assert len({one["id"] for one in found}) == 2


@pytest.mark.parametrize("each", [10, pytest.param(125, marks=pytest.mark.soak)])
def test_a_storm_of_four_causes_is_four_alerts_told_once_after_a_day_of_silence(
    watched: Product, each: int
) -> None:
    """S4-57, I-29: real runs, the real outbox, and a receiver that refuses for a day."""
    tag = f"storm-{each}"
    definitions = [
        {
            "name": f"{cause}-{each}-{number}",
            "type": "command",
            "spec": {"command": f'echo "{tag}: {line}" >&2; exit 1'},
            "tags": [tag],
            "run_on_create": True,
        }
        for number in range(each)
        for cause, line in CAUSES.items()
    ]
    alerts_of = (
        "SELECT a.id, a.severity, COUNT(*) FROM jobs_alert a JOIN jobs_alertjob m "
        "ON m.alert_id = a.id JOIN jobs_jobtag t ON t.job_id = m.job_id WHERE t.tag = %s "
        "AND a.resolved_at IS NULL AND m.left_at IS NULL GROUP BY a.id, a.severity"
    )
    with receiver() as kept:
        kept.status = 503
        # Without reminders: a day that passed in a second would make them due.
        number = channel(watched, kept.url, tag, remind_seconds=0)
        watched.ask("create_jobs", definitions=definitions)
        wait_until(
            lambda: sum(row[2] for row in watched.sql(alerts_of, tag)) == len(definitions),
            what="every job is in an alert",
            patience=LONG + len(definitions),
        )
        found = watched.sql(alerts_of, tag)
        _wait_for_tries(watched, number, 1)
        watched.ask("age_messages", channel_id=number, seconds=DAY)
        _wait_for_tries(watched, number, 2)
        silent = messages(watched, number, "delivered_at, failed_at")
        kept.status = 204
        watched.ask("age_messages", channel_id=number, seconds=DAY / 48)
        wait_until(
            lambda: not any(at for [at] in messages(watched, number, "next_try_at")),
            what="the receiver has taken everything",
            patience=LONG,
        )

    assert [row[1:] for row in found] == [["warning", each]] * 4
    assert silent == [[None, None]] * 4
    refused, taken = told(kept.came, status=503), told(kept.came, status=204)
    assert [one["event"] for one in taken] == ["opened"] * 4
    assert {one["alert"]["id"] for one in taken} == {row[0] for row in found}
    tokens = {one["id"] for one in taken}
    assert len(tokens) == 4
    assert {one["id"] for one in refused} == tokens
    titles = sorted(one["alert"]["title"] for one in taken)
    assert all(title.startswith(f"{each} jobs: {tag.partition('-')[0]}") for title in titles), (
        titles
    )


def _wait_for_tries(product: Product, number: int, tries: int) -> None:
    """Wait until each of the four messages was tried so often, and the answer is written."""
    wait_until(
        lambda: (
            [
                row[0] >= tries and row[1] != "" and row[2] is None
                for row in messages(product, number, "tries, error, delivered_at")
            ]
            == [True] * 4
        ),
        what=f"four messages have been tried {tries} times",
        patience=LONG,
    )
