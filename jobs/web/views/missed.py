"""What was missed in an outage, over all jobs: look at it, run it, call it off."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from jobs.domain.errors import InvalidError
from jobs.domain.permissions import Permission
from jobs.domain.states import JobState, Overlap
from jobs.queries.holds import holding_freezes
from jobs.queries.pulse import pulse
from jobs.services import missed
from jobs.services.missed import Missed
from jobs.services.missed_requests import Each, MissedRequest, parse_missed
from jobs.web import formats, guard
from jobs.web.confirm import Fact
from jobs.web.http import AuthedRequest, small_number, toast_on_page, toast_or_redirect
from jobs.web.toasts import Toast

_EACH = (
    (Each.ALL, gettext_lazy("Every missed due time")),
    (Each.LATEST, gettext_lazy("The latest of each job")),
)
_LOCAL = "%Y-%m-%dT%H:%M:%S"


@guard.page()
def missed_page(request: AuthedRequest) -> HttpResponse:
    """Show what was missed in a window, and what running it means."""
    given = request.GET.dict()
    try:
        asked = _asked(given)
        found = missed.preview(asked, actor=request.actor)
    except InvalidError as error:
        wrong = {"problem": error.message, "fields": _typed(given), "each": _EACH}
        return render(request, "pages/missed.html", {"section": "overview", **wrong}, status=422)
    more = _values(found.start, found.end, found.each, found.next_after)
    context = {
        "section": "overview",
        "found": found,
        "fields": _fields(found.start, found.end, found.each),
        "each": _EACH,
        "values": _values(found.start, found.end, found.each, asked.cursor),
        "facts": _consequences(found) if found.runs else [],
        "older": None if found.next_after is None else urlencode(more),
        "newest": None
        if asked.cursor is None
        else urlencode(_values(found.start, found.end, found.each, None)),
    }
    return render(request, "pages/missed.html", context)


@guard.action(Permission.EXECUTE)
def run(request: AuthedRequest) -> HttpResponse:
    """Run what was missed, of as many jobs as one batch has, or of many batches."""
    asked = _asked(request.POST.dict())
    start = missed.run_all if request.POST.get("all") else missed.run
    made = start(asked, actor=request.actor)
    window = _values(made.start, made.end, asked.each, None)
    runs = ngettext("%s run", "%s runs", made.runs) % formats.count(made.runs)
    jobs = ngettext("%s job", "%s jobs", len(made.backfills)) % formats.count(len(made.backfills))
    text = _("Started %(runs)s of %(jobs)s.") % {"runs": runs, "jobs": jobs}
    if made.next_after is not None:
        text += " " + _("More jobs are left: run them, too.")
    toast = Toast(
        text=text if made.backfills else _("Nothing is left to run."),
        icon="history",
        kind="ok" if made.backfills else "info",
        undo_url=f"{reverse('missed_cancel')}?{urlencode(window)}" if made.backfills else "",
    )
    after = _values(made.start, made.end, asked.each, made.next_after)
    return toast_on_page(request, toast, url=f"{reverse('missed')}?{urlencode(after)}")


@guard.action(Permission.EXECUTE)
def cancel(request: AuthedRequest) -> HttpResponse:
    """Give up what was started for a window and has not begun."""
    given = {**request.GET.dict(), **request.POST.dict()}
    asked = _asked(given)
    start, end = asked.window(timezone.now())
    done = missed.cancel(start, end, actor=request.actor)
    text = ngettext(
        "Called off for %s job. What runs goes on.",
        "Called off for %s jobs. What runs goes on.",
        len(done),
    )
    toast = Toast(text=text % formats.count(len(done)), kind="info", icon="circle-stop")
    window = urlencode(_values(start, end, asked.each, None))
    return toast_or_redirect(request, toast, default=f"{reverse('missed')}?{window}")


def _asked(given: Mapping[str, str]) -> MissedRequest:
    """Return the request; a moment without an offset is on the reader's clock."""
    values: dict[str, object] = {
        name: _moment(given[name]) for name in ("from", "to") if given.get(name, "").strip()
    }
    if given.get("each"):
        values["each"] = given["each"]
    values["cursor"] = small_number(given.get("after", ""))
    return parse_missed(values)


def _moment(text: str) -> object:
    try:
        moment = datetime.fromisoformat(text.strip())
        return timezone.make_aware(moment) if moment.tzinfo is None else moment
    except (ValueError, OverflowError):
        return text


def _typed(given: Mapping[str, str]) -> dict[str, str]:
    return {name: given.get(name, "") for name in ("from", "to", "each")}


def _fields(start: datetime, end: datetime, each: Each) -> dict[str, str]:
    return {
        "from": timezone.localtime(start).strftime(_LOCAL),
        "to": timezone.localtime(end).strftime(_LOCAL),
        "each": each.value,
    }


def _values(start: datetime, end: datetime, each: Each, after: int | None) -> dict[str, str]:
    """Return the request as the fields of a form: exact moments, so that no clock matters."""
    found = {"from": start.isoformat(), "to": end.isoformat(), "each": each.value}
    return found if after is None else {**found, "after": str(after)}


def _consequences(found: Missed) -> list[Fact]:
    """Say what will be true when it is started."""
    starting = found.starting
    slots = pulse(timezone.now()).slots
    facts = [Fact("play", _side_by_side(len(starting), slots))]
    rule = _("Each run keeps its due time and uses the present version of its job.")
    facts.append(Fact("file-code", rule))
    stopped = sum(one.job.state != JobState.ACTIVE for one in starting)
    if stopped:
        text = ngettext(
            "%s job is stopped: its runs start all the same, its schedule stays stopped.",
            "%s jobs are stopped: their runs start all the same, their schedules stay stopped.",
            stopped,
        )
        facts.append(Fact("circle-pause", text % formats.count(stopped)))
    waits = sum(
        one.job.overlap != Overlap.ALLOW and one.job.state == JobState.ACTIVE for one in starting
    )
    if waits:
        text = _(
            "What a schedule names while one of them runs goes by the overlap rule of its job."
        )
        facts.append(Fact("calendar-clock", text))
    now = timezone.now()
    if list(holding_freezes(now, now)):
        facts.append(Fact("lock", _("What a freeze holds starts when the freeze ends.")))
    seconds = _likely_seconds(found, slots)
    if seconds >= 1:  # less is no reason to think twice
        text = _("It will take about %s, as the last runs did.")
        if any(one.job.last_duration_seconds is None for one in starting):
            text = _("It will take %s or more, as the last runs did: not all of the jobs have run.")
        facts.append(Fact("history", text % formats.span(seconds)))
    return facts


def _side_by_side(jobs: int, slots: int) -> str:
    if not slots:
        return _("No worker runs: the runs wait in their queues until one does.")
    number = min(jobs, slots)
    text = ngettext(
        "One run at a time, oldest first: %s job at once.",
        "One run of a job at a time, oldest first; up to %s jobs side by side.",
        number,
    )
    return text % formats.count(number)


def _likely_seconds(found: Missed, slots: int) -> float:
    """Return the time of the longest job, or of all jobs shared among the workers."""
    lengths = [one.runs * (one.job.last_duration_seconds or 0) for one in found.starting]
    return max(max(lengths), sum(lengths) / max(slots, 1)) if lengths else 0
