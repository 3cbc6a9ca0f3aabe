"""The commands over check-ins: jobs that run elsewhere and report."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from jobs.cli import text
from jobs.cli.errors import CliError
from jobs.cli.group import LazyApi, cli, json_option, print_document
from jobs.cli.tables import show as show_list
from jobs.cli.tables import told

if TYPE_CHECKING:
    from jobs.cli.client import Api

_name = click.argument("name", metavar="ID|NAME")


@cli.group("check-ins", invoke_without_command=True)
@click.pass_context
def check_ins(context: click.Context) -> None:
    """Watch jobs that run elsewhere; alone: list."""
    if context.invoked_subcommand is None:
        context.invoke(list_)


@check_ins.command("list")
@json_option
@click.pass_obj
def list_(api: LazyApi, as_json: bool = False) -> None:
    """List check-ins, with how each stands and when it should report next."""
    show_list(
        list(api().pages("/check-ins", limit=500)),
        as_json,
        header=("ID", "STATE", "NAME", "DUE", "LAST SUCCESS", "WHEN"),
        cells=lambda one: (
            one["id"],
            one["state"],
            one["name"],
            text.stamp(one["due_at"]) if one["due_at"] else None,
            text.stamp(one["last_success_at"]),
            one["expression"] or f"every {one['period_seconds']:g} s",
        ),
        empty="No check-in",
    )


@check_ins.command()
@_name
@click.pass_obj
def show(api: LazyApi, name: str) -> None:
    """Show one with its address, as JSON."""
    print_document(api().get(_path(api(), name)))


@check_ins.command()
@click.argument("name")
@click.option("--cron", "expression", default="", help="When it reports.")
@click.option("--every", "period", default=None, metavar="LENGTH", help="Such as 15m.")
@click.option("--grace", default=None, metavar="LENGTH", help="How late it may be.")
@click.option("--timezone", default=None, help="Of the cron expression.")
@click.option("--description", default="")
@json_option
@click.pass_obj
def create(
    api: LazyApi,
    /,
    name: str,
    expression: str,
    period: str | None,
    grace: str | None,
    timezone: str | None,
    description: str,
    as_json: bool,
) -> None:
    """Make one, and print the address at which it reports."""
    given = {
        "name": name,
        "expression": expression,
        "period_seconds": period,
        "grace_seconds": grace,
        "timezone": timezone,
        "description": description,
    }
    asked = {field: value for field, value in given.items() if value not in (None, "")}
    made = api().post("/check-ins", body=asked)
    told(made, f"Check-in {made['id']}: {made['ping_url']}", as_json)


@check_ins.command()
@_name
@json_option
@click.pass_obj
def pause(api: LazyApi, name: str, as_json: bool) -> None:
    """Await nothing until it is resumed."""
    done = api().post(f"{_path(api(), name)}/pause")
    told(done, f"Check-in {done['name']} is paused", as_json)


@check_ins.command()
@_name
@json_option
@click.pass_obj
def resume(api: LazyApi, name: str, as_json: bool) -> None:
    """Await reports again."""
    done = api().post(f"{_path(api(), name)}/resume")
    told(done, f"Check-in {done['name']} goes on", as_json)


@check_ins.command("rotate-key")
@_name
@json_option
@click.pass_obj
def rotate_key(api: LazyApi, name: str, as_json: bool) -> None:
    """Give it another address; the present one is refused at once."""
    done = api().post(f"{_path(api(), name)}/rotate-key")
    told(done, f"Check-in {done['name']}: {done['ping_url']}", as_json)


@check_ins.command()
@_name
@click.pass_obj
def delete(api: LazyApi, name: str) -> None:
    """Delete it with its reports."""
    api().send("DELETE", _path(api(), name))
    click.echo(f"Check-in {name} deleted")


def _path(api: Api, name: str) -> str:
    """Return the address of a check-in that is named, or by its number."""
    if name.isdecimal():
        return f"/check-ins/{name}"
    found = [one for one in api.pages("/check-ins", search=name, limit=500) if one["name"] == name]
    if not found:
        raise CliError(f"check-in '{name[:100]}' not found")
    return f"/check-ins/{found[0]['id']}"
