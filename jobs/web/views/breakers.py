"""Circuit breakers: list, page and form, closing and tripping one, and the card of a job's page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from jobs.domain.errors import InvalidError, StateError
from jobs.domain.permissions import Permission
from jobs.domain.states import BreakerState
from jobs.models import Breaker, Job
from jobs.queries.breakers import (
    BreakerEntry,
    entries,
    entry_of,
    get_breaker,
    jobs_under,
    left_out,
    list_breakers,
)
from jobs.queries.jobs import get_job
from jobs.services import breakers
from jobs.web import guard
from jobs.web.breaker_forms import BreakerForm, of, settings_form, typed
from jobs.web.confirm import Confirm, Fact
from jobs.web.filters import page_mark
from jobs.web.http import AuthedRequest, toast_on_page, toast_or_redirect
from jobs.web.live import region, tag_of
from jobs.web.toasts import Toast
from jobs.web.words import BREAKER_STATE, Badge

_TOPICS = ("jobs", "executions")
_JOBS_SHOWN = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownBreaker:
    """A breaker with the words of its state and the moment of its next test run."""

    entry: BreakerEntry
    badge: Badge
    next_test_at: datetime | None
    may_test: bool
    failures: int

    @property
    def closed(self) -> bool:
        """Say whether everything starts."""
        return self.entry.breaker.state == BreakerState.CLOSED

    @property
    def open(self) -> bool:
        """Say whether nothing starts."""
        return self.entry.breaker.state == BreakerState.OPEN


def shown(entry: BreakerEntry, now: datetime) -> ShownBreaker:
    """Return a breaker as pages show it."""
    return ShownBreaker(
        entry=entry,
        badge=BREAKER_STATE[entry.breaker.state],
        next_test_at=breakers.next_test_at(entry, now),
        may_test=entry.may_test(now),
        failures=len(entry.breaker.failures),
    )


def of_job(job: Job, now: datetime) -> ShownBreaker | None:
    """Return the breaker of a job as its page shows it; no query where it has none."""
    return None if job.breaker is None else shown(entry_of(job.breaker), now)


@guard.page()
def breaker_list(request: AuthedRequest) -> HttpResponse:
    """Show the breakers, of one state or all."""
    now = timezone.now()
    context = {"section": "breakers", "tag": _tag(now), **_table(request, now)}
    return render(request, "pages/breakers.html", context)


@guard.page()
def table_region(request: AuthedRequest) -> HttpResponse:
    """Answer the table's poll."""
    now = timezone.now()
    return region(request, "partials/breaker_table.html", _tag(now), lambda: _table(request, now))


@guard.page()
def breaker_page(request: AuthedRequest, breaker_id: int) -> HttpResponse:
    """Show one breaker: where it stands, its settings, and the jobs under it."""
    now = timezone.now()
    context = {"section": "breakers", "tag": _tag(now), **_facts(request, breaker_id, now)}
    return render(request, "pages/breaker.html", context)


@guard.page()
def facts_region(request: AuthedRequest, breaker_id: int) -> HttpResponse:
    """Answer the page's poll."""
    now = timezone.now()
    return region(
        request,
        "partials/breaker_facts.html",
        _tag(now),
        lambda: _facts(request, breaker_id, now),
    )


def _facts(request: AuthedRequest, breaker_id: int, now: datetime) -> dict[str, object]:
    row = get_breaker(breaker_id)
    after = page_mark(request, "after")
    page = jobs_under(row, after=after, limit=_JOBS_SHOWN)
    return {
        "row": shown(entry_of(row), now),
        "left_out": left_out(row),
        "jobs": page.rows,
        "older": f"after={page.next_after}" if page.next_after else None,
        "newest": "" if after else None,
        "query": f"after={after}" if after else "",
    }


@guard.form(Permission.EDIT)
def edit(request: AuthedRequest, breaker_id: int) -> HttpResponse:
    """Show the settings of a shared breaker; save them."""
    row = get_breaker(breaker_id)
    if not row.name:
        raise StateError(_("This circuit breaker is one job's own. Change it with that job."))
    if request.method != "POST":
        return _form(request, row, settings_form(of(row), {}))
    values = request.POST.dict()
    try:
        breakers.update(breaker_id, typed(values), actor=request.actor)
    except InvalidError as error:
        form = settings_form(values, error.fields or {"": error.message})
        return _form(request, row, form, status=422)
    toast = Toast(text=_("Saved %s.") % row.name, icon="pencil")
    return toast_on_page(request, toast, url=reverse("breaker", args=[row.pk]))


