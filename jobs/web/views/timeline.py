"""The timeline: past and planned runs of all jobs on one axis, and the load they make."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from operator import attrgetter

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from jobs.models import Freeze
from jobs.queries.forecast import QueueForecast, Spot, cached_forecast, is_cached
from jobs.queries.freezes import open_freezes
from jobs.queries.in_use import queues_in_use, tags_in_use
from jobs.queries.jobs import STATES
from jobs.queries.timeline_axis import (
    RANGES,
    load_range,
    ranges_of,
    redrawn_every,
    rounded,
    written_ids,
)
from jobs.queries.timeline_marks import Axis, Mark, MarkKind
from jobs.queries.timeline_page import SORTS, Lane, lane_page
from jobs.queries.workspaces import workspace_names
from jobs.services.firing import rules_of
from jobs.web import freezing, guard, timeline_drawing, words
from jobs.web import timeline_words as say
from jobs.web.http import AuthedRequest
from jobs.web.live import region, tag_of
from jobs.web.rows import no_next
from jobs.web.timeline import LISTED, Address, Clock, address_of, day, link_to, ticks, title

_TOPICS = ("jobs", "executions")
_RANGE_WORDS = {
    "hour": gettext_lazy("Hour"),
    "6h": gettext_lazy("6 hours"),
    "day": gettext_lazy("Day"),
    "week": gettext_lazy("Week"),
}
MOST_LISTED = 100  # rows of the list
# What will not run for one reason again and again says so once: between what will, nobody reads it.
_ALIKE, _TOLD_ONCE = 4, (MarkKind.OFF, MarkKind.HELD, MarkKind.OMITTED)
_SHOW_WORDS = {
    "planned": gettext_lazy("Planned"),
    "held": gettext_lazy("Will be held back"),
    "off": gettext_lazy("Will not run"),
    "left": gettext_lazy("Left out"),
    "runs": gettext_lazy("Runs"),
}
_SORT_WORDS = {
    "trouble": gettext_lazy("Trouble first"),
    "next": gettext_lazy("Next first"),
    "name": gettext_lazy("By name"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkRow:
    """A mark as a row of the table."""

    kind: str
    when: str
    at: datetime
    what: str
    took: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRow:
    """A mark with its job, in the list under the lanes."""

    lane: Lane
    mark: MarkRow


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneRow:
    """One job on the axis."""

    lane: Lane
    drawing: SafeString
    marks: list[MarkRow]
    note: str
    no_next: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotRow:
    """A hot spot in words, with the way to its jobs."""

    words: str
    over: bool
    query: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueRow:
    """The load of one queue."""

    forecast: QueueForecast
    drawing: SafeString
    slots: str
    buckets: list[str]


@guard.page()
def timeline(request: AuthedRequest) -> HttpResponse:
    """Show the whole page; the load comes with it when it is known already or asked for."""
    now = timezone.now()
    address = address_of(request)
    axis = address.axis(now)
    context = {
        "section": "timeline",
        "title": title(axis),
        "ranges": [
            (name, _RANGE_WORDS[name], address.query(range=name, page="")) for name in RANGES
        ],
        "earlier": address.moved(axis, -1),
        "later": address.moved(axis, 1),
        "follow": address.query(at="", page=""),
        **_shortcuts(address, axis, request),
        "kinds": [(name, _SHOW_WORDS[name]) for name in LISTED],
        "unfiltered": address.query(
            q="", state="", tag="", queue="", workspace="", jobs="", page=""
        ),
        "queues": queues_in_use(request.actor),
        "tags": tags_in_use(request.actor),
        "workspaces": workspace_names(request.actor),
        "states": [(state, words.JOB_FILTER[state]) for state in STATES],
        "sorts": [(sort, _SORT_WORDS[sort]) for sort in SORTS],
        **_lanes(address, axis),
        **(_page_load(address, axis) if request.actor.sees_all else {}),
        "whole": request.actor.sees_all,
    }
    return render(request, "pages/timeline.html", context)


@guard.page()
def lanes_region(request: AuthedRequest) -> HttpResponse:
    """Answer the lanes' poll: nothing while no job changed and the axis has hardly moved."""
    address = address_of(request)
    axis = address.axis(timezone.now())
    tag = _lanes_tag(address, axis)
    return region(request, "partials/timeline_lanes.html", tag, lambda: _lanes(address, axis))


