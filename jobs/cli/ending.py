"""How a command line ends, whatever came of its command."""

from __future__ import annotations

import click

from jobs.cli.errors import CliError

INTERRUPTED = 130  # what a shell answers after Ctrl-C


class UnknownCommandError(click.UsageError):
    """No such command: ends with 1, wrong arguments of a known one with 2."""

    exit_code = 1


class Commands(click.Group):
    """An unknown command is an error of its own, as in the seed's tool."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            raise UnknownCommandError(error.message, ctx) from error


def exit_code_of(group: click.Group, name: str, args: list[str] | None) -> int:
    """Run one command of a group and return its exit code; what is wrong is told in words."""
    try:
        code = group.main(args=args, prog_name=name, standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return 1
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except SystemExit:
        return 0  # click's answer to a reader that has gone, such as `head`
    except CliError as error:
        click.echo(f"Error: {error}", err=True)
        return 1
    return code if isinstance(code, int) else 0
