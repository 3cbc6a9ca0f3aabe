"""The command that prints a shell's completion."""

from __future__ import annotations

import click

from jobs.cli.errors import CliError
from jobs.cli.group import cli

_VARIABLE = "_JOBCTL_COMPLETE"


@cli.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print what makes a shell complete jobctl's commands and options.

    bash: eval "$(jobctl completion bash)"
    """
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    if found is None:
        raise CliError(f"There is no completion for {shell}.")
    maker = found(cli, {}, "jobctl", _VARIABLE)
    # Not `source()`: that of bash runs the bash of this machine to look at its version.
    click.echo(maker.source_template % maker.source_vars())
