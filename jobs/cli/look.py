"""The commands that look: list, status, show, next."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from jobs.cli import text
from jobs.cli.group import LazyApi, cli, json_option, print_document

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
    _print_jobs(_of_people(api().jobs()), text.job_list, as_json, api.workspace)


def _of_people(jobs: Iterable[Document]) -> list[Document]:
    """Leave out the jobs that deploy and destroy a workspace: `workspacectl` has these."""
    return [one for one in jobs if one["spec"].get("scope") != "workspace"]


def _print_jobs(
    jobs: list[Document],
    lines: Callable[[list[Document]], Iterator[str]],
    as_json: bool,
    workspace: str,
) -> None:
    if as_json:
        print_document({"items": jobs})
    elif jobs:
        click.echo("\n".join(lines(jobs)))
    else:
        click.echo(text.no_jobs(workspace))


@cli.command()
@click.argument("name", required=False)
@json_option
@click.pass_obj
def status(api: LazyApi, name: str | None, as_json: bool) -> None:
    """Show how the jobs stand, or one in detail."""
    if name is None:
        lines = partial(text.status_list, workspace=api.workspace)
        _print_jobs(_of_people(api().jobs()), lines, as_json, api.workspace)
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
    from jobs.cli import fire_times

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
    if zone:
        from jobs.domain.zones import zone as find_zone

        at = at.astimezone(find_zone(zone))
    return at.isoformat()
