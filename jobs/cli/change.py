"""The command that changes many jobs at once: told beforehand, and taken back."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from jobs.cli.errors import CliError
from jobs.cli.group import cli, json_option, print_document

if TYPE_CHECKING:
    from jobs.cli.client import Api, Document


@cli.command()
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--tag", default="", help="Instead of names: the jobs with this tag.")
@click.option("--add-tag", "add_tags", multiple=True, help="Repeatable.")
@click.option("--remove-tag", "remove_tags", multiple=True, help="Repeatable.")
@click.option("--queue", default="", help="Put them into this queue.")
@click.option("--shift", "minutes", default=0, metavar="MINUTES", help="Move times of day.")
@click.option("--undo", multiple=True, metavar="ID:VERSION", help="Take a change back; repeatable.")
@click.option("--dry-run", is_flag=True, help="Tell what would change, and change nothing.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@json_option
@click.pass_context
def change(
    context: click.Context,
    /,
    names: tuple[str, ...],
    tag: str,
    undo: tuple[str, ...],
    dry_run: bool,
    yes: bool,
    as_json: bool,
    **edit: Any,
) -> None:
    """Change tags, queue or times of many jobs at once; --undo takes that back."""
    api = context.obj()
    if undo:
        if names or tag:
            raise click.UsageError("Give either jobs or --undo.")
        shown = [_shown(one) for one in undo]
        context.exit(_made(api.post("/jobs/change/undo", body={"jobs": shown}), as_json, {}))
    found = _chosen(api, names, tag)
    asked = _asked(**edit)
    planned = api.post("/jobs/change/preview", body={"ids": [one["id"] for one in found], **asked})
    ready = [one for one in planned["items"] if not one["error"]]
    if dry_run:
        _tell_plan(planned, as_json)
        context.exit(0 if ready else 1)
    if not as_json:
        _tell_plan(planned, as_json=False)
    if not ready:
        raise CliError("Nothing would change.")
    if not yes and sys.stdin.isatty():
        click.confirm(f"Change {len(ready)} jobs?", abort=True)
    shown = [{"job_id": one["job_id"], "version": one["version"]} for one in ready]
    done = api.post("/jobs/change", body={"jobs": shown, **asked})
    context.exit(_made(done, as_json, {one["job_id"]: one["name"] for one in ready}))


def _chosen(api: Api, names: tuple[str, ...], tag: str) -> list[Document]:
    if bool(names) == bool(tag):
        raise click.UsageError("Give either names or --tag.")
    found = [api.job(name) for name in names] if names else list(api.jobs(tag=tag))
    if not found:
        raise CliError(f"No job has the tag {tag}.")
    return found


def _asked(
    add_tags: tuple[str, ...], remove_tags: tuple[str, ...], queue: str, minutes: int
) -> Document:
    return {
        "add_tags": list(add_tags),
        "remove_tags": list(remove_tags),
        "queue": queue,
        "shift_minutes": minutes,
    }


def _shown(given: str) -> dict[str, int]:
    number, _, version = given.partition(":")
    if not (number.isdecimal() and version.isdecimal()):
        raise CliError(f"{given[:60]!r} is no change. Use ID:VERSION, as the change printed it.")
    return {"job_id": int(number), "version": int(version)}


def _tell_plan(planned: Document, as_json: bool) -> None:
    if as_json:
        print_document(planned)
        return
    for one in planned["items"]:
        if one["error"]:
            click.echo(f"! {one['name']}: {one['error']}")
            continue
        click.echo(f"~ {one['name']}")
        for field, after in one["after"].items():
            click.echo(f"    {field}: {_brief(one['before'][field])} -> {_brief(after)}")


def _brief(value: Any) -> str:
    """Return a value in a few words: of schedules their expressions."""
    if isinstance(value, list):
        parts = [
            str(one.get("expression") or one.get("at") or one["kind"])
            if isinstance(one, dict)
            else str(one)
            for one in value
        ]
        return ", ".join(parts) or "none"
    return str(value)


def _made(done: Document, as_json: bool, names: dict[int, str]) -> int:
    """Tell what became of each; return 1 when one was refused."""
    if as_json:
        print_document(done)
        return 1 if done["refused"] else 0
    for one in done["items"]:
        name = names.get(one["job_id"], f"job {one['job_id']}")
        if one["detail"]:
            click.echo(f"Error: {name}: {one['detail']}", err=True)
    made = [f"{one['job_id']}:{one['version']}" for one in done["items"] if one["version"]]
    click.echo(f"{done['done']} changed, {done['refused']} refused")
    if made and names:
        click.echo("Take it back: jobctl change " + " ".join(f"--undo {one}" for one in made))
    return 1 if done["refused"] else 0
