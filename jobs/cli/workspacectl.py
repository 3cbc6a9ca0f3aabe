"""`workspacectl`: deploy, destroy and look at workspaces, over the same API as `jobctl`.

Ends with 0 when done, 1 when refused or failed, 2 on wrong use.
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
    from collections.abc import Iterator

    from jobs.cli.client import Document

_STATUS = "{:<20} {:<15} {:<20} {:<20} {}"
_LIST = "{:<20} {:<9} {:<15} {}"


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="workspacectl")
@click.option("--url", envvar=["JOBCTL_URL", "JOBDECK_URL"], default="", help="Server.")
@click.option("--token", envvar=["JOBCTL_TOKEN", "JOBDECK_TOKEN"], default="", help="Token for it.")
@click.option("--profile", envvar="JOBCTL_PROFILE", default="", help="A server of `jobctl login`.")
@click.pass_context
def cli(ctx: click.Context, url: str, token: str, profile: str) -> None:
    """Deploy, destroy and look at workspaces."""
    ctx.obj = LazyApi(url=url, token=token, workspace="", profile=profile)


def _path(name: str) -> str:
    return f"/workspaces/{quote(name, safe='')}"


def _operate(context: click.Context, name: str, verb: str, body: dict[str, Any]) -> None:
    """Start an operation, wait for its end, and end as it did."""
    api = context.obj()
    doing, done = {"deploy": ("Deploying", "deployed"), "destroy": ("Destroying", "destroyed")}[
        verb
    ]
    click.echo(f"{doing} workspace '{name}'...")
    execution = api.until_ended(api.post(f"{_path(name)}/{verb}", body=body or None))
    if execution["state"] != "succeeded":
        reason = execution["message"] or execution["state"]
        raise CliError(f"workspace '{name}' could not be {done}: {reason}")
    click.echo(f"Workspace '{name}' {done} successfully")


@cli.command()
@click.argument("name")
@click.argument("mode", required=False, default="")
@click.pass_context
def deploy(context: click.Context, name: str, mode: str) -> None:
    """Deploy a workspace and wait, in a mode if one is given."""
    _operate(context, name, "deploy", {"mode": mode} if mode else {})


@cli.command()
@click.argument("name")
@click.argument("mode")
@click.pass_context
def mode(context: click.Context, name: str, mode: str) -> None:
    """Deploy a workspace in another mode and wait."""
    _operate(context, name, "deploy", {"mode": mode})


@cli.command()
@click.argument("name")
@click.pass_context
def destroy(context: click.Context, name: str) -> None:
    """Destroy what a workspace has deployed, and wait."""
    _operate(context, name, "destroy", {})


@cli.command()
@click.argument("name")
@click.pass_context
def plan(context: click.Context, name: str) -> None:
    """Show what a deployment of a workspace would change; changes nothing."""
    api = context.obj()
    execution = api.until_ended(api.post(f"{_path(name)}/plan"))
    if execution["state"] != "succeeded":
        reason = execution["message"] or execution["state"]
        raise CliError(f"workspace '{name}' could not be planned: {reason}")
    click.echo(execution["message"])
    for address in execution["result"].get("changed_elsewhere", []):
        click.echo(f"    changed elsewhere: {address}")


@cli.command()
@click.argument("name", required=False)
@click.option("--all", "every", is_flag=True)
@click.pass_context
def validate(context: click.Context, name: str | None, every: bool) -> None:
    """Judge what workspaces are told: their files, their template, what of it could not be applied."""
    if bool(name) == every:
        raise click.UsageError("Give either a name or --all.")
    api = context.obj()
    found = _all(context.obj) if every else [api.get(_path(str(name)))]
    templates = list(api.pages("/templates", limit=500))
    known = {one["name"].lower(): one for one in templates}
    broken = {one["path"].lower(): one for one in api.pages("/files", state="broken", limit=500)}
    beside = {one.lower() for one in api.get("/templates", limit=1)["unregistered"]}
    faulty = False
    for one in found:
        faults = list(_faults(one, known, beside, broken))
        for fault in faults:
            click.echo(f"Error: workspace '{one['name']}': {fault}", err=True)
        if not faults:
            click.echo(f"Workspace '{one['name']}' is valid")
        faulty = faulty or bool(faults)
    # A file that defines no workspace yet can be broken as well.
    for path, file in broken.items() if every else ():
        room = path.split("/")[1] if path.startswith("workspaces/") else ""
        if room and room not in {one["name"].lower() for one in found}:
            click.echo(f"Error: {file['path']}: {file['fault']}", err=True)
            faulty = True
    if faulty:
        context.exit(1)


def _faults(
    room: Document,
    templates: dict[str, Document],
    beside: set[str],
    broken: dict[str, Document],
) -> Iterator[str]:
    """Yield what is wrong with a workspace."""
    for path, file in broken.items():
        if path.startswith(f"workspaces/{room['name'].lower()}/"):
            line = "" if file["line"] is None else f":{file['line']}"
            yield f"{file['path']}{line}: {file['fault']}"
    named = room["operations"].get("template", "")
    if named and named.lower() not in templates and named.lower() not in beside:
        yield f"template '{named}' not found"
    if named.lower() in templates:
        yield from templates[named.lower()]["faults"]


@cli.command()
@click.argument("name")
@click.pass_obj
def cancel(api: LazyApi, name: str) -> None:
    """End what deploys or destroys a workspace."""
    ended = api().post(f"{_path(name)}/cancel")["cancelled"]
    if not ended:
        raise CliError(f"workspace '{name}' is neither being deployed nor destroyed")
    click.echo(f"Asked {ended} runs of workspace '{name}' to end")


def _all(api: LazyApi) -> list[Document]:
    return list(api().pages("/workspaces", limit=500))


def _moment(value: str | None) -> str:
    at = text.moment(value)
    return "Never" if at is None else f"{at.astimezone():%Y-%m-%d %H:%M}"


@cli.command()
@click.argument("name", required=False)
@json_option
@click.pass_obj
def status(api: LazyApi, name: str | None, as_json: bool) -> None:
    """Show where workspaces stand, or one of them."""
    found = [api().get(_path(name))] if name else _all(api)
    if as_json:
        print_document(found[0] if name else {"items": found})
        return
    if not found:
        click.echo("No workspaces configured")
        return
    click.echo(_STATUS.format("WORKSPACE", "STATUS", "LAST DEPLOYED", "LAST DESTROYED", "ERRORS"))
    for one in found:
        failed = one["status"].endswith("_failed")
        moments = _moment(one["last_deployed_at"]), _moment(one["last_destroyed_at"])
        error = one["last_error"].splitlines()[0] if failed and one["last_error"] else "None"
        click.echo(_STATUS.format(one["name"], one["status"], *moments, error))


@cli.command("list")
@click.option("--detailed", is_flag=True, help="With template and schedules.")
@json_option
@click.pass_obj
def list_(api: LazyApi, detailed: bool, as_json: bool) -> None:
    """List the workspaces."""
    found = _all(api)
    if as_json:
        print_document({"items": found})
        return
    if not found:
        click.echo("No workspaces configured")
        return
    click.echo(_LIST.format("WORKSPACE", "ENABLED", "STATUS", "DESCRIPTION"))
    for one in found:
        words = " ".join(one["description"].split())[:60]
        enabled = "true" if one["enabled"] else "false"
        click.echo(_LIST.format(one["name"], enabled, one["status"], words).rstrip())
        if detailed:
            for key, value in one["operations"].items():
                click.echo(f"    {key}: {value if isinstance(value, str) else text.as_json(value)}")


@cli.command()
@click.argument("name")
@click.pass_obj
def show(api: LazyApi, name: str) -> None:
    """Print all about a workspace as JSON."""
    print_document(api().get(_path(name)))


@cli.command()
@click.argument("name")
@click.pass_obj
def logs(api: LazyApi, name: str) -> None:
    """Print what the last operation of a workspace has printed."""
    number = api().get(_path(name))["execution_id"]
    if number is None:
        raise CliError(f"workspace '{name}' was never deployed or destroyed")
    for piece in api().log_pieces(number, follow=False):
        sys.stdout.buffer.write(piece)


def _options(command: Any) -> Any:
    """Add what `add` and `update` share."""
    for one in (
        click.option("--template", default=None, help="A template by its name."),
        click.option("--description", default=None),
        click.option("--deploy-schedule", multiple=True, metavar="CRON"),
        click.option("--destroy-schedule", multiple=True, metavar="CRON", help="`false`: never."),
    ):
        command = one(command)
    return command


def _told(
    template: str | None, deploy_schedule: tuple[str, ...], destroy_schedule: tuple[str, ...]
) -> dict[str, Any]:
    found: dict[str, Any] = {} if template is None else {"template": template}
    if deploy_schedule:
        found["deploy_schedule"] = list(deploy_schedule)
    if destroy_schedule:
        never = destroy_schedule == ("false",)
        found["destroy_schedule"] = False if never else list(destroy_schedule)
    return found


@cli.command()
@click.argument("name")
@_options
@click.option("--disabled", is_flag=True)
@click.pass_obj
def add(api: LazyApi, /, name: str, description: str | None, disabled: bool, **told: Any) -> None:
    """Create a workspace."""
    body = {"name": name, "description": description or "", "enabled": not disabled}
    api().post("/workspaces", body={**body, "operations": _told(**told)})
    click.echo(f"Workspace '{name}' added")


@cli.command()
@click.argument("name")
@_options
@click.option("--enable/--disable", "enabled", default=None)
@click.pass_obj
def update(
    api: LazyApi, /, name: str, description: str | None, enabled: bool | None, **told: Any
) -> None:
    """Change what is given of a workspace; the rest stays."""
    body: dict[str, Any] = {}
    if description is not None:
        body["description"] = description
    if enabled is not None:
        body["enabled"] = enabled
    if changes := _told(**told):
        body["operations"] = {**api().get(_path(name))["operations"], **changes}
    if not body:
        raise click.UsageError("Nothing to change was given.")
    api().send("PATCH", _path(name), json_body=body)
    click.echo(f"Workspace '{name}' updated")


@cli.command()
@click.argument("name")
@click.option("--force", is_flag=True, help="Destroy what it has deployed first.")
@click.pass_context
def remove(context: click.Context, name: str, force: bool) -> None:
    """Delete a workspace in which no job lives and nothing is deployed."""
    api = context.obj()
    if force and api.get(_path(name))["resources"]:
        _operate(context, name, "destroy", {})
    api.send("DELETE", _path(name))
    click.echo(f"Workspace '{name}' removed")


def run_command(args: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    return exit_code_of(cli, "workspacectl", args)


def main() -> None:
    """Run `workspacectl`."""
    sys.exit(run_command())
