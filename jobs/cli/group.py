"""The group of commands, what they share, and where they find the server."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from jobs import __version__
from jobs.cli import text
from jobs.cli.ending import Commands

if TYPE_CHECKING:
    from jobs.cli.client import Api

F = TypeVar("F", bound=Callable[..., Any])

# Which module below this package brings which commands: one is imported when it is asked for.
MODULES: Final[dict[str, tuple[str, ...]]] = {
    "account": ("explain", "ledger"),
    "act": ("delete", "kill", "pause", "resume", "run", "wait"),
    "alerts": ("alerts",),
    "api": ("api",),
    "artifacts": ("artifacts",),
    "backfill": ("backfill", "backfills"),
    "breaker": ("breaker",),
    "calendar": ("calendar",),
    "change": ("change",),
    "check_ins": ("check-ins",),
    "completion": ("completion",),
    "dependencies": ("dependencies",),
    "event": ("event",),
    "figures": ("health", "search", "stats"),
    "files": ("apply", "create", "diff", "export", "validate"),
    "freeze": ("freeze", "freezes", "lift"),
    "imports": ("import",),
    "installation": ("retention", "schema", "selfcheck", "settings"),
    "logs": ("logs",),
    "look": ("list", "next", "show", "status"),
    "missed": ("missed",),
    "people": ("audit", "filters", "preferences", "tokens", "users"),
    "profile": ("login", "profile"),
    "pull": ("pull",),
    "queue": ("drain", "queue", "queues", "undrain", "workers"),
    "rules": ("channels", "rules"),
    "top": ("top",),
    "variable": ("variable",),
    "versions": ("restore", "versions"),
    "workspace": ("workspace", "workspaces"),
}
_MODULE_OF: Final = {command: name for name, commands in MODULES.items() for command in commands}


class LazyCommands(Commands):
    """A group that imports what it needs: the start costs what the one command costs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return sorted(_MODULE_OF)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, imported by now."""
        if cmd_name in _MODULE_OF and cmd_name not in self.commands:
            importlib.import_module(f"jobs.cli.{_MODULE_OF[cmd_name]}")
        return super().get_command(ctx, cmd_name)


class LazyApi:
    """The API, imported when a command first needs it: `next EXPR` and `--help` never do."""

    def __init__(self, *, url: str, token: str, workspace: str, profile: str) -> None:
        """Take the global options."""
        self._url, self._token = url, token
        self._profile = profile
        self.workspace = workspace
        self._api: Api | None = None

    def __call__(self) -> Api:
        """Return the API."""
        if self._api is None:
            from jobs.cli.client import Api

            url, token = self._server()
            self._api = Api(url=url, token=token, workspace=self.workspace)
        return self._api

    def _server(self) -> tuple[str, str]:
        """Return address and token of the server that is meant; two blanks for this very host.

        A profile's token goes to that profile's server alone, never to one that was named.
        """
        if self._url:
            return self._url, self._token
        from jobs.cli.profiles import chosen

        found = chosen(self._profile)
        return ("", "") if found is None else (found.url, self._token or found.token)


def json_option(command: F) -> F:
    """Add ``--json``: the document instead of the lines."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


def print_document(document: object) -> None:
    """Print a document of the API."""
    click.echo(text.as_json(document))


@click.group(cls=LazyCommands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="jobctl")
@click.option(
    "--url",
    envvar=["JOBCTL_URL", "JOBDECK_URL"],
    default="",
    help="Server; by default that of the profile in use, or this host's own.",
)
@click.option(
    "--token", envvar=["JOBCTL_TOKEN", "JOBDECK_TOKEN"], default="", help="Token for the server."
)
@click.option("--profile", envvar="JOBCTL_PROFILE", default="", help="A server of `jobctl login`.")
@click.option("--workspace", default="", help="The jobs of this workspace.")
@click.pass_context
def cli(ctx: click.Context, url: str, token: str, profile: str, workspace: str) -> None:
    """Look at jobs and act on them.

    With JOBCTL_URL and JOBCTL_TOKEN set, or after `jobctl login`, jobctl talks to that server;
    without, it works on the server's own host, whether the web server runs or not.
    """
    ctx.obj = LazyApi(url=url, token=token, workspace=workspace, profile=profile)
