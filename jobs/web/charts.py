"""Charts drawn on the server: plain values in, inline SVG out.

Runs rise, failures hang: a success stands on the base line, a failure hangs under it, a time-out
hangs in two pieces, a lost run hangs as an outline, a skip is a dot, a kill lies across the line.
So every chart reads without colour. x is in percent and y in pixels, so that one drawing serves all
widths and text never scales. Each says its finding in ``aria-label``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from math import sqrt

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext_noop, npgettext
from django.utils.translation import gettext as _

from jobs.domain.states import LIVE, ExecutionState
from jobs.web import svg

STRIP_SLOTS = 20
_STEP, _BAR = 7, 5  # pixels from mark to mark, and a mark's width
BASE = 17  # pixels from the top to the line on which successes stand
_RISE, _HANG = 14, 9  # pixels at most above, and always below
_BESIDE_NOW, _AT_END = 8, 5  # percent of an axis that labels keep clear of, on a phone
MANY = 60  # planned instants in one lane beyond which single marks would merge into a bar

# What differs by outcome: class, and (top, height) of each piece below or across the line.
_HANGING: dict[str, tuple[str, tuple[tuple[float, float], ...]]] = {
    ExecutionState.FAILED: ("bad", ((1, _HANG),)),
    ExecutionState.TIMED_OUT: ("bad", ((1, 3.5), (6, 4))),
    ExecutionState.LOST: ("gone", ((1.5, _HANG - 1),)),
    ExecutionState.CANCELLED: ("idle", ((-2.5, 5),)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One execution to draw; ``state`` is an ExecutionState, ``seconds`` how long it ran so far."""

    state: str
    seconds: float = 0
    started_at: datetime | None = None

    @property
    def live(self) -> bool:
        """Say whether it is still in progress or waiting."""
        return self.state in LIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A stretch of time on the x axis."""

    start: datetime
    end: datetime
    now: datetime

    def x(self, moment: datetime) -> float:
        """Return the place of ``moment`` in percent, kept inside the window."""
        share = (moment - self.start) / (self.end - self.start)
        return min(max(share, 0.0), 1.0) * 100

    def holds(self, moment: datetime) -> bool:
        """Say whether ``moment`` is inside."""
        return self.start <= moment <= self.end


def run_height(seconds: float, longest: float) -> float:
    """Return the pixels of a run: the square root keeps short ones visible beside long ones."""
    share = sqrt(max(seconds, 0) / longest) if longest > 0 else 0
    return 4 + (_RISE - 4) * min(share, 1)


def run_shape(run: Run, x: str, width: str, height: float) -> list[svg.Rect]:
    """Return what one finished or live run looks like at ``x``."""
    if run.live:
        return [svg.rect("hollow", x, BASE - 12, width, 12)]
    if run.state == ExecutionState.SUCCEEDED:
        return [svg.rect("ok", x, BASE - height, width, height)]
    if run.state == ExecutionState.SKIPPED:
        return [svg.rect("idle", x, BASE - 3.2, "3.4", 3.4, 1.7)]
    name, pieces = _HANGING.get(run.state, ("idle", ((-2.5, 5),)))
    return [svg.rect(name, x, BASE + top, width, size) for top, size in pieces]


_COUNTED = (
    (ExecutionState.SUCCEEDED.value, gettext_noop("%d succeeded")),
    (ExecutionState.FAILED.value, gettext_noop("%d failed")),
    (ExecutionState.TIMED_OUT.value, gettext_noop("%d timed out")),
    (ExecutionState.LOST.value, gettext_noop("%d lost")),
    (ExecutionState.CANCELLED.value, gettext_noop("%d killed")),
    (ExecutionState.SKIPPED.value, gettext_noop("%d skipped")),
    ("live", gettext_noop("%d in progress")),
)


def counted(states: Iterable[str] | Mapping[str, int]) -> str:
    """Return outcomes in words: "14 succeeded, 3 failed, 1 skipped".

    What has been counted already may come as a mapping.
    """
    counts = states if isinstance(states, Mapping) else Counter(states)
    return _in_words(tuple(counts.items()), get_language())


@lru_cache(maxsize=1024)
def _in_words(counts: tuple[tuple[str, int], ...], _language: str | None) -> str:
    """Say counts in the reader's language; the six hundred of a timeline are much alike."""
    by_word: Counter[str] = Counter()
    for state, number in counts:
        by_word["live" if state in LIVE else state] += number
    return ", ".join(_(text) % by_word[state] for state, text in _COUNTED if by_word[state])


def strip(runs: Sequence[Run]) -> SafeString:
    """Draw the latest runs, oldest first; places that no run has taken yet are marked faintly."""
    runs = runs[-STRIP_SLOTS:]
    empty = STRIP_SLOTS - len(runs)
    longest = max((run.seconds for run in runs), default=0)
    rects = [
        svg.rect("track", svg.number(place * _STEP), BASE - 2, svg.number(_BAR), 2)
        for place in range(empty)
    ]
    for place, run in enumerate(runs, start=empty):
        rects += run_shape(
            run, svg.number(place * _STEP), svg.number(_BAR), run_height(run.seconds, longest)
        )
    width = STRIP_SLOTS * _STEP - (_STEP - _BAR)
    return format_html(
        '<svg class="strip" width="{0}" height="28" role="img" aria-label="{1}"><title>{1}</title>'
        "{2}{3}</svg>",
        width,
        strip_label(runs),
        svg.base_line(BASE + 0.5),
        svg.rects(rects),
    )


def strip_label(runs: Sequence[Run]) -> str:
    """Return the finding of a strip in words."""
    if not runs:
        return _("No run yet")
    heading = npgettext("heading", "Last run", "Last %(count)d runs", len(runs)) % {
        "count": len(runs)
    }
    return f"{heading}: {counted(run.state for run in runs)}"


