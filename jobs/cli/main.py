"""`jobctl`: run one command. Ends with 0 when done, 1 when refused or failed, 2 on wrong use."""

from __future__ import annotations

import contextlib
import os
import sys

import click

from jobs.cli.errors import CliError
from jobs.cli.group import cli

__all__ = ["cli", "main", "run_command"]

INTERRUPTED = 130  # what a shell answers after Ctrl-C


def run_command(args: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    try:
        code = cli.main(args=args, prog_name="jobctl", standalone_mode=False)
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


def main() -> None:
    """Run `jobctl`; a reader that has gone when the last output is flushed is no error either."""
    try:
        code = run_command()
        sys.stdout.flush()
    except BrokenPipeError:
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    sys.exit(code)


if __name__ == "__main__":
    main()
