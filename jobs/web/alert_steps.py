"""What to do about an alert first: the one button that the overview and its page offer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from jobs.domain.alerts import Kind, Rule
from jobs.queries.attention import OpenAlert
from jobs.services.turned_away import OTHERS
from jobs.web.words import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A link, or where ``resumes`` names a job, the button that enables it again."""

    word: Text = ""
    url: str = ""
    resumes: int | None = None
    audit: bool = False  # it leads to the audit log, which not everybody may read


def next_step(one: OpenAlert) -> Step:
    """Return what fits the rule of an alert; its evidence where nothing does."""
    found = _STEPS.get(one.row.rule, _run)(one)
    return found or Step(word=_("Evidence"), url=reverse("alert", args=[one.row.pk]))


def _run(one: OpenAlert) -> Step | None:
    """Return the log of what failed last, or of the run that it is about."""
    numbers = [member.last_execution_id for member in one.members]
    number = next(filter(None, numbers), None) or one.row.execution_id
    if not number:
        return None
    return Step(word=_("Open log"), url=reverse("execution", args=[number]))


def _failures(one: OpenAlert) -> Step | None:
    member = one.only
    if member is not None and member.kind == Kind.DISABLED:
        return Step(resumes=member.job_id)
    return _run(one)


def missed_url(evidence: Mapping[str, object]) -> str:
    """Return the page of what was missed between the due times of an alert."""
    ends = {"from": evidence.get("first_due_at"), "to": evidence.get("last_due_at")}
    return f"{reverse('missed')}?{urlencode({name: end for name, end in ends.items() if end})}"


def _missed(one: OpenAlert) -> Step:
    return Step(word=_("Run what was missed"), url=missed_url(one.row.evidence))


def _breaker(one: OpenAlert) -> Step | None:
    number = one.row.key.rpartition(":")[2]
    if not number.isdecimal():
        return None
    return Step(word=_("Open breaker"), url=reverse("breaker", args=[int(number)]))


def _refused(one: OpenAlert) -> Step:
    """Return the audit log, of the account where one is refused."""
    account = one.row.evidence.get("account")
    query = "" if account in (None, OTHERS) else f"?{urlencode({'actor': account})}"
    return Step(word=_("Open audit log"), url=reverse("audit") + query, audit=True)


def _changed(one: OpenAlert) -> Step:
    """Return what was changed, of the job where it is one."""
    named = {} if one.only is None else {"object": one.only.job.name}
    query = urlencode({"action": "job.update", **named})
    return Step(word=_("See the change"), url=f"{reverse('audit')}?{query}", audit=True)


def _at(word: Text, name: str) -> Callable[[OpenAlert], Step]:
    return lambda _one: Step(word=word, url=reverse(name))


_STEPS: dict[str, Callable[[OpenAlert], Step | None]] = {
    Rule.FAILURES: _failures,
    Rule.MISSED: _missed,
    Rule.BREAKER: _breaker,
    Rule.REFUSED: _refused,
    Rule.CHANGED: _changed,
    Rule.OVERDUE: _at(_("Look at the scheduler"), "about"),
    Rule.DISPATCHER: _at(_("Look at the scheduler"), "about"),
    Rule.DISK: _at(_("Retention"), "retention"),
    Rule.DATABASE: _at(_("Look at the scheduler"), "about"),
    Rule.NO_WORKER: _at(_("Queues and workers"), "queues"),
    Rule.LATE_START: _at(_("Queues and workers"), "queues"),
    Rule.QUEUE_HEALTH: _at(_("Queue health"), "health"),
    Rule.BOTTLENECK: _at(_("Queue health"), "health"),
    Rule.CHECK_IN: _at(_("Check-ins"), "check_ins"),
}
