"""The command that calls any operation of the API: for what has no command of its own."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from jobs.cli.errors import CliError
from jobs.cli.group import LazyApi, cli

_METHODS = ("GET", "POST", "PATCH", "DELETE")


@cli.command("api")
@click.argument("method", type=click.Choice(_METHODS, case_sensitive=False))
@click.argument("path")
@click.option("-d", "--data", default="", metavar="JSON|@FILE|-", help="The body.")
@click.option("-H", "--header", "headers", multiple=True, metavar="NAME:VALUE", help="Repeatable.")
@click.pass_obj
def call(api: LazyApi, method: str, path: str, data: str, headers: tuple[str, ...]) -> None:
    """Call an operation of /api/v1 and print its answer as it is.

    jobctl api GET '/executions?state=failed&limit=5'
    """
    if not path.startswith("/"):
        raise CliError(f"{path[:80]!r} is no path. Use one below /api/v1, such as /jobs.")
    answer = api().send(method.upper(), path, content=_content(data), headers=_headers(headers))
    sys.stdout.buffer.write(answer.content)
    if answer.content and not answer.content.endswith(b"\n"):
        sys.stdout.buffer.write(b"\n")
    sys.stdout.flush()


def _content(data: str) -> bytes:
    """Return the body: as it stands there, of a file, or of standard input."""
    try:
        if data == "-":
            return sys.stdin.buffer.read()
        return Path(data[1:]).read_bytes() if data.startswith("@") else data.encode()
    except OSError as error:
        raise CliError(f"Cannot read {data[1:]}: {error.strerror}") from error


def _headers(given: tuple[str, ...]) -> dict[str, str]:
    found = dict(one.partition(":")[::2] for one in given)
    wrong = next((name for name, value in found.items() if not name.strip() or not value), None)
    if wrong is not None:
        raise CliError(f"{wrong[:80]!r} is no header. Use NAME:VALUE, such as If-Match:3.")
    return {name.strip(): value.strip() for name, value in found.items()}
