"""The timeline: past and planned runs of all jobs on one axis, and the load they make."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from jobs.queries.forecast import QueueForecast, Spot, cached_forecast, is_cached
from jobs.queries.jobs import STATES, tags_in_use
from jobs.queries.timeline_axis import (
    RANGES,
    load_range,
    ranges_of,
    redrawn_every,
    rounded,
    written_ids,
)
from jobs.queries.timeline_marks import Axis, Mark, MarkKind
from jobs.queries.timeline_page import SORTS, Lane, lane_page, queues_in_use
from jobs.services.firing import rules_of
from jobs.web import guard, timeline_drawing, words
from jobs.web import timeline_words as say
from jobs.web.http import AuthedRequest
from jobs.web.live import region, tag_of
from jobs.web.rows import no_next
from jobs.web.timeline import Address, address_of, ticks, title

_TOPICS = ("jobs", "executions")
_RANGE_WORDS = {
    "hour": gettext_lazy("Hour"),
    "6h": gettext_lazy("6 hours"),
    "day": gettext_lazy("Day"),
    "week": gettext_lazy("Week"),
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
        "unfiltered": address.query(q="", state="", tag="", queue="", jobs="", page=""),
        "queues": queues_in_use(request.actor),
        "tags": tags_in_use(request.actor),
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
    return {
        "address": address,
        "chosen": address.chosen,
        "query": address.query(),
        "as_table": address.query(**{"as": "" if address.table else "table"}),
        "tag": _lanes_tag(address, axis),
        "moving": axis.end >= axis.now,
        "axis": timeline_drawing.axis_drawing(axis, ticks(axis, address.span)),
        "rows": [_row(lane, axis, table=address.table) for lane in page.lanes],
        "page": page,
        "last": page.first + len(page.lanes) - 1,
        "newer": address.query(page=page.page - 1) if page.page > 1 else None,
        "older": address.query(page=page.page + 1) if page.more else None,
        "legend": timeline_drawing.legend(),
        "chosen_words": _in_words(address),
    }


def _row(lane: Lane, axis: Axis, *, table: bool) -> LaneRow:
    return LaneRow(
        lane=lane,
        drawing=SafeString("") if table else timeline_drawing.lane_drawing(lane, axis),
        marks=[_mark_row(mark, lane, axis) for mark in lane.marks] if table else [],
        note=say.note(lane, axis),
        no_next=no_next(lane.job, lane.standing),
    )


def _mark_row(mark: Mark, lane: Lane, axis: Axis) -> MarkRow:
    url = reverse("execution", args=[mark.execution_id]) if mark.execution_id else ""
    if mark.kind == MarkKind.RUNS:
        url = f"{reverse('executions')}?job={lane.job.pk}"
    return MarkRow(
        kind=mark.kind.value,
        when=say.when(mark, axis),
        at=mark.start,
        what=say.what(mark),
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
    found = cached_forecast(*part, now=axis.now, width=address.span.bucket, rules_of=rules_of)
    queues = [one for one in found.queues if address.chosen.queue in ("", one.queue)]
    return {
        **shared,
        "load": found,
        "past": False,
        "axis": timeline_drawing.axis_drawing(axis, ticks(axis, address.span)),
        "spots": [
            _spot_row(spot, queue, address, axis) for queue in queues for spot in queue.spots
        ],
        "more_spots": sum(queue.more_spots for queue in queues),
        "queue_rows": [_queue_row(queue, axis, table=address.table) for queue in queues],
        "caveats": say.caveats(found),
    }


def _spot_row(spot: Spot, queue: QueueForecast, address: Address, axis: Axis) -> SpotRow:
    ids = written_ids(ranges_of(spot.job_ids))
    return SpotRow(
        words=say.spot_words(spot, queue, axis),
        over=spot.over,
        query=address.query(jobs=ids, page="", q="", tag="", state="", sort="name"),
    )


def _queue_row(queue: QueueForecast, axis: Axis, *, table: bool) -> QueueRow:
    busy = [bucket for bucket in queue.buckets if bucket.peak]
    return QueueRow(
        forecast=queue,
        drawing=SafeString("") if table else timeline_drawing.load_drawing(queue, axis),
        slots=say.slots_words(queue),
        buckets=[say.bucket_words(bucket, axis) for bucket in busy] if table else [],
    )
