"""Alerts: the list, one with its evidence, those of a job, the rules, and what people do to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from jobs.domain.alerts import Rule, Severity
from jobs.domain.durations import format_duration, parse_duration
from jobs.domain.errors import DurationError, InvalidError
from jobs.domain.permissions import Permission
from jobs.domain.preferences import FilterPage
from jobs.domain.said import spoken
from jobs.domain.states import JobState
from jobs.models import Alert, Execution
from jobs.queries.alert_page import shown_run
from jobs.queries.alerts import (
    AlertListing,
    Phase,
    deliveries_of,
    first_names,
    get_alert,
    list_alerts,
    members_of,
    phase_of,
    rules,
)
from jobs.queries.attention import OpenAlert
from jobs.queries.jobs import get_job
from jobs.queries.logrows import Chosen
from jobs.queries.own_rules import own_rules
from jobs.services import alert_acts, alerts
from jobs.web import guard, logview
from jobs.web.alert_evidence import shown_evidence
from jobs.web.alert_steps import next_step
from jobs.web.alert_titles import cause_of, title_of, why_of
from jobs.web.alert_words import COMPARISON, EVENT, LIMIT, METRIC, PHASE, RULE, SEVERITY
from jobs.web.context import may_of
from jobs.web.filters import page_mark, tidied
from jobs.web.http import AuthedRequest, small_number, toast_or_redirect
from jobs.web.kept import kept_filters
from jobs.web.live import region, tag_of
from jobs.web.toasts import Toast
from jobs.web.words import Badge, Text

_MUTES = (
    (3600, gettext_lazy("1 hour")),
    (8 * 3600, gettext_lazy("8 hours")),
    (86_400, gettext_lazy("1 day")),
)
_BULK_LIMIT = 500
_OF_TIME = "_seconds"  # limits that end so are times


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


def shown(row: Alert, now: datetime, name: str | None = None) -> ShownAlert:
    """Return an alert as pages show it; ``name`` is that of its first job, where it is known."""
    return ShownAlert(
        row=row,
        title=title_of(row, name),
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
    now, query = timezone.now(), urlencode(_query(request))
    if elsewhere := tidied(request, query):
        return elsewhere
    context = {
        "section": "alerts",
        "own_search": True,
        "tag": _tag(now),
        "mutes": _MUTES,
        **kept_filters(request, FilterPage.ALERTS, query),
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
    names = first_names(page.rows)
    others = {name: value for name, value in query.items() if name != "phase"}
    return {
        "rows": [shown(row, now, names.get(row.pk, "")) for row in page.rows],
        "query": query,
        "filtered": bool(others) or phase != Phase.UNRESOLVED,
        "filter_words": _in_words(query),
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


def _in_words(query: dict[str, str]) -> str:
    """Return the filters as a reader would say them, for the empty list."""
    severity, rule = query.get("severity"), query.get("rule")
    parts = [
        f"“{query['q']}”" if "q" in query else "",
        str(SEVERITY[severity].word) if severity else "",
        str(RULE[rule]) if rule else "",
        str(PHASE.get(query.get("phase", ""), "")),
    ]
    return ", ".join(part for part in parts if part)


@guard.page()
def alert_page(request: AuthedRequest, alert_id: int) -> HttpResponse:
    """Show one alert: what holds, its evidence, its jobs and runs, and who was told."""
    row = get_alert(alert_id)
    after = page_mark(request, "after")
    page = members_of(row, after=after)
    context = {
        "section": "alerts",
        "one": shown(row, timezone.now()),
        "evidence": shown_evidence(row.evidence),
        **_what_to_do(request, row),
        "members": [(one, SEVERITY.get(one.severity), why_of(one)) for one in page.rows],
        "cause": cause_of(row.cause),
        "older": f"after={page.next_after}" if page.next_after else None,
        "newest": "" if after else None,
        "deliveries": [(one, EVENT.get(one.event, one.event)) for one in deliveries_of(row)],
        "mutes": _MUTES,
    }
    return render(request, "pages/alert.html", context)


_LAST_LINES = 12


def _what_to_do(request: AuthedRequest, row: Alert) -> dict[str, object]:
    """Return the run that shows the trouble with its last words, and what can be done at once."""
    shown_here = shown_run(row)
    members = list(row.members.filter(left_at=None).select_related("job")[:2])
    only = members[0].job if len(members) == 1 else None
    return {
        "shows": shown_here,
        "log": _last_lines(shown_here.run) if shown_here else [],
        "again": len(alert_acts.failed_runs(row)) if row.resolved_at is None else 0,
        "only": only if only is not None and only.state == JobState.ACTIVE else None,
        "stopped": only if only is not None and only.state != JobState.ACTIVE else None,
        "step": next_step(OpenAlert(row=row, members=members), may_of(request.actor)),
    }


def _last_lines(run: Execution) -> Sequence[logview.Line]:
    """Return the last lines that a run printed, of whatever attempt."""
    return logview.newest(Chosen(run.pk, "", 0), finished=True).lines[-_LAST_LINES:]


@guard.action(Permission.EXECUTE)
def run_again(request: AuthedRequest, alert_id: int) -> HttpResponse:
    """Run again what failed."""
    found = alert_acts.run_again(alert_id, actor=request.actor)
    number = len(found.started)
    text = ngettext("Started %d run again.", "Started %d runs again.", number) % number
    if found.left:
        text += " " + _("More jobs are left: press again.")
    toast = Toast(
        text=" ".join([text, *map(spoken, found.refused[:3])]),
        kind="ok" if number else "bad",
        icon="rotate-cw",
    )
    return toast_or_redirect(request, toast, default=reverse("alert", args=[alert_id]))


@guard.action(Permission.PAUSE)
def pause_job(request: AuthedRequest, alert_id: int) -> HttpResponse:
    """Pause the job of an alert for an hour."""
    job = alert_acts.pause_for_an_hour(alert_id, actor=request.actor, now=timezone.now())
    toast = Toast(
        text=_("Paused %s for 1 hour.") % job.name,
        kind="info",
        undo_url=reverse("job_resume", args=[job.pk]),
    )
    return toast_or_redirect(request, toast, default=reverse("alert", args=[alert_id]))


@guard.page()
def job_alerts(request: AuthedRequest, job_id: int) -> HttpResponse:
    """Show the alerts that a job was in, newest first."""
    job = get_job(job_id)
    after = page_mark(request, "after")
    page = list_alerts(AlertListing(job_id=job.pk, after=after))
    names = first_names(page.rows)
    now = timezone.now()
    context = {
        "section": "jobs",
        "tab": "alerts",
        "job": job,
        "rows": [shown(row, now, names.get(row.pk, "")) for row in page.rows],
        "may_open": request.actor.sees_all,
        "older": f"after={page.next_after}" if page.next_after else None,
        "newest": "" if after else None,
    }
    return render(request, "pages/job_alerts.html", context)


@guard.action(Permission.PAUSE)
def acknowledge(request: AuthedRequest, alert_id: int) -> HttpResponse:
    """Say that somebody looks after it."""
    row = alerts.acknowledge(alert_id, actor=request.actor, note=_note(request))
    text = _("Acknowledged: %s") % title_of(row)
    toast = Toast(text=text, icon="circle-check", undo_url=_undo_of([row]))
    return toast_or_redirect(request, toast, default=reverse("alert", args=[row.pk]))


def _undo_of(rows: Sequence[Alert]) -> str:
    """Return the address that takes back that these were acknowledged."""
    return f"{reverse('alerts_bulk')}?{urlencode({'undo': [row.pk for row in rows]}, doseq=True)}"


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
    """Acknowledge or mute those that are ticked; with ``undo`` take back the former."""
    undo = request.GET.getlist("undo")
    numbers = map(small_number, (undo or request.POST.getlist("id"))[:_BULK_LIMIT])
    chosen = [one for one in numbers if one is not None]
    if not chosen:
        raise InvalidError(_("Tick the alerts that you mean first."))
    done, refused = alerts.each(chosen, _deed(request, undo=bool(undo)))
    text = ngettext("Changed %d alert.", "Changed %d alerts.", len(done)) % len(done)
    acknowledged = not undo and request.POST.get("action") != "mute"
    toast = Toast(
        text=" ".join([text, *map(spoken, refused[:3])]),
        kind="ok" if done else "bad",
        undo_url=_undo_of(done) if done and acknowledged else "",
    )
    return toast_or_redirect(request, toast, default=reverse("alerts"))


def _deed(request: AuthedRequest, *, undo: bool) -> Callable[[int], Alert]:
    """Return what is done to each that is ticked."""
    actor = request.actor
    if undo:
        return lambda number: alerts.unacknowledge(number, actor=actor)
    if request.POST.get("action") == "mute":
        seconds = _seconds(request)
        return lambda number: alerts.mute(number, seconds=seconds, actor=actor)
    return lambda number: alerts.acknowledge(number, actor=actor)


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
            "limits": [
                (name, LIMIT[name], _typed(name, value)) for name, value in one.limits.items()
            ],
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


def _typed(name: str, value: float) -> str:
    """Return a limit as one types it: a time as everywhere, such as ``10m``."""
    if name.endswith(_OF_TIME):
        return format_duration(timedelta(seconds=value))
    return f"{value:g}"


def _figure(text: str, name: str) -> float:
    if name.endswith(_OF_TIME):
        return _seconds_of(text, name)
    try:
        value = float(text.strip().replace(",", "."))
    except ValueError:
        sentence = _("%(text)s is not a number.") % {"text": repr(text[:40])}
        raise InvalidError(sentence, fields={name: sentence}) from None
    return int(value) if value.is_integer() else value


def _seconds_of(text: str, name: str) -> float:
    try:
        value = parse_duration(text).total_seconds()
    except DurationError as error:
        raise InvalidError(error.message, fields={name: error.message}) from None
    return int(value) if value.is_integer() else value
