"""Words of queue health: parts, severities, trends, charts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.template.defaultfilters import floatformat
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from jobs import conf
from jobs.domain.bottlenecks import Bottleneck, Kind, Severity
from jobs.domain.health import Health, Part, PartScore, Sample, SystemHealth
from jobs.domain.recommendations import MORE_STARTS, NOTHING_TO_DO, Recommendation
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
# The advice of `domain.recommendations` that has no number in it.
_ADVICE: dict[str, Text] = {
    "Optimize job processing logic": gettext_lazy("Optimize job processing logic"),
    "Review resource allocation: CPU, memory and disk of the workers' hosts": gettext_lazy(
        "Review resource allocation: CPU, memory and disk of the workers' hosts"
    ),
    "Check external API availability": gettext_lazy("Check external API availability"),
    "Review the error logs of the failed jobs": gettext_lazy(
        "Review the error logs of the failed jobs"
    ),
    "Validate job data": gettext_lazy("Validate job data"),
    "Adjust the retry strategy": gettext_lazy("Adjust the retry strategy"),
    "Profile job execution": gettext_lazy("Profile job execution"),
    "Optimize database queries": gettext_lazy("Optimize database queries"),
    "Add caching for what is computed again and again": gettext_lazy(
        "Add caching for what is computed again and again"
    ),
    "Review algorithm efficiency": gettext_lazy("Review algorithm efficiency"),
    "Balance job priorities, or move urgent jobs to a queue of their own": gettext_lazy(
        "Balance job priorities, or move urgent jobs to a queue of their own"
    ),
    "Increase worker concurrency": gettext_lazy("Increase worker concurrency"),
    MORE_STARTS: gettext_lazy("Raise how many runs of the queue may start in a minute"),
    NOTHING_TO_DO: gettext_lazy("Queue is healthy, no immediate action is needed"),
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
    return str(floatformat(value, 2))


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


def badge(health: Health) -> Badge:
    """Return a score in a word; the failures of a few runs alone only ask for a look."""
    if health.certain_score < conf.health_thresholds().score:
        return Badge(_("Unhealthy"), "octagon-alert", "bad")
    if health.score < GOOD:
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
    change = _two(abs(one.score_change))
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """One thing to do in the reader's language, and why."""

    text: Text
    evidence: str
    kind: Kind | None
    workers: int | None


def advice(one: Recommendation, found: Sequence[Bottleneck], sample: Sample) -> Advice:
    """Return an advice in the reader's language; the API and messages have it in English."""
    why = next((each for each in found if each.kind == one.kind), None)
    return Advice(
        text=_advice(one, sample),
        evidence=one.evidence if why is None or is_english() else finding(why),
        kind=one.kind,
        workers=one.workers,
    )


def _advice(one: Recommendation, sample: Sample) -> Text:
    if is_english():
        return one.text
    if one.workers:
        return _("Increase worker concurrency to %s") % one.workers
    if one.kind is None and one.text != NOTHING_TO_DO:
        paused = one.text.startswith("Resume")
        text = _("Resume queue %s") if paused else _("Start a worker that serves queue %s")
        return text % sample.queue
    return _ADVICE.get(one.text, one.text)


def finding(one: Bottleneck) -> str:
    """Return what slows a queue down, in the reader's language."""
    if is_english():
        return one.description
    return slowed(one.kind, one.value, one.queue)


def slowed(kind: str, value: float, queue: str) -> str:
    """Return what slows a queue down by its kind and its value."""
    if kind == Kind.QUEUE_BACKLOG:
        values = {"n": formats.count(round(value)), "queue": queue}
        return _("%(n)s runs wait in queue %(queue)s") % values
    if kind == Kind.HIGH_FAILURE_RATE:
        values = {"share": formats.percent(value), "queue": queue}
        return _("%(share)s of the runs of queue %(queue)s failed") % values
    length = {"length": formats.duration(value), "queue": queue}
    if kind == Kind.SLOW_PROCESSING:
        return _("Runs of queue %(queue)s take %(length)s on average") % length
    return _("Runs of queue %(queue)s wait %(length)s for their start") % length


def reasons(queue: str, says: Sequence[tuple[str, float]]) -> list[str]:
    """Return what slows a queue down, by the kinds and values that an alert keeps."""
    return [slowed(kind, float(value), queue) for kind, value in says]


def is_english() -> bool:
    """Say whether the reader reads what is kept in English as it stands."""
    return (get_language() or "en").startswith("en")
