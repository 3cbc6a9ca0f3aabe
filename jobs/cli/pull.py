"""The command that brings the configuration directory forward."""

from __future__ import annotations

import click

from jobs.cli.group import LazyApi, cli, json_option, print_document


@cli.command()
@json_option
@click.pass_context
def pull(context: click.Context, as_json: bool) -> None:
    """Pull the server's configuration directory from its Git repository, and apply it.

    Ends with 1 when it cannot be pulled, which changes nothing, or when a file of it is broken.
    """
    api: LazyApi = context.obj
    done = api().post("/files/pull")
    if as_json:
        print_document(done)
    else:
        commit = done["pull"]["commit"][:12]
        counts = f"{len(done['applied'])} applied, {done['unchanged']} unchanged"
        click.echo(f"At commit {commit} of {done['pull']['branch']}: {counts}")
        for path in done["gone"]:
            click.echo(f"- {path}")
        for reason in done["broken"].values():
            click.echo(f"Error: {reason}", err=True)
    context.exit(1 if done["broken"] else 0)
