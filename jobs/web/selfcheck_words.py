"""What the page about the installation calls its parts and verdicts."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from jobs.domain.said import spoken
from jobs.domain.selfcheck import Finding, Part, Verdict
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownFinding:
    """A finding in the reader's language."""

    part: Text
    badge: Badge
    text: str
    advice: str


def shown(finding: Finding) -> ShownFinding:
    """Translate a finding; its values are names and figures, and words that are told as well."""
    values = {
        name: spoken(value) if isinstance(value, str) else value
        for name, value in finding.values.items()
    }
    return ShownFinding(
        part=PART[finding.part],
        badge=VERDICT[finding.verdict],
        text=gettext(finding.sentence) % values,
        advice=gettext(finding.advice) % values if finding.advice else "",
    )
