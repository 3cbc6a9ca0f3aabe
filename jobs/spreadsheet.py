"""Lines of CSV that no spreadsheet runs as a formula."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator

# A cell that begins like this is a formula to a spreadsheet.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


class _Line:
    """What the writer writes to: it hands a line on instead of keeping it."""

    def write(self, line: str) -> str:
        """Return the line."""
        return line


def lines(rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """Yield each row as a line of CSV."""
    writer = csv.writer(_Line())
    for row in rows:
        yield writer.writerow([safe(cell) for cell in row])


def safe(cell: object) -> object:
    """Return a cell with an apostrophe before what would run."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell
