"""The command that prints what executions have printed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from jobs.cli import text
from jobs.cli.group import LazyApi, cli, json_option, print_document
from jobs.cli.targets import execution_number, latest, moment_ago

if TYPE_CHECKING:
    from jobs.cli.client import Api, Document


@cli.command()
@click.argument("target", metavar="NAME|ID")
@click.option("-f", "--follow", is_flag=True, help="Go on until the execution has ended.")
@click.option("--tail", type=click.IntRange(0, 10_000), default=0, help="Only the last lines.")
@click.option("--attempt", type=click.IntRange(0, 32_000), default=0, help="Only of one attempt.")
@click.option("--grep", default="", help="Only lines with this text, of all of the job's runs.")
@click.option("--since", default="", help="Of all of the job's runs since then: ISO 8601, or 2h.")
@json_option
@click.pass_obj
def logs(
    api: LazyApi,
    /,
    target: str,
    follow: bool,
    tail: int,
    attempt: int,
    grep: str,
    since: str,
    as_json: bool,
) -> None:
    """Print what an execution, or a job's latest one, has printed."""
    if grep or since:
        if follow or tail or attempt:
            raise click.UsageError("--grep and --since go with none of -f, --tail and --attempt.")
        _print_several(api(), target, grep, since, as_json)
        return
    number = execution_number(target)
    if number is None:
        number = int(latest(api(), target)["id"])
    pieces = api().log_pieces(number, follow=follow, tail=tail, attempt=attempt)
    if as_json:
        print_document({"execution_id": number, "log": _joined(pieces)})
        return
    _print(pieces)


def _print_several(api: Api, target: str, grep: str, since: str, as_json: bool) -> None:
    """Print lines, or whole logs, of all of a job's executions."""
    job = api.job(target)
    query = {"since": moment_ago("--since", since)} if since else {}
    if grep:
        _print_matches(api.search_logs(job, grep, **query), as_json)
        return
    found = list(api.pages("/executions", job_id=job["id"], **query))
    _print_logs(api, found[::-1], as_json)


def _print_matches(found: Iterator[Document], as_json: bool) -> None:
    """Print lines as `grep` does, each with its execution and number; the newest execution first."""
    if as_json:
        print_document({"items": list(found)})
        return
    for item in found:
        click.echo(f"#{item['execution_id']}:{item['line']}: {item['text']}")


def _print_logs(api: Api, executions: list[Document], as_json: bool) -> None:
    """Print several logs, the oldest first, each below a line that names it."""
    if as_json:
        items = [
            {"execution_id": one["id"], "log": _joined(api.log_pieces(one["id"], follow=False))}
            for one in executions
        ]
        print_document({"items": items})
        return
    for one in executions:
        click.echo(f"==> #{one['id']} {text.stamp(one['due_at'])} {one['state']} <==")
        _print(api.log_pieces(one["id"], follow=False))


def _print(pieces: Iterator[bytes]) -> None:
    """Print pieces as they come: whoever follows a log sees each at once."""
    for piece in pieces:
        click.echo(piece, nl=False)


def _joined(pieces: Iterator[bytes]) -> str:
    return b"".join(pieces).decode(errors="replace")
