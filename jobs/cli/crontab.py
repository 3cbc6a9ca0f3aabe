"""`jobctl import crontab`: explain a crontab, propose jobs for it, and make them."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jobs.cli import text
from jobs.cli.errors import CliError
from jobs.cli.group import LazyApi, cli, json_option, print_document

if TYPE_CHECKING:
    from jobs.cli.client import Api
    from jobs.importers.crontab import Line, Wrong
    from jobs.importers.crontab_jobs import Proposal

_ZONES = "zoneinfo/"


@cli.group("import")
def import_() -> None:
    """Make jobs of what another scheduler runs."""


@import_.command()
@click.argument("file", metavar="FILE|-")
@click.option("--system", is_flag=True, help="Each line names its user, as in /etc/crontab.")
@click.option("--zone", default="", help="Zone of the times; by default this machine's.")
@click.option("--home", default=None, help="Where commands run; by default this account's home.")
@click.option("--prefix", default="", help="What the names of the jobs begin with.")
@click.option("--apply", "apply_", is_flag=True, help="Make the jobs; without it they are shown.")
@json_option
@click.pass_context
def crontab(
    context: click.Context,
    /,
    file: str,
    system: bool,
    zone: str,
    home: str | None,
    prefix: str,
    apply_: bool,
    as_json: bool,
) -> None:
    """Explain a crontab (- reads standard input: `crontab -l | jobctl import crontab -`).

    Shows the job for each line. --json prints what `jobctl apply` reads, to be edited before.
    """
    from jobs.importers.crontab import Line, Wrong, read
    from jobs.importers.crontab_jobs import propose

    system = system or file == "/etc/crontab" or file.startswith("/etc/cron.d/")
    found = list(read(read_text(file), system=system))
    at_home = home if home is not None else "" if system else str(Path.home())
    lines = [one for one in found if isinstance(one, Line)]
    made = propose(lines, zone=zone or _local_zone(), home=at_home, prefix=prefix)
    wrong = [one for one in found if isinstance(one, Wrong)]
    for one in wrong:
        click.echo(f"Error: {_shown(file)}:{one.number}: {one.reason}", err=True)
    code = 1 if wrong else 0
    if apply_:
        code = max(code, _make(context.obj, made, file, as_json))
    elif as_json:
        print_document({"jobs": [one.definition for one in made]})
    else:
        _explain(context.obj(), made, lines, wrong)
    context.exit(code)


def read_text(file: str) -> str:
    """Return what a file or the standard input says."""
    from jobs.importers.crontab import MAX_BYTES

    try:
        raw = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise CliError(f"Cannot read {file}: {reason}") from error
    if len(raw) > MAX_BYTES:
        raise CliError(f"{_shown(file)} has {len(raw)} bytes. A crontab has {MAX_BYTES} at most.")
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise CliError(f"{_shown(file)} is not UTF-8 (byte {error.start}).") from error


def _shown(file: str) -> str:
    return "crontab" if file == "-" else file


def _local_zone() -> str:
    """Return the name of this machine's zone, by which its cron goes; UTC when it has none."""
    named = os.environ.get("TZ", "").lstrip(":")
    target = named or os.path.realpath("/etc/localtime")
    return target.rpartition(_ZONES)[2] if _ZONES in target else named or "UTC"


def _explain(
    api: Api, made: Sequence[Proposal], lines: Sequence[Line], wrong: Sequence[Wrong]
) -> None:
    for one, line in zip(made, lines, strict=True):
        for told in _told(api, one, line):
            click.echo(text.clean(told))
    click.echo(f"{len(made)} jobs, {len(wrong)} lines are none. --apply makes them.")


def _told(api: Api, one: Proposal, line: Line) -> Iterator[str]:
    """Yield what a line means: its schedule in words, the job, and what is different from cron."""
    schedules = one.definition["schedules"]
    seen = api.post("/preview", body={"schedules": schedules, "count": 1})
    yield f"line {one.number}: {line.schedule}  {line.command}"
    yield f"  job {one.definition['name']}: {seen['words'] or '; '.join(seen['errors'].values())}"
    if seen["items"]:
        yield f"  first at {text.stamp(seen['items'][0])}"
    yield from (f"  note: {note}" for note in one.notes)


def _make(api: LazyApi, made: Sequence[Proposal], file: str, as_json: bool) -> int:
    """Create what is missing and change what differs, as `apply` does; return the code of the end."""
    from jobs.cli.files import carry_out
    from jobs.cli.plans import placed, plan
    from jobs.importers.jobfiles import read

    definitions = json.dumps([one.definition for one in made]).encode()
    entries = placed(read(definitions, _shown(file)), workspace=api.workspace) if made else []
    return carry_out(api(), plan(api(), entries), dry_run=False, yes=True, as_json=as_json)
