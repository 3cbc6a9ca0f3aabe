"""Words, charts and rows of statistics: what a period says, also without a picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.dates import WEEKDAYS, WEEKDAYS_ABBR
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from jobs.domain.histogram import Histogram
from jobs.queries.stats import Part, SelfWatch, Statistics, Window
from jobs.web import figures, formats
from jobs.web.words import Badge

Text = str | Promise
Cells = Mapping[tuple[int, int], tuple[int, int]]

WINDOWS: dict[Window, Text] = {
    Window.DAY: gettext_lazy("24 h"),
    Window.WEEK: gettext_lazy("7 d"),
    Window.MONTH: gettext_lazy("30 d"),
    Window.QUARTER: gettext_lazy("90 d"),
}
_BEFORE: dict[Window, Text] = {
    Window.DAY: gettext_lazy("the 24 hours before"),
    Window.WEEK: gettext_lazy("the 7 days before"),
    Window.MONTH: gettext_lazy("the 30 days before"),
    Window.QUARTER: gettext_lazy("the 90 days before"),
}
_SAME = 0.0005  # what rounds to nothing is no change
# A due time queued within a second is on time to any schedule, whose smallest step that is.
_PUNCTUAL, _LATE = 1.0, 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An hour or a day as the table shows it."""

    name: str
    succeeded: int
    failed: int
    other: int
    mean_seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """An hour of the week as the table shows it."""

    weekday: Text
    hours: str
    runs: int
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A chart, what it says in words, and the ends of its axis."""

    drawing: SafeString
    words: str
    first: str = ""
    last: str = ""


def rate_change(found: Statistics) -> Badge:
    """Say how the success rate moved against the period before."""
    change, before = found.rate_change, str(_BEFORE[found.window])
    if change is None:
        return _nothing_before(found)
    if abs(change) < _SAME:
        return Badge(_("as in %s") % before, "circle-dashed")
    values = {"points": _points(change), "before": before}
    if change > 0:
        return Badge(_("%(points)s points above %(before)s") % values, "circle-check", "ok")
    return Badge(_("%(points)s points below %(before)s") % values, "triangle-alert", "bad")


def p95_change(found: Statistics) -> Badge:
    """Say how the 95th percentile of durations moved against the period before."""
    change, before = found.p95_change, str(_BEFORE[found.window])
    if change is None:
        return _nothing_before(found)
    if abs(change) < _SAME:
        return Badge(_("as in %s") % before, "circle-dashed")
    values = {"share": formats.percent(abs(change)), "before": before}
    if change < 0:
        return Badge(_("%(share)s shorter than in %(before)s") % values, "circle-check", "ok")
    return Badge(_("%(share)s longer than in %(before)s") % values, "triangle-alert", "warn")


def _nothing_before(found: Statistics) -> Badge:
    words = _("nothing to compare with in %s") % _BEFORE[found.window]
    return Badge(words, "circle-question-mark")


def _points(change: float) -> str:
    return formats.percent(abs(change)).rstrip("%").rstrip("\u202f ")


def rows(found: Statistics, zone: ZoneInfo) -> list[Row]:
    """Return the hours or days, the latest first."""
    return [
        Row(
            name=_name(part, found.window, zone),
            succeeded=part.succeeded,
            failed=part.failed,
            other=part.other,
            mean_seconds=part.run_seconds / part.ended if part.ended else None,
        )
        for part in reversed(found.parts)
    ]


def _name(part: Part, window: Window, zone: ZoneInfo) -> str:
    local = timezone.localtime(part.at, zone)
    return date_format(local, "D j M H:i" if window == Window.DAY else "D j M")


def runs_chart(found: Statistics, zone: ZoneInfo) -> Drawn:
    """Draw what succeeded and failed in each hour or day."""
    words = _runs_words(found, zone)
    parts = [(part.succeeded, part.failed) for part in found.parts]
    return Drawn(
        drawing=figures.bars(parts, label=words),
        words=words,
        first=_name(found.parts[0], found.window, zone),
        last=_name(found.parts[-1], found.window, zone),
    )


def _runs_words(found: Statistics, zone: ZoneInfo) -> str:
    now = found.now
    said = _("%(good)s succeeded and %(bad)s failed.") % {
        "good": formats.count(now.succeeded),
        "bad": formats.count(now.failed),
    }
    most = max(found.parts, key=lambda part: part.ended)
    worst = max(found.parts, key=lambda part: part.failed)
    if most.ended:
        said += " " + _("Most ended on %(when)s: %(n)s.") % {
            "when": _name(most, found.window, zone),
            "n": formats.count(most.ended),
        }
    if worst.failed:
        said += " " + _("Most failed on %(when)s: %(n)s.") % {
            "when": _name(worst, found.window, zone),
            "n": formats.count(worst.failed),
        }
    return said


def heat_chart(cells: Cells) -> Drawn:
    """Draw the week: how much ended in each hour of it, and which share of that failed."""
    words = _heat_words(cells)
    return Drawn(drawing=figures.heat(cells, label=words), words=words)


def _heat_words(cells: Cells) -> str:
    if not cells:
        return _("Nothing ended.")
    place = max(sorted(cells), key=lambda at: cells[at][0])
    said = _("Most ended on %(day)s from %(hours)s: %(n)s.") % {
        "day": WEEKDAYS[place[0]],
        "hours": _hours(place[1]),
        "n": formats.count(cells[place][0]),
    }
    worst = max(sorted(cells), key=lambda at: cells[at][1])
    if cells[worst][1]:
        said += " " + _("Most failed on %(day)s from %(hours)s: %(n)s of %(all)s.") % {
            "day": WEEKDAYS[worst[0]],
            "hours": _hours(worst[1]),
            "n": formats.count(cells[worst][1]),
            "all": formats.count(cells[worst][0]),
        }
    return said


def _hours(hour: int) -> str:
    return f"{hour:02}:00\u2013{(hour + 1) % 24:02}:00"


def cells_of(cells: Cells) -> list[Cell]:
    """Return the hours of the week in which something ended, in their order."""
    return [
        Cell(weekday=WEEKDAYS[day], hours=_hours(hour), runs=runs, failed=failed)
        for (day, hour), (runs, failed) in sorted(cells.items())
    ]


def weekdays() -> list[Text]:
    """Return the short names of the weekdays, Monday first."""
    return [WEEKDAYS_ABBR[day] for day in range(7)]


def period(found: Statistics, zone: ZoneInfo) -> str:
    """Say from when to when, by the reader's clock."""
    ends = (timezone.localtime(at, zone) for at in (found.start, found.end))
    first, last = (date_format(at, "D j M H:i") for at in ends)
    return _("%(first)s to %(last)s, %(zone)s") % {"first": first, "last": last, "zone": zone.key}


