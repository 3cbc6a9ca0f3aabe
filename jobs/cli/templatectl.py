"""`templatectl`: the templates of this host, fetched from their repositories.

It works on the host that has the templates' directory, without a web server. Ends with 0 when done,
1 when refused or failed, 2 on wrong use.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from jobs import __version__
from jobs.cli.ending import Commands, exit_code_of
from jobs.cli.group import json_option, print_document
from jobs.cli.local import local_actor, set_up

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from jobs.models import Template

_LIST = "{:<25} {:<14} {:<20} {}"


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="templatectl")
def cli() -> None:
    """Keep the templates that workspaces and jobs deploy."""


def _service() -> ModuleType:
    """Return the service of templates; the server's settings are read with the first command."""
    set_up()
    from jobs.services import templates

    return templates


def _document(row: Template) -> dict[str, Any]:
    return {
        "name": row.name,
        "description": row.description,
        "source_url": row.source_url,
        "source_path": row.source_path,
        "source_ref": row.source_ref,
        "version": row.version,
        "content_hash": row.content_hash,
        "created_at": row.created_at.isoformat(),
        "updated_at": row.updated_at.isoformat(),
        "workspaces": _service().users_of(row),
    }


@cli.command()
@click.argument("name")
@click.argument("url")
@click.option("--path", default="", help="Directory in the repository.")
@click.option("--ref", default="", help="Branch or tag.")
@click.option("--description", default="")
def add(name: str, url: str, path: str, ref: str, description: str) -> None:
    """Fetch a template from a Git repository."""
    templates = _service()
    source = templates.Source(url=url, path=path, ref=ref)
    row = templates.add(name, source, description=description, actor=local_actor("templatectl"))
    click.echo(f"Template '{row.name}' added at {row.version}")


@cli.command("list")
@click.option("--detailed", is_flag=True, help="With source, digest and workspaces.")
@json_option
def list_(detailed: bool, as_json: bool) -> None:
    """List the templates."""
    rows = [_document(one) for one in _service().list_templates()]
    if as_json:
        print_document({"items": rows})
        return
    if not rows:
        click.echo("No templates configured")
        return
    click.echo(_LIST.format("TEMPLATE", "VERSION", "UPDATED", "DESCRIPTION"))
    for one in rows:
        words = (one["name"], one["version"], one["updated_at"][:19], one["description"][:60])
        click.echo(_LIST.format(*words).rstrip())
        if detailed:
            for key in ("source_url", "source_path", "source_ref", "content_hash"):
                click.echo(f"    {key}: {one[key]}")
            click.echo(f"    workspaces: {', '.join(one['workspaces']) or 'none'}")


@cli.command()
@click.argument("name")
def show(name: str) -> None:
    """Print all about a template as JSON."""
    print_document(_document(_service().get_template(name)))


def _chosen(name: str | None, every: bool) -> list[str]:
    if bool(name) == every:
        raise click.UsageError("Give either a name or --all.")
    return [one.name for one in _service().list_templates()] if every else [str(name)]


def _each(name: str | None, every: bool, act: Callable[[str], str]) -> None:
    """Do something to templates; one that fails stops no other, and the command ends with 1."""
    from jobs.domain.errors import JobdeckError

    failed = False
    for one in _chosen(name, every):
        try:
            click.echo(act(one))
        except JobdeckError as error:
            click.echo(f"Error: {error.message}", err=True)
            failed = True
    if failed:
        raise click.exceptions.Exit(1)


@cli.command()
@click.argument("name", required=False)
@click.option("--all", "every", is_flag=True)
def update(name: str | None, every: bool) -> None:
    """Fetch templates anew."""

    def act(one: str) -> str:
        templates = _service()
        if not templates.update(one, actor=local_actor("templatectl")):
            return f"Template '{one}' is up to date"
        row = templates.get_template(one)
        users = ", ".join(templates.users_of(row)) or "none"
        return f"Template '{one}' updated to {row.version}; workspaces to deploy anew: {users}"

    _each(name, every, act)


@cli.command()
@click.argument("name", required=False)
@click.option("--all", "every", is_flag=True)
def validate(name: str | None, every: bool) -> None:
    """Judge the files of templates."""
    from jobs.domain.errors import InvalidError

    def act(one: str) -> str:
        templates = _service()
        faults = templates.faults_of(templates.get_template(one))
        if faults:
            raise InvalidError(f"template '{one}' is broken: {' '.join(faults)}")
        return f"Template '{one}' is valid"

    _each(name, every, act)


@cli.command()
@click.argument("name")
@click.option("--force", is_flag=True, help="Although workspaces name it.")
def remove(name: str, force: bool) -> None:
    """Delete a template and its files."""
    _service().remove(name, force=force, actor=local_actor("templatectl"))
    click.echo(f"Template '{name}' removed")


def run_command(args: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    from jobs.domain.errors import JobdeckError

    try:
        return exit_code_of(cli, "templatectl", args)
    except JobdeckError as error:
        click.echo(f"Error: {error}", err=True)
        return 1


def main() -> None:
    """Run `templatectl`."""
    sys.exit(run_command())
