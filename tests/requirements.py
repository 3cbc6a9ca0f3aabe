"""The rows of the requirements and the tests that show them; ``python -m tests.requirements``.

``tests/rows/<seed>.txt`` holds one line a row: its id, then the tests that show it
(``path`` or ``path::test``, apart by spaces), or ``-`` and why it is not met.
The command writes ``docs/coverage.md`` from them.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROWS = ROOT / "tests" / "rows"
TABLE = ROOT / "docs" / "coverage.md"
UNMET = "-"

SEEDS = {
    "S0": "The scheduler of CB-Tumblebug",
    "S1": "The workspace scheduler for OpenTofu",
    "S2": "The scheduler framework in Go",
    "S3": "The scheduler framework on FastAPI",
    "S4": "The cron system with queue health",
    "C": "Where the five disagree",
}

HEAD = """# What shows that it works

Jobdeck does what five documented schedulers do. Each row below is one thing that one of them
promises, with the tests that show it here; a row that is not met says why. The page is made by
`python -m tests.requirements`.
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its id, the heading that it stands under, and its tests or the reason of none."""

    id: str
    heading: str
    tests: tuple[str, ...] = ()
    reason: str = ""


def rows(seed: str) -> list[Row]:
    """Return the rows of a seed, in their order."""
    found = []
    heading = ""
    for line in (ROWS / f"{seed}.txt").read_text().splitlines():
        first, *rest = line.split() or [""]
        if first == "#":
            heading = " ".join(rest)
        elif rest[:1] == [UNMET]:
            found.append(Row(first, heading, reason=" ".join(rest[1:])))
        elif first:
            found.append(Row(first, heading, tests=tuple(rest)))
    return found


def exists(test: str) -> bool:
    """Say whether a test stands where a row says."""
    path, _, name = test.partition("::")
    return (ROOT / path).is_file() and (not name or name in _functions(path))


@cache
def _functions(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / path).read_text())
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, kinds))


def table() -> str:
    """Return the page of all rows."""
    parts = [HEAD, _summary()]
    for seed, title in SEEDS.items():
        parts.append(f"## {title}\n")
        heading = None
        for row in rows(seed):
            if row.heading != heading:
                before = "" if heading is None else "\n"
                parts.append(f"{before}### {row.heading}\n\n| row | shown by |\n| --- | --- |")
                heading = row.heading
            parts.append(f"| {row.id} | {_shown(row)} |")
        parts.append("")
    return "\n".join(parts)


def _summary() -> str:
    lines = ["| | rows | shown by a test | not met |", "| --- | --- | --- | --- |"]
    for seed, title in SEEDS.items():
        all_of = rows(seed)
        met = sum(1 for row in all_of if row.tests)
        lines.append(f"| {title} | {len(all_of)} | {met} | {len(all_of) - met} |")
    return "\n".join(lines) + "\n"


def _shown(row: Row) -> str:
    if row.reason:
        return f"not met: {row.reason}"
    return "<br>".join(f"`{test.removeprefix('tests/')}`" for test in row.tests)


def main() -> None:
    """Write the page anew."""
    TABLE.write_text(table())


if __name__ == "__main__":
    main()
