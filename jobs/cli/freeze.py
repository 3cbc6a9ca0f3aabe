"""The commands over freezes: freeze, lift, freezes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from jobs.cli import text
from jobs.cli.group import LazyApi, cli, json_option, print_document
from jobs.cli.targets import given_moment

if TYPE_CHECKING:
    from jobs.cli.client import Document

_ROW = "{:<6} {:<10} {:<24} {:<20} {:<20} {}"


@cli.command()
@click.option("--all", "everything", is_flag=True, help="Freeze every job.")
@click.option("--tag", default="", help="Freeze the jobs with this tag.")
@click.option("--reason", required=True, help="Shown on every page and in the ledger.")
@click.option("--for", "length", default=None, help="How long, such as 2h.")
@click.option("--until", default=None, metavar="ISO", help="When it ends by itself.")
@click.option(
    "--from", "start", default=None, metavar="ISO", help="When it begins; now by default."
)
@json_option
@click.pass_obj
def freeze(
    api: LazyApi,
    /,
    everything: bool,
    tag: str,
    reason: str,
    length: str | None,
    until: str | None,
    start: str | None,
    as_json: bool,
) -> None:
    """Hold back due times, of all jobs or of those with a tag; what runs goes on."""
    if everything == bool(tag):
        raise click.UsageError("Give either --all or --tag TAG.")
    asked = {
        "scope": "tag" if tag else "everything",
        "target": tag,
        "reason": reason,
        "starts_at": given_moment("--from", start),
        "ends_at": given_moment("--until", until),
        "duration_seconds": length,
    }
    made = api().post("/freezes", body=asked)
    if as_json:
        print_document(made)
        return
    jobs = made["jobs"]
    count = f"{jobs} job" if jobs == 1 else f"{jobs} jobs"
    click.echo(f"Freeze {made['id']}: {_what(made)} ({count}) {made['phase']}, {_until(made)}")


@cli.command()
@click.argument("number", metavar="ID", type=click.IntRange(1, 10**18 - 1))
@json_option
@click.pass_obj
def lift(api: LazyApi, number: int, as_json: bool) -> None:
    """End a freeze now, or call off a planned one. Nothing is caught up."""
    lifted = api().post(f"/freezes/{number}/lift")
    if as_json:
        print_document(lifted)
        return
    missed = f"{lifted['left_out']} due times were left out"
    click.echo(f"Freeze {number} lifted; {missed}")


@cli.command()
@click.option("--past", is_flag=True, help="Those that are over.")
@json_option
@click.pass_obj
def freezes(api: LazyApi, past: bool, as_json: bool) -> None:
    """List what is frozen now and what is planned."""
    phases = ("ended", "cancelled") if past else ("holding", "planned")
    items: list[Document] = []
    for phase in phases:
        items += api().get("/freezes", phase=phase, limit=500)["items"]
    if as_json:
        print_document({"items": items})
    else:
        click.echo("\n".join(_lines(items)) if items else "Nothing is frozen")


def _lines(items: list[Document]) -> Iterator[str]:
    yield _ROW.format("ID", "PHASE", "WHAT", "FROM", "UNTIL", "REASON")
    for one in items:
        until = text.stamp(one["ends_at"]) if one["ends_at"] else "lifted"
        yield _ROW.format(
            one["id"], one["phase"], _what(one), text.stamp(one["starts_at"]), until, one["reason"]
        )


def _what(document: Document) -> str:
    return f"tag {document['target']}" if document["target"] else "everything"


def _until(document: Document) -> str:
    end = document["ends_at"]
    return f"until {text.stamp(end)}" if end else f"until: jobctl lift {document['id']}"
