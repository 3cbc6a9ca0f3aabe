"""The group of commands, what they share, and how `jobctl` ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from jobs import __version__
from jobs.cli import text

if TYPE_CHECKING:
    from jobs.cli.client import Api

F = TypeVar("F", bound=Callable[..., Any])


class UnknownCommandError(click.UsageError):
    """No such command: ends with 1, wrong arguments of a known one with 2."""

    exit_code = 1


class Commands(click.Group):
    """A group for which an unknown command is an error of its own, as in the seed's tool."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            raise UnknownCommandError(error.message, ctx) from error


class LazyApi:
    """The API, imported when a command first needs it: `next EXPR` and `--help` never do."""

    def __init__(self, *, url: str, token: str, workspace: str) -> None:
        """Take the global options."""
        self._options = {"url": url, "token": token, "workspace": workspace}
        self._api: Api | None = None

    def __call__(self) -> Api:
        """Return the API."""
        if self._api is None:
            from jobs.cli.client import Api

            self._api = Api(**self._options)
        return self._api

    def close(self) -> None:
        """Close the connection, if one was made."""
        if self._api is not None:
            self._api.close()


def json_option(command: F) -> F:
    """Add ``--json``: the document instead of the lines."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


def print_document(document: object) -> None:
    """Print a document of the API."""
    click.echo(text.as_json(document))


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="jobctl")
@click.option("--url", envvar="JOBDECK_URL", default="", help="Server; by default this host's own.")
@click.option("--token", envvar="JOBDECK_TOKEN", default="", help="Token for the server.")
@click.option("--workspace", default="", help="Look at the jobs of this workspace.")
@click.pass_context
def cli(ctx: click.Context, url: str, token: str, workspace: str) -> None:
    """Look at jobs and act on them.

    With JOBDECK_URL and JOBDECK_TOKEN set, jobctl talks to that server; without, it works on the
    server's own host, whether the web server runs or not.
    """
    ctx.obj = LazyApi(url=url, token=token, workspace=workspace)
    ctx.call_on_close(ctx.obj.close)
