"""What an alert says, in the reader's language.

An alert keeps its rule and its facts; the sentence that is kept beside them is that of messages, in
English. In another language the sentence is made here anew. A row whose facts do not tell enough, such
as one of an older version, shows the kept sentence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.template.defaultfilters import floatformat
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from jobs.domain.alerts import Kind, Rule, Severity
from jobs.domain.causes import as_printed
from jobs.domain.check_ins import CheckInState
from jobs.models import Alert, AlertJob
from jobs.services.turned_away import OTHERS
from jobs.web import formats, health_words
from jobs.web.words import Text

# The causes that no job printed.
_CAUSES: dict[str, Text] = {
    "timed out": gettext_lazy("timed out"),
    "lost: its worker was gone": gettext_lazy("lost: its worker was gone"),
    "failed without a message": gettext_lazy("failed without a message"),
}


def title_of(row: Alert, name: str | None = None) -> str:
    """Return the sentence of an alert; ``name`` is its first job's, asked for where it is None."""
    if health_words.is_english():
        return row.title
    made = _SENTENCES.get(row.rule)
    if made is None:
        return row.title
    if name is None:
        name = _name(row)
    try:
        return made(row, row.evidence, name) or row.title
    except (KeyError, TypeError, ValueError, AttributeError):
        return row.title


def why_of(member: AlertJob) -> str:
    """Return why a job is in an alert: the kind says which sentence, the kept one the numbers."""
    if health_words.is_english():
        return member.why
    return _why(member.kind, [int(one) for one in re.findall(r"\d+", member.why)]) or member.why


def cause_of(cause: str) -> str:
    """Return a cause, in the reader's language where no job printed it."""
    return str(_CAUSES.get(cause, cause))


def _name(row: Alert) -> str:
    members = row.members.filter(left_at=None).order_by("joined_at", "pk")
    return members.values_list("job__name", flat=True).first() or ""


def _why(kind: str, numbers: list[int]) -> str:
    if kind == Kind.BURST:
        return _("failed together with others")
    if kind == Kind.RATE and len(numbers) == 2:
        text = _("%(bad)s of %(all)s runs failed")
        return text % {"bad": formats.count(numbers[0]), "all": formats.count(numbers[1])}
    if kind not in (Kind.DISABLED, Kind.IN_A_ROW) or len(numbers) != 1:
        return ""
    row = ngettext("%s failure in a row", "%s failures in a row", numbers[0])
    text = row % formats.count(numbers[0])
    return _("disabled after %s") % text if kind == Kind.DISABLED else text


Facts = Mapping[str, Any]
Sentence = Callable[[Alert, Facts, str], str]


def _failures(row: Alert, facts: Facts, name: str) -> str:
    cause = cause_of(row.cause)
    if row.job_count > 1:
        text = ngettext("%(n)s job: %(cause)s", "%(n)s jobs: %(cause)s", row.job_count)
        return text % {"n": formats.count(row.job_count), "cause": cause}
    member = row.members.order_by("left_at", "joined_at", "pk").first()
    if member is None or not name:
        return ""
    printed = as_printed(row.cause, str(facts.get("error", "")))
    return f"{name}: {why_of(member)}: {cause_of(printed)}"


def _long(_row: Alert, facts: Facts, name: str) -> str:
    length = formats.duration(float(facts["running_seconds"]))
    return name and _("%(name)s has run for %(length)s") % {"name": name, "length": length}


def _stuck(_row: Alert, facts: Facts, name: str) -> str:
    length = formats.duration(float(facts["running_seconds"]))
    text = _("%(name)s does not end: it has run for %(length)s")
    return name and text % {"name": name, "length": length}


def _slow(_row: Alert, facts: Facts, name: str) -> str:
    usual = formats.duration(float(facts["usual_seconds"]))
    text = _("%(name)s runs unusually long: usually %(usual)s")
    return name and text % {"name": name, "usual": usual}


def _fast(_row: Alert, facts: Facts, name: str) -> str:
    text = _("%(name)s ended suspiciously fast: %(took)s, usually %(usual)s")
    took, usual = float(facts["seconds"]), float(facts["usual_seconds"])
    values = {"took": formats.duration(took), "usual": formats.duration(usual)}
    return name and text % {"name": name, **values}


def _overdue(_row: Alert, facts: Facts, name: str) -> str:
    if facts["jobs"] == 1 and name:
        return _("%s is overdue: its due time passed and nothing started") % name
    text = ngettext(
        "%s job is overdue: its due time passed and nothing started",
        "%s jobs are overdue: their due times passed and nothing started",
        facts["jobs"],
    )
    return str(text % formats.count(facts["jobs"]))


def _missed(_row: Alert, facts: Facts, _name: str) -> str:
    text = ngettext(
        "%s due time was missed: nothing dispatched it",
        "%s due times were missed: nothing dispatched them",
        facts["due_times"],
    )
    return str(text % formats.count(facts["due_times"]))


