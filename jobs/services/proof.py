"""Prove a job's ledger on the spot: what its schedules name, against what is on record."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from jobs.domain.errors import InvalidError
from jobs.domain.instants import to_instant
from jobs.domain.ledger import OmissionRange
from jobs.domain.proof import Account, Era, prove
from jobs.domain.said import said
from jobs.domain.schedule import count_due
from jobs.domain.states import JobState, ScheduleKind
from jobs.models import Job
from jobs.queries import verdicts
from jobs.queries.jobs import get_job
from jobs.queries.ledger import OpenStretch, open_stretch
from jobs.services.eras import FAR, eras_of
from jobs.services.firing import rules_of

# About two seconds. A job that is due each second has as many in eleven days.
MOST_DUE = 1_000_000
_TRIES = 3
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """The account of a period, clipped to the life of the job and to what can be decided already.

    ``pending`` due times have passed and no dispatcher has decided them; the account leaves them out.
    """

    job: Job
    start: datetime
    end: datetime
    account: Account
    pending: int
    pending_since: datetime | None
    # Retention has removed executions of the period; it is accounted for from ``start`` on.
    shortened: bool = False

    @property
    def balanced(self) -> bool:
        """Say whether every due time has exactly one verdict."""
        return self.account.balanced

    @property
    def sentence(self) -> str:
        """Return the proof in one line."""
        account = self.account
        parts = [f"{account.due:,} due", f"{account.dispatched:,} dispatched"]
        parts += [
            f"{number:,} skipped: {reason.value.replace('_', ' ')}"
            for reason, number in account.omitted.most_common()
        ]
        parts.append(f"{account.unexplained:,} unexplained")
        wrong = {
            "doubled": account.doubled,
            "unexpected": account.unexpected,
            "stretches miscounted": account.miscounted,
        }
        parts += [f"{number:,} {word}" for word, number in wrong.items() if number]
        if self.shortened:
            parts.append(f"history begins after {self.job.history_from:%Y-%m-%d %H:%M:%S} UTC")
        return ", ".join(parts)


def prove_ledger(job_id: int, start: datetime, end: datetime, *, now: datetime) -> Proof:
    """Account for every due time of a period; both ends belong to it.

    A job that moves on meanwhile could show one moment of before and one of after: what does not
    balance is looked at again. InvalidError for a period with too many due times.
    """
    left = _TRIES
    while True:
        job = get_job(job_id)
        proof = _prove(job, start, end, now)
        left -= 1
        if proof.balanced or not left or _standing(job) == _standing(get_job(job_id)):
            return proof


def estimate(job: Job, start: datetime, end: datetime, *, now: datetime) -> int:
    """Return about how many due times a period has, by arithmetic alone: never too few."""
    return _about(eras_of(job), *_clipped(job, start, end, now))


def _about(eras: list[Era], start: datetime, end: datetime) -> int:
    total = 0
    for era in eras:
        after, until = max(era.after, start - _TICK), min(era.until, end)
        if after >= until:
            continue
        low, high = to_instant(after), to_instant(until)
        for rule in era.schedules:
            if rule.counts_from_end:
                total += (high - low) // rule.period + 1
            else:
                total += rule.due_times().count(low, high)
    return total


def _standing(job: Job) -> tuple[object, ...]:
    return (
        job.state,
        job.version,
        job.decided_until,
        job.deleted_at,
        job.open_omission_id,
        job.history_from,
    )


def _clipped(job: Job, start: datetime, end: datetime, now: datetime) -> tuple[datetime, datetime]:
    """Return the part of a period in which the job lived; one that is over by then is empty.

    What retention has removed can be proved no more: the part begins after it.
    """
    born = max([job.created_at, *([job.history_from + _TICK] if job.history_from else [])])
    return max(start, born), min(end, job.deleted_at or max(now, job.decided_until))


def _prove(job: Job, start: datetime, end: datetime, now: datetime) -> Proof:
    asked = start
    start, end = _clipped(job, start, end, now)
    eras = eras_of(job)
    if _about(eras, start, end) > MOST_DUE:
        raise InvalidError(
            said(
                "The period has more than {most_due:,} due times. Choose a shorter one.",
                most_due=MOST_DUE,
            ),
            fields={
                "from": said(
                    "More than {most_due:,} due times. Choose a later moment.", most_due=MOST_DUE
                )
            },
        )
    after = start - _TICK
    decided = _decided_until(job, now)
    served, waiting = _events(job, eras, after, end)
    account = prove(
        eras,
        after,
        end,
        dispatched=verdicts.dispatched(
            job.pk, after, end, decided, by_event=_may_have_events(job, eras)
        ),
        omitted=_omitted(job, after, end),
        decided_until=decided,
        events=served,
        open_events=waiting,
    )
    pending, since = _pending(job, start, end)
    return Proof(
        job=job,
        start=start,
        end=end,
        account=account,
        pending=pending + account.open,
        pending_since=since,
        shortened=job.history_from is not None and asked <= job.history_from,
    )


def _decided_until(job: Job, now: datetime) -> datetime:
    """Return up to where every due time has its verdict, or lies in a stop that is still open."""
    if job.deleted_at is not None:
        return job.deleted_at
    return job.decided_until if job.state == JobState.ACTIVE else max(now, job.decided_until)


def _omitted(job: Job, after: datetime, end: datetime) -> Iterator[OmissionRange]:
    """Return what was left out, and what a stopped job leaves out since its latest verdict."""
    stored = verdicts.omitted(job.pk, after, end)
    going_on = open_stretch(job, end, rules_of) if end > after else None
    if going_on is None:
        return stored
    return heapq.merge(stored, [_as_range(going_on)], key=lambda one: one.first_due_at)


def _as_range(one: OpenStretch) -> OmissionRange:
    return OmissionRange(
        first_due_at=one.first_due_at,
        last_due_at=one.last_due_at,
        count=one.count,
        reason=one.reason,
    )


def _events(
    job: Job, eras: list[Era], after: datetime, end: datetime
) -> tuple[list[datetime], list[datetime]]:
    """Return the moments that no clock named: those with a verdict, those that may wait for it."""
    served = [job.created_at] if _ran_on_create(job, after, end) else []
    served += [one.at for one in verdicts.starts_after_others(job.pk, after, end)]
    waiting: list[datetime] = []
    for era in eras:
        names = {rule.event for rule in era.schedules if rule.kind == ScheduleKind.EVENT}
        low, high = max(after, era.after), min(end, era.until)
        if not names or low >= high:
            continue
        for one in verdicts.events(names, low, high, workspace_id=job.workspace_id):
            (served if verdicts.served(one, job.pk) else waiting).append(one.at)
    return served, waiting


def _may_have_events(job: Job, eras: list[Era]) -> bool:
    """Say whether anything but the clock may have started the job: an event, a job, its making."""
    rules = (rule for era in eras for rule in era.schedules)
    if any(rule.kind == ScheduleKind.EVENT for rule in rules):
        return True
    first = job.versions.order_by("version").first()
    if first is not None and first.definition.get("run_on_create"):
        return True
    return verdicts.starts_after_others(job.pk, job.created_at, FAR).exists()


def _ran_on_create(job: Job, after: datetime, end: datetime) -> bool:
    """Say whether the making of the job was a due moment of the period."""
    if not after < job.created_at <= end:
        return False
    first = job.versions.order_by("version").first()
    wanted = first is not None and first.definition.get("run_on_create")
    return bool(wanted) and verdicts.created_active(job)


def _pending(job: Job, start: datetime, end: datetime) -> tuple[int, datetime | None]:
    """Return how many due times an active job has that nobody decided yet, and the first."""
    if job.state != JobState.ACTIVE or job.deleted_at is not None:
        return 0, None
    fixed = [rule for rule in rules_of(job.schedules.all()) if not rule.counts_from_end]
    low = max(job.decided_until, start - _TICK)
    total, first, _ = count_due(fixed, low, end)
    named = job.next_fire_at
    by_end = job.counts_from_end and named is not None and low < named <= end
    if by_end and named is not None and not count_due(fixed, named - _TICK, named).total:
        return total + 1, min(first or named, named)
    return total, first
