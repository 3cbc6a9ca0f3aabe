"""What the page about the installation calls its parts and verdicts."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from jobs.domain.said import spoken
from jobs.domain.selfcheck import Finding, Part, Verdict
from jobs.web import formats
from jobs.web.words import Badge, Text

PART: dict[str, Text] = {
    Part.VERSION: _("Version"),
    Part.DATABASE: _("Database"),
    Part.MIGRATIONS: _("Tables"),
    Part.BROKER: _("Hand-over of work"),
    Part.DISPATCHER: _("Dispatcher"),
    Part.WORKERS: _("Workers"),
    Part.DISK: _("Disk"),
    Part.CLOCK: _("Clocks"),
    Part.ZONES: _("Time zone rules"),
    Part.SECRETS: _("Secrets"),
    Part.CANARY: _("Canary"),
}

VERDICT: dict[str, Badge] = {
    Verdict.OK: Badge(_("Well"), "circle-check", "ok"),
    Verdict.WARN: Badge(_("Look at it"), "triangle-alert", "warn"),
    Verdict.BAD: Badge(_("Bad"), "octagon-x", "bad"),
}

WHOLE: dict[str, Text] = {
    Verdict.OK: _("Everything is well."),
    Verdict.WARN: _("Jobs run. Something needs a look."),
    Verdict.BAD: _("Something is broken: jobs do not run as they should."),
}

# Values that are measured; others that look like numbers are versions, and keep their points.
_MEASURED = frozenset({"ago", "free", "lag", "milliseconds", "ran", "seconds", "wait"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownFinding:
    """A finding in the reader's language."""

    part: Text
    badge: Badge
    text: str
    advice: str


def shown(finding: Finding) -> ShownFinding:
    """Translate a finding; its values are names and figures, and words that are told as well."""
    values = {name: _told(name, value) for name, value in finding.values.items()}
    return ShownFinding(
        part=PART[finding.part],
        badge=VERDICT[finding.verdict],
        text=gettext(finding.sentence) % values,
        advice=gettext(finding.advice) % values if finding.advice else "",
    )


def _told(name: str, value: object) -> object:
    if not isinstance(value, str):
        return value
    return formats.figures(value) if name in _MEASURED else spoken(value)
