"""The command over what was missed in an outage."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from jobs.cli import text
from jobs.cli.group import LazyApi, cli, json_option, print_document
from jobs.cli.targets import given_moment

if TYPE_CHECKING:
    from jobs.cli.client import Document

_ROW = "{:<28} {:>8} {:>8}  {}"


@cli.command()
@click.option(
    "--from", "start", metavar="ISO", help="First due time; a day before --to by default."
)
@click.option("--to", "end", metavar="ISO", help="Last due time; now by default.")
@click.option("--latest", is_flag=True, help="One run of each job, for its newest due time.")
@click.option("--run", "acts", is_flag=True, help="Run what was missed, of all jobs.")
@click.option("--cancel", "cancels", is_flag=True, help="Call off what was started for the window.")
@json_option
@click.pass_obj
def missed(
    api: LazyApi,
    /,
    start: str | None,
    end: str | None,
    latest: bool,
    acts: bool,
    cancels: bool,
    as_json: bool,
) -> None:
    """Show what all jobs missed in an outage; --run makes up for it."""
    if acts and cancels:
        raise click.UsageError("Give either --run or --cancel.")
    if cancels and not (start and end):
        raise click.UsageError("--cancel needs --from and --to, as --run printed them.")
    asked = {"from": given_moment("--from", start), "to": given_moment("--to", end)}
    asked = {name: value for name, value in asked.items() if value is not None}
    if cancels:
        done = api().post("/missed/cancel", body=asked)
        _print(done, [f"Called off {len(done['backfill_ids'])} backfills"], as_json=as_json)
        return
    asked["each"] = "latest" if latest else "all"
    if acts:
        made = _run(api, asked)
        _print(made, _started(made), as_json=as_json)
        return
    found = _listed(api, asked)
    _print(found, _lines(found), as_json=as_json)


def _run(api: LazyApi, asked: Document) -> Document:
    """Run batch after batch; each answer names where the next begins."""
    made = api().post("/missed", body=asked)
    # The window of the first answer: due times that pass meanwhile are not part of it.
    asked = {**asked, "from": made["from"], "to": made["to"]}
    last = made
    while last["next_cursor"]:
        last = api().post("/missed", body={**asked, "cursor": last["next_cursor"]})
        made["runs"] += last["runs"]
        made["backfill_ids"] += last["backfill_ids"]
        made["refused"] |= last["refused"]
    made["next_cursor"] = None
    return made


def _listed(api: LazyApi, asked: Document) -> Document:
    found = api().get("/missed", **asked)
    asked = {**asked, "from": found["from"], "to": found["to"]}
    last = found
    while last["next_cursor"]:
        last = api().get("/missed", **asked, cursor=last["next_cursor"])
        found["runs"] += last["runs"]
        found["items"] += last["items"]
    found["next_cursor"] = None
    return found


def _print(document: Document, lines: Iterator[str] | list[str], *, as_json: bool) -> None:
    if as_json:
        print_document(document)
    else:
        click.echo("\n".join(lines))


def _started(made: Document) -> Iterator[str]:
    yield f"Started {_runs(made['runs'])} of {_jobs(len(made['backfill_ids']))}"
    for name, why in made["refused"].items():
        yield f"Left out {name}: {why}"
    if made["backfill_ids"]:
        yield f"Undo: jobctl missed --cancel --from {made['from']} --to {made['to']}"


def _lines(found: Document) -> Iterator[str]:
    if not found["items"]:
        yield "Nothing was missed"
        return
    yield _ROW.format("JOB", "MISSED", "TO RUN", "DUE")
    for one in found["items"]:
        due = f"{text.stamp(one['first_due_at'])} to {text.stamp(one['last_due_at'])}"
        shown = one["refused"] or (due if one["runs"] else _why(one))
        yield _ROW.format(one["name"], one["missed"], one["runs"], shown)
    yield f"{_runs(found['runs'])}; start them with: jobctl missed --run"


def _why(one: Document) -> str:
    parts = {
        "made up for": one["made_up"],
        "in progress": one["in_progress"],
        "in backfills": sum(one["in_backfills"].values()),
        "older": one["older"],
        "lost without a due time": one["without_due_time"],
    }
    return ", ".join(f"{number} {word}" for word, number in parts.items() if number)


def _runs(number: int) -> str:
    return "1 run" if number == 1 else f"{number} runs"


def _jobs(number: int) -> str:
    return "1 job" if number == 1 else f"{number} jobs"