def _rate(_row: Alert, facts: Facts, name: str) -> str:
    if facts["jobs"] == 1 and name:
        return _("%s failed too often in the last 24 h") % name
    text = ngettext(
        "%s job failed too often in the last 24 h",
        "%s jobs failed too often in the last 24 h",
        facts["jobs"],
    )
    return str(text % formats.count(facts["jobs"]))


def _late(row: Alert, facts: Facts, _name: str) -> str:
    waited = row.seen_at - datetime.fromisoformat(facts["oldest_queued_at"])
    text = _("Queue %(queue)s starts late: the oldest run has waited for %(length)s")
    return text % {"queue": facts["queue"], "length": formats.span(waited.total_seconds())}


def _no_worker(_row: Alert, facts: Facts, _name: str) -> str:
    if facts.get("labels"):
        text = _("No worker serves queue %(queue)s with %(labels)s")
        return text % {"queue": facts["queue"], "labels": facts["labels"]}
    return _("No worker serves queue %s") % str(facts["queue"])


def _dispatcher(_row: Alert, facts: Facts, _name: str) -> str:
    if "lag_seconds" not in facts:
        return _("The scheduler is not ticking: nothing starts by itself")
    length = formats.duration(float(facts["lag_seconds"]))
    return _("The scheduler lags: due times were decided %s late") % length


def _disk(row: Alert, _facts: Facts, _name: str) -> str:
    if row.severity == Severity.CRITICAL:
        return _("The disk is full: nothing new starts")
    return _("The disk is nearly full")


def _database(_row: Alert, facts: Facts, _name: str) -> str:
    return _("The database did not answer for %s") % formats.duration(float(facts["away_seconds"]))


def _unhealthy(_row: Alert, facts: Facts, _name: str) -> str:
    text = _("Queue %(queue)s is unhealthy: score %(score)s")
    said = text % {"queue": facts["queue"], "score": floatformat(float(facts["score"]), 2)}
    why = health_words.reasons(facts["queue"], facts.get("says", []))
    return f"{said}. {why[0]}" if why else said


def _breaker(_row: Alert, facts: Facts, name: str) -> str:
    text = _("Circuit breaker of %(name)s is open: %(reason)s")
    return name and text % {"name": name, "reason": facts["reason"]}


def _bottleneck(_row: Alert, facts: Facts, _name: str) -> str:
    return health_words.slowed(str(facts["kind"]), float(facts["value"]), str(facts["queue"]))


def _refused(_row: Alert, facts: Facts, _name: str) -> str:
    values = {"n": formats.count(facts["count"])}
    values["length"] = formats.duration(float(facts["within_seconds"]))
    if (account := facts.get("account")) not in (None, OTHERS):
        text = _("Requests of account %(who)s are refused: %(n)s or more within %(length)s")
        return text % {"who": account, **values}
    if (address := facts.get("address")) not in (None, OTHERS):
        text = _("Requests from %(who)s are refused: %(n)s or more within %(length)s")
        return text % {"who": address, **values}
    text = _("Requests from many addresses are refused: %(n)s or more within %(length)s")
    return text % values


def _changed(_row: Alert, facts: Facts, name: str) -> str:
    if facts["jobs"] == 1 and name:
        text = _("%s runs for the first time since it was changed") % name
    else:
        text = ngettext(
            "%s job runs for the first time since it was changed",
            "%s jobs run for the first time since they were changed",
            facts["jobs"],
        ) % formats.count(facts["jobs"])
    by = ", ".join(facts["changed_by"])
    return _("%(text)s by %(people)s") % {"text": text, "people": by} if by else text


def _check_in(_row: Alert, facts: Facts, _name: str) -> str:
    if facts["state"] == CheckInState.DOWN:
        text = _("%s reported a failure")
    elif facts["started_at"]:
        text = _("%s has started and not reported its end")
    else:
        text = _("%s has not reported in time")
    return text % str(facts["check_in"])


_SENTENCES: dict[str, Sentence] = {
    Rule.FAILURES: _failures,
    Rule.FAILURE_RATE: _rate,
    Rule.LONG_RUN: _long,
    Rule.STUCK: _stuck,
    Rule.SLOW_RUN: _slow,
    Rule.FAST_RUN: _fast,
    Rule.OVERDUE: _overdue,
    Rule.MISSED: _missed,
    Rule.LATE_START: _late,
    Rule.NO_WORKER: _no_worker,
    Rule.DISPATCHER: _dispatcher,
    Rule.DISK: _disk,
    Rule.DATABASE: _database,
    Rule.QUEUE_HEALTH: _unhealthy,
    Rule.BOTTLENECK: _bottleneck,
    Rule.BREAKER: _breaker,
    Rule.CHECK_IN: _check_in,
    Rule.REFUSED: _refused,
    Rule.CHANGED: _changed,
}
