"""The commands over alert rules and channels: list, try, create, edit, delete; list and test."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from jobs.cli import text
from jobs.cli.errors import CliError
from jobs.cli.group import LazyApi, cli, json_option, print_document
from jobs.cli.tables import show as show_list
from jobs.cli.tables import told

if TYPE_CHECKING:
    from jobs.cli.client import Document

_number = click.argument("number", metavar="ID", type=click.IntRange(1, 10**18 - 1))
_file = click.argument("file", metavar="FILE|-", type=click.File("rb"))


@cli.group(invoke_without_command=True)
@click.pass_context
def rules(context: click.Context) -> None:
    """Alert rules: those that are built in, and those that people make; alone: list."""
    if context.invoked_subcommand is None:
        context.invoke(list_)


@rules.command("list")
@json_option
@click.pass_obj
def list_(api: LazyApi, as_json: bool = False) -> None:
    """List the built-in rules by name, then people's by number."""
    built_in = api().get("/alerts/rules")["items"]
    own = api().get("/alerts/own-rules")["items"]
    show_list(
        [*built_in, *own],
        as_json,
        header=("ID", "NAME", "ON", "SEVERITY", "WHAT"),
        cells=lambda one: (
            one.get("id"),
            one["name"],
            "yes" if one["enabled"] else "no",
            one["severity"],
            _what(one),
        ),
        empty="No rule",
    )


def _what(rule: Document) -> str:
    if "metric" not in rule:
        return ", ".join(f"{name} {value:g}" for name, value in rule["limits"].items())
    of = rule["job"] or (f"tag {rule['tag']}" if rule["tag"] else "all jobs")
    comparison = f"{rule['metric']} {rule['comparison']} {rule['threshold']:g}"
    return f"{comparison}, {rule['count']} in a row, of {of}"


@rules.command()
@_number
@click.pass_obj
def show(api: LazyApi, number: int) -> None:
    """Show a rule that somebody made, as JSON: what `create` and `edit` take."""
    print_document(api().get(f"/alerts/own-rules/{number}"))


@rules.command("try")
@_file
@json_option
@click.pass_obj
def try_(api: LazyApi, file: Any, as_json: bool) -> None:
    """Tell what a rule of a JSON file would have opened in the last seven days; saves nothing."""
    found = api().post("/alerts/own-rules/trial", content=file.read())
    if as_json:
        print_document(found)
        return
    days = f"since {text.stamp(found['since'])}, over {found['looked_at']} jobs"
    click.echo(f"It would have opened {found['count']} alerts {days}")
    for one in found["items"]:
        click.echo(f"{len(one['opened_at']):>5}  {one['name']}")


@rules.command()
@_file
@json_option
@click.pass_obj
def create(api: LazyApi, file: Any, as_json: bool) -> None:
    """Make a rule from a JSON file (- reads standard input)."""
    made = api().post("/alerts/own-rules", content=file.read())
    told(made, f"Rule {made['id']}, '{made['name']}', created", as_json)


@rules.command()
@_number
@_file
@json_option
@click.pass_obj
def edit(api: LazyApi, number: int, file: Any, as_json: bool) -> None:
    """Change the fields of a rule that a JSON file names."""
    done = api().send("PATCH", f"/alerts/own-rules/{number}", content=file.read()).json()
    told(done, f"Rule {done['id']}, '{done['name']}', saved", as_json)


@rules.command("set")
@click.argument("name")
@click.option("--on/--off", "enabled", default=None, help="Whether it looks.")
@click.option("--severity", default=None, help="critical or warning.")
@click.option("--limit", "limits", multiple=True, metavar="NAME=NUMBER", help="Repeatable.")
@click.option("--mute-seconds", default=None, type=float, help="0 ends the mute.")
@json_option
@click.pass_obj
def set_(
    api: LazyApi,
    /,
    name: str,
    enabled: bool | None,
    severity: str | None,
    limits: tuple[str, ...],
    mute_seconds: float | None,
    as_json: bool,
) -> None:
    """Change a built-in rule."""
    given = {
        "enabled": enabled,
        "severity": severity,
        "limits": dict(_limit(one) for one in limits) or None,
        "mute_seconds": mute_seconds,
    }
    asked = {field: value for field, value in given.items() if value is not None}
    done = api().send("PATCH", f"/alerts/rules/{name}", json_body=asked).json()
    told(done, f"Rule {done['name']} saved", as_json)


def _limit(given: str) -> tuple[str, float]:
    name, _, value = given.partition("=")
    try:
        return name, float(json.loads(value))
    except (ValueError, TypeError):
        raise CliError(f"{given[:60]!r} is no limit. Use NAME=NUMBER.") from None


@rules.command()
@_number
@click.pass_obj
def delete(api: LazyApi, number: int) -> None:
    """Delete a rule that somebody made; its open alerts end."""
    api().send("DELETE", f"/alerts/own-rules/{number}")
    click.echo(f"Rule {number} deleted")


@cli.group(invoke_without_command=True)
@click.pass_context
def channels(context: click.Context) -> None:
    """Where alerts are told; alone: list."""
    if context.invoked_subcommand is None:
        context.invoke(channel_list)


@channels.command("list")
@json_option
@click.pass_obj
def channel_list(api: LazyApi, as_json: bool = False) -> None:
    """List channels."""
    show_list(
        list(api().pages("/channels", limit=500)),
        as_json,
        header=("ID", "NAME", "KIND", "ON", "FROM"),
        cells=lambda one: (
            one["id"],
            one["name"],
            one["kind"],
            "yes" if one["enabled"] else "no",
            one["severity"],
        ),
        empty="No channel",
    )


@channels.command("create")
@_file
@json_option
@click.pass_obj
def channel_create(api: LazyApi, file: Any, as_json: bool) -> None:
    """Make a channel from a JSON file (- reads standard input)."""
    made = api().post("/channels", content=file.read())
    told(made, f"Channel {made['id']}, '{made['name']}', created", as_json)


@channels.command("test")
@_number
@json_option
@click.pass_context
def channel_test(context: click.Context, /, number: int, as_json: bool) -> None:
    """Send a test message; ends with 1 when it was not delivered."""
    found = context.obj().post(f"/channels/{number}/test")
    told(found, "Delivered" if found["delivered"] else f"Failed: {found['error']}", as_json)
    context.exit(0 if found["delivered"] else 1)


@channels.command("delete")
@_number
@click.pass_obj
def channel_delete(api: LazyApi, number: int) -> None:
    """Delete a channel with what waits for it."""
    api().send("DELETE", f"/channels/{number}")
    click.echo(f"Channel {number} deleted")
