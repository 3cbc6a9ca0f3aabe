"""`templatectl`: what workspaces deploy, fetched from its repositories, over the same API as `jobctl`.

Files are fetched by the server, into its directory of templates. Ends with 0 when done, 1 when
refused or failed, 2 on wrong use.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import click

from jobs import __version__
from jobs.cli import text
from jobs.cli.ending import Commands, exit_code_of
from jobs.cli.errors import CliError
from jobs.cli.group import LazyApi, json_option, print_document

if TYPE_CHECKING:
    from collections.abc import Callable

    from jobs.cli.client import Api, Document

_LIST = "{:<25} {:<14} {:<20} {}"
_USE = "    {:<20} {:<15} {}"


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="templatectl")
@click.option("--url", envvar=["JOBCTL_URL", "JOBDECK_URL"], default="", help="Server.")
@click.option("--token", envvar=["JOBCTL_TOKEN", "JOBDECK_TOKEN"], default="", help="Token for it.")
@click.option("--profile", envvar="JOBCTL_PROFILE", default="", help="A server of `jobctl login`.")
@click.pass_context
def cli(ctx: click.Context, url: str, token: str, profile: str) -> None:
    """Keep the templates that workspaces and jobs deploy."""
    ctx.obj = LazyApi(url=url, token=token, workspace="", profile=profile)


def _path(name: str) -> str:
    return f"/templates/{quote(name, safe='')}"


@cli.command()
@click.argument("name")
@click.argument("url")
@click.option("--path", default="", help="Directory in the repository.")
@click.option("--ref", default="", help="Branch or tag.")
@click.option("--description", default="")
@click.pass_obj
def add(api: LazyApi, /, **told: str) -> None:
    """Fetch a template from a Git repository."""
    made = api().post("/templates", body=told)
    click.echo(f"Template '{made['name']}' added at {made['version']}")


def _all(api: Api) -> list[Document]:
    return list(api.pages("/templates", limit=500))


@cli.command("list")
@click.option("--detailed", is_flag=True, help="With source, digest and workspaces.")
@json_option
@click.pass_obj
def list_(api: LazyApi, detailed: bool, as_json: bool) -> None:
    """List the templates."""
    rows = _all(api())
    if as_json:
        print_document({"items": rows})
        return
    if not rows:
        click.echo("No templates configured")
        return
    click.echo(_LIST.format("TEMPLATE", "VERSION", "UPDATED", "DESCRIPTION"))
    for one in rows:
        updated = text.moment(one["updated_at"])
        stamp = "" if updated is None else f"{updated.astimezone():%Y-%m-%d %H:%M:%S}"
        words = (one["name"], one["version"], stamp, one["description"][:60])
        click.echo(_LIST.format(*words).rstrip())
        if detailed:
            _details(one)


def _details(one: Document) -> None:
    for key in ("source_url", "source_path", "source_ref", "content_hash"):
        click.echo(f"    {key}: {one[key]}")
    users = ", ".join(use["workspace"] for use in one["workspaces"])
    click.echo(f"    workspaces: {users or 'none'}")
    if one["fault"]:
        click.echo(f"    not fetched: {one['fault']}")


@cli.command()
@click.argument("name")
@click.pass_obj
def show(api: LazyApi, name: str) -> None:
    """Print all about a template as JSON."""
    print_document(api().get(_path(name)))


def _chosen(api: Api, name: str | None, every: bool) -> list[str]:
    if bool(name) == every:
        raise click.UsageError("Give either a name or --all.")
    return [one["name"] for one in _all(api)] if every else [str(name)]


def _each(api: Api, name: str | None, every: bool, act: Callable[[str], str]) -> None:
    """Do something to templates; one that fails stops no other, and the command ends with 1."""
    failed = False
    for one in _chosen(api, name, every):
        try:
            click.echo(act(one))
        except CliError as error:
            click.echo(f"Error: {error}", err=True)
            failed = True
    if failed:
        raise click.exceptions.Exit(1)


@cli.command()
@click.argument("name", required=False)
@click.option("--all", "every", is_flag=True)
@click.option("--wait", is_flag=True, help="Wait for the plans, and show what they say.")
@click.pass_obj
def update(api: LazyApi, name: str | None, every: bool, wait: bool) -> None:
    """Fetch templates anew, and plan the workspaces that were deployed from changed ones.

    Nothing is deployed.
    """

    def act(one: str) -> str:
        done = api().post(f"{_path(one)}/update")
        if not done["changed"]:
            return f"Template '{one}' is up to date"
        users = ", ".join(use["workspace"] for use in done["template"]["workspaces"]) or "none"
        version = done["template"]["version"]
        lines = [f"Template '{one}' updated to {version}; workspaces to deploy anew: {users}"]
        return "\n".join([*lines, *_plans(api(), one, done, wait=wait)])

    _each(api(), name, every, act)


@cli.command()
@click.argument("name")
@click.option("--no-wait", is_flag=True, help="Only start the plans.")
@click.pass_obj
def plan(api: LazyApi, name: str, no_wait: bool) -> None:
    """Show what a deployment of each workspace of a template would change; changes nothing.

    Ends with 1 when a plan fails, and with 0 whether there is drift or not.
    """
    done = api().post(f"{_path(name)}/plan")
    lines = _plans(api(), name, done, wait=not no_wait)
    click.echo("\n".join(lines) or f"No workspace is deployed from template '{name}'")
    found = api().get(_path(name))["workspaces"]
    if done["refused"] or (not no_wait and any(use["fault"] for use in found)):
        raise click.exceptions.Exit(1)


def _plans(api: Api, name: str, done: Document, *, wait: bool) -> list[str]:
    """Return a line for each workspace that is planned, or why it is not."""
    if wait:
        for number in done["planned"].values():
            api.until_ended(api.get(f"/executions/{number}"))
        uses = {use["workspace"]: use for use in api.get(_path(name))["workspaces"]}
        lines = [
            _USE.format(room, uses[room]["status"], drift_words(uses[room]))
            for room in done["planned"]
        ]
    else:
        lines = [
            _USE.format(room, "planning", f"run #{number}")
            for room, number in done["planned"].items()
        ]
    return lines + [_USE.format(room, "not planned", why) for room, why in done["refused"].items()]


def drift_words(use: Document) -> str:
    """Return what the last plan says of a workspace."""
    if use["fault"]:
        return f"plan failed: {use['fault'].splitlines()[0]}"
    if use["drift"] is None:
        return "not known"
    if not use["drift"]:
        return "no changes"
    counts = use["changes"]
    words = "{add} to add, {change} to change, {remove} to destroy".format_map(
        {name: counts.get(name, 0) for name in ("add", "change", "remove")}
    )
    elsewhere = use["changed_elsewhere"]
    return f"{words}; changed elsewhere: {', '.join(elsewhere)}" if elsewhere else words


@cli.command()
@click.argument("name", required=False)
@click.option("--all", "every", is_flag=True)
@click.pass_obj
def validate(api: LazyApi, name: str | None, every: bool) -> None:
    """Judge the files of templates."""

    def act(one: str) -> str:
        faults = api().get(_path(one))["faults"]
        if faults:
            raise CliError(f"template '{one}' is broken: {' '.join(faults)}")
        return f"Template '{one}' is valid"

    _each(api(), name, every, act)


@cli.command()
@click.argument("name")
@click.option("--force", is_flag=True, help="Although workspaces name it.")
@click.pass_obj
def remove(api: LazyApi, name: str, force: bool) -> None:
    """Delete a template and its files; what is deployed stays."""
    query: dict[str, Any] = {"params": {"force": "true"}} if force else {}
    api().send("DELETE", _path(name), **query)
    click.echo(f"Template '{name}' removed")


def run_command(args: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    return exit_code_of(cli, "templatectl", args)


def main() -> None:
    """Run `templatectl`."""
    sys.exit(run_command())
