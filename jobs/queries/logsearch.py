"""Look for plain text in logs: a bounded amount for each request, and where to go on.

Pieces in which the text does not occur are passed over at the speed of memory; only the others are
cut into lines. A line that goes on from one piece to the next is looked at whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from jobs.domain.loglines import LONGEST_LINE
from jobs.domain.needle import Needle
from jobs.domain.permissions import Actor
from jobs.models import Execution, LogChunk
from jobs.queries.answers import hidden_answers
from jobs.queries.loglines import Cutter, RawLine, split, window
from jobs.queries.logrows import Chosen, Row, seq_of_line, walk, walk_back

# What one request looks through: 100 to 250 ms of CPU, the most with colours (benchmarks/logs.py).
SCAN_BYTES = 16_000_000
# What counting looks through, each time a page of the search is made.
COUNT_BYTES = 4_000_000
# More are not counted.
MOST_COUNTED = 1000
# Executions that one request looks into, however little they printed.
MOST_EXECUTIONS = 200
_AT_ONCE = 50
_BLOCK = 500  # lines of stderr in a row that a step to the next passes over


@dataclass(slots=True)
class Effort:
    """What is left of one request's work; ``stopped_at`` is the line at which it was used up."""

    left: int = SCAN_BYTES
    stopped_at: int | None = None


class Count(NamedTuple):
    """How many lines hold the text; ``complete`` is False when not all was looked at or counted."""

    matches: int
    complete: bool


class Step(NamedTuple):
    """A line to go to; or the line at which the search stopped for now; or neither: there is none."""

    number: int | None = None
    stopped_at: int | None = None


def matches(chosen: Chosen, needle: Needle, start: int, effort: Effort) -> Iterator[RawLine]:
    """Yield lines that hold the text, from number ``start`` on, as far as the effort goes."""
    tail, pending = b"", None
    for row in walk(chosen, seq_of_line(chosen.execution_id, start)):
        if pending is not None and not row.open_bytes:
            yield pending
        pending = None
        if effort.left <= 0:
            effort.stopped_at = row.line + (not row.open_bytes)
            return
        effort.left -= len(row.data)
        lead = tail[-row.open_bytes :] if row.open_bytes else b""
        if needle.may_be_in(lead + row.data):
            cutter = Cutter(chosen.stream)
            cutter.go_on(row, lead)
            for line in [*cutter.row(row), *cutter.close(ended=False)]:
                if line.number < start or not needle.is_in_line(line.data):
                    continue
                if line.ended:
                    yield line
                else:
                    pending = line
        tail = (lead + row.data)[-LONGEST_LINE:]
    if pending is not None:
        yield pending


def count(chosen: Chosen, needle: Needle) -> Count:
    """Count the lines that hold the text, up to a thousand and as far as one request looks."""
    effort, found = Effort(COUNT_BYTES), 0
    for _line in matches(chosen, needle, 1, effort):
        found += 1
        if found == MOST_COUNTED:
            return Count(found, complete=False)
    return Count(found, complete=effort.stopped_at is None)


def next_match(chosen: Chosen, needle: Needle, after: int) -> Step:
    """Find the first line after number ``after`` that holds the text."""
    effort = Effort()
    line = next(matches(chosen, needle, after + 1, effort), None)
    return Step(stopped_at=effort.stopped_at) if line is None else Step(line.number)


def previous_match(chosen: Chosen, needle: Needle, before: int) -> Step:
    """Find the last line before number ``before`` that holds the text."""
    left = SCAN_BYTES
    following: list[Row] = []
    for row in walk_back(chosen, seq_of_line(chosen.execution_id, before)):
        rest = following if following and following[0].open_bytes else []
        rows = _whole_lines(row, rest)
        if needle.may_be_in(b"".join(one.data for one in rows)):
            lines = [line for line in split(rows, chosen.stream) if row.line < line.number < before]
            found = [line.number for line in lines if needle.is_in_line(line.data)]
            if found:
                return Step(found[-1])
        left -= len(row.data)
        if left <= 0:
            return Step(stopped_at=row.line + 1 if row.line else None)
        following = rows
    return Step()


def _whole_lines(row: Row, rest: Sequence[Row]) -> list[Row]:
    """Return a piece with those on which its last line goes on."""
    rows, size = [row], 0
    for one in rest:
        if not one.open_bytes or size > LONGEST_LINE:
            break
        rows.append(one)
        size += len(one.data)
    return rows


