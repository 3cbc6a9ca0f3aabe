"""Words of queue health: parts, severities, trends, charts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from jobs import conf
from jobs.domain.bottlenecks import Severity
from jobs.domain.health import Part, PartScore, Sample, SystemHealth
from jobs.domain.trends import Direction, Trend
from jobs.web import figures, formats
from jobs.web.words import Badge

Text = str | Promise
GOOD = 0.7  # what is below needs a look, what is below the alert threshold needs it now

PERIODS: dict[str, Text] = {
    "1h": gettext_lazy("1 h"),
    "24h": gettext_lazy("24 h"),
    "7d": gettext_lazy("7 d"),
}
_SEVERITIES: dict[Severity, Text] = {
    Severity.CRITICAL: gettext_lazy("Critical"),
    Severity.HIGH: gettext_lazy("High"),
    Severity.MEDIUM: gettext_lazy("Medium"),
    Severity.LOW: gettext_lazy("Low"),
}
_PARTS: dict[Part, Text] = {
    Part.FAILURE_RATE: gettext_lazy("Failure rate"),
    Part.PROCESSING_SPEED: gettext_lazy("Processing speed"),
    Part.BACKLOG: gettext_lazy("Backlog"),
    Part.THROUGHPUT: gettext_lazy("Throughput"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownPart:
    """A part of the score with its meter and its evidence in words."""

    title: Text
    score: str
    cost: str
    meter: SafeString
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartWords:
    """What a chart is called, and how its values are written."""

    title: Text
    unit: Text
    shown: Callable[[float], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A drawn series."""

    title: Text
    now: str
    unit: Text
    drawing: SafeString


def _two(value: float) -> str:
    return f"{value:.2f}"


CHARTS = {
    "score": ChartWords(title=gettext_lazy("Score"), unit="", shown=_two),
    "throughput": ChartWords(
        title=gettext_lazy("Throughput"),
        unit=gettext_lazy("runs per hour"),
        shown=lambda value: formats.count(round(value)),
    ),
    "failures": ChartWords(
        title=gettext_lazy("Failure rate"), unit="", shown=lambda value: formats.percent(value)
    ),
    "speed": ChartWords(
        title=gettext_lazy("Mean run"), unit="", shown=lambda value: formats.duration(value)
    ),
}


def badge(score: float) -> Badge:
    """Return a score in a word."""
    if score < conf.health_thresholds().score:
        return Badge(_("Unhealthy"), "octagon-alert", "bad")
    if score < GOOD:
        return Badge(_("Needs a look"), "triangle-alert", "warn")
    return Badge(_("Good"), "circle-check", "ok")


def system(health: SystemHealth) -> Badge:
    """Return the whole in a word."""
    return {
        SystemHealth.HEALTHY: Badge(_("System healthy"), "circle-check", "ok"),
        SystemHealth.WARNING: Badge(_("System: warning"), "triangle-alert", "warn"),
        SystemHealth.CRITICAL: Badge(_("System: critical"), "octagon-alert", "bad"),
    }[health]


def severity(one: Severity) -> str:
    """Return a severity in a word."""
    return str(_SEVERITIES[one])


def part(one: PartScore, sample: Sample) -> ShownPart:
    """Return a part of the score, with what it is measured by."""
    return ShownPart(
        title=_PARTS[one.part],
        score=_two(one.score),
        cost=_two(one.cost),
        meter=figures.meter(one.score, threshold=0.5, warn_below=GOOD),
        evidence=_evidence(one, sample),
    )


def _evidence(one: PartScore, sample: Sample) -> str:
    """Say the value, and the threshold at which it costs its weight."""
    match one.part:
        case Part.FAILURE_RATE:
            return _("%(bad)s of %(all)s failed, alerts above %(most)s") % {
                "bad": formats.count(sample.failed),
                "all": formats.count(sample.ended),
                "most": formats.percent(one.threshold),
            }
        case Part.PROCESSING_SPEED:
            return _("%(mean)s on average, alerts above %(most)s") % {
                "mean": formats.duration(one.value if sample.ended else None),
                "most": formats.setting(one.threshold),
            }
        case Part.BACKLOG:
            return _("%(n)s waiting, alerts above %(most)s") % {
                "n": formats.count(round(one.value)),
                "most": formats.count(round(one.threshold)),
            }
    return _("%(now)s an hour, usually %(usual)s") % {
        "now": formats.count(round(one.value * 60)),
        "usual": formats.count(round(one.threshold * 60)),
    }


def trend(one: Trend) -> str:
    """Say where it goes, against the period before."""
    change = f"{abs(one.score_change):.2f}"
    if one.direction == Direction.IMPROVING:
        return _("Improving: up %s against the period before") % change
    if one.direction == Direction.DEGRADING:
        return _("Degrading: down %s against the period before") % change
    return _("Stable against the period before")


def chart_label(words: ChartWords, values: Sequence[float]) -> str:
    """Return the finding of a chart in words."""
    return _("%(what)s by hour: now %(now)s, lowest %(low)s, highest %(high)s") % {
        "what": words.title,
        "now": words.shown(values[-1]),
        "low": words.shown(min(values)),
        "high": words.shown(max(values)),
    }
