"""The timeline's drawings, in the language of ``charts``: runs rise, failures hang.

What is left out lies under the line, what is planned stands hollow on it, what will not run is
dashed, and what is held back has a bar across. Each mark says itself in a title.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from jobs.domain.states import FAILURES, LIVE, ExecutionState
from jobs.queries.forecast import QueueForecast
from jobs.queries.timeline_marks import Axis, Mark, MarkKind
from jobs.queries.timeline_page import Lane
from jobs.web import charts, svg
from jobs.web import timeline_words as say
from jobs.web.timeline import Clock

_NARROW = 0.55  # percent that a mark takes at least, to be seen
_BOX = 9  # pixels of a planned run that takes next to no time
_CROWDED = 20  # planned runs in a lane beyond which boxes become strokes
_LOAD_HEIGHT = 44
_FAILED = [state.value for state in FAILURES]
_LIVE = [state.value for state in LIVE]


def window_of(axis: Axis) -> charts.Window:
    """Return the axis as charts know it."""
    return charts.Window(start=axis.start, end=axis.end, now=axis.now)


def axis_drawing(
    axis: Axis, ticks: Sequence[tuple[datetime, str]], nearer: Callable[[datetime], str]
) -> SafeString:
    """Draw the labels, each the way to the hours that begin there."""
    return charts.axis(window_of(axis), ticks, nearer=nearer)


def lane_drawing(lane: Lane, clock: Clock) -> SafeString:
    """Draw one job's lane."""
    window = window_of(clock.axis)
    longest = max(
        ((mark.end - mark.start).total_seconds() for mark in lane.marks if _ran(mark)), default=0
    )
    crowded = sum(mark.kind not in (MarkKind.RUN, MarkKind.RUNS) for mark in lane.marks) > _CROWDED
    shapes = (
        (say.sentence(mark, clock), _shapes(mark, window, longest, crowded=crowded))
        for mark in lane.marks
    )
    return format_html(
        '<svg role="img" aria-label="{}">{}{}{}</svg>',
        say.finding(lane),
        svg.base_line(charts.BASE + 0.5),
        svg.titled(shapes),
        _now(window),
    )


def _ran(mark: Mark) -> bool:
    return mark.kind == MarkKind.RUN and not any(state in mark.counts for state in _LIVE)


def _now(window: charts.Window) -> SafeString:
    return charts.now_line(window, -1, 27) if window.holds(window.now) else SafeString("")


def _shapes(mark: Mark, window: charts.Window, longest: float, *, crowded: bool) -> list[svg.Rect]:
    left = window.x(mark.start)
    share = window.x(mark.end) - left
    if mark.kind == MarkKind.RUN:
        return _run(mark, left, share, longest)
    if mark.kind == MarkKind.RUNS:
        return _runs(mark, left, share)
    if mark.kind == MarkKind.OMITTED:
        return [svg.rect("left", svg.percent(left), charts.BASE + 4, _width(share), 4, 1)]
    return _planned(mark, left, share, crowded=crowded)


def _run(mark: Mark, left: float, share: float, longest: float) -> list[svg.Rect]:
    state = next(iter(mark.counts))
    run = charts.Run(state=state, seconds=(mark.end - mark.start).total_seconds())
    if run.live:
        return [svg.rect("hollow", svg.percent(left), charts.BASE - 10, _width(share), 10, 2)]
    height = charts.run_height(run.seconds, longest) * 0.72
    return charts.run_shape(run, svg.percent(left), _width(share), height)


def _runs(mark: Mark, left: float, share: float) -> list[svg.Rect]:
    """Draw a band: how much stands and hangs shows the shares of successes and failures."""
    good = mark.counts.get(ExecutionState.SUCCEEDED, 0)
    bad = sum(mark.counts.get(state, 0) for state in _FAILED)
    x, width = svg.percent(left), _width(share)
    found = []
    if good:
        height = 4 + 6 * good / mark.number
        found.append(svg.rect("ok", x, charts.BASE - height, width, height))
    if bad:
        found.append(svg.rect("bad", x, charts.BASE + 1, width, 3 + 6 * bad / mark.number))
    if mark.number > good + bad:
        found.append(svg.rect("idle", x, charts.BASE - 3.2, width, 3.2))
    return found


def _planned(mark: Mark, left: float, share: float, *, crowded: bool) -> list[svg.Rect]:
    name = {MarkKind.PLANNED: "plan", MarkKind.OFF: "off"}.get(mark.kind, "held")
    x = svg.percent(left)
    if mark.number > 1:
        return [svg.rect(f"{name} many", x, charts.BASE - 7, _width(share), 6, 3)]
    if mark.end == mark.start:  # how long it takes is not known: a point
        return [svg.rect(name, x, charts.BASE - 5, "4", 4, 2)]
    if share > _NARROW * 2:
        return [svg.rect(name, x, charts.BASE - 9, svg.percent(share), 9, 2)]
    if crowded:
        return [svg.rect(name, x, charts.BASE - 5, "1", 4, 0.5)]
    return [svg.rect(name, x, charts.BASE - 9, svg.number(_BOX), 9, 2)]


def _width(share: float) -> str:
    return svg.percent(max(share, _NARROW))


def load_drawing(queue: QueueForecast, clock: Clock) -> SafeString:
    """Draw how many slots are wanted, at most and on average, and a line at those that are there."""
    axis = clock.axis
    window = window_of(axis)
    highest = max(queue.peak, queue.slots or 0, 1)
    room, base = _LOAD_HEIGHT - 6, _LOAD_HEIGHT - 2

    def bar(name: str, left: float, width: float, low: float, high: float) -> svg.Rect:
        top, height = base - room * high / highest, max(room * (high - low) / highest, 1)
        return svg.rect(name, svg.percent(left), top, svg.percent(width), height, 0.5)

    shapes = []
    for bucket in queue.buckets:
        left = window.x(bucket.start)
        width = max((window.x(bucket.end) - left) * 0.86, 0.2)
        if not bucket.peak or bucket.start >= axis.end:
            continue
        there = bucket.peak if queue.slots is None else min(bucket.peak, queue.slots)
        rects = [bar("track", left, width, 0, there)] if there else []
        rects += [bar("idle", left, width, 0, min(bucket.mean, bucket.peak))] if bucket.mean else []
        rects += [bar("bad", left, width, there, bucket.peak)] if bucket.peak > there else []
        shapes.append((say.bucket_words(bucket, clock), rects))
    limit = SafeString("")
    if queue.slots is not None:
        y = svg.number(base - room * queue.slots / highest)
        limit = format_html('<line class="thr" x1="0" x2="100%" y1="{0}" y2="{0}"/>', y)
    return format_html(
        '<svg class="load" role="img" aria-label="{}">{}{}{}{}</svg>',
        say.load_finding(queue, clock),
        svg.base_line(base + 0.5),
        svg.titled(shapes),
        limit,
        charts.now_line(window, -1, _LOAD_HEIGHT) if window.holds(axis.now) else SafeString(""),
    )


def legend() -> list[tuple[SafeString, str]]:
    """Return a small drawing and a word for the marks that the overview's axis does not have."""
    samples = [
        ([svg.rect("left", "1", 9, "9", 4, 1)], _("left out")),
        ([svg.rect("held", "1", 3, "8", 8, 2)], _("held back")),
    ]
    more = [
        (
            format_html('<svg aria-hidden="true">{}{}</svg>', svg.base_line(4.5), svg.rects(rects)),
            word,
        )
        for rects, word in samples
    ]
    return [*charts.legend(), *more]
