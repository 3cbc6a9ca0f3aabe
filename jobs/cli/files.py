"""The commands over files of definitions: create, validate, diff, apply, export."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jobs.cli import text
from jobs.cli.errors import CliError
from jobs.cli.group import LazyApi, cli, json_option, print_document

if TYPE_CHECKING:
    from jobs.cli.client import Api, Document
    from jobs.cli.plans import Step

_SIGNS = {"create": "+", "update": "~", "delete": "-", "broken": "!"}
_SHOWN = 60  # characters of a value in a plan

_paths = click.argument("paths", metavar="FILE|DIR|-...", nargs=-1, required=True)


@cli.command()
@click.argument("file", metavar="FILE|-")
@json_option
@click.pass_obj
def create(api: LazyApi, file: str, as_json: bool) -> None:
    """Create a job from a JSON or YAML file (- reads standard input)."""
    if api.workspace or Path(file).suffix.lower() in (".yaml", ".yml"):
        made = _created(api(), file)
    else:
        made = api().post("/jobs", content=_content(file))
    if as_json:
        print_document(made)
    else:
        click.echo(f"Job '{made['name']}' created")


def _content(file: str) -> bytes:
    """Return a file as it is: the server judges it."""
    try:
        return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise CliError(f"Cannot read {file}: {reason}") from error


def _created(api: Api, file: str) -> Document:
    """Create the one job of a file that has to be read here."""
    from jobs.cli.plans import entries
    from jobs.importers.jobfiles import Broken

    found = entries([file], workspace=api.workspace)
    if len(found) != 1:
        raise CliError(f"{file} holds {len(found)} definitions. Use `jobctl apply` for several.")
    one = found[0]
    if isinstance(one, Broken):
        raise CliError(f"{one.place}: {one.reason}")
    return api.post("/jobs", body=one.value)


@cli.command()
@_paths
@json_option
@click.pass_context
def validate(context: click.Context, /, paths: tuple[str, ...], as_json: bool) -> None:
    """Judge job files; saves nothing. Ends with 1 when one is broken."""
    from jobs.cli.plans import BROKEN

    steps = _planned(context.obj, paths)
    broken = [step for step in steps if step.deed == BROKEN]
    if as_json:
        print_document({"items": [step.document() for step in steps], "broken": len(broken)})
    else:
        _tell_broken(steps)
        click.echo(f"{len(steps) - len(broken)} valid, {len(broken)} broken")
    context.exit(1 if broken else 0)


@cli.command()
@_paths
@click.option("--prune", is_flag=True, help="Also name the jobs that no file names.")
@json_option
@click.pass_context
def diff(context: click.Context, /, paths: tuple[str, ...], prune: bool, as_json: bool) -> None:
    """Show what `apply` would change; saves nothing. Ends with 1 when that is anything."""
    from jobs.cli.plans import KEEP

    api: LazyApi = context.obj
    steps = _planned(api, paths)
    steps += _pruned(api(), steps) if prune else []
    _show(steps, as_json)
    context.exit(1 if any(step.deed != KEEP for step in steps) else 0)


@cli.command()
@_paths
@click.option("--prune", is_flag=True, help="Delete the jobs that no file names.")
@click.option("--dry-run", is_flag=True, help="Show the plan and change nothing.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask before jobs are deleted.")
@json_option
@click.pass_context
def apply(
    context: click.Context,
    /,
    paths: tuple[str, ...],
    prune: bool,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Make the jobs as the files say: create what is missing, change what differs.

    A file holds whole definitions: what one leaves out is the default. A broken one is told with
    file and line, the others are applied. --prune deletes the jobs of the workspace (without
    --workspace: of none) that no file names.
    """
    api: LazyApi = context.obj
    steps = _planned(api, paths)
    steps += _pruned(api(), steps) if prune else []
    context.exit(carry_out(api(), steps, dry_run=dry_run, yes=yes, as_json=as_json))


def carry_out(api: Api, steps: list[Step], *, dry_run: bool, yes: bool, as_json: bool) -> int:
    """Show a plan and do it, unless it is only to be shown; return 1 when something is broken."""
    from jobs.cli.plans import BROKEN, DELETE, carried_out

    if not as_json:
        _show(steps, as_json=False)
    doomed = [step for step in steps if step.deed == DELETE]
    if doomed and not (dry_run or yes) and sys.stdin.isatty():
        click.confirm(f"Delete {len(doomed)} jobs and end what they have running?", abort=True)
    done = steps if dry_run else carried_out(api, steps)
    before = {id(step) for step in steps}
    if as_json:
        _show(done, as_json=True)
    else:
        _tell_broken([one for one in done if one.deed == BROKEN and id(one) not in before])
        click.echo(_summary(done, "to be " if dry_run else ""))
    return 1 if any(step.deed == BROKEN for step in done) else 0


