"""The commands over calendars: list, show, import."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jobs.cli import text
from jobs.cli.ending import Commands
from jobs.cli.errors import CliError
from jobs.cli.group import LazyApi, cli, json_option, print_document

if TYPE_CHECKING:
    from jobs.cli.client import Document

_ROW = "{:<24} {:<6} {:<20} {:<5} {}"


@cli.group(cls=Commands)
def calendar() -> None:
    """Look at calendars and import them."""


@calendar.command("list")
@json_option
@click.pass_obj
def list_(api: LazyApi, as_json: bool) -> None:
    """List the calendars."""
    items = list(_all(api))
    if as_json:
        print_document({"items": items})
        return
    click.echo("\n".join(_lines(items)) if items else "No calendars")


@calendar.command()
@click.argument("name")
@click.option("--count", type=click.IntRange(1, 500), default=10, show_default=True)
@json_option
@click.pass_obj
def show(api: LazyApi, name: str, count: int, as_json: bool) -> None:
    """Show a calendar, and the next stretches that it holds back."""
    found = _named(api, name)
    if as_json:
        print_document(found)
        return
    click.echo(f"{found['name']}: {found['words']}")
    for span in api().get(f"/calendars/{found['id']}/spans", limit=count)["items"]:
        start = text.stamp(span["start"]) if span["start"] else "now"
        end = text.stamp(span["end"]) if span["end"] else "..."
        click.echo(f"{start:<20} {end:<20} {span['reason']}")


@calendar.command("import")
@click.argument("file", metavar="FILE.ics")
@click.option("--name", default="", help="The calendar; by default the file's name.")
@click.option("--zone", default=None, help="IANA time zone, also for times without one.")
@click.option("--allow", is_flag=True, help="Let jobs run inside the windows only.")
@json_option
@click.pass_obj
def import_(
    api: LazyApi, file: str, name: str, zone: str | None, allow: bool, as_json: bool
) -> None:
    """Give a calendar the windows of an iCalendar file; make it when there is none."""
    path = Path(file)
    try:
        content = path.read_bytes()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise CliError(f"Cannot read {file}: {reason}") from error
    query = {"name": name or path.stem, "timezone": zone, "mode": "allow" if allow else None}
    given = {key: value for key, value in query.items() if value}
    made = api().post("/calendars/import", content=content, **given)
    if as_json:
        print_document(made)
    else:
        click.echo(f"Calendar '{made['name']}' has {_windows(made)} now")


def _all(api: LazyApi) -> Iterator[Document]:
    """Yield all calendars, page by page."""
    cursor: str | None = ""
    while cursor is not None:
        page = api().get("/calendars", limit=500, **({"cursor": cursor} if cursor else {}))
        yield from page["items"]
        cursor = page["next_cursor"]


def _named(api: LazyApi, name: str) -> Document:
    """Return the calendar called ``name``."""
    found: list[Document] = []
    if 0 < len(name) <= 200 and "\0" not in name:
        found = api().get("/calendars", name=name, limit=1)["items"]
    if not found:
        raise CliError(f"calendar '{name}' not found")
    return found[0]


def _lines(items: list[Document]) -> Iterator[str]:
    yield _ROW.format("CALENDAR", "MODE", "ZONE", "JOBS", "WORDS")
    for one in items:
        yield _ROW.format(one["name"], one["mode"], one["timezone"], one["jobs"], one["words"])


def _windows(document: Document) -> str:
    count = len(document["windows"])
    return "1 window" if count == 1 else f"{count} windows"
