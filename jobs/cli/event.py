"""The command that reports an event."""

from __future__ import annotations

import click

from jobs.cli.group import LazyApi, cli, json_option, print_document


@cli.command()
@click.argument("name", metavar="@EVENT")
@click.option("--detail", default="", help="What happened, for people.")
@click.option("--key", default="", help="A repeated key is the same event.")
@json_option
@click.pass_obj
def event(api: LazyApi, name: str, detail: str, key: str, as_json: bool) -> None:
    """Report an event, such as @deployment: the jobs that wait for it start."""
    made = api().post("/events", body={"event": name, "detail": detail, "key": key})
    if as_json:
        print_document(made)
    else:
        click.echo(f"Event {made['id']}: {made['event']} reported")
