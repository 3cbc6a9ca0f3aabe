"""`jobctl import file`: show the jobs of a text of any kind, and make them paused."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

import click

from jobs.cli import text
from jobs.cli.crontab import import_, read_text
from jobs.cli.group import LazyApi, json_option, print_document

if TYPE_CHECKING:
    from jobs.cli.client import Document

KINDS = ("jobs", "crontab", "system_crontab", "cronicle", "tumblebug")


@import_.command("file")
@click.argument("file", metavar="FILE|-")
@click.option("--kind", type=click.Choice(KINDS), help="What it is; by default recognised.")
@click.option("--zone", default="", help="Of times that name none; by default the server's.")
@click.option("--home", default="", help="Where the commands of a crontab run.")
@click.option("--prefix", default="", help="What the names of the jobs begin with.")
@click.option("--tag", default="", help="A tag that each job gets.")
@click.option("--apply", "apply_", is_flag=True, help="Make the jobs, paused; without it: show.")
@json_option
@click.pass_context
def import_file(
    context: click.Context,
    /,
    file: str,
    kind: str | None,
    zone: str,
    home: str,
    prefix: str,
    tag: str,
    apply_: bool,
    as_json: bool,
) -> None:
    """Import job files, a crontab, Cronicle's export or CB-Tumblebug's list (- reads the input).

    Jobs that exist stay as they are; the others are made paused, all of them or none. Ends with 1
    when one is refused.
    """
    api: LazyApi = context.obj
    body = {
        "text": read_text(file),
        "kind": kind,
        "source": "" if file == "-" else PurePath(file).name,
        "timezone": zone,
        "home": home,
        "prefix": prefix,
        "tag": tag,
        "workspace": api.workspace,
    }
    found = api().post("/jobs/import/preview", body=body)
    made = None
    if apply_ and found["create"]:
        made = api().post("/jobs/import", body=body)
    if as_json:
        print_document(found if made is None else made)
    else:
        _tell(found, apply_=apply_)
    context.exit(1 if found["refused"] else 0)


def _tell(found: Document, *, apply_: bool) -> None:
    for one in found["items"]:
        line = f"line {one['line']}: " if one["line"] else ""
        what = one["reason"] if one["deed"] != "create" else one["words"]
        click.echo(text.clean(f"{line}{one['deed']} {one['name']}: {what}"))
        for note in one["notes"] if one["deed"] == "create" else ():
            click.echo(text.clean(f"  note: {note}"))
    done = "made, paused" if apply_ else "new"
    more = "" if apply_ or not found["create"] else " --apply makes them, paused."
    click.echo(
        f"Read as {found['kind']}: {found['create']} {done}, {found['exists']} here already, "
        f"{found['refused']} refused.{more}"
    )