def _form(
    request: AuthedRequest, row: Breaker, form: BreakerForm, *, status: int = 200
) -> HttpResponse:
    context = {"section": "breakers", "breaker": row, "form": form, "count": entry_of(row).count}
    return render(request, "pages/breaker_form.html", context, status=status)


@guard.form(Permission.EDIT)
def delete(request: AuthedRequest, breaker_id: int) -> HttpResponse:
    """Ask, and delete."""
    return _delete(request, breaker_id, "pages/confirm.html")


@guard.form(Permission.EDIT)
def delete_dialog(request: AuthedRequest, breaker_id: int) -> HttpResponse:
    """Do the same in a dialog over the page."""
    return _delete(request, breaker_id, "partials/confirm_dialog.html")


def _delete(request: AuthedRequest, breaker_id: int, template: str) -> HttpResponse:
    row = get_breaker(breaker_id)
    if request.method == "POST":
        breakers.delete(breaker_id, actor=request.actor)
        toast = Toast(text=_("Deleted %s.") % row.name, icon="trash-2")
        return toast_on_page(request, toast, url=reverse("breakers"))
    fact = (
        _("Jobs still name it: it cannot be deleted until it is taken from them.")
        if entry_of(row).count
        else _("No job names it. The ledger keeps what it has left out.")
    )
    confirm = Confirm(
        title=_("Delete %s?") % _title(row.pk),
        facts=[Fact("unplug", fact)],
        url=reverse("breaker_delete", args=[row.pk]),
        partial_url=reverse("p_breaker_delete", args=[row.pk]),
        back_url=reverse("breaker", args=[row.pk]),
        keep=_("Keep breaker"),
        verb=_("Delete breaker"),
    )
    return render(request, template, {"section": "breakers", "confirm": confirm})


@guard.page()
def card_region(request: AuthedRequest, job_id: int) -> HttpResponse:
    """Answer the poll of the card on a job's page."""
    now = timezone.now()

    def context() -> dict[str, object]:
        job = get_job(job_id)
        return {"job": job, "breaker": of_job(job, now)}

    return region(request, "partials/breaker_card.html", _tag(now), context)


def _tag(now: datetime) -> str:
    # An open time ends without a write: drawn anew every ten seconds.
    return tag_of(*_TOPICS, now=now, extra=str(int(now.timestamp()) // 10))


def _table(request: AuthedRequest, now: datetime) -> dict[str, object]:
    asked = request.GET.get("state", "")
    state = BreakerState(asked) if asked in set(BreakerState) else None
    after = page_mark(request, "after")
    page = list_breakers(state=state, after=after)
    query = f"state={state.value}" if state else ""
    joint = "&" if query else ""
    return {
        "rows": [shown(one, now) for one in entries(page.rows)],
        "state": state.value if state else "",
        "chips": [("", _("All")), *((one, badge.word) for one, badge in BREAKER_STATE.items())],
        "query": query,
        "older": f"{query}{joint}after={page.next_after}" if page.next_after else None,
        "newest": query if after else None,
        "first_page": after is None,
    }


@guard.action(Permission.PAUSE)
def close(request: AuthedRequest, breaker_id: int) -> HttpResponse:
    """Close one; the way back is offered for one that was open, and for no other."""
    was = get_breaker(breaker_id).state
    row = breakers.close(breaker_id, actor=request.actor, reason=_reason(request))
    text = _("Closed the circuit breaker %s. Its jobs start again at their next due time.")
    undo = reverse("breaker_trip", args=[row.pk]) if was == BreakerState.OPEN else ""
    toast = Toast(text=text % _title(row.pk), icon="circle-check", undo_url=undo)
    return toast_or_redirect(request, toast, default=reverse("breakers"))


@guard.action(Permission.PAUSE)
def trip(request: AuthedRequest, breaker_id: int) -> HttpResponse:
    """Open one by hand; the way back is offered for one that was closed, and for no other."""
    was = get_breaker(breaker_id).state
    row = breakers.trip(breaker_id, actor=request.actor, reason=_reason(request))
    text = _("Opened the circuit breaker %s. Due times of its jobs are left out meanwhile.")
    undo = reverse("breaker_close", args=[row.pk]) if was == BreakerState.CLOSED else ""
    toast = Toast(text=text % _title(row.pk), icon="unplug", undo_url=undo)
    return toast_or_redirect(request, toast, default=reverse("breakers"))


def _title(breaker_id: int) -> str:
    return entry_of(get_breaker(breaker_id)).title


def _reason(request: AuthedRequest) -> str:
    return request.POST.get("reason", "").strip()[:500]