@guard.page()
def load_region(request: AuthedRequest) -> HttpResponse:
    """Answer with the predicted load, which may take a second among ten thousand jobs."""
    address = address_of(request)
    axis = address.axis(timezone.now())
    tag = _load_tag(address, axis)
    return region(request, "partials/timeline_load.html", tag, lambda: _load(address, axis))


def _lanes_tag(address: Address, axis: Axis) -> str:
    if axis.end < axis.now:
        return tag_of(*_TOPICS, now=axis.end)
    step = redrawn_every(address.span)
    return tag_of(*_TOPICS, now=axis.now, extra=f"{rounded(axis.now, step):%d%H%M%S}")


def _load_tag(address: Address, axis: Axis) -> str:
    part = load_range(axis, address.span)
    return tag_of("jobs", "workers", now=axis.now, extra=f"{part[0]:%d%H%M%S}" if part else "past")


def _lanes(address: Address, axis: Axis) -> dict[str, object]:
    page = lane_page(address.chosen, axis, rules_of=rules_of)
    clock = Clock(axis)
    return {
        "address": address,
        "chosen": address.chosen,
        "query": address.query(),
        "as_table": address.query(**{"as": "" if address.table else "table"}),
        "tag": _lanes_tag(address, axis),
        "moving": axis.end >= axis.now,
        "axis": timeline_drawing.axis_drawing(axis, ticks(axis, address.span), address.nearer),
        "rows": [_row(lane, clock, table=address.table) for lane in page.lanes],
        "page": page,
        "last": page.first + len(page.lanes) - 1,
        "newer": address.query(page=page.page - 1) if page.page > 1 else None,
        "older": address.query(page=page.page + 1) if page.more else None,
        "legend": timeline_drawing.legend(),
        "listed": _list(page.lanes, address, clock),
        "most_listed": MOST_LISTED,
        "chosen_words": _in_words(address),
    }


def _shortcuts(address: Address, axis: Axis, request: AuthedRequest) -> dict[str, object]:
    """Return the ways to today, to tomorrow, and to the next freeze that has not begun."""
    planned = (
        one for one in open_freezes(axis.now, seen_by=request.actor) if one.starts_at > axis.now
    )
    following = next(planned, None)
    window = (following.starts_at, following.ends_at) if following else None
    return {
        "today": address.query(range="day", at=day(axis.now, 0), page=""),
        "tomorrow": address.query(range="day", at=day(axis.now, 1), page=""),
        "freeze": following,
        "freeze_shown": following is not None and _holds_in(axis, following),
        "maintenance": link_to(*window) if window else "",
        "frozen": freezing.scope_words(following) if following else "",
    }


def _holds_in(axis: Axis, freeze: Freeze) -> bool:
    return freeze.starts_at < axis.end and not (freeze.ends_at and freeze.ends_at <= axis.start)


def _list(lanes: list[Lane], address: Address, clock: Clock) -> list[ListRow]:
    """Return the marks of the lanes that are shown as one list, by time."""
    if address.table:
        return []  # the table has them job by job
    kinds = LISTED.get(address.show, tuple(MarkKind))
    found = [
        (mark, lane) for lane in lanes for mark in _told_once(lane.marks) if mark.kind in kinds
    ]
    found.sort(key=lambda pair: (pair[0].start, pair[1].job.name))
    # What is still to come first: who asks what will run does not read through what ran.
    ahead = [pair for pair in found if pair[0].end > clock.axis.now]
    past = [pair for pair in found if pair[0].end <= clock.axis.now]
    chosen = [*ahead, *reversed(past)][: MOST_LISTED + 1]
    return [ListRow(lane=lane, mark=_mark_row(mark, lane, clock)) for mark, lane in chosen]


