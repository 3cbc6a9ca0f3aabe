"""The commands over people: users, tokens, audit, preferences, filters."""

from __future__ import annotations

import click

from jobs.cli import text
from jobs.cli.errors import CliError
from jobs.cli.group import LazyApi, cli, json_option, print_document
from jobs.cli.tables import show, told

_number = click.argument("number", metavar="ID", type=click.IntRange(1, 10**18 - 1))


@cli.command()
@json_option
@click.pass_obj
def users(api: LazyApi, as_json: bool) -> None:
    """List people and their roles."""
    show(
        list(api().pages("/users", limit=500)),
        as_json,
        header=("ID", "NAME", "ROLE", "ACTIVE", "LAST LOGIN", "E-MAIL"),
        cells=lambda one: (
            one["id"],
            one["username"],
            one["role"],
            "yes" if one["active"] else "no",
            text.stamp(one["last_login_at"]),
            one["email"],
        ),
        empty="Nobody",
    )


@cli.group(invoke_without_command=True)
@click.pass_context
def tokens(context: click.Context) -> None:
    """Tokens of the API; alone: list."""
    if context.invoked_subcommand is None:
        context.invoke(token_list)


@tokens.command("list")
@json_option
@click.pass_obj
def token_list(api: LazyApi, as_json: bool = False) -> None:
    """List the caller's tokens; administrators see everybody's."""
    show(
        list(api().pages("/tokens", limit=500)),
        as_json,
        header=("ID", "USER", "NAME", "ROLE", "LAST USED", "EXPIRES", "REVOKED"),
        cells=lambda one: (
            one["id"],
            one["user"],
            one["name"],
            one["role"],
            text.stamp(one["last_used_at"]),
            text.stamp(one["expires_at"]),
            text.stamp(one["revoked_at"]) if one["revoked_at"] else None,
        ),
        empty="No token",
    )


@tokens.command("create")
@click.argument("name")
@click.option("--user", default=None, help="Whose; else the caller's.")
@click.option("--role", default=None, help="At most this role.")
@click.option("--expires", default=None, metavar="LENGTH|ISO", help="Such as 90d.")
@json_option
@click.pass_obj
def token_create(
    api: LazyApi,
    /,
    name: str,
    user: str | None,
    role: str | None,
    expires: str | None,
    as_json: bool,
) -> None:
    """Make a token and print it: it is shown this once."""
    given = {"name": name, "user": user, "role": role, "expires_at": expires}
    made = api().post("/tokens", body={k: v for k, v in given.items() if v is not None})
    told(made, made["value"], as_json)


@tokens.command("revoke")
@_number
@click.pass_obj
def token_revoke(api: LazyApi, number: int) -> None:
    """End a token at once."""
    api().send("DELETE", f"/tokens/{number}")
    click.echo(f"Token {number} revoked")


@cli.command()
@click.option("--actor", default="", help="Who did it.")
@click.option("--action", default="", help="What: whole, or `job` for job.*.")
@click.option("--since", default="", metavar="ISO")
@click.option("--limit", default=50, type=click.IntRange(1, 500))
@json_option
@click.pass_obj
def audit(api: LazyApi, /, actor: str, action: str, since: str, limit: int, as_json: bool) -> None:
    """Tell who did what, newest first."""
    given = {"actor": actor, "action": action, "since": since}
    asked = {name: value for name, value in given.items() if value}
    show(
        api().get("/audit", limit=limit, **asked)["items"],
        as_json,
        header=("ID", "AT", "WHO", "WHAT", "OBJECT", "NOTE"),
        cells=lambda one: (
            one["id"],
            text.stamp(one["at"]),
            one["actor"],
            one["action"],
            one["object_name"],
            one["note"],
        ),
        empty="Nothing",
    )


@cli.command()
@click.argument("changes", metavar="[NAME=VALUE]...", nargs=-1)
@click.pass_obj
def preferences(api: LazyApi, changes: tuple[str, ...]) -> None:
    """Show the token owner's settings of pages, or change some, as JSON.

    jobctl preferences theme=dark time_zone=Europe/Paris
    """
    if not changes:
        print_document(api().get("/preferences"))
        return
    asked = dict(_change(one) for one in changes)
    print_document(api().send("PATCH", "/preferences", json_body=asked).json())


def _change(given: str) -> tuple[str, object]:
    name, equals, value = given.partition("=")
    if not (name and equals):
        raise CliError(f"{given[:60]!r} is no change. Use NAME=VALUE.")
    words: dict[str, object] = {"": None, "true": True, "false": False}
    if name.endswith("_columns"):
        return name, value.split(",") if value else None
    return name, "" if (name, value) == ("time_zone", "") else words.get(value, value)


@cli.group(invoke_without_command=True)
@click.pass_context
def filters(context: click.Context) -> None:
    """Filters of lists that the token's owner keeps; alone: list."""
    if context.invoked_subcommand is None:
        context.invoke(filter_list)


@filters.command("list")
@json_option
@click.pass_obj
def filter_list(api: LazyApi, as_json: bool = False) -> None:
    """List the kept filters."""
    show(
        api().get("/filters")["items"],
        as_json,
        header=("ID", "PAGE", "NAME", "FILTER"),
        cells=lambda one: (one["id"], one["page"], one["name"], one["query"]),
        empty="No filter is kept",
    )


@filters.command("keep")
@click.argument("page", type=click.Choice(["jobs", "executions", "audit"]))
@click.argument("name")
@click.argument("query")
@json_option
@click.pass_obj
def filter_keep(api: LazyApi, page: str, name: str, query: str, as_json: bool) -> None:
    """Keep a filter, such as 'state=failed&tag=nightly', under a name."""
    made = api().post("/filters", body={"page": page, "name": name, "query": query})
    told(made, f"Filter {made['id']} kept", as_json)


@filters.command("drop")
@_number
@click.pass_obj
def filter_drop(api: LazyApi, number: int) -> None:
    """Remove a kept filter."""
    api().send("DELETE", f"/filters/{number}")
    click.echo(f"Filter {number} removed")
