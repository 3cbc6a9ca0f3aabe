"""One picture of `jobctl top`: totals, queues, what runs, what failed, what is next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from jobs.cli.text import Document, clean, moment

_RUNNING = "  {:<9} {:<28} {:<9} {:>9}  {}"
_FAILED = "  {:<9} {:<28} {:<9} {:>9}  {}"
_NEXT = "  {:<28} {:<20} {:>12}"
_QUEUE = "  {:<28} {:>7} {:>7} {:>7}  {}"


def frame(seen: Document, *, width: int, height: int) -> list[str]:
    """Return the lines of a picture, none longer than the terminal, no more than it shows.

    Each part gets its share of the height; what does not fit is counted.
    """
    now = moment(seen["overview"]["now"])
    assert now is not None  # noqa: S101 - the overview always says when it was made
    parts = [
        ("Running", list(_running(seen["running"], now))),
        ("Failed last", list(_failed(seen["failed"], now))),
        ("Next", list(_next(seen["next"], now))),
        ("Queues", list(_queues(seen["queues"]))),
    ]
    lines = [*_head(seen["overview"], now), *_laid_out(parts, height - 4)]
    return [clean(line)[:width].rstrip() for line in lines][:height]


def _head(overview: Document, now: datetime) -> Iterator[str]:
    jobs, runs, life = overview["jobs"], overview["executions"], overview["dispatcher"]
    yield f"Jobdeck {overview['version']}  {now:%Y-%m-%d %H:%M:%S}" + (
        "  DISPATCHER DOWN" if life["down"] else ""
    )
    yield (
        f"Jobs {jobs['total']}: {jobs['active']} active, {jobs['paused']} paused, "
        f"{jobs['auto_disabled']} disabled by failures"
    )
    yield (
        f"Runs: {runs['running']} running, {runs['waiting']} waiting; last 24 h {runs['ended_day']} "
        f"ended, {runs['failed_day']} failed; {life['busy']} of {life['slots']} slots busy"
    )


def _laid_out(parts: Sequence[tuple[str, list[str]]], height: int) -> Iterator[str]:
    # A blank, a title and a line that counts the rest go with each part.
    share = max(1, height // len(parts) - 3)
    for title, lines in parts:
        yield ""
        yield title
        yield from lines[:share] or ["  nothing"]
        if len(lines) > share:
            yield f"  and {len(lines) - share} more"


def _running(items: Sequence[Document], now: datetime) -> Iterator[str]:
    for one in items:
        progress = "" if one["progress"] is None else f"{one['progress']} %"
        for_so_long = since(one["started_at"] or one["queued_at"], now)
        number = f"#{one['id']}"
        yield _RUNNING.format(number, one["job"], one["state"], for_so_long, progress)


def _failed(items: Sequence[Document], now: datetime) -> Iterator[str]:
    for one in items:
        ago = f"{since(one['finished_at'] or one['queued_at'], now)} ago"
        yield _FAILED.format(f"#{one['id']}", one["job"], one["state"], ago, one["message"])


def _next(items: Sequence[Document], now: datetime) -> Iterator[str]:
    for one in items:
        at = moment(one["due_at"])
        assert at is not None  # noqa: S101 - a due time is never null
        name = f"{one['workspace']}/{one['job']}" if one["workspace"] else one["job"]
        away = "due" if at <= now else f"in {_span((at - now).total_seconds())}"
        yield _NEXT.format(name, f"{at:%Y-%m-%d %H:%M:%S}", away)


def _queues(items: Sequence[Document]) -> Iterator[str]:
    if items:
        yield _QUEUE.format("", "waiting", "running", "limit", "")
    for one in items:
        limit = "-" if one["limit"] is None else one["limit"]
        state = "paused" if one["paused_at"] else ""
        yield _QUEUE.format(one["name"], one["waiting"], one["running"], limit, state)


def since(text: str | None, now: datetime) -> str:
    """Return how long ago a moment of a document was."""
    at = moment(text)
    return "" if at is None else _span((now - at).total_seconds())


def _span(seconds: float) -> str:
    """Return a length of time in its two largest units at most."""
    whole = max(0, int(seconds))
    for size, unit, below, lesser in (
        (86400, "d", 3600, "h"),
        (3600, "h", 60, "m"),
        (60, "m", 1, "s"),
    ):
        if whole >= size:
            return f"{whole // size}{unit}{whole % size // below:02}{lesser}"
    return f"{whole}s"
