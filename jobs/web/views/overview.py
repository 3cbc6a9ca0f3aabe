"""The overview: how much is normal, what is broken, what just happened and what comes next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from jobs.domain.holds import Hold
from jobs.domain.permissions import Actor, Permission, can
from jobs.domain.planned import Plan, plan
from jobs.domain.states import JobState
from jobs.models import AlertJob, Execution, Job
from jobs.queries.attention import Attention, OpenAlert, attention
from jobs.queries.executions import ExecutionFilter, at_work, executions
from jobs.queries.freezes import ANNOUNCED
from jobs.queries.holds import holds_of
from jobs.queries.overview import Totals, totals
from jobs.queries.planning import left_of
from jobs.queries.pulse import glance, pulse
from jobs.queries.room import room
from jobs.queries.standing import Standing, standing
from jobs.queries.timeline import Lane, lanes
from jobs.services import examples
from jobs.services.firing import rules_of
from jobs.services.previews import usual_of
from jobs.web import after, charts, figures, guard
from jobs.web.alert_steps import Step, next_step
from jobs.web.context import may_of
from jobs.web.http import AuthedRequest
from jobs.web.live import region, tag_of
from jobs.web.views import welcome
from jobs.web.views.alerts import ShownAlert, shown

PAST, AHEAD = timedelta(hours=1), timedelta(hours=5)
_TICK = timedelta(minutes=30)
RECENT = 8
SPELT_OUT = 8  # alerts under one line that are named; of more the first is, and the rest unfold
AT_WORK = 10  # runs in progress that are named; the list of all is one click away
_HEARTBEAT_REDRAWN = 60  # seconds: what says when the last tick was to the millisecond is no older
_OWN_JOBS = 3  # jobs that an installation may have although nobody has made one
_TOPICS = ("jobs", "executions", "alerts")


@guard.page()
def overview(request: AuthedRequest) -> HttpResponse:
    """Show the whole page."""
    now = timezone.now()
    tiles = _totals(now, request.actor)
    context = {
        "section": "overview",
        "now": now,
        "tag": tag_of(*_TOPICS, now=now),
        "offers": _offers(tiles, request.actor),
        **tiles,
        **_attention(now, request.actor),
        **_running(request.actor),
        **_timeline(now, request.actor),
        **_recent(request.actor),
    }
    return render(request, "pages/overview.html", context)


@guard.page()
def totals_region(request: AuthedRequest) -> HttpResponse:
    """Answer the tiles' poll."""
    now = timezone.now()
    tag = tag_of(*_TOPICS, now=now)
    return region(request, "partials/totals.html", tag, lambda: _totals(now, request.actor))


@guard.page()
def attention_region(request: AuthedRequest) -> HttpResponse:
    """Answer the poll of what needs attention."""
    now = timezone.now()
    tag = tag_of(*_TOPICS, now=now)
    return region(
        request, "partials/attention_swap.html", tag, lambda: _attention(now, request.actor)
    )


@guard.page()
def timeline_region(request: AuthedRequest) -> HttpResponse:
    """Answer the poll of the time axis, which moves on by itself."""
    return render(request, "partials/timeline.html", _timeline(timezone.now(), request.actor))


@guard.page()
def recent_region(request: AuthedRequest) -> HttpResponse:
    """Answer the poll of the latest executions."""
    tag = tag_of(*_TOPICS, now=timezone.now())
    return region(request, "partials/recent.html", tag, lambda: _recent(request.actor))


@guard.page()
def running_region(request: AuthedRequest) -> HttpResponse:
    """Answer the poll of what is being executed; the rows themselves say whether anything moved."""
    found = _running(request.actor)
    return region(request, "partials/running.html", str(found["running_tag"]), lambda: found)


def _running(reader: Actor) -> dict[str, object]:
    rows = at_work(AT_WORK + 1, reader)
    marks = [
        f"{row.pk}.{row.state}.{row.attempt}.{row.progress}.{row.cancel_requested_at is not None}"
        for row in rows
    ]
    return {
        "running": [
            (row, None if row.progress is None else figures.progress(row.progress / 100))
            for row in rows[:AT_WORK]
        ],
        "running_more": len(rows) > AT_WORK,
        "running_tag": "-".join(marks) or "none",
    }


