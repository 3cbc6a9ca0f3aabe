"""The commands over servers that this account knows: login, profile list, use, remove."""

from __future__ import annotations

import re
import sys

import click

from jobs.cli import profiles
from jobs.cli.errors import CliError
from jobs.cli.group import cli, json_option, print_document

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,49}")


@cli.command()
@click.option("--url", required=True, help="The server, such as https://jobs.example.")
@click.option("--token", default="", help="By default it is asked for, or read from a pipe.")
@click.option("--as", "name", default="default", show_default=True, help="The profile's name.")
@json_option
def login(url: str, token: str, name: str, as_json: bool) -> None:
    """Remember a server and a token, and use them from now on.

    Without --token it is asked for, so that it stands in no shell history.
    """
    if name == profiles.HERE or _NAME.fullmatch(name) is None:
        raise click.UsageError(
            f"--as {name[:60]!r} is not allowed. Use letters, digits, dot, dash and underscore; "
            f"{profiles.HERE} is this host."
        )
    value = token or _asked()
    _check(url, value)
    held = profiles.load()
    held.known[name] = profiles.Profile(url=url.rstrip("/"), token=value)
    held.used = name
    profiles.save(held)
    address = held.known[name].url
    told = {"name": name, "url": address, "used": True}
    _told(told, f"Logged in at {address} as profile {name}", as_json)


def _asked() -> str:
    """Return the token that a person types, unseen, or that a pipe holds."""
    if sys.stdin.isatty():
        typed: str = click.prompt("Token", hide_input=True)
        return typed.strip()
    return sys.stdin.readline().strip()


def _check(url: str, token: str) -> None:
    """Refuse what the server does not accept, before it is kept."""
    from jobs.cli.client import Api

    if not token:
        raise CliError("No token was given. Make one with `manage.py create_token`.")
    Api(url=url, token=token).get("/jobs", limit=1)


@cli.group()
def profile() -> None:
    """List, choose and forget the servers of `jobctl login`."""


@profile.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List them; a star marks the one in use. Tokens are not shown."""
    held = profiles.load()
    rows = [(profiles.HERE, "this host"), *((n, one.url) for n, one in sorted(held.known.items()))]
    if as_json:
        items = [{"name": n, "url": u, "used": n == held.used} for n, u in rows[1:]]
        print_document({"items": items, "used": held.used})
        return
    for name, url in rows:
        click.echo(f"{'*' if name == held.used else ' '} {name:<20} {url}")


@profile.command()
@click.argument("name")
@json_option
def use(name: str, as_json: bool) -> None:
    """Use a profile from now on; `local` is this very host."""
    held = profiles.load()
    if name != profiles.HERE:
        profiles.named(held, name)
    held.used = name
    profiles.save(held)
    _told({"name": name, "used": True}, f"Using {name}", as_json)


@profile.command()
@click.argument("name")
@json_option
def remove(name: str, as_json: bool) -> None:
    """Forget a profile and its token; the token itself stays valid until it is revoked."""
    held = profiles.load()
    profiles.named(held, name)
    del held.known[name]
    if held.used == name:
        held.used = profiles.HERE
    profiles.save(held)
    _told({"name": name, "used": False}, f"Profile {name} removed", as_json)


def _told(document: dict[str, object], line: str, as_json: bool) -> None:
    if as_json:
        print_document(document)
    else:
        click.echo(line)