def lane(
    window: Window,
    runs: Sequence[Run],
    planned: Sequence[datetime],
    *,
    label: str,
    off: bool = False,
) -> SafeString:
    """Draw one job's past and planned runs on ``window``; ``off``: the planned ones will not run."""
    longest = max((run.seconds for run in runs), default=0)
    narrow = len(runs) > MANY // 2
    rects: list[svg.Rect] = []
    for run in runs:
        if run.started_at is not None:
            rects += _lane_marks(window, run, run.started_at, longest, narrow=narrow)
    return format_html(
        '<svg role="img" aria-label="{}">{}{}{}{}</svg>',
        label,
        svg.base_line(BASE + 0.5),
        svg.rects(rects),
        _planned(window, [moment for moment in planned if window.holds(moment)], off=off),
        now_line(window, -1, 27),
    )


def _lane_marks(
    window: Window, run: Run, started_at: datetime, longest: float, *, narrow: bool
) -> list[svg.Rect]:
    left = window.x(started_at)
    share = window.x(started_at + timedelta(seconds=run.seconds)) - left
    if run.live:
        return [
            svg.rect("hollow", svg.percent(left), BASE - 10, svg.percent(max(share, 0.6)), 10, 2)
        ]
    width = "2" if narrow else svg.percent(max(share, 0.55))
    return run_shape(run, svg.percent(left), width, run_height(run.seconds, longest) * 0.72)


def _planned(window: Window, planned: Sequence[datetime], *, off: bool) -> SafeString:
    """Draw what is to come: boxes while they can be told apart, a band beyond, as on the timeline."""
    if not planned:
        return SafeString("")
    if len(planned) > MANY:
        # The list was cut: the band stands for what goes on to the end.
        left = window.x(planned[0])
        return format_html(
            '<rect class="{}" x="{}" y="{}" width="{}" height="6" rx="3"/>',
            "off" if off else "plan many",
            svg.percent(left),
            BASE - 7,
            svg.percent(100 - left),
        )
    if len(planned) > MANY // 3:
        return svg.rects(
            svg.rect("off" if off else "plan", svg.percent(window.x(at)), BASE - 5, "1", 4, 0.5)
            for at in planned
        )
    return svg.rects(
        svg.rect("off" if off else "plan", svg.percent(window.x(at)), BASE - 9, "9", 9, 2)
        for at in planned
    )


def now_line(window: Window, top: float, bottom: float) -> SafeString:
    return format_html(
        '<line class="now" x1="{0}" x2="{0}" y1="{1}" y2="{2}"/>',
        svg.percent(window.x(window.now)),
        svg.number(top),
        svg.number(bottom),
    )


def axis(
    window: Window,
    ticks: Sequence[tuple[datetime, str]],
    *,
    nearer: Callable[[datetime], str] | None = None,
) -> SafeString:
    """Draw the time axis over lanes; every second tick gives way on a narrow screen.

    ``nearer`` returns the query of the window that shows the time from a tick on more closely.
    """
    now_is_inside = window.holds(window.now)
    here = window.x(window.now)
    texts = (
        _tick(window.x(moment), text, place, nearer(moment) if nearer else "")
        for place, (moment, text) in enumerate(ticks)
        # A label under the word "now" could not be read.
        if not now_is_inside or abs(window.x(moment) - here) > _BESIDE_NOW
    )
    drawn = format_html_join("", "{}", ((text,) for text in texts))
    if not now_is_inside:
        return format_html('<svg aria-hidden="true">{}</svg>', drawn)
    return format_html(
        '<svg aria-hidden="true">{}<text class="lab" x="{}" y="18" text-anchor="middle" '
        'font-weight="600">{}</text>{}</svg>',
        drawn,
        svg.percent(here),
        _("now"),
        now_line(window, 22, 29),
    )


def _tick(x: float, text: str, place: int, query: str) -> SafeString:
    """Draw one label; a link of it is for the mouse, as the drawing is hidden from readers.

    One at an end stays within the drawing: in the middle of its time half of it would stand outside.
    """
    label = format_html(
        '<text class="{}" x="{}" y="18" text-anchor="{}">{}</text>',
        "alt" if place % 2 else "",
        svg.percent(x),
        "start" if x < _AT_END else "end" if x > 100 - _AT_END else "middle",
        text,
    )
    if not query:
        return label
    return format_html('<a href="?{}" tabindex="-1">{}</a>', query, label)


def legend() -> list[tuple[SafeString, str]]:
    """Return a small drawing and a word for each mark that a lane uses."""
    samples: list[tuple[str, list[svg.Rect], str]] = [
        ("", [svg.rect("ok", "1", 3, "9", 8, 1.5)], _("succeeded")),
        ("b", [svg.rect("bad", "1", 5, "9", 8, 1.5)], _("failed")),
        (
            "b",
            [svg.rect("bad", "1", 5, "9", 3, 1), svg.rect("bad", "1", 10, "9", 3)],
            _("timed out"),
        ),
        ("", [svg.rect("hollow", "1", 3, "9", 8, 2)], _("executing")),
        ("", [svg.rect("plan", "1", 3, "8", 8, 2)], _("planned")),
        ("", [svg.rect("plan many", "1", 4, "14", 6, 3)], _("many planned")),
        ("", [svg.rect("off", "1", 3, "8", 8, 2)], _("will not run")),
    ]
    drawings = [
        format_html(
            '<svg aria-hidden="true">{}{}</svg>',
            svg.base_line(4.5) if base else "",
            svg.rects(rects),
        )
        for base, rects, _word in samples
    ]
    return list(zip(drawings, (word for *_rest, word in samples), strict=True))
