"""The commands over figures: stats, health, search."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from jobs.cli.group import LazyApi, cli, json_option, print_document
from jobs.cli.tables import show

if TYPE_CHECKING:
    from jobs.cli.client import Document


@cli.command()
@click.argument("name", required=False)
@click.option("--window", default="7d", help="How long: 24h, 7d, 30d or 90d.")
@json_option
@click.pass_obj
def stats(api: LazyApi, name: str | None, window: str, as_json: bool) -> None:
    """Tell success rate and durations of a job, or of all jobs, against the period before."""
    workspace = api.workspace
    if name is not None:
        found = api().get(f"/jobs/{api().job(name)['id']}/stats", window=window)
    else:
        found = api().get(
            "/stats", window=window, **({"workspace": workspace} if workspace else {})
        )
    if as_json:
        print_document(found)
        return
    now, before = found["now"], found["before"]
    for label, key in (("Ended", "ended"), ("Failed", "failed"), ("Timed out", "timed_out")):
        click.echo(f"{label + ':':<14}{now[key]} (before: {before[key]})")
    rates = (_percent(now["success_rate"]), _percent(before["success_rate"]))
    click.echo(f"{'Success rate:':<14}{rates[0]} (before: {rates[1]})")
    for part in ("p50", "p95", "p99", "longest"):
        pair = (_seconds(now["duration"][part]), _seconds(before["duration"][part]))
        click.echo(f"{part + ':':<14}{pair[0]} (before: {pair[1]})")


@cli.command()
@json_option
@click.pass_obj
def health(api: LazyApi, as_json: bool) -> None:
    """Tell how healthy queues are, and what helps."""
    found = api().get("/queue-health")
    if as_json:
        print_document(found)
        return
    click.echo(f"All in all: {found['health']}")
    show(
        found["items"],
        as_json=False,
        header=("QUEUE", "SCORE", "WAITING", "RUNNING", "FAILED", "PER MINUTE", "WORST"),
        cells=_health,
        empty="No queue",
    )
    for one in found["items"]:
        for advice in one["recommendations"] if one["bottlenecks"] else ():
            click.echo(f"{one['queue']}: {advice}")


def _health(one: Document) -> tuple[object, ...]:
    worst = one["bottlenecks"][0]["description"] if one["bottlenecks"] else None
    return (
        one["queue"],
        f"{one['score']:.2f}",
        one["waiting"],
        one["running"],
        _percent(one["failure_rate"]),
        f"{one['per_minute']:.1f}",
        worst,
    )


@cli.command()
@click.argument("words", nargs=-1, required=True)
@click.pass_obj
def search(api: LazyApi, words: tuple[str, ...]) -> None:
    """Find jobs, executions and pages, as JSON."""
    print_document(api().get("/search", q=" ".join(words)))


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} s"
