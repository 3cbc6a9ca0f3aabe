"""The files that an execution left: list them, fetch them."""

from __future__ import annotations

import hashlib
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import click

from jobs.cli.errors import CliError
from jobs.cli.group import LazyApi, cli, json_option, print_document

if TYPE_CHECKING:
    from jobs.cli.client import Api, Document


@cli.command()
@click.argument("execution", type=click.IntRange(1, 10**18 - 1))
@click.option("--download", "target", metavar="DIR", default=None, help="Fetch them into DIR.")
@json_option
@click.pass_obj
def artifacts(api: LazyApi, execution: int, target: str | None, as_json: bool) -> None:
    """List the files that an execution left, or fetch them."""
    items = api().get(f"/executions/{execution}/artifacts")["items"]
    if target is not None:
        for item in items:
            _fetch(api(), execution, item, Path(target))
    if as_json:
        print_document({"items": items})
        return
    if not items:
        click.echo(f"Execution #{execution} left no files")
    for item in items:
        click.echo(f"{item['size_bytes']:>12,}  {item['sha256'][:12]}  {item['name']}")


def _fetch(api: Api, execution: int, item: Document, target: Path) -> None:
    """Write a file below ``target``; what it holds is checked against its digest first."""
    content = api.send("GET", f"/executions/{execution}/artifacts/{item['id']}").content
    if hashlib.sha256(content).hexdigest() != item["sha256"]:
        raise CliError(f"{item['name']} came damaged: its SHA-256 is not {item['sha256']}.")
    path = _below(target, item["name"])
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise CliError(f"Cannot write {path}: {error.strerror}") from error


def _below(target: Path, name: str) -> Path:
    """Return where a file goes; no name leads out of the directory, whatever the server says."""
    parts = PurePosixPath(name).parts
    path = target.joinpath(*parts)
    if not parts or ".." in parts or PurePosixPath(name).is_absolute():
        raise CliError(f"The name {name!r} leads out of {target}.")
    if not path.resolve().is_relative_to(target.resolve()):
        raise CliError(f"{path} is behind a link that leads out of {target}.")
    return path
