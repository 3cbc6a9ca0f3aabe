"""Queue health: the score and what it is made of, what slows queues down, what helps, the trend."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.safestring import SafeString

from jobs import conf
from jobs.domain.bottlenecks import Bottleneck
from jobs.domain.trends import Trend
from jobs.queries.pulse import pulse
from jobs.queries.queue_health import (
    Point,
    QueueHealth,
    all_bottlenecks,
    healths,
    history,
    system,
    trend_of,
)
from jobs.queries.stats import self_watch
from jobs.web import figures, guard, stat_words
from jobs.web import health_words as say
from jobs.web.http import AuthedRequest
from jobs.web.live import region, tag_of
from jobs.web.words import Badge

_TOPICS = ("executions", "workers")
_PERIODS = {"24h": 24, "1h": 1, "7d": 168}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a reader asked for; an unknown queue is none, an unknown period the usual one."""

    queue: str
    period: str

    @property
    def hours(self) -> int:
        """Return the period in hours."""
        return _PERIODS[self.period]

    def link(self, **changes: str) -> str:
        """Return the query string with something changed; what is usual is left out."""
        values = {"queue": self.queue, "period": self.period, **changes}
        if values["period"] == next(iter(_PERIODS)):
            values["period"] = ""
        return urlencode({name: value for name, value in values.items() if value})


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingRow:
    """A bottleneck as the table shows it."""

    found: Bottleneck
    word: str
    steps: SafeString
    evidence: str
    cost: float


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueRow:
    """A queue as the table shows it."""

    health: QueueHealth
    badge: Badge
    link: str


@guard.page()
def health_page(request: AuthedRequest) -> HttpResponse:
    """Show the health of a queue: the one asked for, else the worst."""
    now = timezone.now()
    asked = _asked(request)
    context = {"section": "health", "tag": _tag(asked, now), **_regions(asked, now)}
    return render(request, "pages/health.html", context)


@guard.page()
def health_region(request: AuthedRequest) -> HttpResponse:
    """Answer the poll."""
    now = timezone.now()
    asked = _asked(request)
    template = "partials/health_panels.html"
    return region(request, template, _tag(asked, now), lambda: _regions(asked, now))


def _asked(request: AuthedRequest) -> Asked:
    period = request.GET.get("period", "")
    return Asked(
        queue=request.GET.get("queue", "")[:100],
        period=period if period in _PERIODS else next(iter(_PERIODS)),
    )


def _tag(asked: Asked, now: datetime) -> str:
    # Waiting times move without a write: drawn anew every fifteen seconds.
    return tag_of(*_TOPICS, now=now, extra=f"{asked.link()}.{int(now.timestamp()) // 15}")


def _regions(asked: Asked, now: datetime) -> dict[str, object]:
    found = healths(now)
    worst = min(found, key=lambda one: one.health.score)
    shown = next((one for one in found if one.name == asked.queue), worst)
    chosen = shown.name == asked.queue
    trend = trend_of(shown.name, now, hours=asked.hours)
    rows = all_bottlenecks([shown] if chosen else found)
    return {
        "asked": asked,
        "chosen": chosen,
        "shown": shown,
        "names": [one.name for one in found],
        "system": say.system(system(found)),
        "badge": say.badge(shown.health),
        "threshold": conf.health_thresholds().score,
        "parts": [say.part(part, shown.sample) for part in shown.health.parts],
        "advice": [say.advice(one, shown.found, shown.sample) for one in shown.recommendations],
        "healthy": not shown.found,
        "findings": [_finding(one) for one in rows],
        "queues": [
            QueueRow(health=one, badge=say.badge(one.health), link=asked.link(queue=one.name))
            for one in found
        ],
        "trend": trend,
        "trend_words": say.trend(trend),
        "charts": _charts(shown.name, trend, asked, now),
        "periods": [
            (name, say.PERIODS[name], asked.link(period=name)) for name in ("1h", "24h", "7d")
        ],
        "self_watch": stat_words.watched(self_watch(now), pulse(now).tick_at, now),
        "query": asked.link(),
    }


def _finding(one: Bottleneck) -> FindingRow:
    return FindingRow(
        found=one,
        word=say.severity(one.severity),
        steps=figures.severity(one.severity.rank),
        evidence=say.finding(one),
        cost=one.value / one.threshold,
    )


def _charts(queue: str, trend: Trend, asked: Asked, now: datetime) -> list[say.Chart]:
    # An hour alone draws no line: the day around it does.
    points = history(queue, now, hours=max(asked.hours, 24))
    return [
        _chart(say.CHARTS["score"], [_score(point) for point in points]),
        _chart(say.CHARTS["throughput"], [point.per_minute * 60 for point in points]),
        _chart(say.CHARTS["failures"], [point.failure_rate for point in points]),
        _chart(say.CHARTS["speed"], [point.processing_seconds for point in points]),
    ]


def _score(point: Point) -> float:
    """Return the score of an hour; one in which nothing happened is healthy."""
    return 1.0 if point.score is None else point.score


def _chart(words: say.ChartWords, values: list[float]) -> say.Chart:
    label = say.chart_label(words, values)
    return say.Chart(
        title=words.title,
        now=words.shown(values[-1]),
        unit=words.unit,
        drawing=figures.trend(values, label=label, height=78),
    )
