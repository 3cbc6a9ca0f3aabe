"""The commands that account for the past, and tell the future: ledger, explain."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

import click

from jobs.cli.group import LazyApi, cli, json_option, print_document

if TYPE_CHECKING:
    from jobs.cli.client import Document

_MARKS = {True: "ok", False: "no", None: "--"}
_UNBALANCED = 1


@cli.command()
@click.argument("name")
@click.option("--from", "start", default="", help="ISO 8601; 24 hours ago by default.")
@click.option("--to", "end", default="", help="ISO 8601; now by default.")
@json_option
@click.pass_context
def ledger(context: click.Context, /, name: str, start: str, end: str, as_json: bool) -> None:
    """Prove that every due time of a period has one verdict. Ends with 1 when it has not."""
    api: LazyApi = context.obj
    given = {"from": _iso(start), "to": _iso(end)}
    query = {key: value for key, value in given.items() if value}
    proof = api().get(f"/jobs/{api().job(name)['id']}/ledger/proof", **query)
    if as_json:
        print_document(proof)
    else:
        click.echo("\n".join(_proof_lines(proof)))
    if not proof["balanced"]:
        context.exit(_UNBALANCED)


def _proof_lines(proof: Document) -> Iterator[str]:
    yield f"{proof['from']} to {proof['to']}"
    yield proof["summary"]
    if proof["pending"]:
        yield f"{proof['pending']:,} more were due and are not decided yet"
    yield "balanced" if proof["balanced"] else "NOT balanced"
    for sort, moments in proof["examples"].items():
        yield from (f"  {sort}: {moment}" for moment in moments)


@cli.command()
@click.argument("name")
@click.argument("at")
@json_option
@click.pass_obj
def explain(api: LazyApi, name: str, at: str, as_json: bool) -> None:
    """Tell why a job did, did not, will or will not run AT a minute or second (ISO 8601).

    Without an offset it is this machine's local time.
    """
    answer = api().get(f"/jobs/{api().job(name)['id']}/explain", at=_iso(at))
    if as_json:
        print_document(answer)
        return
    click.echo(answer["summary"])
    for step in answer["steps"]:
        click.echo(f"  {_MARKS[step['ok']]}  {step['title']}: {step['text']}")


def _iso(text: str) -> str:
    """Give a local time its offset; what is no moment is left for the server to refuse."""
    try:
        return datetime.fromisoformat(text).astimezone().isoformat()
    except (ValueError, OverflowError):
        return text