def next_of_stream(chosen: Chosen, after: int) -> Step:
    """Find where output of the chosen stream begins again after line ``after``."""
    part = window(chosen, after + 1, _BLOCK)
    expected = after + 1
    for line in part.lines:
        if line.number != expected:
            return Step(line.number)
        expected += 1
    # Nothing but one block so far; at line 0 nothing was passed over yet.
    if part.lines and after == 0:
        return Step(part.lines[0].number)
    return Step(stopped_at=part.later)


class JobMatch(NamedTuple):
    """A line of one of a job's executions."""

    execution: Execution
    line: RawLine


class JobSearch(NamedTuple):
    """Lines found, newest execution first, and where to go on: execution and line."""

    found: list[JobMatch]
    following: tuple[int, int] | None
    executions: int
    looked_until: datetime | None  # the due time of the last execution looked into


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSearchFilter:
    """Which executions of a job; ``since`` is inclusive, ``until`` exclusive, by due time."""

    job_id: int
    text: str
    actor: Actor
    stream: str = ""
    since: datetime | None = None
    until: datetime | None = None
    after: tuple[int, int] | None = None
    limit: int = 100


def search_job(chosen: JobSearchFilter) -> JobSearch:
    """Look through what a job's executions printed, a bounded amount at a time."""
    needle, effort = Needle(chosen.text), Effort()
    found: list[JobMatch] = []
    looked: Execution | None = None
    number = 0
    for number, (execution, may_match) in enumerate(_candidates(chosen, needle, effort), 1):
        start = chosen.after[1] if chosen.after and chosen.after[0] == execution.pk else 1
        if effort.left <= 0 or number > MOST_EXECUTIONS:
            return JobSearch(
                found, (execution.pk, start), number - 1, looked.due_at if looked else None
            )
        looked = execution
        if not may_match:
            continue
        lines = matches(Chosen(execution.pk, chosen.stream), needle, start, effort)
        for line in lines:
            if len(found) == chosen.limit:
                return JobSearch(found, (execution.pk, line.number), number, execution.due_at)
            found.append(JobMatch(execution, line))
        if effort.stopped_at is not None:
            following = execution.pk, effort.stopped_at
            return JobSearch(found, following, number, execution.due_at)
    return JobSearch(found, None, number, looked.due_at if looked else None)


def _candidates(
    chosen: JobSearchFilter, needle: Needle, effort: Effort
) -> Iterator[tuple[Execution, bool]]:
    """Yield executions that printed something, and whether the text can be in their output."""
    last = chosen.after[0] + 1 if chosen.after else None
    while True:
        batch = _executions(chosen, last)
        # Before the search, not after: where a page ends would tell what it may not show.
        hidden = hidden_answers(chosen.actor, batch)
        short = _short_logs([execution.pk for execution in batch])
        for execution in batch:
            if execution.pk in hidden:
                continue
            data = short.get(execution.pk)
            if data is not None:
                effort.left -= len(data)
            yield execution, data is None or needle.may_be_in(data)
        if len(batch) < _AT_ONCE:
            return
        last = batch[-1].pk


def _executions(chosen: JobSearchFilter, below: int | None) -> list[Execution]:
    rows = Execution.objects.filter(job=chosen.job_id, log_bytes__gt=0).order_by("-pk")
    if chosen.since is not None:
        rows = rows.filter(due_at__gte=chosen.since)
    if chosen.until is not None:
        rows = rows.filter(due_at__lt=chosen.until)
    if below is not None:
        rows = rows.filter(pk__lt=below)
    return list(rows.only("pk", "job_id", "due_at", "version", "state", "attempt")[:_AT_ONCE])


def _short_logs(executions: Sequence[int]) -> dict[int, bytes]:
    """Return the whole output of those whose log is one piece, in one query."""
    rows = LogChunk.objects.filter(execution__in=executions, seq__in=(0, 1))
    found: dict[int, bytes] = {}
    longer: set[int] = set()
    for pk, seq, data in rows.values_list("execution_id", "seq", "data"):
        if seq:
            longer.add(pk)
        else:
            found[pk] = bytes(data)
    return {pk: data for pk, data in found.items() if pk not in longer}
