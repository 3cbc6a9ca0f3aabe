"""The commands that tell what was changed of a job's definition, and that take it back."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import click

from jobs.cli import tables, text
from jobs.cli.group import LazyApi, cli, json_option, print_document

if TYPE_CHECKING:
    from jobs.cli.client import Document

_LONGEST = 100


@cli.command()
@click.argument("name")
@click.argument("version", type=click.IntRange(min=1), required=False)
@click.option("--against", type=click.IntRange(min=1), help="Compare it with this one.")
@json_option
@click.pass_obj
def versions(
    api: LazyApi, name: str, version: int | None, against: int | None, as_json: bool
) -> None:
    """List the versions of a job's definition, or tell what one of them changed."""
    if version is None and against is not None:
        raise click.UsageError("Name the version that --against shall be compared with.")
    path = f"/jobs/{api().job(name)['id']}/versions"
    if version is None:
        tables.show(
            list(api().pages(path)),
            as_json,
            header=("version", "saved", "by", "changed"),
            cells=lambda one: (
                one["version"],
                text.stamp(one["saved_at"]),
                one["saved_by"],
                _fields(one),
            ),
            empty="No version is on record",
        )
        return
    query = {} if against is None else {"against": against}
    found = api().get(f"{path}/{version}", **query)
    if as_json:
        print_document(found)
        return
    click.echo("\n".join(text.clean(line) for line in _lines(found)))


@cli.command()
@click.argument("name")
@click.argument("version", type=click.IntRange(min=1))
@json_option
@click.pass_obj
def restore(api: LazyApi, name: str, version: int, as_json: bool) -> None:
    """Bring a version of a job's definition back, as its newest one."""
    job = api().job(name)
    answer = api().send(
        "POST",
        f"/jobs/{job['id']}/versions/{version}/restore",
        headers={"If-Match": f'"{job["version"]}"'},
    )
    saved: Document = answer.json()
    kept = saved["version"] == job["version"]
    told = "is as in version" if kept else f"has version {saved['version']}, as version"
    tables.told(saved, f"{saved['name']} {told} {version}", as_json)


def _fields(one: Mapping[str, object]) -> str:
    changes = one["changes"]
    if isinstance(changes, list):
        return ", ".join(change["field"] for change in changes) or "nothing"
    return "created" if one["version"] == 1 else "unknown"


def _lines(found: Document) -> Iterator[str]:
    yield f"version {found['version']}, {text.stamp(found['saved_at'])}, {found['saved_by'] or '-'}"
    for change in found["changes"] or []:
        yield f"  {change['field']}: {_told(change['before'])} -> {_told(change['after'])}"
    if not found["changes"]:
        yield "  nothing differs" if found["changes"] == [] else "  there is none before it"


def _told(value: object) -> str:
    shown = json.dumps(value, ensure_ascii=False)
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}…"
