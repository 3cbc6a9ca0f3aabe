"""The commands over circuit breakers: breaker list, breaker close, breaker trip."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from jobs.cli import text
from jobs.cli.errors import CliError
from jobs.cli.group import LazyApi, cli, json_option, print_document

if TYPE_CHECKING:
    from jobs.cli.client import Api, Document

_ROW = "{:<6} {:<9} {:<24} {:>5} {:<20} {:<20} {}"


@cli.group()
def breaker() -> None:
    """Look at circuit breakers, close one or trip one."""


@breaker.command(name="list")
@click.option("--state", type=click.Choice(["closed", "open", "half_open"]), default=None)
@json_option
@click.pass_obj
def list_(api: LazyApi, state: str | None, as_json: bool) -> None:
    """List circuit breakers: those with a name, and jobs' own."""
    items = list(_all(api(), state))
    if as_json:
        print_document({"items": items})
    else:
        click.echo("\n".join(_lines(items)) if items else "No circuit breaker")


@breaker.command()
@click.argument("name", metavar="NAME|ID")
@click.option("--reason", default="", help="Shown beside it and in the audit log.")
@json_option
@click.pass_obj
def close(api: LazyApi, name: str, reason: str, as_json: bool) -> None:
    """Close one: its jobs start again from now on, and failures count anew."""
    _act(api(), name, "close", reason, as_json)


@breaker.command()
@click.argument("name", metavar="NAME|ID")
@click.option("--reason", default="", help="Shown beside it and in the audit log.")
@json_option
@click.pass_obj
def trip(api: LazyApi, name: str, reason: str, as_json: bool) -> None:
    """Open one for its open time: due times of its jobs are left out meanwhile."""
    _act(api(), name, "trip", reason, as_json)


def _act(api: Api, name: str, verb: str, reason: str, as_json: bool) -> None:
    found = _named(api, name)
    done = api.post(f"/breakers/{found['id']}/{verb}", body={"reason": reason})
    if as_json:
        print_document(done)
        return
    until = f" until {text.stamp(done['open_until'])}" if done["state"] == "open" else ""
    click.echo(f"Circuit breaker {done['title']} is {done['state']}{until}")


def _named(api: Api, name: str) -> Document:
    """Return a breaker by its number, its name, or the name of the job whose own it is."""
    if name.isdecimal():
        return api.get(f"/breakers/{int(name)}")
    matching = [one for one in _all(api, None) if one["title"].lower() == name.lower()]
    if not matching:
        raise CliError(f"circuit breaker '{name[:100]}' not found")
    if len(matching) > 1:
        numbers = " and ".join(str(one["id"]) for one in matching)
        raise CliError(f"circuit breakers {numbers} are called {name}; give the number")
    return matching[0]


def _all(api: Api, state: str | None) -> Iterator[Document]:
    query: dict[str, object] = {"limit": 500} if state is None else {"limit": 500, "state": state}
    while True:
        page = api.get("/breakers", **query)
        yield from page["items"]
        if page["next_cursor"] is None:
            return
        query["cursor"] = page["next_cursor"]


def _lines(items: list[Document]) -> Iterator[str]:
    yield _ROW.format("ID", "STATE", "NAME", "JOBS", "OPEN UNTIL", "NEXT TEST", "REASON")
    for one in items:
        is_open = one["state"] == "open"
        yield _ROW.format(
            one["id"],
            one["state"],
            one["title"],
            one["jobs"],
            text.stamp(one["open_until"]) if is_open else "-",
            text.stamp(one["next_test_at"]) if one["next_test_at"] else "-",
            one["reason"],
        ).rstrip()
