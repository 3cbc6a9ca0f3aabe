"""The commands over the installation: selfcheck, settings, retention, schema."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from jobs.cli import text
from jobs.cli.errors import CliError
from jobs.cli.group import LazyApi, cli, json_option, print_document
from jobs.cli.tables import show

if TYPE_CHECKING:
    from jobs.cli.client import Api, Document

_PATIENCE = 60.0  # the server itself calls a canary bad after half of it
_PAUSE = 0.5
_BAD = "bad"


@cli.command()
@click.option("--canary", is_flag=True, help="Also send a trivial run through the engine.")
@json_option
@click.pass_context
def selfcheck(context: click.Context, /, canary: bool, as_json: bool) -> None:
    """Tell how the installation stands; ends with 1 when a part is bad."""
    api: Api = context.obj()
    found = api.get("/selfcheck")
    if canary:
        finding = _chirp(api)
        found["items"].append(finding)
        found["verdict"] = _BAD if finding["verdict"] == _BAD else found["verdict"]
    if as_json:
        print_document(found)
    else:
        for one in found["items"]:
            click.echo(f"{one['verdict']:<5} {one['part']:<11} {one['text']}")
            if one["advice"]:
                click.echo(f"{'':<17} {one['advice']}")
    context.exit(1 if found["verdict"] == _BAD else 0)


def _chirp(api: Api) -> Document:
    """Send a canary and wait for what it shows."""
    run = api.post("/canary")
    deadline = time.monotonic() + _PATIENCE
    while run["finding"] is None and time.monotonic() < deadline:
        time.sleep(_PAUSE)
        run = api.get(f"/canary/{run['execution_id']}")
    if run["finding"] is None:
        raise CliError(f"Run {run['execution_id']} of the canary has not ended.")
    finding: Document = run["finding"]
    return finding


@cli.command()
@click.option("--set", "only_set", is_flag=True, help="Only those that somebody has set.")
@json_option
@click.pass_obj
def settings(api: LazyApi, only_set: bool, as_json: bool) -> None:
    """List the settings in effect, secrets masked; they are changed in the environment."""
    items = api().get("/settings")["items"]
    show(
        [one for one in items if not only_set or one["source"] != "default"],
        as_json,
        header=("NAME", "SOURCE", "VALUE", "RISKS"),
        cells=lambda one: (one["name"], one["source"], one["value"], ", ".join(one["risks"])),
        empty="Nothing is set",
    )


@cli.command()
@click.option("--run", "acts", is_flag=True, help="Remove it.")
@json_option
@click.pass_obj
def retention(api: LazyApi, acts: bool, as_json: bool) -> None:
    """Tell what a cleanup would remove now; --run removes it, for 20 seconds at most."""
    found = api().post("/retention/run") if acts else api().get("/retention")
    if as_json:
        print_document(found)
        return
    counts = found["removed" if acts else "would_remove"]
    words = ", ".join(f"{number} {name}" for name, number in counts.items())
    click.echo(f"{'Removed' if acts else 'It would remove'}: {words}")
    if not found["complete"]:
        click.echo("There is more; run it again" if acts else "That is at least; there may be more")


@cli.command()
@click.argument("what", type=click.Choice(["job", "workspace"]))
@click.pass_obj
def schema(api: LazyApi, what: str) -> None:
    """Print the JSON Schema of job or workspace files, for an editor."""
    click.echo(text.as_json(api().get(f"/schemas/{what}.json")))
