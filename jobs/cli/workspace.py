"""The commands over workspaces: list, create, enable, disable, delete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import click

from jobs.cli.group import LazyApi, cli, json_option, print_document

if TYPE_CHECKING:
    from jobs.cli.client import Document

_ROW = "{:<30} {:<9} {:>6} {:>7} {:>9}  {}"


@cli.command()
@json_option
@click.pass_obj
def workspaces(api: LazyApi, as_json: bool) -> None:
    """List workspaces, with how many jobs live in each."""
    items: list[Document] = []
    cursor: str | None = ""
    while cursor is not None:
        page = api().get("/workspaces", limit=500, **({"cursor": cursor} if cursor else {}))
        items += page["items"]
        cursor = page["next_cursor"]
    if as_json:
        print_document({"items": items})
        return
    if not items:
        click.echo("No workspace")
        return
    click.echo(_ROW.format("NAME", "STATE", "JOBS", "PAUSED", "DISABLED", "DESCRIPTION").rstrip())
    for one in items:
        state = "enabled" if one["enabled"] else "disabled"
        numbers = (one["jobs"], one["paused"], one["auto_disabled"])
        description = " ".join(one["description"].split())[:60]
        click.echo(_ROW.format(one["name"], state, *numbers, description).rstrip())


@cli.group()
def workspace() -> None:
    """Create, enable, disable or delete a workspace."""


@workspace.command()
@click.argument("name")
@click.option("--description", default="", help="What it is for.")
@json_option
@click.pass_obj
def create(api: LazyApi, name: str, description: str, as_json: bool) -> None:
    """Create a workspace; jobs are put into it by their definitions."""
    made = api().post("/workspaces", body={"name": name, "description": description})
    _told(made, f"Workspace '{made['name']}' created", as_json)


@workspace.command()
@click.argument("name")
@json_option
@click.pass_obj
def enable(api: LazyApi, name: str, as_json: bool) -> None:
    """Let its jobs fire again."""
    done = _change(api, name, {"enabled": True})
    _told(done, f"Workspace '{done['name']}' is enabled", as_json)


@workspace.command()
@click.argument("name")
@json_option
@click.pass_obj
def disable(api: LazyApi, name: str, as_json: bool) -> None:
    """Hold its jobs back until it is enabled; what runs goes on."""
    done = _change(api, name, {"enabled": False})
    _told(done, f"Workspace '{done['name']}' is disabled", as_json)


@workspace.command()
@click.argument("name")
@click.pass_obj
def delete(api: LazyApi, name: str) -> None:
    """Delete a workspace in which no job lives."""
    api().send("DELETE", _path(name))
    click.echo(f"Workspace '{name}' deleted")


def _change(api: LazyApi, name: str, changes: dict[str, Any]) -> Document:
    document: Document = api().send("PATCH", _path(name), json_body=changes).json()
    return document


def _path(name: str) -> str:
    return f"/workspaces/{quote(name, safe='')}"


def _told(document: Document, words: str, as_json: bool) -> None:
    if as_json:
        print_document(document)
    else:
        click.echo(words)
