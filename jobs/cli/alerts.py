"""The commands over alerts: list, show, ack, mute, resolve."""

from __future__ import annotations

from typing import Any

import click

from jobs.cli import text
from jobs.cli.group import LazyApi, cli, json_option, print_document
from jobs.cli.tables import show as show_list

_ids = click.argument("ids", metavar="ID...", nargs=-1, required=True, type=click.IntRange(1))
_note = click.option("--note", default="", help="Why; shown beside it and in the audit log.")


@cli.group(invoke_without_command=True)
@click.pass_context
def alerts(context: click.Context) -> None:
    """List what is wrong, look after it, mute it or end it; alone: list."""
    if context.invoked_subcommand is None:
        context.invoke(list_)


@alerts.command("list")
@click.option("--all", "everything", is_flag=True, help="Those that are over, too.")
@click.option("--critical", is_flag=True, help="Only critical ones.")
@click.option("--limit", default=100, type=click.IntRange(1, 500), help="How many of each kind.")
@json_option
@click.pass_obj
def list_(
    api: LazyApi,
    /,
    everything: bool = False,
    critical: bool = False,
    limit: int = 100,
    as_json: bool = False,
) -> None:
    """List open and acknowledged alerts, newest first."""
    asked = {"limit": limit, **({"severity": "critical"} if critical else {})}
    phases = [{}] if everything else [{"phase": "open"}, {"phase": "acknowledged"}]
    items = [one for phase in phases for one in api().get("/alerts", **asked, **phase)["items"]]
    show_list(
        items,
        as_json,
        header=("ID", "SEVERITY", "PHASE", "RULE", "SINCE", "JOBS", "TITLE"),
        cells=lambda one: (
            one["id"],
            one["severity"],
            "muted" if one["muted_until"] and one["phase"] == "open" else one["phase"],
            one["rule"],
            text.stamp(one["opened_at"]),
            one["job_count"],
            one["title"],
        ),
        empty="Nothing is wrong" if not everything else "No alert",
    )


@alerts.command()
@click.argument("number", metavar="ID", type=click.IntRange(1, 10**18 - 1))
@click.pass_obj
def show(api: LazyApi, number: int) -> None:
    """Show one with its evidence, its jobs and who was told, as JSON."""
    print_document(api().get(f"/alerts/{number}"))


@alerts.command()
@_ids
@_note
@json_option
@click.pass_context
def ack(context: click.Context, /, ids: tuple[int, ...], note: str, as_json: bool) -> None:
    """Say that somebody looks after them: nobody is reminded any more."""
    _bulk(context, {"action": "acknowledge", "ids": ids, "note": note}, "acknowledged", as_json)


@alerts.command()
@_ids
@click.option("--for", "seconds", default=3600.0, help="Seconds; 0 ends the mute. An hour else.")
@_note
@json_option
@click.pass_context
def mute(
    context: click.Context, /, ids: tuple[int, ...], seconds: float, note: str, as_json: bool
) -> None:
    """Tell nobody of them for a while."""
    word = "muted" if seconds else "no longer muted"
    asked = {"action": "mute", "ids": ids, "seconds": seconds, "note": note}
    _bulk(context, asked, word, as_json)


@alerts.command()
@_ids
@_note
@json_option
@click.pass_context
def resolve(context: click.Context, /, ids: tuple[int, ...], note: str, as_json: bool) -> None:
    """End them by hand; one whose condition still holds is opened anew."""
    _bulk(context, {"action": "resolve", "ids": ids, "note": note}, "ended", as_json)


def _bulk(context: click.Context, asked: dict[str, Any], word: str, as_json: bool) -> None:
    """Do the same to each; end with 1 when one was refused."""
    done = context.obj().post("/alerts/bulk", body=asked)
    if as_json:
        print_document(done)
    else:
        for one in done["items"]:
            if one["detail"]:
                click.echo(f"Error: alert {one['alert_id']}: {one['detail']}", err=True)
            else:
                click.echo(f"Alert {one['alert_id']} is {word}")
    context.exit(1 if done["refused"] else 0)
