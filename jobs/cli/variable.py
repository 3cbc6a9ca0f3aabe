"""The commands over variables and secrets: list, set, delete."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from jobs.cli import text
from jobs.cli.ending import Commands
from jobs.cli.errors import CliError
from jobs.cli.group import LazyApi, cli, json_option, print_document

if TYPE_CHECKING:
    from jobs.cli.client import Document

_ROW = "{:<28} {:<24} {:<20} {:<12} {}"
_SECRET = "(secret)"  # noqa: S105 - what is shown instead of one


@cli.group(cls=Commands)
def variable() -> None:
    """Look at variables and secrets, and set them."""


@variable.command("list")
@click.option("--job", "job_name", default="", help="Only those of this job.")
@json_option
@click.pass_obj
def list_(api: LazyApi, job_name: str, as_json: bool) -> None:
    """List variables; a secret's value is never shown."""
    query = {"job_id": api().job(job_name)["id"]} if job_name else {}
    items = list(_all(api, **query))
    if as_json:
        print_document({"items": items})
        return
    click.echo("\n".join(_lines(items)) if items else "No variables")


@variable.command("set")
@click.argument("name")
@click.argument("value", required=False)
@click.option("--secret", is_flag=True, help="Write-only: the value is never shown again.")
@click.option("--job", "job_name", default="", help="For this job only; for all by default.")
@click.option("--description", default=None, help="What it is for.")
@json_option
@click.pass_obj
def set_(
    api: LazyApi,
    /,
    name: str,
    value: str | None,
    secret: bool,
    job_name: str,
    description: str | None,
    as_json: bool,
) -> None:
    """Create a variable or change its value; without VALUE, read it from standard input.

    One line end at the end of the input is not part of the value. A secret stays one.
    """
    if value is None:
        value = sys.stdin.read().removesuffix("\n")
    job_id = api().job(job_name)["id"] if job_name else None
    found = _found(api, name, job_id)
    given: dict[str, Any] = {"value": value}
    if secret:
        given["secret"] = True
    if description is not None:
        given["description"] = description
    if found:
        made = api().send("PATCH", f"/variables/{found['id']}", json_body=given).json()
    else:
        made = api().post("/variables", body={**given, "name": name, "job_id": job_id})
    if as_json:
        print_document(made)
    else:
        kind = "Secret" if made["secret"] else "Variable"
        click.echo(f"{kind} '{made['name']}' {'changed' if found else 'created'} ({_scope(made)})")


@variable.command()
@click.argument("name")
@click.option("--job", "job_name", default="", help="The one of this job.")
@click.option("--yes", is_flag=True, help="Delete it although jobs name it.")
@click.pass_obj
def delete(api: LazyApi, name: str, job_name: str, yes: bool) -> None:
    """Delete a variable."""
    found = _found(api, name, api().job(job_name)["id"] if job_name else None)
    if found is None:
        raise CliError(f"variable '{name}' not found")
    params = {"confirm": "true"} if yes else {}
    api().send("DELETE", f"/variables/{found['id']}", params=params)
    click.echo(f"Variable '{name}' deleted ({_scope(found)})")


def _all(api: LazyApi, **query: Any) -> Iterator[Document]:
    """Yield all variables, page by page."""
    cursor: str | None = ""
    while cursor is not None:
        page = api().get("/variables", limit=500, **query, **({"cursor": cursor} if cursor else {}))
        yield from page["items"]
        cursor = page["next_cursor"]


def _found(api: LazyApi, name: str, job_id: int | None) -> Document | None:
    """Return the variable of that name and scope."""
    if not name or len(name) > 200 or "\0" in name:
        return None
    scope: dict[str, Any] = {"scope": "global"} if job_id is None else {"job_id": job_id}
    items: list[Document] = api().get("/variables", name=name, limit=1, **scope)["items"]
    return items[0] if items else None


def _scope(document: Document) -> str:
    return f"job {document['job_name']}" if document["job_id"] else "all jobs"


def _lines(items: list[Document]) -> Iterator[str]:
    yield _ROW.format("VARIABLE", "SCOPE", "SET", "BY", "VALUE")
    for one in items:
        value = _SECRET if one["secret"] else " ".join(one["value"].split())[:60]
        set_at = text.stamp(one["changed_at"])
        yield _ROW.format(one["name"], _scope(one), set_at, one["changed_by"], value)
