"""`jobctl top`: what goes on, in the terminal, until q."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from jobs.cli.errors import CliError
from jobs.cli.frame import frame
from jobs.cli.group import LazyApi, cli, json_option, print_document

if TYPE_CHECKING:
    from jobs.cli.client import Api, Document

_LIVE = "running,claimed,retrying"
_FAILURES = "failed,timed_out,lost"
_MOST = 50  # of each sort: more than a terminal shows
_OPEN, _CLOSE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"  # another screen, no cursor
_HOME, _LINE_END, _BELOW = "\x1b[H", "\x1b[K", "\x1b[J"
_QUIT = frozenset(b"qQ\x03")


@cli.command()
@click.option(
    "--interval", type=click.FloatRange(0.5, 3600), default=2.0, show_default=True, help="Seconds."
)
@click.option("--once", is_flag=True, help="Show it once, as is done without a terminal.")
@json_option
@click.pass_obj
def top(api: LazyApi, interval: float, once: bool, as_json: bool) -> None:
    """Watch what runs, what failed, what is next, and the queues; q ends it."""
    if as_json:
        print_document(look(api()))
        return
    size = shutil.get_terminal_size()
    if once or not (sys.stdin.isatty() and sys.stdout.isatty()):
        click.echo("\n".join(frame(look(api()), width=size.columns, height=_MOST * 5)))
        return
    with _screen():
        _watch(api(), interval)


def look(api: Api) -> Document:
    """Return what the picture shows."""
    return {
        "overview": api.get("/overview"),
        "running": api.get("/executions", state=_LIVE, limit=_MOST)["items"],
        "failed": api.get("/executions", state=_FAILURES, limit=_MOST)["items"],
        "next": api.get("/upcoming", limit=_MOST)["items"],
        "queues": api.get("/queues")["items"],
    }


def _watch(api: Api, interval: float) -> None:
    """Draw again and again until q; a server that is away for a while is told and asked again."""
    while True:
        size = shutil.get_terminal_size()
        try:
            lines = frame(look(api), width=size.columns, height=size.lines - 1)
        except CliError as error:
            lines = [f"Error: {error}"[: size.columns]]
        lines.append(f"q ends; every {interval:g} s"[: size.columns])
        drawn = "\r\n".join(f"{line}{_LINE_END}" for line in lines)
        sys.stdout.write(f"{_HOME}{drawn}{_BELOW}")
        sys.stdout.flush()
        if _asked_to_end(interval):
            return


def _asked_to_end(seconds: float) -> bool:
    """Wait for a key, at most so long; say whether it is one that ends."""
    until = time.monotonic() + seconds
    while (rest := until - time.monotonic()) > 0:
        if select.select([sys.stdin], [], [], rest)[0]:
            # Past Python's buffer: what it held back, the next wait would not see.
            keys = os.read(sys.stdin.fileno(), 64)
            if not keys or _QUIT & set(keys):
                return True
    return False


@contextlib.contextmanager
def _screen() -> Iterator[None]:
    """Take the terminal: another screen, keys one by one; give it back whatever happens."""
    import termios
    import tty

    before = termios.tcgetattr(sys.stdin)
    sys.stdout.write(_OPEN)
    try:
        tty.setcbreak(sys.stdin)
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
        sys.stdout.write(_CLOSE)
        sys.stdout.flush()
