"""Read what a registration has done: of one connection or of many, in either vocabulary."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from jobs.domain.tumblebug import SYNONYMS

FAILED = "failed"
_SHOWN = 300
_MOST_WARNINGS = 50
_FAILED_LINE = "[Failed]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """What came of one connection."""

    name: str
    resources: Mapping[str, int]
    failed: int
    message: str
    seconds: int
    faults: tuple[str, ...] = ()  # of single resources

    @property
    def registered(self) -> int:
        """Return how many resources were registered."""
        return sum(self.resources.values())

    def as_json(self) -> dict[str, Any]:
        """Return the row of the table."""
        return {
            "name": self.name,
            "registered": self.registered,
            FAILED: self.failed,
            "seconds": self.seconds,
            "message": self.message,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """All connections together."""

    connections: tuple[Connection, ...]
    resources: Mapping[str, int]
    failed: int
    elapsed_seconds: int
    warnings: tuple[str, ...] = field(default=())

    @property
    def registered(self) -> int:
        """Return how many resources were registered."""
        return sum(self.resources.values())

    @property
    def has_errors(self) -> bool:
        """Say whether anything went wrong."""
        return self.failed > 0 or any(one.message for one in self.connections)

    @property
    def sentence(self) -> str:
        """Return what a person reads about it."""
        count = f"{self.registered} resource{'' if self.registered == 1 else 's'}"
        failed = f", {self.failed} failed" if self.failed else ""
        troubled = sum(1 for one in self.connections if one.message)
        if troubled:
            failed += f", {troubled} of {len(self.connections)} connections report errors"
        return f"Successfully registered {count}{failed}"

    def as_json(self) -> dict[str, Any]:
        """Return the run's result."""
        return {
            "registered": self.registered,
            FAILED: self.failed,
            "resources": dict(self.resources),
            "elapsed_seconds": self.elapsed_seconds,
            "connections": [one.as_json() for one in self.connections],
            "warnings": list(self.warnings),
        }

    def table(self) -> str:
        """Return the log's table."""
        rows: list[tuple[str, ...]] = [("connection", "registered", FAILED, "seconds", "message")]
        rows += [tuple(map(str, one.as_json().values())) for one in self.connections]
        wide = [max(len(row[column]) for row in rows) for column in range(4)]
        lines = (
            f"{row[0]:<{wide[0]}}  {row[1]:>{wide[1]}}  {row[2]:>{wide[2]}}  {row[3]:>{wide[3]}}"
            f"  {row[4]}".rstrip()
            for row in rows
        )
        return "\n".join(lines) + "\n"


def summary_of(document: object, connection: str) -> Summary | None:
    """Return what a document says; None when it is no result of a registration.

    The result of all connections is told by its list. Its own sums count: entries of connections
    that were handled at the same time can be missing in it.
    """
    if not isinstance(document, dict) or "registerationOverview" not in document:
        return None
    listed = document.get("registerationResult")
    if not isinstance(listed, list):
        one = _connection(document, connection)
        return _summary((one,), one.resources, one.failed, one.seconds, [])
    ones = tuple(_connection(entry, "") for entry in listed if isinstance(entry, dict))
    resources, failed = _counts(document["registerationOverview"])
    seconds = _number(document.get("elapsedTime"))
    return _summary(ones, resources, failed, seconds, _missing(document, len(ones)))


def _summary(
    ones: tuple[Connection, ...],
    resources: Mapping[str, int],
    failed: int,
    seconds: int,
    remarks: Iterable[str],
) -> Summary:
    warnings = [*remarks]
    for one in ones:
        warnings += [f"{one.name}: {text}" for text in (one.message, *one.faults) if text]
    return Summary(
        connections=ones,
        resources=resources,
        failed=failed,
        elapsed_seconds=seconds,
        warnings=tuple(warnings[:_MOST_WARNINGS]),
    )


def _missing(document: Mapping[str, Any], listed: int) -> list[str]:
    registered = _number(document.get("registeredConnection"))
    available = _number(document.get("availableConnection"))
    remarks = []
    if registered < available:
        remarks.append(f"{registered} of {available} connections were handled")
    if listed < registered:
        remarks.append(f"The results of {registered - listed} connections are missing")
    return remarks


def _connection(entry: Mapping[str, Any], name: str) -> Connection:
    resources, failed = _counts(entry.get("registerationOverview"))
    outputs = entry.get("registerationOutputs")
    lines = outputs.get("output") if isinstance(outputs, dict) else None
    faults = (str(line) for line in lines or () if _FAILED_LINE in str(line))
    return Connection(
        name=str(entry.get("connectionName") or name)[:200],
        resources=resources,
        failed=failed,
        message=_one_line(entry.get("systemMessage")),
        seconds=_number(entry.get("elapsedTime")),
        faults=tuple(map(_one_line, faults)),
    )


def _counts(overview: object) -> tuple[dict[str, int], int]:
    """Return the registered resources by type, in the present words, and the failed ones."""
    if not isinstance(overview, dict):
        return {}, 0
    counts: dict[str, int] = {
        SYNONYMS.get(str(name), str(name)): _number(value) for name, value in overview.items()
    }
    failed = counts.pop(FAILED, 0)
    return {name: count for name, count in counts.items() if count}, failed


def _number(value: object) -> int:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return max(int(value), 0) if is_number else 0  # type: ignore[call-overload]  # just asked


def _one_line(value: object) -> str:
    return " ".join(str(value or "").split())[:_SHOWN]