@guard.page()
def heartbeat_region(request: AuthedRequest) -> HttpResponse:
    """Answer the heartbeat's poll; the notices over the page come with it.

    A tick alone changes nothing but its age: its moment goes with the answer that says so.
    """
    now = timezone.now()
    found = glance(now, now + ANNOUNCED)
    if found is None:  # nothing ticks: drawn each time, until something does
        return render(request, "partials/heartbeat_swap.html")
    left = room()
    tag = f"{found.mark}.{int(now.timestamp()) // _HEARTBEAT_REDRAWN}.{left.full:d}{left.low:d}"
    response: HttpResponse
    if request.headers.get("HX-PTag") == tag:
        response = HttpResponseNotModified(headers={"X-Tick": found.tick_at.isoformat()})
    else:
        response = render(request, "partials/heartbeat_swap.html", {"heartbeat_tag": tag})
    response["HX-PTag"] = tag
    return response


def _offers(tiles: dict[str, object], reader: Actor) -> tuple[object, ...]:
    """Return the examples of an empty installation; asked for only where few jobs are counted."""
    found = tiles["totals"]
    few = isinstance(found, Totals) and found.total <= _OWN_JOBS
    return welcome.SHOWN if few and examples.is_first_run(reader) else ()


def _totals(now: datetime, reader: Actor) -> dict[str, object]:
    found = totals(now, reader)
    waits = found.hourly_waits
    return {
        "totals": found,
        "own_jobs": not reader.sees_all,
        "longest_wait": max(waits, default=1) or 1,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownAttention:
    """One thing for a person to look at, with what its sentence needs."""

    template: str
    critical: bool
    job: Job
    job_url: str
    since: datetime | None
    execution: Execution | None
    deadline: datetime | None
    left: int  # failures until the job is disabled; 0 when it never is


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownAlerts:
    """One line: an alert with its jobs and its next step, or several of one rule."""

    first: ShownAlert
    more: list[ShownAlert]  # empty for an alert that stands alone
    members: Sequence[AlertJob]
    others: int  # jobs of the first that are not named
    step: Step | None
    critical: bool
    queue: str = ""  # that all of them are about

    @property
    def few(self) -> bool:
        """Say whether each of them can be named without hiding what stands below."""
        return len(self.more) <= SPELT_OUT


def _attention(now: datetime, reader: Actor) -> dict[str, object]:
    found = attention(now, reader)
    return {
        "attention": {
            "alerts": [_alerts(group, now, reader) for group in found.alerts],
            "items": [_shown(item) for item in found.items],
            "critical": found.critical,
            "warnings": found.warnings,
            "hidden_alerts": found.hidden_alerts,
            "hidden_jobs": found.hidden_jobs,
            "unserved": found.unserved,
        },
        # The page of an alert names others' jobs too.
        "may_open": reader.sees_all,
    }


def _alerts(group: Sequence[OpenAlert], now: datetime, reader: Actor) -> ShownAlerts:
    first = group[0]
    alone = len(group) == 1
    members = [one for one in first.members if can(reader, Permission.READ, one.job)]
    return ShownAlerts(
        first=_shown_alert(first, now),
        more=[] if alone else [_shown_alert(one, now) for one in group],
        members=members if alone else [],
        others=max(first.row.job_count - len(members), 0),
        step=next_step(replace(first, members=members), may_of(reader)) if alone else None,
        critical=first.critical,
        queue="" if alone or first.row.evidence.get("queue") is None else _queue(group),
    )


def _queue(group: Sequence[OpenAlert]) -> str:
    """Return the queue that all alerts of a line are about; none where they differ."""
    names = {str(one.row.evidence.get("queue", "")) for one in group}
    return names.pop() if len(names) == 1 else ""


def _shown_alert(one: OpenAlert, now: datetime) -> ShownAlert:
    return shown(one.row, now, one.members[0].job.name if one.members else "")


def _shown(item: Attention) -> ShownAttention:
    job, run = item.job, item.execution
    limit = job.auto_disable_after
    timeout = job.timeout_seconds
    started = run.started_at if run else None
    return ShownAttention(
        template=f"partials/attention/{item.kind}.html",
        critical=item.critical,
        job=job,
        job_url=reverse("job", args=[job.pk]),
        since=item.since,
        execution=run,
        deadline=started + timedelta(seconds=timeout) if started and timeout else None,
        left=max(limit - job.consecutive_failures, 0) if limit else 0,
    )


def _recent(reader: Actor) -> dict[str, object]:
    return {"executions": executions(ExecutionFilter(seen_by=reader), size=RECENT).rows}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One job on the time axis."""

    job: Job
    standing: Standing
    drawing: SafeString
    next_at: datetime | None
    about: bool
    instead: str  # what to say when there is no next run


def _timeline(now: datetime, reader: Actor) -> dict[str, object]:
    window = charts.Window(start=now - PAST, end=now + AHEAD, now=now)
    shown = lanes(window.start, now, reader)
    holds = holds_of([lane.job for lane in shown], now, window.end)
    return {
        "axis": charts.axis(window, _ticks(window)),
        "rows": [_row(lane, window, holds.get(lane.job.pk, ())) for lane in shown],
        "legend": charts.legend(),
    }


def _ticks(window: charts.Window) -> list[tuple[datetime, str]]:
    """Return the half hours of the reader's clock inside the window."""
    local = timezone.localtime(window.start)
    at = local.replace(minute=0, second=0, microsecond=0)
    found = []
    while at < window.end:
        at += _TICK
        if window.holds(at):
            found.append((at, timezone.localtime(at).strftime("%H:%M")))
    return found


def _row(lane: Lane, window: charts.Window, holds: Sequence[Hold]) -> Row:
    job = lane.job
    word = standing(job, window.now)
    stopped = job.state != JobState.ACTIVE
    ahead = Plan() if _unknown_until_it_ends(job) else _plan(job, window, holds)
    runs = [_drawn(run, window.now) for run in lane.runs]
    return Row(
        job=job,
        standing=word,
        drawing=charts.lane(
            window,
            runs,
            [one.at for one in ahead.runs],
            label=_label(job, lane.runs, ahead, stopped=stopped),
            off=stopped,
        ),
        next_at=_next_at(job, ahead),
        about=bool(ahead.runs and ahead.runs[0].about),
        instead=_instead(job, ahead),
    )


def _unknown_until_it_ends(job: Job) -> bool:
    return job.counts_from_end and job.live_count > 0


def _plan(job: Job, window: charts.Window, holds: Sequence[Hold]) -> Plan:
    rows = list(job.schedules.all())
    return plan(
        rules_of(rows),
        now=window.now,
        until=window.end,
        limit=charts.MANY + 1,
        last_finished_at=job.last_finished_at,
        usual=usual_of(job),
        holds=holds,
        left=[left_of(row) for row in rows],
    )


def _next_at(job: Job, ahead: Plan) -> datetime | None:
    """Return when the job runs next; None when what is due in the window is all held back."""
    if ahead.runs and job.next_fire_at is not None:
        return ahead.runs[0].at
    return None if ahead.held else job.next_fire_at


def _drawn(run: Execution, now: datetime) -> charts.Run:
    end = run.finished_at or now
    seconds = (end - run.started_at).total_seconds() if run.started_at else 0
    return charts.Run(state=run.state, seconds=seconds, started_at=run.started_at)


def _label(job: Job, runs: Sequence[Execution], plan: Plan, *, stopped: bool) -> str:
    """Return the finding of a lane in words."""
    past = charts.counted(run.state for run in runs) or _("no run in the past hour")
    if stopped:
        ahead = _("stopped")
    elif plan.runs:
        ahead = _("next at %s") % timezone.localtime(plan.runs[0].at).strftime("%H:%M")
    elif plan.held:
        ahead = _("held back in the next five hours")
    else:
        ahead = _("none planned in the next five hours")
    return f"{job.name}: {past}, {ahead}"


def _instead(job: Job, ahead: Plan) -> str:
    if job.state == JobState.AUTO_DISABLED:
        return _("disabled")
    if job.state == JobState.PAUSED:
        return _("paused")
    if ahead.held:
        return _("held back")
    return _("after this run") if _unknown_until_it_ends(job) else after.of_job(job) or _("by hand")


def health(_request: HttpRequest) -> HttpResponse:
    """Say that the web process answers; for load balancers, without a login."""
    return HttpResponse("ok\n", content_type="text/plain")


def ready(_request: HttpRequest) -> HttpResponse:
    """Say whether due times are served, 503 if not; for whoever watches from outside, without a login."""
    found = pulse(timezone.now())
    text = (
        "no dispatcher ticks" if found.down else "no worker runs" if found.no_workers else "ready"
    )
    status = 200 if text == "ready" else 503
    return HttpResponse(f"{text}\n", content_type="text/plain", status=status)
