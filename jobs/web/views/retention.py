"""What is kept: the rules, what they would remove now, and the button that does it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from jobs import conf
from jobs.domain.permissions import Permission
from jobs.services import retention_rules
from jobs.services.retention_rules import ACT_SECONDS, LOOKED_AT, Cleaned, Keep
from jobs.web import formats, guard
from jobs.web.http import AuthedRequest, toast_on_page
from jobs.web.toasts import Toast
from jobs.web.words import Text

_NAMES: dict[str, Text] = {
    "completed": gettext_lazy("Executions that did not fail"),
    "failed": gettext_lazy("Executions that failed"),
    "logs": gettext_lazy("Output of executions that stay"),
    "metrics": gettext_lazy("Hourly figures"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule in words, and how much it would remove."""

    name: Text
    kept: str
    settings: str
    count: int


@guard.page(Permission.ADMINISTER)
def retention_page(request: AuthedRequest) -> HttpResponse:
    """Show what would be removed now."""
    found = retention_rules.preview(actor=request.actor, now=timezone.now(), most=LOOKED_AT)
    context = {
        "section": "settings",
        "rules": _rules(retention_rules.rules(), found),
        "found": found,
        "anything": not found.complete or any(found.counts().values()),
        "floor": conf.keep_of_each_job(),
    }
    return render(request, "pages/retention.html", context)


def _rules(keep: Keep, found: Cleaned) -> list[Rule]:
    counts = found.counts()
    kept = {
        "completed": _both(keep.completed, keep.completed_count),
        "failed": _both(keep.failed, keep.failed_count),
        "logs": _days(keep.logs),
        "metrics": _days(keep.metrics),
    }
    names = {
        "completed": "KEEP_COMPLETED_DAYS, KEEP_COMPLETED_COUNT",
        "failed": "KEEP_FAILED_DAYS, KEEP_FAILED_COUNT",
        "logs": "KEEP_LOG_DAYS",
        "metrics": "STATISTICS_DAYS",
    }
    return [
        Rule(name=_NAMES[one], kept=kept[one], settings=names[one], count=counts[one])
        for one in counts
    ]


def _days(age: timedelta) -> str:
    return ngettext("%(n)s day", "%(n)s days", age.days) % {"n": age.days}


def _both(age: timedelta, number: int) -> str:
    most = _("%(count)s of all jobs together at most") % {"count": formats.count(number)}
    return f"{_days(age)}, {most}"


@guard.action(Permission.ADMINISTER)
def run(request: AuthedRequest) -> HttpResponse:
    """Remove it, as far as one answer goes."""
    done = retention_rules.clean(actor=request.actor, now=timezone.now(), seconds=ACT_SECONDS)
    total = formats.count(sum(done.counts().values()))
    text = (
        _("Removed %s rows.") % total
        if done.complete
        else _("Removed %s rows; there are more.") % total
    )
    toast = Toast(text=text, icon="trash-2")
    return toast_on_page(request, toast, url=reverse("retention"))
