"""The commands that look: list, status, show, logs, next."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import click

from jobs.cli import fire_times, text
from jobs.cli.errors import CliError
from jobs.cli.group import LazyApi, cli, json_option, print_document
from jobs.domain.zones import zone as find_zone

if TYPE_CHECKING:
    from jobs.cli.client import Api, Document


@cli.command("list")
@click.argument("name", required=False)
@json_option
@click.pass_obj
def list_(api: LazyApi, name: str | None, as_json: bool) -> None:
    """List the jobs, or show the definition of one."""
    if name is not None:
        print_document(api().job(name))
        return
    _print_jobs(list(api().jobs()), text.job_list, as_json)


def _print_jobs(
    jobs: list[Document], lines: Callable[[list[Document]], Iterator[str]], as_json: bool
) -> None:
    if as_json:
        print_document({"items": jobs})
    else:
        click.echo("\n".join(lines(jobs)) if jobs else "No standalone jobs configured")


@cli.command()
@click.argument("name", required=False)
@json_option
@click.pass_obj
def status(api: LazyApi, name: str | None, as_json: bool) -> None:
    """Show how the jobs stand, or one in detail."""
    if name is None:
        _print_jobs(list(api().jobs()), text.status_list, as_json)
        return
    job = api().job(name)
    if as_json:
        print_document(job)
    else:
        click.echo("\n".join(text.status_lines(job, last_error=_last_error(api(), job))))


def _last_error(api: Api, job: Document) -> str:
    """Return how the latest failure ended: ``Command failed: exit status 1``."""
    if not job["last_failure_at"]:
        return ""
    failed = api.executions(job, limit=1, state="failed,timed_out,lost")
    return str(failed[0]["message"] or job["last_error"]) if failed else str(job["last_error"])


@cli.command()
@click.argument("name")
@json_option
@click.pass_obj
def show(api: LazyApi, name: str, as_json: bool) -> None:
    """Print a job's definition, state and counters as JSON."""
    print_document(api().job(name))


@cli.command()
@click.argument("target", metavar="NAME|ID")
@click.option("-f", "--follow", is_flag=True, help="Go on until the execution has ended.")
@click.option("--tail", type=click.IntRange(0, 10_000), default=0, help="Only the last lines.")
@click.option("--attempt", type=click.IntRange(0, 32_000), default=0, help="Only of one attempt.")
@click.option("--grep", default="", help="Only lines with this text, of all of the job's runs.")
@json_option
@click.pass_obj
def logs(
    api: LazyApi, /, target: str, follow: bool, tail: int, attempt: int, grep: str, as_json: bool
) -> None:
    """Print what an execution, or a job's latest one, has printed."""
    if grep:
        if follow or tail or attempt:
            raise click.UsageError("--grep goes with none of -f, --tail and --attempt.")
        _print_matches(api().search_logs(api().job(target), grep), as_json)
        return
    number = _execution_id(api(), target)
    pieces = api().log_pieces(number, follow=follow, tail=tail, attempt=attempt)
    if as_json:
        output = b"".join(pieces).decode(errors="replace")
        print_document({"execution_id": number, "log": output})
        return
    for piece in pieces:
        click.echo(piece, nl=False)


def _print_matches(found: Iterator[Document], as_json: bool) -> None:
    """Print lines as `grep` does, each with its execution and number; the newest execution first."""
    if as_json:
        print_document({"items": list(found)})
        return
    for item in found:
        click.echo(f"#{item['execution_id']}:{item['line']}: {item['text']}")


def _execution_id(api: Api, target: str) -> int:
    """Return the execution that is meant: a number, else the latest of the job of that name."""
    if target.isascii() and target.isdecimal() and len(target) <= 18:
        return int(target)
    job = api.job(target)
    latest = api.executions(job, limit=1)
    if not latest:
        raise CliError(f"job '{job['name']}' has not run yet")
    number: int = latest[0]["id"]
    return number


@cli.command("next")
@click.argument("target", metavar='NAME|"EXPR"')
@click.option("--zone", default=None, help="IANA time zone of the expression. [default: UTC]")
@click.option("--from", "start", default=None, help="ISO 8601 moment to look from; now by default.")
@click.option("--count", type=click.IntRange(1, 1_000_000), default=5, show_default=True)
@click.option("--day-match", type=click.Choice(["any", "all"]), default="any", show_default=True)
@click.option("--seconds-first", is_flag=True, help="Six fields begin with the seconds (Quartz).")
@json_option
@click.pass_obj
def next_(
    api: LazyApi, /, target: str, zone: str | None, start: str | None, as_json: bool, **how: Any
) -> None:
    """Print when a job, or any cron expression, fires next. An expression needs no server."""
    if fire_times.is_expression(target):
        zone = zone or "UTC"
        found = fire_times.fire_times(target, zone_name=zone, start=start, **how)
        items = [fire_times.utc_text(at) for at in found]
    else:
        if zone or start:
            raise click.UsageError("--zone and --from go with an expression, not with a job.")
        job = api().job(target)
        items = api().get(f"/jobs/{job['id']}/next", count=min(how["count"], 1000))["items"]
    if as_json:
        print_document({"items": items})
        return
    for item in items:
        click.echo(_local_text(item, zone))


def _local_text(item: str, zone: str | None) -> str:
    """Return a fire time on the wall clock of its zone, with the offset."""
    at = text.moment(item)
    assert at is not None  # noqa: S101 - an item is never null
    return (at.astimezone(find_zone(zone)) if zone else at).isoformat()
