"""The statistics of a job: rates, durations, runs by day and by hour of the week. History is not read."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone

from jobs.domain.zones import zone as zone_of
from jobs.queries.jobs import get_job
from jobs.queries.stats import Statistics, Window, of_job
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
        "windows": [(one, word, one == found.window) for one, word in say.WINDOWS.items()],
        "longer": _longer(found),
        **_shown(found),
    }
    return render(request, "pages/job_statistics.html", context)


def _window(request: AuthedRequest) -> Window:
    """Return the period that was asked for; an unknown one is the usual one."""
    asked = request.GET.get("window", "")
    return Window(asked) if asked in list(Window) else _USUAL


def _longer(found: Statistics) -> Window | None:
    """Return the longest period where it is not the one shown."""
    return None if found.window == Window.QUARTER else Window.QUARTER


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
