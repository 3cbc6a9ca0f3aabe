"""What to do about an alert first: the one button that the overview and its page offer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import attrgetter
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from jobs.domain.alerts import Kind, Rule
from jobs.queries.attention import OpenAlert
from jobs.services.turned_away import OTHERS
from jobs.web.context import May
from jobs.web.words import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A link, or where ``resumes`` names a job, the button that enables it again."""

    word: Text = ""
    url: str = ""
    resumes: int | None = None
    needs: Callable[[May], bool] | None = None  # what its page asks of a reader


_SEES_ALL: Callable[[May], bool] = attrgetter("see_all")
_ADMINISTERS: Callable[[May], bool] = attrgetter("administer")
_AUDITS: Callable[[May], bool] = attrgetter("audit")


def next_step(one: OpenAlert, may: May) -> Step:
    """Return what fits the rule of an alert and may be opened; its evidence where nothing does.

    ``one`` has the members that the reader may see. Who sees only some jobs gets their runs alone.
    """
    evidence = Step(word=_("Evidence"), url=reverse("alert", args=[one.row.pk]), needs=_SEES_ALL)
    for found in (_STEPS.get(one.row.rule, _run)(one), evidence, _run(one)):
        if found is not None and (found.needs is None or found.needs(may)):
            return found
    return Step()


def _run(one: OpenAlert) -> Step | None:
    """Return the log of what failed last, or of the run that it is about."""
    numbers = [member.last_execution_id for member in one.members]
    number = next(filter(None, numbers), None)
    if number:
        return Step(word=_("Open log"), url=reverse("execution", args=[number]))
    if one.row.execution_id is None:
        return None
    url = reverse("execution", args=[one.row.execution_id])
    return Step(word=_("Open log"), url=url, needs=_SEES_ALL)


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
    url = reverse("breaker", args=[int(number)])
    return Step(word=_("Open breaker"), url=url, needs=_SEES_ALL)


def _refused(one: OpenAlert) -> Step:
    """Return the audit log, of the account where one is refused."""
    account = one.row.evidence.get("account")
    query = "" if account in (None, OTHERS) else f"?{urlencode({'actor': account})}"
    return Step(word=_("Open audit log"), url=reverse("audit") + query, needs=_AUDITS)


def _changed(one: OpenAlert) -> Step:
    """Return what was changed, of the job where it is one."""
    named = {} if one.only is None else {"object": one.only.job.name}
    query = urlencode({"action": "job.update", **named})
    return Step(word=_("See the change"), url=f"{reverse('audit')}?{query}", needs=_AUDITS)


def _at(
    word: Text, name: str, needs: Callable[[May], bool] = _SEES_ALL
) -> Callable[[OpenAlert], Step]:
    return lambda _one: Step(word=word, url=reverse(name), needs=needs)


_STEPS: dict[str, Callable[[OpenAlert], Step | None]] = {
    Rule.FAILURES: _failures,
    Rule.MISSED: _missed,
    Rule.BREAKER: _breaker,
    Rule.REFUSED: _refused,
    Rule.CHANGED: _changed,
    Rule.OVERDUE: _at(_("Look at the scheduler"), "about"),
    Rule.DISPATCHER: _at(_("Look at the scheduler"), "about"),
    Rule.DISK: _at(_("Retention"), "retention", _ADMINISTERS),
    Rule.DATABASE: _at(_("Look at the scheduler"), "about"),
    Rule.NO_WORKER: _at(_("Queues and workers"), "queues"),
    Rule.LATE_START: _at(_("Queues and workers"), "queues"),
    Rule.QUEUE_HEALTH: _at(_("Queue health"), "health"),
    Rule.BOTTLENECK: _at(_("Queue health"), "health"),
    Rule.CHECK_IN: _at(_("Check-ins"), "check_ins"),
}
