"""The timeline in words: each mark, each lane, each hot spot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, npgettext

from jobs.domain.said import spoken
from jobs.domain.states import ExecutionState, JobState
from jobs.queries.forecast import Forecast, QueueForecast, Slice, Spot
from jobs.queries.timeline_marks import Mark, MarkKind
from jobs.queries.timeline_page import Lane
from jobs.web import formats, words
from jobs.web.charts import counted
from jobs.web.timeline import Clock


def when(mark: Mark, clock: Clock) -> str:
    """Return the moment or the stretch of a mark; what is planned is named by its start."""
    start, end = clock(mark.start), clock(mark.end)
    text = start if mark.number <= 1 else _span(start, end, clock)
    return f"~{text}" if mark.about else text


def what(mark: Mark, clock: Clock) -> str:
    """Return what a mark stands for."""
    if mark.kind == MarkKind.RUN:
        return _outcome(next(iter(mark.counts)), clock.language)
    if mark.kind == MarkKind.RUNS:
        return counted(mark.counts)
    number = formats.count(mark.number)
    if mark.kind == MarkKind.PLANNED:
        text = npgettext("mark", "planned", "%(n)s planned", mark.number)
    elif mark.kind == MarkKind.OMITTED:
        text = npgettext("mark", "left out", "%(n)s left out", mark.number)
    elif mark.kind == MarkKind.HELD:
        text = npgettext("mark", "will be held back", "%(n)s will be held back", mark.number)
    else:
        text = npgettext("mark", "will not run", "%(n)s will not run", mark.number)
    return text % {"n": number} + _why(mark)


@lru_cache(maxsize=64)
def _outcome(state: str, _language: str | None) -> str:
    """Return a state's word in the reader's language; a page has few states and hundreds of runs."""
    return str(words.EXECUTION[state].word).lower()


def _why(mark: Mark) -> str:
    if not mark.reason:
        return ""
    reason = words.REASON.get(mark.reason, mark.reason)
    return f": {reason}" + (f", {spoken(mark.detail)}" if mark.detail else "")


def took(mark: Mark) -> str:
    """Return how long a run took or should take; empty where that says nothing."""
    if mark.number != 1:
        return ""
    seconds = (mark.end - mark.start).total_seconds()
    if mark.kind == MarkKind.RUN and ExecutionState.SKIPPED not in mark.counts and seconds > 0:
        return formats.duration(seconds)
    if mark.kind == MarkKind.PLANNED and seconds > 0:
        return _("about %s") % formats.duration(seconds)
    return ""


def sentence(mark: Mark, clock: Clock) -> str:
    """Return the text of a mark: moment, what, and how long."""
    parts = [f"{when(mark, clock)} {what(mark, clock)}", took(mark)]
    return ", ".join(part for part in parts if part)


def finding(lane: Lane) -> str:
    """Return a lane's finding, for who does not see the drawing."""
    states: Counter[str] = Counter()
    for mark in lane.marks:
        if mark.kind in (MarkKind.RUN, MarkKind.RUNS):
            states.update(mark.counts)
    parts = [counted(states) or _("no run")]
    for kind, text in (
        (MarkKind.OMITTED, _("%s left out")),
        (MarkKind.PLANNED, _("%s planned")),
        (MarkKind.HELD, _("%s will be held back")),
        (MarkKind.OFF, _("%s will not run")),
    ):
        number = sum(mark.number for mark in lane.marks if mark.kind == kind)
        if number:
            parts.append(text % formats.count(number))
    return f"{lane.job.name}: {', '.join(parts)}"


def note(lane: Lane, clock: Clock) -> str:
    """Return what a lane has to say besides its marks: stopped by whom and why, or cut."""
    job = lane.job
    parts = []
    if job.state != JobState.ACTIVE:
        badge = words.JOB[job.state]
        by = job.state_changed_by
        parts.append(
            _("%(state)s by %(by)s") % {"state": badge.word, "by": by} if by else badge.word
        )
        parts += [job.state_reason] if job.state_reason else []
    if lane.cut_before:
        text = _("runs before %s are too many to draw")
        parts.append(text % clock(lane.cut_before))
    return ", ".join(str(part) for part in parts)