def _planned(api: LazyApi, paths: Sequence[str]) -> list[Step]:
    from jobs.cli.plans import entries, plan

    return plan(api(), entries(paths, workspace=api.workspace))


def _pruned(api: Api, steps: list[Step]) -> list[Step]:
    from jobs.cli.plans import BROKEN, to_delete

    _tell_broken([step for step in steps if step.deed == BROKEN])
    return to_delete(api, steps)


def _show(steps: Sequence[Step], as_json: bool) -> None:
    if as_json:
        counts = {
            deed: sum(step.deed == deed for step in steps)
            for deed in ("create", "update", "keep", "delete", "broken")
        }
        print_document({"items": [step.document() for step in steps], **counts})
        return
    for line in _lines(steps):
        click.echo(line)
    _tell_broken(steps)


def _lines(steps: Sequence[Step]) -> Iterator[str]:
    """Yield a line for each job that is touched, with the fields that change below it."""
    for step in steps:
        if step.deed in ("keep", "broken"):
            continue
        yield f"{_SIGNS[step.deed]} {step.name}"
        for change in step.changes:
            yield f"    {change['field']}: {_value(change['before'])} -> {_value(change['after'])}"


def _value(value: object) -> str:
    written = json.dumps(value, ensure_ascii=False)
    return written if len(written) <= _SHOWN else f"{written[: _SHOWN - 3]}..."


def _tell_broken(steps: Sequence[Step]) -> None:
    """Tell on the error output what is wrong, and what was passed over."""
    for step in steps:
        for warning in step.warnings:
            click.echo(f"Warning: {step.place}: {warning}", err=True)
        if step.deed != "broken":
            continue
        where = ": ".join(part for part in (step.place, step.name) if part)
        click.echo(f"Error: {where}: {step.reason}", err=True)


def _summary(steps: Sequence[Step], prefix: str) -> str:
    words = {
        "create": f"{prefix}created",
        "update": f"{prefix}changed",
        "keep": "unchanged",
        "delete": f"{prefix}deleted",
        "broken": "broken",
    }
    counts = {deed: sum(step.deed == deed for step in steps) for deed in words}
    return ", ".join(f"{counts[deed]} {word}" for deed, word in words.items())


@cli.command()
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--tag", default="", help="Only the jobs with this tag.")
@click.option("--yaml", "as_yaml", is_flag=True, help="Write YAML instead of JSON.")
@click.option("-o", "--output", metavar="FILE", default="", help="Write a file, not the screen.")
@click.option("--json", "_as_json", is_flag=True, help="Write JSON, as is the default.")
@click.pass_obj
def export(
    api: LazyApi, /, names: tuple[str, ...], tag: str, as_yaml: bool, output: str, _as_json: bool
) -> None:
    """Write definitions as `apply` reads them: of the jobs named, or of all."""
    if names and tag:
        raise click.UsageError("Give either names or --tag.")
    found = [api().job(name) for name in names]
    if not names:
        found = list(api().jobs(**({"tag": tag} if tag else {})))
    written = _written({"jobs": _definitions(api(), found)}, as_yaml=as_yaml)
    if not output:
        click.echo(written)
        return
    try:
        Path(output).write_text(f"{written}\n", encoding="utf-8")
    except OSError as error:
        raise CliError(f"Cannot write {output}: {error.strerror}") from error


def _definitions(api: Api, found: Sequence[Document]) -> list[Document]:
    """Return what a person decides about the jobs: the server says which fields these are."""
    schemas = api.get("/openapi.json")["components"]["schemas"]
    fields = [name for name in schemas["JobDefinition"]["properties"] if name != "paused"]
    return [_definition(job, fields) for job in found]


def _definition(job: Document, fields: Sequence[str]) -> Document:
    definition = {name: job[name] for name in fields if name in job}
    # A stopped job must not start to run where it is made anew.
    return definition if job["state"] == "active" else {**definition, "paused": True}


def _written(document: Document, *, as_yaml: bool) -> str:
    if not as_yaml:
        return text.as_json(document)
    from jobs.importers.writing import yaml_text

    return yaml_text(document).rstrip("\n")
