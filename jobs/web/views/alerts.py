"""Alerts: the list, one with its evidence, those of a job, the rules, and what people do to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from jobs.domain.alerts import Rule, Severity
from jobs.domain.errors import InvalidError
from jobs.domain.permissions import Permission
from jobs.models import Alert
from jobs.queries.alerts import (
    AlertListing,
    Phase,
    deliveries_of,
    get_alert,
    list_alerts,
    members_of,
    phase_of,
    rules,
)
from jobs.queries.jobs import get_job
from jobs.queries.own_rules import own_rules
from jobs.services import alerts
from jobs.web import guard
from jobs.web.alert_titles import title_of
from jobs.web.alert_words import COMPARISON, EVENT, EVIDENCE, LIMIT, METRIC, PHASE, RULE, SEVERITY
from jobs.web.filters import page_mark
from jobs.web.http import AuthedRequest, small_number, toast_or_redirect
from jobs.web.live import region, tag_of
from jobs.web.toasts import Toast
from jobs.web.words import Badge, Text

_MUTES = (
    (3600, gettext_lazy("1 hour")),
    (8 * 3600, gettext_lazy("8 hours")),
    (86_400, gettext_lazy("1 day")),
)
_BULK_LIMIT = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownAlert:
    """An alert in words."""

    row: Alert
    title: str
    badge: Badge
    rule: Text
    phase: Text
    open: bool
    acknowledged: bool
    muted: bool


def shown(row: Alert, now: datetime) -> ShownAlert:
    """Return an alert as pages show it."""
    return ShownAlert(
        row=row,
        title=title_of(row),
        badge=SEVERITY.get(row.severity, SEVERITY[Severity.WARNING]),
        rule=RULE.get(row.rule, row.rule),
        phase=PHASE[phase_of(row)],
        open=row.resolved_at is None,
        acknowledged=row.acknowledged_at is not None,
        muted=row.muted_until is not None and row.muted_until > now,
    )


@guard.page()
def alert_list(request: AuthedRequest) -> HttpResponse:
    """Show the alerts of one phase or all, filtered."""
    now = timezone.now()
    context = {
        "section": "alerts",
        "own_search": True,
        "tag": _tag(now),
        "mutes": _MUTES,
        **_table(request, now),
    }
    return render(request, "pages/alerts.html", context)


@guard.page()
def table_region(request: AuthedRequest) -> HttpResponse:
    """Answer the table's poll."""
    now = timezone.now()
    return region(
        request,
        "partials/alert_table.html",
        _tag(now),
        lambda: {"mutes": _MUTES, **_table(request, now)},
    )


def _tag(now: datetime) -> str:
    return tag_of("jobs", "alerts", now=now)


def _query(request: AuthedRequest) -> dict[str, str]:
    """Return the filters that say something; without any it is what has not ended."""
    given = {
        "phase": request.GET.get("phase", ""),
        "severity": request.GET.get("severity", ""),
        "rule": request.GET.get("rule", ""),
        "q": request.GET.get("q", "").replace("\0", "").strip()[:200],
    }
    allowed: Mapping[str, object] = {
        "phase": {"all", *Phase},
        "severity": set(Severity),
        "rule": set(Rule),
    }
    return {
        name: value
        for name, value in given.items()
        if value and (name not in allowed or value in allowed[name])  # type: ignore[operator]
    }


def _table(request: AuthedRequest, now: datetime) -> dict[str, object]:
    query = _query(request)
    phase = query.get("phase", Phase.UNRESOLVED)
    after = page_mark(request, "after")
    page = list_alerts(
        AlertListing(
            phase=None if phase == "all" else Phase(phase),
            severity=Severity(query["severity"]) if "severity" in query else None,
            rule=Rule(query["rule"]) if "rule" in query else None,
            search=query.get("q", ""),
            seen_by=request.actor,
            after=after,
        )
    )
    others = {name: value for name, value in query.items() if name != "phase"}
    return {
        "rows": [shown(row, now) for row in page.rows],
        "query": query,
        "filtered": bool(others) or phase != Phase.UNRESOLVED,
        "phase": phase,
        "chips": [
            (value, word, urlencode({**others, "phase": value}))
            for value, word in [*PHASE.items(), ("all", _("All"))]
        ],
        "severities": [(value, badge.word) for value, badge in SEVERITY.items()],
        "rules": list(RULE.items()),
        "query_string": urlencode(query),
        "older": urlencode({**query, "after": page.next_after}) if page.next_after else None,
        "newest": urlencode(query) if after else None,
        "first_page": after is None,
        # What it is about, others' jobs too: its page and what is done to it are for who sees all.
        "may_open": request.actor.sees_all,
        "acts": request.actor.may(Permission.PAUSE),
    }


@guard.page()
def alert_page(request: AuthedRequest, alert_id: int) -> HttpResponse:
    """Show one alert: what holds, its evidence, its jobs and runs, and who was told."""
    row = get_alert(alert_id)
    after = page_mark(request, "after")
    page = members_of(row, after=after)
    context = {
        "section": "alerts",
        "one": shown(row, timezone.now()),
        "evidence": [
            (EVIDENCE.get(name, name), value, name)
            for name, value in row.evidence.items()
            if value not in (None, "", [])
        ],
        "members": [(one, SEVERITY.get(one.severity)) for one in page.rows],
        "older": f"after={page.next_after}" if page.next_after else None,
        "newest": "" if after else None,
        "deliveries": [(one, EVENT.get(one.event, one.event)) for one in deliveries_of(row)],
        "mutes": _MUTES,
    }
    return render(request, "pages/alert.html", context)


