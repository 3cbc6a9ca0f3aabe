"""The commands over queues and clusters: queues, queue limit/starts/pause/resume, workers, drain, undrain."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import quote

import click

from jobs.cli import text
from jobs.cli.errors import CliError
from jobs.cli.group import LazyApi, cli, json_option, print_document

if TYPE_CHECKING:
    from jobs.cli.client import Api, Document

_QUEUE = "{:<20} {:<7} {:>7} {:>7} {:>6} {:>10} {:<20} {:>8} {}"
_WORKER = "{:<6} {:<10} {:<20} {:<16} {:>5} {:<20} {:<20} {}"


@cli.command()
@json_option
@click.pass_obj
def queues(api: LazyApi, as_json: bool) -> None:
    """List queues: what waits and runs, limits, pauses, who serves them."""
    items = api().get("/queues")["items"]
    if as_json:
        print_document({"items": items})
    else:
        click.echo("\n".join(_queue_lines(items)) if items else "No queue")


@cli.group()
def queue() -> None:
    """Limit, pause or resume a queue."""


@queue.command()
@click.argument("name")
@click.argument("limit", metavar="N|none")
@json_option
@click.pass_obj
def limit(api: LazyApi, name: str, limit: str, as_json: bool) -> None:
    """Let at most N of its executions run at a time, over all clusters."""
    done = api().send("PATCH", _path(name), json_body={"limit": _limit(limit)}).json()
    words = "has no limit" if done["limit"] is None else f"runs at most {done['limit']} at a time"
    _told(done, f"Queue {done['name']} {words}", as_json)


@queue.command()
@click.argument("name")
@click.argument("limit", metavar="N|none")
@json_option
@click.pass_obj
def starts(api: LazyApi, name: str, limit: str, as_json: bool) -> None:
    """Let at most N of its attempts start within any minute, over all clusters."""
    sent = {"starts_per_minute": _limit(limit)}
    done = api().send("PATCH", _path(name), json_body=sent).json()
    number = done["starts_per_minute"]
    words = "may start any number" if number is None else f"starts at most {number}"
    _told(done, f"Queue {done['name']} {words} a minute", as_json)


@queue.command()
@click.argument("name")
@click.option("--reason", default="", help="Shown beside it and in the audit log.")
@json_option
@click.pass_obj
def pause(api: LazyApi, name: str, reason: str, as_json: bool) -> None:
    """Let nothing more of it begin; what runs goes on."""
    done = api().post(f"{_path(name)}/pause", body={"reason": reason})
    _told(done, f"Queue {done['name']} is paused; {done['running']} still running", as_json)


@queue.command()
@click.argument("name")
@json_option
@click.pass_obj
def resume(api: LazyApi, name: str, as_json: bool) -> None:
    """Let what waits in it begin, at once."""
    done = api().post(f"{_path(name)}/resume")
    _told(done, f"Queue {done['name']} goes on; {done['waiting']} waiting", as_json)


@cli.command()
@click.option("--all", "everything", is_flag=True, help="Also those that have ended.")
@json_option
@click.pass_obj
def workers(api: LazyApi, everything: bool, as_json: bool) -> None:
    """List clusters and dispatchers."""
    items = [one for one in _workers(api()) if everything or one["state"] != "gone"]
    if as_json:
        print_document({"items": items})
    else:
        click.echo("\n".join(_worker_lines(items)) if items else "No worker is running")


@cli.command()
@click.argument("worker", metavar="ID|NAME")
@json_option
@click.pass_obj
def drain(api: LazyApi, worker: str, as_json: bool) -> None:
    """Let a cluster take nothing new and finish what it has."""
    done = api().post(f"/workers/{_number(api(), worker)}/drain")
    _told(done, f"{done['name']} takes nothing new; {done['busy']} still running", as_json)


@cli.command()
@click.argument("worker", metavar="ID|NAME")
@json_option
@click.pass_obj
def undrain(api: LazyApi, worker: str, as_json: bool) -> None:
    """Let a drained cluster take work again."""
    done = api().post(f"/workers/{_number(api(), worker)}/undrain")
    _told(done, f"{done['name']} takes work again", as_json)


def _told(done: Document, sentence: str, as_json: bool) -> None:
    if as_json:
        print_document(done)
    else:
        click.echo(sentence)


def _limit(typed: str) -> int | None:
    """Return the number that was typed; None for no limit."""
    if typed.lower() == "none":
        return None
    if not typed.isdecimal():
        raise CliError(f"{typed[:40]!r} is no limit. Use a number, or none.")
    return int(typed)


def _path(name: str) -> str:
    return f"/queues/{quote(name, safe='')}"


def _workers(api: Api) -> list[Document]:
    items: list[Document] = api.get("/workers")["items"]
    return items


def _number(api: Api, worker: str) -> int:
    """Return the number of a living cluster that is named, or by its number."""
    if worker.isdecimal():
        return int(worker)
    living = [one for one in _workers(api) if one["kind"] == "cluster" and one["state"] != "gone"]
    named = [one for one in living if one["name"] == worker]
    if not named:
        raise CliError(f"worker '{worker[:100]}' not found")
    if len(named) > 1:
        numbers = " and ".join(str(one["id"]) for one in named)
        raise CliError(f"workers {numbers} are called {worker}; give the number")
    return int(named[0]["id"])


def _queue_lines(items: list[Document]) -> Iterator[str]:
    yield _QUEUE.format(
        "NAME", "STATE", "WAITING", "RUNNING", "LIMIT", "STARTS/MIN", "OLDEST SINCE", "CLUSTERS", ""
    ).rstrip()
    for one in items:
        missing = [", ".join(gap["requires"]) for gap in one["unserved"]]
        alarm = (
            f"no worker serves it{f' with {missing[0]}' if missing[0] else ''}" if missing else ""
        )
        yield _QUEUE.format(
            one["name"],
            "paused" if one["paused_at"] else "open",
            one["waiting"],
            one["running"],
            one["limit"] or "-",
            one["starts_per_minute"] or "-",
            text.stamp(one["oldest_waits_since"]) if one["oldest_waits_since"] else "-",
            one["clusters"],
            alarm or one["pause_reason"],
        ).rstrip()


def _worker_lines(items: list[Document]) -> Iterator[str]:
    yield _WORKER.format("ID", "STATE", "NAME", "HOST", "BUSY", "LAST SIGN", "QUEUES", "LABELS")
    for one in items:
        cluster = one["kind"] == "cluster"
        draining = one["drain_requested_at"] and one["state"] != "gone"
        yield _WORKER.format(
            one["id"],
            "draining" if draining else one["state"],
            one["name"],
            one["host"],
            f"{one['busy']}/{one['slots']}" if cluster else "-",
            text.stamp(one["beat_at"]),
            ",".join(one["queues"]) if cluster else one["kind"],
            ",".join(one["labels"]),
        ).rstrip()
