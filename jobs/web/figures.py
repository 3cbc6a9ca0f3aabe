"""Charts of sums and series: plain values in, inline SVG out (see ``charts`` for the rules)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, sqrt

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from jobs.domain.states import FAILURES, ExecutionState
from jobs.web import svg
from jobs.web.charts import Run

FEWEST = 12  # places of a chart of durations: a single run is no wall


def bars(days: Sequence[tuple[int, int]], *, label: str) -> SafeString:
    """Draw (succeeded, failed) per period: successes stand, failures hang, on one scale."""
    highest = max((good for good, _bad in days), default=0) or 1
    deepest = max((bad for _good, bad in days), default=0) or 1
    step = 100 / max(len(days), 1)
    rects: list[svg.Rect] = []
    for place, (good, bad) in enumerate(days):
        x, width = svg.percent(place * step + step * 0.15), svg.percent(step * 0.7)
        if good:
            height = max(54 * good / highest, 2)
            rects.append(svg.rect("ok", x, 66 - height, width, height, 1.5))
        if bad:
            # At least two pixels: one failure among thousands must not vanish.
            height = max(20 * bad / max(deepest, highest * 20 / 54), 2)
            rects.append(svg.rect("bad", x, 67, width, height))
    return format_html(
        '<svg class="chart" height="88" role="img" aria-label="{}">{}{}</svg>',
        label,
        svg.base_line(66.5),
        svg.rects(rects),
    )


def durations(runs: Sequence[Run], *, label: str, height: int = 120) -> SafeString:
    """Draw how long each run took, oldest first; a failure is a cross at its duration."""
    longest = max((run.seconds for run in runs), default=0) or 1
    step = 100 / max(len(runs), FEWEST)  # a single run is no wall
    room = height - 20
    rects: list[svg.Rect] = []
    crosses: list[tuple[str, str]] = []
    for place, run in enumerate(runs):
        size = max(room * run.seconds / longest, 1.5)
        x, width = svg.percent(place * step + step * 0.15), svg.percent(step * 0.7)
        if run.state in FAILURES:
            crosses.append((svg.percent((place + 0.5) * step), svg.number(height - 8 - size)))
        elif run.live:
            rects.append(svg.rect("hollow", x, height - 6 - size, width, size))
        elif run.state == ExecutionState.SUCCEEDED:
            rects.append(svg.rect("ok", x, height - 6 - size, width, size))
        else:
            rects.append(svg.rect("idle", x, height - 9, "3.4", 3.4, 1.7))
    return format_html(
        '<svg class="chart" height="{}" role="img" aria-label="{}">{}{}{}</svg>',
        height,
        label,
        svg.base_line(height - 5.5),
        svg.rects(rects),
        format_html_join(
            "",
            '<svg x="{}" y="{}" overflow="visible"><path class="cross" d="M-3.5-3.5l7 7M3.5-3.5l-7 7"/>'
            "</svg>",
            crosses,
        ),
    )


_CELL = 20  # pixels from row to row of a week
_HOURS = (0, 6, 12, 18)


def heat(cells: Mapping[tuple[int, int], tuple[int, int]], *, label: str) -> SafeString:
    """Draw a week by (weekday, hour): runs darken and fill a cell, failures lie under it.

    The more ended, the taller the block, so that it reads without colour; how wide the bar under it
    is says which share failed.
    """
    most = max((runs for runs, _failed in cells.values()), default=0) or 1
    step = 100 / 24
    rects: list[svg.Rect] = []
    for day in range(7):
        top = day * _CELL
        for hour in range(24):
            x, width = svg.percent(hour * step + step * 0.06), step * 0.88
            runs, failed = cells.get((day, hour), (0, 0))
            if not runs:
                rects.append(svg.rect("track", x, top + 13, svg.percent(width), 1))
                continue
            share = runs / most
            size = 3 + 10 * sqrt(share)
            name = f"heat h{ceil(share * 4)}"
            rects.append(svg.rect(name, x, top + 14 - size, svg.percent(width), size))
            if failed:
                # Never narrower than can be seen: one failure among thousands must not vanish.
                wide = svg.percent(width * max(failed / runs, 0.25))
                rects.append(svg.rect("bad", x, top + 15, wide, 3))
    return format_html(
        '<svg class="chart" height="{}" role="img" aria-label="{}">{}{}</svg>',
        7 * _CELL + 16,
        label,
        svg.rects(rects),
        format_html_join(
            "",
            '<text x="{}" y="{}">{}</text>',
            ((svg.percent(hour * step), 7 * _CELL + 12, f"{hour:02}:00") for hour in _HOURS),
        ),
    )


def _path(values: Sequence[float], *, top: float, bottom: float, low: float, high: float) -> str:
    """Return the points of a line over 100 units of width."""
    step = 100 / max(len(values) - 1, 1)
    span = (high - low) or 1
    return "L".join(
        f"{svg.number(place * step)} {svg.number(bottom - (bottom - top) * (value - low) / span)}"
        for place, value in enumerate(values)
    )


def spark(values: Sequence[float], *, low: float = 0.0, high: float = 1.0) -> SafeString:
    """Draw a small line for a tile; the number beside it carries the meaning."""
    if len(values) < 2:
        return SafeString("")
    line = _path(values, top=3, bottom=31, low=low, high=high)
    return format_html(
        '<svg class="spark" viewBox="0 0 100 34" preserveAspectRatio="none" aria-hidden="true">'
        '<path class="ar" d="M{0}L100 34L0 34Z"/><path class="ln" d="M{0}"/></svg>',
        line,
    )


def trend(values: Sequence[float], *, label: str, height: int = 46) -> SafeString:
    """Draw a series from zero to its highest value over the full width."""
    line = _path(values, top=2, bottom=height - 2, low=0, high=max([*values, 0]) or 1)
    grid = format_html_join(
        "",
        '<line class="gridl" x1="0" x2="100%" y1="{0}" y2="{0}"/>',
        ((svg.number(y),) for y in (0.5, height / 2, height - 0.5)),
    )
    return format_html(
        '<svg class="chart" height="{0}" role="img" aria-label="{1}">{2}<svg width="100%" '
        'height="{0}" viewBox="0 0 100 {0}" preserveAspectRatio="none">'
        '<path class="ar" d="M{3}L100 {0}L0 {0}Z"/><path class="ln" d="M{3}"/></svg></svg>',
        height,
        label,
        grid,
        line,
    )


def meter(value: float, *, threshold: float, warn_below: float | None = None) -> SafeString:
    """Draw a score of 0 to 1 with the mark under which it alerts."""
    level = "ok"
    if value < threshold:
        level = "bad"
    elif warn_below is not None and value < warn_below:
        level = "warn"
    return format_html(
        '<svg class="bar" aria-hidden="true" overflow="visible">'
        '<rect class="track" width="100%" height="8" rx="4"/>'
        '<rect class="{0}" width="{1}" height="8" rx="4"/>'
        '<line class="thr" x1="{2}" x2="{2}" y1="-2" y2="10"/></svg>',
        level,
        svg.percent(min(max(value, 0), 1) * 100),
        svg.percent(threshold * 100),
    )


def progress(share: float) -> SafeString:
    """Draw how much of something is over, 0 to 1; the number beside it says the same."""
    return format_html(
        '<svg class="bar" aria-hidden="true"><rect class="track" width="100%" height="8" rx="4"/>'
        '<rect class="run" width="{}" height="8" rx="4"/></svg>',
        svg.percent(min(max(share, 0), 1) * 100),
    )


def severity(level: int) -> SafeString:
    """Draw one to four rising steps, ``level`` of them filled."""
    names = {1: "idle", 2: "warn", 3: "warn", 4: "bad"}
    return format_html(
        '<svg class="steps" aria-hidden="true">{}</svg>',
        svg.rects(
            svg.rect(
                names[level] if place < level else "track",
                svg.number(place * 4),
                9 - place * 3,
                "3",
                3 + place * 3,
                0.5,
            )
            for place in range(4)
        ),
    )
