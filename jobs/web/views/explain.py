"""Why did, didn't, will or won't it run: the chain of decisions for one moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from jobs.domain.explain import Outcome, Step
from jobs.models import Job
from jobs.queries.jobs import get_job
from jobs.services.explaining import Explanation, explain
from jobs.services.firing import rules_of
from jobs.web import guard, periods
from jobs.web.http import AuthedRequest
from jobs.web.periods import stamp
from jobs.web.words import Badge, Text

_VERDICT: dict[Outcome, Badge] = {
    Outcome.RAN: Badge(gettext_lazy("It ran"), "circle-check", "ok"),
    Outcome.DID_NOT_RUN: Badge(gettext_lazy("It did not run"), "skip-forward", "warn"),
    Outcome.WILL_RUN: Badge(gettext_lazy("It will run"), "calendar-clock", "run"),
    Outcome.WILL_NOT_RUN: Badge(gettext_lazy("It will not run"), "circle-stop", "warn"),
    Outcome.NOT_DUE: Badge(gettext_lazy("Nothing is due then"), "circle-dashed"),
    Outcome.PENDING: Badge(gettext_lazy("Not decided yet"), "loader-circle", "run"),
}
_MARK = {True: ("circle-check", "ok-t"), False: ("octagon-x", "bad-t"), None: ("circle-dashed", "")}
TITLES = {
    "Beside": gettext_lazy("Beside"),
    "Calendar": gettext_lazy("Calendar"),
    "Circuit breaker": gettext_lazy("Circuit breaker"),
    "Definition": gettext_lazy("Definition"),
    "Dispatch": gettext_lazy("Dispatch"),
    "Freeze": gettext_lazy("Freeze"),
    "Holds": gettext_lazy("Holds"),
    "In time": gettext_lazy("In time"),
    "Job": gettext_lazy("Job"),
    "On record": gettext_lazy("On record"),
    "Overlap": gettext_lazy("Overlap"),
    "Result": gettext_lazy("Result"),
    "Schedules": gettext_lazy("Schedules"),
    "Start": gettext_lazy("Start"),
    "State": gettext_lazy("State"),
}
_PASSED = {
    True: gettext_lazy("Passed"),
    False: gettext_lazy("Stopped here"),
    None: gettext_lazy("To note"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownStep:
    """One step as the page draws it."""

    title: Text
    text: str
    icon: str
    tone: str
    word: Text
    link: str
    link_text: str


@guard.page()
def explain_page(request: AuthedRequest, job_id: int) -> HttpResponse:
    """Show the question and, for a moment that makes sense, the answer."""
    now = timezone.now()
    job = get_job(job_id)
    text = request.GET.get("at", "")
    at = periods.moment_of(text, request.GET.get("zone", "")) if text.strip() else None
    context: dict[str, object] = {
        "section": "jobs",
        "tab": "explain",
        "job": job,
        "zone": next((rule.timezone for rule in rules_of(job.schedules.all())), ""),
        "field": periods.field(at or now.replace(second=0, microsecond=0)),
    }
    if at is not None:
        context |= _answer(explain(job.pk, at, now=now))
    elif text.strip():
        sentence = _("%(text)s is no moment. Use a date and a time, such as 2026-03-01T14:03.")
        context |= {"error": sentence % {"text": repr(text.strip()[:40])}, "field": text.strip()}
    else:
        context["suggested"] = _suggested(job, now)
    return render(request, "pages/explain.html", context, status=400 if "error" in context else 200)


def _suggested(job: Job, now: datetime) -> list[tuple[str, datetime, str]]:
    """Return the moments that people ask about most."""
    found = [
        (_("The next due time"), job.next_fire_at),
        (_("What was decided last"), min(job.decided_until, now)),
    ]
    return [(text, at, stamp(at)) for text, at in found if at is not None]


def _answer(answer: Explanation) -> dict[str, object]:
    asked = answer.asked
    minute = timedelta(minutes=1)
    start = asked.start.replace(second=0)
    return {
        "answer": answer,
        "badge": _VERDICT[answer.outcome],
        "steps": [_shown(step) for step in answer.steps],
        "others": [(at, stamp(at)) for at in answer.others],
        "nearest": [(at, stamp(at)) for at in answer.nearest],
        "earlier": stamp(start - minute),
        "later": stamp(start + minute),
        "ledger": f"{stamp(start - 30 * minute)}&to={stamp(start + 30 * minute)}",
    }


def _shown(step: Step) -> ShownStep:
    icon, tone = _MARK[step.ok]
    link, link_text = "", ""
    if step.about == "execution" and step.key is not None:
        link, link_text = reverse("execution", args=[step.key]), f"#{step.key}"
    return ShownStep(
        title=TITLES.get(step.title, step.title),
        text=step.text,
        icon=icon,
        tone=tone,
        word=_PASSED[step.ok],
        link=link,
        link_text=link_text,
    )