def seconds(value: float | None) -> str:
    """Return a time that may be less than what is worth measuring."""
    if value is not None and 0 < value < 0.01:
        return _("under %s") % formats.duration(0.01)
    return formats.duration(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """How well the product did its own work, in words."""

    badge: Badge
    lateness: str
    lateness_p50: str
    lateness_p99: str
    waits: str
    wait_p50: str
    wait_p99: str
    rescued: int
    rescues: str
    tick: str
    tick_words: str


def watched(watch: SelfWatch, tick_at: datetime | None, now: datetime) -> Watched:
    """Put into words how punctual the dispatchers were, how long runs waited, what was rescued."""
    age = None if tick_at is None else max((now - tick_at).total_seconds(), 0.0)
    return Watched(
        badge=_punctuality(watch.lateness),
        lateness=_queued(watch.lateness.total),
        lateness_p50=seconds(watch.lateness.quantile(0.5)),
        lateness_p99=seconds(watch.lateness.quantile(0.99)),
        waits=_started(watch.waits.total),
        wait_p50=seconds(watch.waits.quantile(0.5)),
        wait_p99=seconds(watch.waits.quantile(0.99)),
        rescued=watch.rescued,
        rescues=_rescues(watch.rescued),
        tick=seconds(age),
        tick_words=_("since a dispatcher looked at the clock.")
        if tick_at is not None
        else _("No dispatcher has looked at the clock yet."),
    )


def _queued(count: int) -> str:
    if not count:
        return _("Nothing was queued.")
    words = ngettext("%s due time was queued.", "%s due times were queued.", count)
    return words % formats.count(count)


def _started(count: int) -> str:
    if not count:
        return _("Nothing was started.")
    return ngettext("%s run was started.", "%s runs were started.", count) % formats.count(count)


def _rescues(count: int) -> str:
    if not count:
        return _("No worker left a run behind.")
    return ngettext(
        "A run was taken from a worker that was gone.",
        "Runs were taken from workers that were gone.",
        count,
    )


def _punctuality(lateness: Histogram) -> Badge:
    """Judge the slowest one in a hundred."""
    worst = lateness.quantile(0.99)
    if worst is None:
        return Badge(_("Nothing was due"), "circle-dashed")
    if worst <= _PUNCTUAL:
        return Badge(_("On time"), "circle-check", "ok")
    if worst <= _LATE:
        return Badge(_("Late at times"), "triangle-alert", "warn")
    return Badge(_("Late"), "octagon-alert", "bad")
