"""`jobctl`: run one command. Ends with 0 when done, 1 when refused or failed, 2 on wrong use."""

from __future__ import annotations

import contextlib
import os
import sys

from jobs.cli.ending import exit_code_of
from jobs.cli.group import cli

__all__ = ["cli", "main", "run_command"]


def run_command(args: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    return exit_code_of(cli, "jobctl", args)


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
