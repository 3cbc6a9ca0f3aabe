"""`jobctl backfill`: run due times of a job's past, follow them, pause, resume or cancel them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from jobs.cli import text
from jobs.cli.errors import CliError
from jobs.cli.group import LazyApi, cli, json_option, print_document
from jobs.cli.targets import given_moment

if TYPE_CHECKING:
    from jobs.cli.client import Api, Document

_PAUSE = 1.0  # seconds between two looks at a backfill that is waited for
_UNFINISHED = ("running", "paused")
_SHOWN = 20  # due times that a preview prints


@cli.command()
@click.argument("name", metavar="JOB")
@click.option("--from", "start", required=True, help="First due time, ISO 8601; inclusive.")
@click.option("--to", "end", default=None, help="Last due time; now by default.")
@click.option(
    "--only",
    type=click.Choice(["missed", "failed", "all"]),
    default="missed",
    show_default=True,
    help="Which due times of the window.",
)
@click.option(
    "--order",
    type=click.Choice(["oldest_first", "newest_first"]),
    default="oldest_first",
    show_default=True,
)
@click.option(
    "--schedule",
    type=click.Choice(["history", "present"]),
    default="history",
    show_default=True,
    help="Whose due times: the schedules of that time, or today's.",
)
@click.option("--pace", default=None, help="Least time between two starts, such as 30s.")
@click.option("--parallel", type=int, default=1, show_default=True, help="At most at a time.")
@click.option("--dry-run", is_flag=True, help="Show the due times and make nothing.")
@click.option("--wait", is_flag=True, help="Wait for the end; a failed run ends with 1.")
@json_option
@click.pass_obj
def backfill(
    api: LazyApi, /, name: str, dry_run: bool, wait: bool, as_json: bool, **asked: Any
) -> None:
    """Run due times of a job's past: those that were missed, that failed, or all."""
    job = api().job(name)
    path, body = f"/jobs/{job['id']}/backfills", _body(**asked)
    if dry_run:
        _show_preview(api().post(f"{path}/preview", body=body), as_json=as_json)
        return
    made = api().post(path, body=body)
    if wait:
        if not as_json:
            click.echo(_line(made))
        made = _wait(api(), made)
    if as_json:
        print_document(made)
    else:
        click.echo(_line(made))
    if wait and (made["state"] != "finished" or made["failed"] or made["cancelled"]):
        raise CliError(f"Backfill #{made['id']} of '{job['name']}' did not succeed everywhere")


def _body(
    *,
    start: str,
    end: str | None,
    only: str,
    order: str,
    schedule: str,
    pace: str | None,
    parallel: int,
) -> Document:
    """Return the request; a moment without an offset is on the local clock."""
    body: Document = {
        "from": given_moment("--from", start),
        "only": only,
        "order": order,
        "schedule": schedule,
        "max_parallel": parallel,
    }
    if end is not None:
        body["to"] = given_moment("--to", end)
    if pace is not None:
        body["pace_seconds"] = pace
    return body


def _show_preview(found: Document, *, as_json: bool) -> None:
    if as_json:
        print_document(found)
        return
    click.echo(f"{found['count']} of {found['due_times']} due times would run")
    for item in found["items"][:_SHOWN]:
        click.echo(f"{text.stamp(item['due_at'])}  {item['now'] or 'no record'}")
    if found["count"] > _SHOWN:
        click.echo(
            f"… and {found['count'] - _SHOWN} more, up to {text.stamp(found['last_due_at'])}"
        )


def _wait(api: Api, made: Document) -> Document:
    """Return the backfill when it is over and nothing of it runs any more."""
    number = made["id"]
    try:
        while made["state"] in _UNFINISHED or made["running"]:
            time.sleep(_PAUSE)
            made = api.get(f"/backfills/{number}")
    except KeyboardInterrupt:
        click.echo(
            f"\nBackfill #{number} goes on; see it with: jobctl backfills show {number}", err=True
        )
        raise
    return made


def _line(made: Document) -> str:
    """Return one line: number, state, and how far it is."""
    done = made["total"] - made["left"] - made["running"]
    waits = f", waits for {made['waits_for']}" if made.get("waits_for") else ""
    return (
        f"Backfill #{made['id']} is {made['state']}: {done} of {made['total']} done, "
        f"{made['succeeded']} succeeded, {made['failed']} failed{waits}"
    )


@cli.group()
def backfills() -> None:
    """Look at backfills and act on them."""


@backfills.command("list")
@click.argument("name", metavar="JOB")
@json_option
@click.pass_obj
def list_(api: LazyApi, name: str, as_json: bool) -> None:
    """List a job's latest backfills."""
    page = api().get(f"/jobs/{api().job(name)['id']}/backfills")
    if as_json:
        print_document(page)
        return
    lines = [_line(one) for one in page["items"]]
    click.echo("\n".join(lines) if lines else "No backfill yet")


@backfills.command()
@click.argument("number", type=int)
@json_option
@click.pass_obj
def show(api: LazyApi, number: int, as_json: bool) -> None:
    """Show how far a backfill is."""
    _told(api().get(f"/backfills/{number}"), as_json=as_json)


@backfills.command()
@click.argument("number", type=int)
@json_option
@click.pass_obj
def pause(api: LazyApi, number: int, as_json: bool) -> None:
    """Start nothing more until it is resumed; what runs goes on."""
    _told(api().post(f"/backfills/{number}/pause"), as_json=as_json)


@backfills.command()
@click.argument("number", type=int)
@json_option
@click.pass_obj
def resume(api: LazyApi, number: int, as_json: bool) -> None:
    """Let a paused backfill go on."""
    _told(api().post(f"/backfills/{number}/resume"), as_json=as_json)


@backfills.command()
@click.argument("number", type=int)
@click.option("--kill", is_flag=True, help="End what it has running, too.")
@json_option
@click.pass_obj
def cancel(api: LazyApi, number: int, kill: bool, as_json: bool) -> None:
    """Give up what has not started."""
    _told(api().post(f"/backfills/{number}/cancel", kill=kill), as_json=as_json)


def _told(found: Document, *, as_json: bool) -> None:
    if as_json:
        print_document(found)
    else:
        click.echo(_line(found))