def spot_words(spot: Spot, queue: QueueForecast, clock: Clock) -> str:
    """Return a hot spot as a sentence."""
    values = {
        "span": _span(clock(spot.start), clock(spot.until), clock),
        "jobs": _jobs(spot.jobs),
        "peak": formats.count(spot.peak),
        "slots": formats.count(queue.slots or 0),
        "names": _names(spot),
    }
    if not spot.over:
        text = _("%(span)s: %(peak)s runs begin within this minute: %(names)s")
        return text % values + "; " + _room(queue)
    if queue.slots == 1:
        text = _("%(span)s: %(jobs)s want %(peak)s slots, 1 is there: %(names)s")
    else:
        text = _("%(span)s: %(jobs)s want %(peak)s slots, %(slots)s are there: %(names)s")
    return text % values + "; " + _wait(spot)


def _span(start: str, end: str, clock: Clock) -> str:
    """Return from when to when; what is over within the shown minute has one time."""
    return start if start == end else clock.stretch % {"start": start, "end": end}


def _jobs(number: int) -> str:
    text = ngettext("%(n)s job", "%(n)s jobs", number)
    return text % {"n": formats.count(number)}


def _wait(spot: Spot) -> str:
    wait = formats.span(spot.wait_seconds)
    if not spot.drains:
        return _("the wait grows to more than %s, and no end is in sight") % wait
    return _("the last waits about %s") % wait if spot.wait_seconds >= 1 else _("none waits long")


def _room(queue: QueueForecast) -> str:
    if queue.slots is None:
        return _("no live worker serves this queue, so the wait is not known")
    return _("the %s slots suffice") % formats.count(queue.slots)


def _names(spot: Spot) -> str:
    """Return ``nightly-a, nightly-b and 12 more``."""
    more = spot.jobs - len(spot.names)
    if more > 0:
        return _("%(names)s and %(n)s more") % {
            "names": ", ".join(spot.names),
            "n": formats.count(more),
        }
    return _(" and ").join(spot.names)


def slots_words(queue: QueueForecast) -> str:
    """Return what a queue wants and what it has."""
    if queue.slots is None:
        return _("%s at once, no live worker") % formats.count(queue.peak)
    values = {"peak": formats.count(queue.peak), "slots": formats.count(queue.slots)}
    text = _("%(peak)s at once, %(slots)s shared") if queue.shared else _("%(peak)s of %(slots)s")
    return text % values


def load_finding(queue: QueueForecast, clock: Clock) -> str:
    """Return a queue's load in words."""
    busiest = max(queue.buckets, key=lambda bucket: bucket.peak, default=None)
    if busiest is None or not busiest.peak:
        return _("%s: nothing is planned") % queue.queue
    text = _("%(queue)s: %(starts)s runs begin; most at once %(slots)s, around %(at)s")
    return text % {
        "queue": queue.queue,
        "starts": formats.count(queue.starts),
        "slots": slots_words(queue),
        "at": clock(busiest.start),
    }


def bucket_words(bucket: Slice, clock: Clock) -> str:
    """Return one bucket of the load."""
    text = _(
        "%(start)s to %(end)s: %(starts)s begin, at most %(peak)s at once, on average %(mean)s"
    )
    return text % {
        "start": clock(bucket.start),
        "end": clock(bucket.end),
        "starts": formats.count(bucket.starts),
        "peak": formats.count(bucket.peak),
        "mean": formats.rate(bucket.mean),
    }


def caveats(found: Forecast) -> Sequence[str]:
    """Return how the prediction was made where it is coarser than it looks."""
    parts = []
    if found.counted:
        text = ngettext(
            "%(n)s job is due too often to be followed run by run; it counts with its average",
            "%(n)s jobs are due too often to be followed run by run; they count with their average",
            found.counted,
        )
        names = ", ".join(found.counted_names)
        parts.append(text % {"n": formats.count(found.counted)} + f" ({names}…)" * bool(names))
    if found.never_ran:
        text = ngettext(
            "%(n)s job has never run; it counts for one second",
            "%(n)s jobs have never run; each counts for one second",
            found.never_ran,
        )
        parts.append(text % {"n": formats.count(found.never_ran)})
    return parts
