"""Lists as lines below a header, or as the document; and what a command has done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import click

from jobs.cli.group import print_document

if TYPE_CHECKING:
    from jobs.cli.client import Document

Cells = Callable[["Document"], Sequence[object]]


def show(
    items: list[Document], as_json: bool, *, header: Sequence[str], cells: Cells, empty: str
) -> None:
    """Print a list: columns as wide as what stands in them, the last one open."""
    if as_json:
        print_document({"items": items})
        return
    if not items:
        click.echo(empty)
        return
    rows = [list(header), *([_text(cell) for cell in cells(one)] for one in items)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(header))]
    for row in rows:
        click.echo(
            "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        )


def told(document: Document, sentence: str, as_json: bool) -> None:
    """Print what a command has done: a sentence, or the document."""
    if as_json:
        print_document(document)
    else:
        click.echo(sentence)


def _text(cell: object) -> str:
    """Return a cell as one line."""
    return "-" if cell is None or cell == "" else " ".join(str(cell).split())
