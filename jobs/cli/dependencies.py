"""The command that shows what a job waits for, and what waits for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from jobs.cli.group import LazyApi, cli, json_option, print_document

if TYPE_CHECKING:
    from jobs.cli.client import Document

_ENDED = {"success": "succeeded", "failure": "failed", "done": "ended"}


@cli.command()
@click.argument("name")
@json_option
@click.pass_obj
def dependencies(api: LazyApi, name: str, as_json: bool) -> None:
    """Show what a job waits for, and what waits for it, as a tree."""
    found = api().get(f"/jobs/{api().job(name)['id']}/dependencies")
    if as_json:
        print_document(found)
        return
    click.echo("\n".join(_lines(found)))


def _lines(found: Document) -> Iterator[str]:
    """Yield the tree: the job, what it runs after, and what runs after it."""
    yield str(found["job"])
    if not found["upstream"] and not found["downstream"]:
        yield "  waits for no other job, and none waits for it"
    for title, nodes in (
        ("runs after", found["upstream"]),
        ("then run", found["downstream"]),
    ):
        if nodes:
            yield f"  {title}"
            yield from _branches(nodes, "    ")
    if found["waits_for"] and len(found["waits_for"]) < len(found["upstream"]):
        yield f"  still waits for {', '.join(found['waits_for'])}"


def _branches(nodes: list[Document], indent: str) -> Iterator[str]:
    for node in nodes:
        yield f"{indent}{_node(node)}"
        yield from _branches(node["children"], f"{indent}  ")


def _node(node: Document) -> str:
    met = f", met by #{node['met_by']}" if node["met_by"] else ""
    state = "" if node["state"] == "active" else f", {node['state'].replace('_', ' ')}"
    last = f"last {node['last_state'].replace('_', ' ')}" if node["last_state"] else "never ran"
    more = " (see above)" if node["repeated"] else " ..." if node["cut"] else ""
    return f"{node['name']} [{_ENDED[node['on']]}{met}] {last}{state}{more}"
