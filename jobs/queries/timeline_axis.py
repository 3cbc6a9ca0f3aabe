"""The timeline's ranges and windows, and the ranges of ids that a link names; for page and API."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from jobs.queries.timeline_marks import Axis
from jobs.queries.timeline_page import MOST_RANGES

_LARGEST_ID = 2**63 - 1
_PAST_SHARE = 3  # a window that follows the clock shows a third of the past
_REDRAWN_PARTS = 400  # a window moves on by this part of itself before it is drawn anew


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeRange:
    """How much is shown, the step of the labels, and the width of the load's buckets.

    ``even`` is what a window of a page begins at a multiple of, by the reader's clock.
    """

    whole: timedelta
    tick: timedelta
    bucket: timedelta
    even: timedelta


RANGES: dict[str, TimeRange] = {
    "hour": TimeRange(
        whole=timedelta(hours=1),
        tick=timedelta(minutes=10),
        bucket=timedelta(minutes=1),
        even=timedelta(minutes=10),
    ),
    "6h": TimeRange(
        whole=timedelta(hours=6),
        tick=timedelta(hours=1),
        bucket=timedelta(minutes=5),
        even=timedelta(hours=1),
    ),
    "day": TimeRange(
        whole=timedelta(days=1),
        tick=timedelta(hours=3),
        bucket=timedelta(minutes=15),
        even=timedelta(hours=1),
    ),
    "week": TimeRange(
        whole=timedelta(days=7),
        tick=timedelta(days=1),
        bucket=timedelta(hours=2),
        even=timedelta(days=1),
    ),
}


def axis_of(span: TimeRange, at: datetime | None, now: datetime) -> Axis:
    """Return the window that begins at ``at``; without it, one that follows the clock."""
    start = now - span.whole / _PAST_SHARE if at is None else at
    return Axis(start=start, end=start + span.whole, now=now)


def even_axis(span: TimeRange, at: datetime | None, now: datetime, zone: ZoneInfo) -> Axis:
    """Return the same window between even times of the clock in ``zone``.

    A day or a week is one of that clock, with 23 or 25 hours where it changes.
    """
    start = _floor(axis_of(span, at, now).start, span.even, zone)
    return Axis(start=start, end=shifted(start, span.whole, zone), now=now)


def shifted(at: datetime, by: timedelta, zone: ZoneInfo) -> datetime:
    """Return the moment so much later: days by the clock in ``zone``, less than a day exactly."""
    if by % timedelta(days=1):
        return at + by
    wall = at.astimezone(zone).replace(tzinfo=None) + by
    return wall.replace(tzinfo=zone).astimezone(UTC)


def _floor(at: datetime, even: timedelta, zone: ZoneInfo) -> datetime:
    """Return the last even time of the clock at or before a moment.

    The offset of that moment is kept within an hour: a repeated hour has two of each even time.
    """
    local = at.astimezone(zone)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    past = timedelta(hours=local.hour, minutes=local.minute, seconds=local.second) % even
    past += timedelta(microseconds=local.microsecond)
    if even < timedelta(days=1):
        return at.astimezone(UTC) - past
    return midnight.astimezone(UTC)


def range_for(start: datetime, end: datetime) -> str:
    """Return the shortest range that shows all of a stretch which begins on any minute, else a week."""
    fitting = (name for name, span in RANGES.items() if end - start <= span.whole - span.even)
    return next(fitting, "week")


def load_range(axis: Axis, span: TimeRange) -> tuple[datetime, datetime] | None:
    """Return the part of the window whose load can be predicted; None for the past.

    It is rounded, so that requests of the same minutes share one prediction.
    """
    if axis.end <= axis.now:
        return None
    step = redrawn_every(span)
    start = axis.start if axis.start > axis.now else rounded(axis.now, step)
    end = rounded(axis.end - timedelta(microseconds=1), step) + timedelta(seconds=step)
    return start, end


def redrawn_every(span: TimeRange) -> int:
    """Return after how many seconds a window that follows the clock is drawn anew."""
    return max(int(span.whole.total_seconds()) // _REDRAWN_PARTS, 30)


def rounded(moment: datetime, step: int) -> datetime:
    """Return the last multiple of ``step`` seconds at or before ``moment``."""
    seconds = int(moment.timestamp()) // step * step
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)


def parse_at(text: str) -> datetime | None:
    """Return the moment of an ISO 8601 text, without an offset in UTC; None for anything else."""
    try:
        at = datetime.fromisoformat(text.strip().replace(" ", "+"))
        at = (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return at if 3 <= at.year <= 9900 else None


def parse_ids(text: str) -> tuple[tuple[int, int], ...]:
    """Return the ranges of ``3-7,12``; what is no range is left out."""
    found = []
    for part in text.split(",")[:MOST_RANGES]:
        first, _, last = part.partition("-")
        numbers = [number for number in (first, last or first) if _is_id(number)]
        if len(numbers) == 2:
            found.append((int(numbers[0]), int(numbers[1])))
    return tuple(found)


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= _LARGEST_ID


def written_ids(ranges: Sequence[tuple[int, int]]) -> str:
    """Return ranges as ``parse_ids`` reads them."""
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges)


def ranges_of(ids: Iterable[int]) -> tuple[tuple[int, int], ...]:
    """Return ids as ranges; as many as a link may have."""
    found: list[tuple[int, int]] = []
    for number in sorted(set(ids)):
        if found and found[-1][1] == number - 1:
            found[-1] = (found[-1][0], number)
        elif len(found) < MOST_RANGES:
            found.append((number, number))
        else:
            break
    return tuple(found)
