"""Statistics of a job, a queue, a workspace, a tag or of all. History is not read."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from jobs.domain.permissions import Actor
from jobs.domain.zones import zone as zone_of
from jobs.queries.in_use import queues_in_use, tags_in_use
from jobs.queries.jobs import get_job
from jobs.queries.stats import Statistics, Window, of_all, of_job
from jobs.queries.workspaces import workspace_names
from jobs.web import guard
from jobs.web import stat_words as say
from jobs.web.http import AuthedRequest

_USUAL = Window.WEEK


@guard.page()
def job_statistics(request: AuthedRequest, job_id: int) -> HttpResponse:
    """Show the statistics of a job over a period, against the one before; a deleted one has them too."""
    job = get_job(job_id)
    found = of_job(job.pk, _window(request), timezone.now(), zone=request.viewer.zone)
    context = {
        "section": "jobs",
        "tab": "statistics",
        "job": job,
        **_periods(found, ""),
        **_shown(found),
    }
    return render(request, "pages/job_statistics.html", context)


@guard.page()
def statistics(request: AuthedRequest) -> HttpResponse:
    """Show the statistics of all jobs that the reader sees, or of one queue, workspace or tag."""
    groups = _groups(request.actor)
    of = request.GET.get("of", "")
    if of not in {value for _heading, choices in groups for value, _word in choices}:
        of = ""  # gone by now, or not for this reader
    found = of_all(
        _window(request),
        timezone.now(),
        seen_by=request.actor,
        zone=request.viewer.zone,
        **_part(of),
    )
    context = {
        "section": "statistics",
        "whole": request.actor.sees_all,
        "groups": groups,
        "of": of,
        "of_all": _query(found.window, ""),
        **_periods(found, of),
        **_shown(found),
    }
    return render(request, "pages/statistics.html", context)


Group = tuple[str, list[tuple[str, str]]]


def _groups(actor: Actor) -> list[Group]:
    """Return what can be chosen; a queue's figures are of all its jobs, so not for a reader of some."""
    kinds = [
        ("queue", _("Queues"), queues_in_use() if actor.sees_all else []),
        ("workspace", _("Workspaces"), workspace_names(actor)),
        ("tag", _("Tags"), tags_in_use(actor)),
    ]
    return [
        (heading, [(f"{kind}:{name}", name) for name in names])
        for kind, heading, names in kinds
        if names
    ]


def _part(of: str) -> dict[str, str]:
    kind, _colon, name = of.partition(":")
    return {kind: name} if of else {}


def _query(window: Window, of: str) -> str:
    usual = window == _USUAL
    return urlencode({**({"of": of} if of else {}), **({} if usual else {"window": window.value})})


def _periods(found: Statistics, of: str) -> dict[str, object]:
    """Return the links to other periods, and to the longest one where it is not the one shown."""
    return {
        "windows": [
            (_query(one, of), word, one == found.window) for one, word in say.WINDOWS.items()
        ],
        "longer": "" if found.window == Window.QUARTER else _query(Window.QUARTER, of),
    }


def _window(request: AuthedRequest) -> Window:
    """Return the period that was asked for; an unknown one is the usual one."""
    asked = request.GET.get("window", "")
    return Window(asked) if asked in list(Window) else _USUAL


def _shown(found: Statistics) -> dict[str, object]:
    zone = zone_of(found.zone)
    quantile = found.now.durations.quantile
    return {
        "found": found,
        "anything": any(found.now.outcomes.values()),
        "daily": found.window != Window.DAY,
        "period": say.period(found, zone),
        "p50": say.seconds(quantile(0.5)),
        "p95": say.seconds(quantile(0.95)),
        "p99": say.seconds(quantile(0.99)),
        "mean": say.seconds(found.now.mean_seconds),
        "waited": say.seconds(found.now.mean_wait_seconds),
        "rate_change": say.rate_change(found),
        "p95_change": say.p95_change(found),
        "others": found.now.outcomes["cancelled"] + found.now.outcomes["skipped"],
        "runs": say.runs_chart(found, zone),
        "rows": say.rows(found, zone),
        "heat": say.heat_chart(found.heat),
        "cells": say.cells_of(found.heat),
        "weekdays": say.weekdays(),
    }
