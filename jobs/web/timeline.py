"""The timeline's address: range, window, filters; from the query string and back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from urllib.parse import urlencode

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from jobs.queries.jobs import STATES
from jobs.queries.timeline_axis import (
    RANGES,
    TimeRange,
    even_axis,
    parse_at,
    parse_ids,
    range_for,
    shifted,
    written_ids,
)
from jobs.queries.timeline_marks import Axis, MarkKind
from jobs.queries.timeline_page import SORTS, TimelineFilter
from jobs.web.filters import job_filter
from jobs.web.http import AuthedRequest

RANGE_DEFAULT = "day"
_SEARCH_LIMIT = 200
# What the list can be narrowed to: one run and a band of runs are the same to a reader.
LISTED: dict[str, tuple[MarkKind, ...]] = {
    "planned": (MarkKind.PLANNED,),
    "held": (MarkKind.HELD,),
    "off": (MarkKind.OFF,),
    "left": (MarkKind.OMITTED,),
    "runs": (MarkKind.RUN, MarkKind.RUNS),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """What the query string asks for; ``at`` None follows the clock."""

    range: str
    at: datetime | None
    chosen: TimelineFilter
    table: bool
    load: bool
    show: str = ""  # the only kind of marks that the list has

    @property
    def span(self) -> TimeRange:
        """Return the range's lengths."""
        return RANGES[self.range]

    def axis(self, now: datetime) -> Axis:
        """Return the stretch of time that is shown."""
        return even_axis(self.span, self.at, now, timezone.get_current_timezone())

    @property
    def typed(self) -> str:
        """Return the window's start as the field has it; empty while it follows the clock."""
        return f"{timezone.localtime(self.at):%Y-%m-%dT%H:%M}" if self.at else ""

    def query(self, **changes: object) -> str:
        """Return the query string with some values changed; defaults are left out."""
        chosen = self.chosen
        values: dict[str, object] = {
            "range": self.range if self.range != RANGE_DEFAULT else "",
            "at": _written(self.at),
            "q": chosen.q,
            "state": chosen.state,
            "tag": chosen.tag,
            "queue": chosen.queue,
            "workspace": chosen.workspace,
            "jobs": written_ids(chosen.ids),
            "sort": chosen.sort if chosen.sort != "trouble" else "",
            "page": chosen.page if chosen.page > 1 else "",
            "show": self.show,
            "as": "table" if self.table else "",
            **changes,
        }
        if isinstance(values["at"], datetime):
            values["at"] = _written(values["at"])
        return urlencode({name: value for name, value in values.items() if value not in ("", None)})

    def moved(self, axis: Axis, by: int) -> str | None:
        """Return the query string one window earlier or later; None where the calendar ends."""
        at = shifted(axis.start, by * self.span.whole, timezone.get_current_timezone())
        return self.query(at=at, page="") if 3 <= at.year <= 9900 else None

    def nearer(self, at: datetime) -> str:
        """Return the query of the next shorter range, from a moment on; nothing for the shortest."""
        order = list(RANGES)
        place = order.index(self.range)
        return self.query(range=order[place - 1], at=at, page="") if place else ""


def _written(at: datetime | None) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if at else ""


def address_of(request: AuthedRequest) -> Address:
    """Read the query string; words that make no sense count as not given."""
    given = request.GET.dict()
    shared = job_filter(request)
    sort, queue = given.get("sort", ""), given.get("queue", "").replace("\0", "")
    return Address(
        range=given["range"] if given.get("range") in RANGES else RANGE_DEFAULT,
        at=_moment(given.get("at", "")),
        chosen=TimelineFilter(
            q=shared.q,
            state=shared.state if shared.state in STATES else "",
            tag=shared.tag,
            queue=queue[:_SEARCH_LIMIT],
            workspace=shared.workspace,
            ids=parse_ids(given.get("jobs", "")),
            sort=sort if sort in SORTS else "trouble",
            page=shared.page,
            seen_by=shared.seen_by,
        ),
        table=given.get("as") == "table",
        load=given.get("load") == "1",
        show=given["show"] if given.get("show") in LISTED else "",
    )