def _told_once(marks: Iterable[Mark]) -> Iterator[Mark]:
    """Put marks that follow one another and say the same, and have no page of their own, together."""
    in_order = sorted(marks, key=attrgetter("start"))
    for (kind, *_why), alike in groupby(in_order, attrgetter("kind", "reason", "detail")):
        group = list(alike)
        if kind not in _TOLD_ONCE or sum(mark.number for mark in group) < _ALIKE:
            yield from group
        else:
            last = group[-1]
            due = sum((Counter(mark.counts) for mark in group), Counter[str]())
            end = last.end if last.number > 1 else last.start
            yield replace(group[0], end=end, counts=dict(due))


def _row(lane: Lane, clock: Clock, *, table: bool) -> LaneRow:
    return LaneRow(
        lane=lane,
        drawing=SafeString("") if table else timeline_drawing.lane_drawing(lane, clock),
        marks=[_mark_row(mark, lane, clock) for mark in lane.marks] if table else [],
        note=say.note(lane, clock),
        no_next=no_next(lane.job, lane.standing),
    )


def _mark_row(mark: Mark, lane: Lane, clock: Clock) -> MarkRow:
    url = reverse("execution", args=[mark.execution_id]) if mark.execution_id else ""
    if mark.kind == MarkKind.RUNS:
        url = f"{reverse('executions')}?job={lane.job.pk}"
    return MarkRow(
        kind=mark.kind.value,
        when=say.when(mark, clock),
        at=mark.start,
        what=say.what(mark, clock),
        took=say.took(mark),
        url=url,
    )


def _in_words(address: Address) -> str:
    """Return the filters as a reader would say them, for the empty list."""
    chosen = address.chosen
    parts = [
        str(words.JOB_FILTER[chosen.state]) if chosen.state else "",
        f"“{chosen.q}”" if chosen.q else "",
        _("queue %s") % chosen.queue if chosen.queue else "",
        chosen.tag,
        chosen.workspace,
        _("chosen jobs") if chosen.ids else "",
    ]
    return ", ".join(part for part in parts if part)


def _page_load(address: Address, axis: Axis) -> dict[str, object]:
    """Return the load for the page; what is not known yet is fetched by the page itself."""
    part = load_range(axis, address.span)
    if part is not None and (address.load or is_cached(*part)):
        return _load(address, axis)
    return {"load": None, "past": part is None, "load_query": address.query(load=1)}


def _load(address: Address, axis: Axis) -> dict[str, object]:
    part = load_range(axis, address.span)
    shared = {"address": address, "query": address.query(), "load_tag": _load_tag(address, axis)}
    if part is None:
        return {**shared, "load": None, "past": True}
    clock = Clock(axis)
    found = cached_forecast(*part, now=axis.now, width=address.span.bucket, rules_of=rules_of)
    queues = [one for one in found.queues if address.chosen.queue in ("", one.queue)]
    spots = [_spot_row(spot, queue, address, clock) for queue in queues for spot in queue.spots]
    return {
        **shared,
        "load": found,
        "past": False,
        "axis": timeline_drawing.axis_drawing(axis, ticks(axis, address.span), address.nearer),
        "spots": spots,
        "crowded": sum(spot.over for spot in spots),
        "more_spots": sum(queue.more_spots for queue in queues),
        "queue_rows": [_queue_row(queue, clock, table=address.table) for queue in queues],
        "caveats": say.caveats(found),
    }


def _spot_row(spot: Spot, queue: QueueForecast, address: Address, clock: Clock) -> SpotRow:
    ids = written_ids(ranges_of(spot.job_ids))
    return SpotRow(
        words=say.spot_words(spot, queue, clock),
        over=spot.over,
        query=address.query(jobs=ids, page="", q="", tag="", workspace="", state="", sort="name"),
    )


def _queue_row(queue: QueueForecast, clock: Clock, *, table: bool) -> QueueRow:
    busy = [bucket for bucket in queue.buckets if bucket.peak]
    return QueueRow(
        forecast=queue,
        drawing=SafeString("") if table else timeline_drawing.load_drawing(queue, clock),
        slots=say.slots_words(queue),
        buckets=[say.bucket_words(bucket, clock) for bucket in busy] if table else [],
    )
