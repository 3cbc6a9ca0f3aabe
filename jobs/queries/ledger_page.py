"""One page of a job's ledger, newest first: found by keys along indexes, never counted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import Q

from jobs.domain.states import OmissionReason
from jobs.models import Execution, Job, Omission
from jobs.queries.executions import RESULTS
from jobs.queries.ledger import OpenStretch, RulesOf, open_stretch
from jobs.queries.verdicts import reaching_into

PAGE_SIZE = 50
DISPATCHED, OMITTED, BY_HAND = "dispatched", "omitted", "by_hand"
VERDICTS = (DISPATCHED, *RESULTS, OMITTED, *OmissionReason, BY_HAND)

# Kinds in the order in which they stand at the same moment, newest first.
_BESIDE, _SCHEDULED, _OMISSION, _OPEN = 3, 2, 1, 0
# The triggers stand in the text: with parameters neither database would use the partial index.
_KEYS = (
    "SELECT id, due_at FROM jobs_execution WHERE job_id = %s AND due_at >= %s AND due_at <= %s "
    "AND (due_at < %s OR id < %s) AND {which} ORDER BY due_at DESC, id DESC LIMIT %s"
)
_OF_SCHEDULES = "trigger IN ('schedule', 'misfire')"
_OF_EVENTS = "NOT (trigger IN ('schedule', 'misfire')) AND trigger IN ('event', 'dependency')"
_OTHERS = "NOT (trigger IN ('schedule', 'misfire'))"
_BY_PEOPLE = "NOT (trigger IN ('schedule', 'misfire', 'event', 'dependency'))"
_LARGEST = 2**63 - 1


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """The place of an entry: moment, kind, id. A page begins after one."""

    at: datetime
    kind: int
    pk: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerFilter:
    """Which part of a job's ledger; both ends belong to it. An empty verdict means all."""

    start: datetime
    end: datetime
    verdict: str = ""
    before: Key | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerPage:
    """One page, newest first; a stretch stands at its first due time. ``older`` begins the next."""

    entries: list[Execution | Omission | OpenStretch]
    older: Key | None


def ledger_page(
    job: Job, chosen: LedgerFilter, *, rules_of: RulesOf, size: int = PAGE_SIZE
) -> LedgerPage:
    """Return one page of what became of a job's due times, and what was started beside them."""
    found: dict[Key, Execution | Omission | OpenStretch] = {}
    keys = [*_execution_keys(job, chosen, size + 1)]
    for row in _omissions(job, chosen, size + 1):
        key = Key(row.first_due_at, _OMISSION, row.pk)
        found[key] = row
        keys.append(key)
    going_on = _going_on(job, chosen, rules_of)
    if going_on is not None:
        key = Key(going_on.first_due_at, _OPEN, 0)
        found[key] = going_on
        keys.append(key)
    shown = sorted(set(keys), reverse=True)[: size + 1]
    more = len(shown) > size
    shown = shown[:size]
    executions = Execution.objects.in_bulk([key.pk for key in shown if key not in found])
    entries = [found[key] if key in found else executions.get(key.pk) for key in shown]
    return LedgerPage(
        entries=[entry for entry in entries if entry is not None],
        older=shown[-1] if more else None,
    )


def _execution_keys(job: Job, chosen: LedgerFilter, limit: int) -> list[Key]:
    verdict = chosen.verdict
    states = RESULTS.get(verdict, ())
    found: list[Key] = []
    if verdict in ("", DISPATCHED) or states:
        found += _keys(job, chosen, _OF_SCHEDULES, states, _SCHEDULED, limit)
    if verdict == "":
        found += _keys(job, chosen, _OTHERS, (), _BESIDE, limit)
    elif verdict == BY_HAND:
        found += _keys(job, chosen, _BY_PEOPLE, (), _BESIDE, limit)
    elif verdict == DISPATCHED or states:
        found += _keys(job, chosen, _OF_EVENTS, states, _BESIDE, limit)
    return found


def _keys(
    job: Job, chosen: LedgerFilter, which: str, states: tuple[str, ...], kind: int, limit: int
) -> list[Key]:
    """Return the places of executions: the ids alone, the rows of one page are read by them."""
    end, last = _edge(chosen, kind)
    if states:
        which += f" AND state IN ({', '.join(['%s'] * len(states))})"
    values = [job.pk, *map(_stored, (chosen.start, min(chosen.end, end), end)), last]
    with connection.cursor() as cursor:
        cursor.execute(_KEYS.format(which=which), [*values, *states, limit])
        rows = cursor.fetchall()
    known = Execution.objects.filter(pk__in=[pk for pk, _ in rows]).values_list("pk", "due_at")
    return [Key(due_at, kind, pk) for pk, due_at in known]


def _edge(chosen: LedgerFilter, kind: int) -> tuple[datetime, int]:
    """Return moment and id before which entries of a kind are on the page."""
    before = chosen.before
    if before is None:
        return chosen.end, _LARGEST
    if kind == before.kind:
        return before.at, before.pk
    return before.at, _LARGEST if kind < before.kind else 0


def _omissions(job: Job, chosen: LedgerFilter, limit: int) -> list[Omission]:
    """Return the stretches of the page, with the one that reaches into the period at its end."""
    if chosen.verdict not in ("", OMITTED, *OmissionReason):
        return []
    end, last = _edge(chosen, _OMISSION)
    rows = Omission.objects.filter(
        Q(first_due_at__lt=end) | Q(first_due_at=end, pk__lt=last),
        job=job,
        first_due_at__gt=chosen.start,
        first_due_at__lte=chosen.end,
    )
    if chosen.verdict in tuple(OmissionReason):
        rows = rows.filter(reason=chosen.verdict)
    found = list(rows.order_by("-first_due_at", "-pk")[:limit])
    if len(found) < limit:
        found += _reaching(job, chosen)
    return found


def _reaching(job: Job, chosen: LedgerFilter) -> list[Omission]:
    row = reaching_into(job.pk, chosen.start)
    single = Omission.objects.filter(job=job, first_due_at=chosen.start).first()
    found = {one.pk: one for one in (row, single) if one is not None}
    return [
        one
        for one in found.values()
        if chosen.verdict not in tuple(OmissionReason) or one.reason == chosen.verdict
        if chosen.before is None or Key(one.first_due_at, _OMISSION, one.pk) < chosen.before
    ]


def _going_on(job: Job, chosen: LedgerFilter, rules_of: RulesOf) -> OpenStretch | None:
    if chosen.verdict not in ("", OMITTED, job.state):
        return None
    found = open_stretch(job, chosen.end, rules_of)
    if found is None or found.last_due_at < chosen.start:
        return None
    key = Key(found.first_due_at, _OPEN, 0)
    return found if chosen.before is None or key < chosen.before else None


def _stored(moment: datetime) -> str | datetime:
    stored = connection.ops.adapt_datetimefield_value(moment)
    return moment if stored is None else stored