def _moment(text: str) -> datetime | None:
    """Return what the field or a link says; without an offset it is by the reader's clock."""
    try:
        wall = datetime.fromisoformat(text.strip())
    except ValueError:
        return parse_at(text)  # a link whose plus came as a blank
    local = wall if wall.tzinfo else wall.replace(tzinfo=timezone.get_current_timezone())
    try:
        return parse_at(local.isoformat())
    except OverflowError:
        return None


def link_to(start: datetime, end: datetime | None) -> str:
    """Return the query string of the window that shows a stretch; one without an end by its day."""
    name = "day" if end is None else range_for(start, end)
    return urlencode({"range": name, "at": _written(start)})


def day(now: datetime, ahead: int) -> datetime:
    """Return the midnight of the reader's day so many days ahead."""
    local = timezone.localtime(now)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    return shifted(midnight, timedelta(days=ahead), timezone.get_current_timezone())


def title(axis: Axis) -> str:
    """Return the window in the reader's zone and in UTC."""
    start, end = timezone.localtime(axis.start), timezone.localtime(axis.end)
    here = _from_to(start, end)
    if start.utcoffset() == timedelta() == end.utcoffset():
        return here
    there = _from_to(axis.start.astimezone(UTC), axis.end.astimezone(UTC))
    return _("%(here)s (UTC: %(there)s)") % {"here": here, "there": there}


def _from_to(start: datetime, end: datetime) -> str:
    last = "H:i" if start.date() == end.date() else "D j M, H:i"
    first = "D j M Y, H:i" if start.year != end.year else "D j M, H:i"
    return _("%(start)s to %(end)s") % {
        "start": date_format(start, first),
        "end": date_format(end, last),
    }


def ticks(axis: Axis, span: TimeRange) -> list[tuple[datetime, str]]:
    """Return round times of the reader's clock inside the window, each with its label."""
    zone = timezone.get_current_timezone()
    wall = timezone.localtime(axis.start).replace(tzinfo=None)
    wall = wall.replace(hour=0, minute=0, second=0, microsecond=0)
    found: list[tuple[datetime, str]] = []
    last = timezone.localtime(axis.end).replace(tzinfo=None)
    while wall <= last:
        at = wall.replace(tzinfo=zone)
        if axis.start <= at <= axis.end:
            pattern = "D j" if (wall.hour, wall.minute) == (0, 0) else "H:i"
            found.append((at, date_format(wall, pattern)))
        wall += span.tick
    return found


class Clock:
    """Say the moments of a window as short as it allows, by the reader's clock.

    The zone and the language of the reader are asked for once: a page says a thousand moments.
    ``stretch`` takes the start and the end of a longer one.
    """

    def __init__(self, axis: Axis) -> None:
        """Take the window; the reader is that of the present request."""
        whole = axis.end - axis.start
        self.axis = axis
        self.language = get_language()
        self.stretch = _("%(start)s to %(end)s")
        self._zone = timezone.get_current_timezone()
        self._today = axis.now.astimezone(self._zone).date()
        self._near = (axis.start - whole, axis.end + whole)
        self._within_hours = whole <= timedelta(hours=6)
        self._within_a_day = whole <= timedelta(days=1)

    def __call__(self, moment: datetime) -> str:
        """Return the time, with its seconds or its day where they say something."""
        local = moment.astimezone(self._zone)
        minute = f"{local.hour:02d}:{local.minute:02d}"
        if self._within_a_day and self._near[0] <= moment <= self._near[1]:
            if self._within_hours:
                return f"{minute}:{local.second:02d}" if local.second else minute
            if local.date() == self._today:
                return minute
        return f"{_day_words(local.date(), self.language)} {minute}"


@lru_cache(maxsize=64)
def _day_words(day: date, _language: str | None) -> str:
    """Return a day in the reader's language; the many marks of a page lie on few days."""
    return date_format(day, "D j M")
