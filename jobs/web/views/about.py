"""About this installation: what it is, how it stands, and a canary through the engine."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from jobs.domain.permissions import Permission, can
from jobs.domain.selfcheck import worst
from jobs.models import Execution
from jobs.services import canary
from jobs.services.selfcheck import selfcheck
from jobs.web import guard
from jobs.web.http import AuthedRequest, SeeOther, small_number
from jobs.web.selfcheck_words import VERDICT, WHOLE, shown


@guard.page()
def about(request: AuthedRequest) -> HttpResponse:
    """Show every finding; an administrator may also send the canary."""
    findings = selfcheck()
    verdict = worst(findings)
    context: dict[str, object] = {
        "section": "about",
        "now": timezone.now(),
        "findings": [shown(one) for one in findings],
        "badge": VERDICT[verdict],
        "whole": WHOLE[verdict],
    }
    if can(request.actor, Permission.ADMINISTER):
        context |= _canary(request)
    return render(request, "pages/about.html", context)


@guard.action(Permission.ADMINISTER)
def send_canary(request: AuthedRequest) -> HttpResponse:
    """Start the canary and lead back to the page, which watches its run."""
    execution = canary.start(actor=request.actor)
    return SeeOther(f"{reverse('about')}?run={execution.pk}#canary")


@guard.page(Permission.ADMINISTER)
def canary_region(request: AuthedRequest) -> HttpResponse:
    """Answer the poll of the canary's run; the last answer has no more poll in it."""
    return render(request, "partials/canary.html", _canary(request))


def _canary(request: AuthedRequest) -> dict[str, object]:
    """Return how the run of the address stands; only runs of the canary's own job are shown."""
    number = small_number(request.GET.get("run", ""))
    run = Execution.objects.filter(pk=number, job__name=canary.NAME).first() if number else None
    if run is None:
        return {"run": None, "finding": None}
    finding = canary.judge(run, timezone.now())
    return {"run": run, "finding": shown(finding) if finding else None}