@guard.page()
def job_alerts(request: AuthedRequest, job_id: int) -> HttpResponse:
    """Show the alerts that a job was in, newest first."""
    job = get_job(job_id)
    after = page_mark(request, "after")
    page = list_alerts(AlertListing(job_id=job.pk, after=after))
    now = timezone.now()
    context = {
        "section": "jobs",
        "tab": "alerts",
        "job": job,
        "rows": [shown(row, now) for row in page.rows],
        "may_open": request.actor.sees_all,
        "older": f"after={page.next_after}" if page.next_after else None,
        "newest": "" if after else None,
    }
    return render(request, "pages/job_alerts.html", context)


@guard.action(Permission.PAUSE)
def acknowledge(request: AuthedRequest, alert_id: int) -> HttpResponse:
    """Say that somebody looks after it."""
    row = alerts.acknowledge(alert_id, actor=request.actor, note=_note(request))
    toast = Toast(text=_("Acknowledged: %s") % title_of(row), icon="circle-check")
    return toast_or_redirect(request, toast, default=reverse("alert", args=[row.pk]))


@guard.action(Permission.PAUSE)
def mute(request: AuthedRequest, alert_id: int) -> HttpResponse:
    """Tell nobody of it for a while, or tell again."""
    seconds = _seconds(request)
    row = alerts.mute(alert_id, seconds=seconds, actor=request.actor, note=_note(request))
    text = _("Muted: %s") if seconds else _("No longer muted: %s")
    toast = Toast(text=text % title_of(row), icon="circle-pause")
    return toast_or_redirect(request, toast, default=reverse("alert", args=[row.pk]))


@guard.action(Permission.PAUSE)
def resolve(request: AuthedRequest, alert_id: int) -> HttpResponse:
    """End it by hand."""
    row = alerts.resolve(alert_id, actor=request.actor, note=_note(request))
    toast = Toast(text=_("Ended: %s") % title_of(row), icon="circle-check")
    return toast_or_redirect(request, toast, default=reverse("alert", args=[row.pk]))


@guard.action(Permission.PAUSE)
def bulk(request: AuthedRequest) -> HttpResponse:
    """Acknowledge or mute those that are ticked."""
    numbers = [small_number(one) for one in request.POST.getlist("id")[:_BULK_LIMIT]]
    chosen = [one for one in numbers if one is not None]
    if not chosen:
        raise InvalidError(_("Tick the alerts that you mean first."))
    actor = request.actor
    if request.POST.get("action") == "mute":
        seconds = _seconds(request)
        done, refused = alerts.each(
            chosen, lambda number: alerts.mute(number, seconds=seconds, actor=actor)
        )
    else:
        done, refused = alerts.each(chosen, lambda number: alerts.acknowledge(number, actor=actor))
    text = ngettext("Changed %d alert.", "Changed %d alerts.", len(done)) % len(done)
    sentence = " ".join([text, *refused[:3]])
    kind = "ok" if done else "bad"
    return toast_or_redirect(request, Toast(text=sentence, kind=kind), default=reverse("alerts"))


def _note(request: AuthedRequest) -> str:
    return request.POST.get("note", "").strip()[:500]


def _seconds(request: AuthedRequest) -> int:
    found = small_number(request.POST.get("seconds", ""))
    if found is None:
        raise InvalidError(_("Choose for how long."))
    return found


@guard.page()
def rules_page(request: AuthedRequest) -> HttpResponse:
    """Show the built-in rules with their limits."""
    found = [
        {
            "standing": one,
            "word": RULE[one.name],
            "limits": [(name, LIMIT[name], f"{value:g}") for name, value in one.limits.items()],
        }
        for one in rules()
    ]
    severities = [(value, badge.word) for value, badge in SEVERITY.items()]
    own = [
        (one, METRIC[one.settings["metric"]], COMPARISON[one.settings["comparison"]])
        for one in own_rules()
    ]
    context = {"section": "alerts", "rules": found, "severities": severities, "own": own}
    return render(request, "pages/alert_rules.html", context)


@guard.action(Permission.ADMINISTER)
def rule(request: AuthedRequest, name: str) -> HttpResponse:
    """Change one rule."""
    alerts.set_rule(
        name,
        actor=request.actor,
        enabled="enabled" in request.POST,
        severity=request.POST.get("severity", ""),
        limits={one: _figure(request.POST[one], one) for one in LIMIT if one in request.POST},
    )
    toast = Toast(text=_("Saved the rule %s.") % RULE[name], icon="pencil")
    return toast_or_redirect(request, toast, default=reverse("alert_rules"))


def _figure(text: str, name: str) -> float:
    try:
        value = float(text.strip().replace(",", "."))
    except ValueError:
        sentence = _("%(text)s is not a number.") % {"text": repr(text[:40])}
        raise InvalidError(sentence, fields={name: sentence}) from None
    return int(value) if value.is_integer() else value
