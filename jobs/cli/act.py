"""The commands that act: run, wait, kill, pause, resume, delete."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from jobs.cli import text
from jobs.cli.errors import CliError
from jobs.cli.group import LazyApi, cli, json_option, print_document
from jobs.cli.targets import latest
from jobs.domain.states import LIVE

if TYPE_CHECKING:
    from jobs.cli.client import Api, Document

_KILL_PATIENCE = 30.0  # longer than the usual grace period
_SIGNALLED = 128  # what shells add to the number of the signal


@cli.command()
@click.argument("name")
@click.option("--wait/--no-wait", default=True, help="Wait for its end, or only start it.")
@click.option("--exit-code", "own_code", is_flag=True, help="End with the code of the job itself.")
@click.option("--force", is_flag=True, help="Start it past an open circuit breaker.")
@click.option(
    "-p", "--param", "given", metavar="NAME=VALUE", multiple=True, help="A parameter; repeatable."
)
@json_option
@click.pass_context
def run(
    context: click.Context,
    /,
    name: str,
    wait: bool,
    own_code: bool,
    force: bool,
    given: tuple[str, ...],
    as_json: bool,
) -> None:
    """Run a job at once and wait; a failure ends with 1. Ctrl-C leaves the run going."""
    if own_code and not wait:
        raise click.UsageError("--exit-code needs the end of the run: leave out --no-wait.")
    api: LazyApi = context.obj
    parameters = _parameters(given)
    job = api().job(name)
    if not as_json:
        click.echo(f"Running {text.place(job)}...")
    query: dict[str, Any] = {"force": "true"} if force else {}
    body = {"parameters": parameters} if parameters else None
    execution = api().post(f"/jobs/{job['id']}/trigger", body=body, **query)
    if wait:
        _warn_without_workers(api())
        execution = _wait(api(), execution)
    if as_json:
        print_document(execution)
    if not wait:
        if not as_json:
            click.echo(f"Execution #{execution['id']} is {execution['state']}")
    elif execution["state"] != "succeeded":
        reason = execution["message"] or execution["state"]
        click.echo(f"Error: {text.called(job)} failed: {reason}", err=True)
        context.exit(_code_of(execution) if own_code else 1)
    elif not as_json:
        click.echo(f"{text.called(job)} completed successfully")
    if not as_json:
        _tell_warnings(execution)


def _code_of(execution: Document) -> int:
    """Return the code with which a failed job ended, as a shell tells it; 1 where it has none."""
    if execution["exit_code"]:
        return int(execution["exit_code"])
    return _SIGNALLED + int(execution["signal"]) if execution["signal"] else 1


def _parameters(given: tuple[str, ...]) -> dict[str, str]:
    """Return the values by name; the server judges them."""
    values: dict[str, str] = {}
    for one in given:
        name, sign, value = one.partition("=")
        if not sign or not name:
            raise click.UsageError(f"--param {one!r} is not allowed. Write NAME=VALUE.")
        if name in values:
            raise click.UsageError(f"--param {name} is given twice.")
        values[name] = value
    return values


def _tell_warnings(execution: Document) -> None:
    """Repeat what the run has warned of, on standard error."""
    warnings = execution["warnings"] or {"count": 0, "lines": []}
    for line in warnings["lines"]:
        click.echo(f"Warning: {line}", err=True)
    more = warnings["count"] - len(warnings["lines"])
    if more > 0:
        click.echo(f"{more} more warnings are in the log.", err=True)


def _warn_without_workers(api: Api) -> None:
    """Say why nothing happens, instead of waiting in silence."""
    if not api.get("/overview")["dispatcher"]["clusters"]:
        click.echo("No worker is running: the job waits until one is started.", err=True)


def _wait(api: Api, execution: Document) -> Document:
    try:
        return api.until_ended(execution)
    except KeyboardInterrupt:
        number = execution["id"]
        click.echo(f"\nExecution #{number} goes on; see it with: jobctl logs {number} -f", err=True)
        raise


@cli.command()
@click.argument("target", metavar="NAME|ID")
@click.option("--timeout", type=click.FloatRange(min=0), default=None, help="Seconds at most.")
@json_option
@click.pass_context
def wait(context: click.Context, /, target: str, timeout: float | None, as_json: bool) -> None:
    """Wait for the end of an execution, or of a job's latest; 0 when it has succeeded, else 1."""
    api: LazyApi = context.obj
    execution = latest(api(), target)
    try:
        execution = api().until_ended(execution, timeout=timeout)
    except KeyboardInterrupt:
        click.echo(f"\nExecution #{execution['id']} goes on", err=True)
        raise
    if as_json:
        print_document(execution)
    else:
        reason = f": {execution['message']}" if execution["message"] else ""
        click.echo(
            f"Execution #{execution['id']} of '{execution['job']}' is {execution['state']}{reason}"
        )
    context.exit(0 if execution["state"] == "succeeded" else 1)


@cli.command()
@click.argument("name")
@json_option
@click.pass_obj
def kill(api: LazyApi, name: str, as_json: bool) -> None:
    """End what a job has running or waiting, with all its processes."""
    job = api().job(name)
    live = api().live(job)
    if not live:
        raise CliError(f"job '{job['name']}' is not running")
    if not as_json:
        click.echo(f"Killing {text.place(job)}...")
    cancelled = [_cancel(api(), execution) for execution in live]
    ended = [api().until_ended(one, timeout=_KILL_PATIENCE) for one in cancelled]
    if as_json:
        print_document(ended)
    open_ones = [one for one in ended if one["state"] in LIVE]
    if open_ones:
        raise CliError(f"Execution #{open_ones[0]['id']} was asked to end and has not ended yet.")
    if not as_json:
        click.echo(f"{text.called(job)} killed successfully")


def _cancel(api: Api, execution: Document) -> Document:
    """Cancel one execution; one that ended just now is what was wanted."""
    try:
        return api.post(f"/executions/{execution['id']}/cancel")
    except CliError:
        after = api.get(f"/executions/{execution['id']}")
        if after["state"] in LIVE:
            raise
        return after


@cli.command()
@click.argument("name")
@click.option("--reason", default="", help="Shown beside the job and in the ledger.")
@json_option
@click.pass_obj
def pause(api: LazyApi, name: str, reason: str, as_json: bool) -> None:
    """Stop a job's schedules; what runs goes on."""
    job = api().post(f"/jobs/{api().job(name)['id']}/pause", body={"reason": reason})
    _told(job, "paused", as_json)


@cli.command()
@click.argument("name")
@json_option
@click.pass_obj
def resume(api: LazyApi, name: str, as_json: bool) -> None:
    """Let a stopped job's schedules fire again."""
    job = api().post(f"/jobs/{api().job(name)['id']}/resume")
    _told(job, "resumed", as_json)


@cli.command()
@click.argument("name")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@json_option
@click.pass_obj
def delete(api: LazyApi, name: str, yes: bool, as_json: bool) -> None:
    """Delete a job: end what runs, keep its history. Asks first on a terminal."""
    job = api().job(name)
    if not yes and sys.stdin.isatty():
        click.confirm(f"Delete '{job['name']}' and end what it has running?", abort=True)
    api().send("DELETE", f"/jobs/{job['id']}")
    _told(job, "deleted", as_json)


def _told(job: Document, deed: str, as_json: bool) -> None:
    if as_json:
        print_document(job)
    else:
        click.echo(f"Job '{job['name']}' {deed}")
