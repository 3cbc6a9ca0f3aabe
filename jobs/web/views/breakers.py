"""Circuit breakers: their list, closing and tripping one, and the card on a job's page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from jobs.domain.permissions import Permission
from jobs.domain.states import BreakerState
from jobs.models import Job
from jobs.queries.breakers import BreakerEntry, entries, entry_of, get_breaker, list_breakers
from jobs.queries.jobs import get_job
from jobs.services import breakers
from jobs.web import guard
from jobs.web.filters import page_mark
from jobs.web.http import AuthedRequest, toast_or_redirect
from jobs.web.live import region, tag_of
from jobs.web.toasts import Toast
from jobs.web.words import BREAKER_STATE, Badge

_TOPICS = ("jobs", "executions")


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
    """Close one."""
    row = breakers.close(breaker_id, actor=request.actor, reason=_reason(request))
    text = _("Closed the circuit breaker %s. Its jobs start again at their next due time.")
    toast = Toast(text=text % _title(row.pk), icon="circle-check")
    return toast_or_redirect(request, toast, default=reverse("breakers"))


@guard.action(Permission.PAUSE)
def trip(request: AuthedRequest, breaker_id: int) -> HttpResponse:
    """Open one by hand."""
    row = breakers.trip(breaker_id, actor=request.actor, reason=_reason(request))
    text = _("Opened the circuit breaker %s. Due times of its jobs are left out meanwhile.")
    toast = Toast(text=text % _title(row.pk), icon="unplug")
    return toast_or_redirect(request, toast, default=reverse("breakers"))


def _title(breaker_id: int) -> str:
    return entry_of(get_breaker(breaker_id)).title


def _reason(request: AuthedRequest) -> str:
    return request.POST.get("reason", "").strip()[:500]
