"""Circuit breakers at work: what an ending does to one, and what one lets begin.

A breaker's row is locked after its job's row, and before anything else that is shared: two endings,
a dispatcher and a person take turns, and never wait for each other in a ring. While it is closed
and nothing fails, nobody locks it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Max

from jobs.domain.breaker import Circuit, admit, ended, is_over, room
from jobs.domain.durations import setting_words
from jobs.domain.permissions import SYSTEM
from jobs.domain.states import FAILURES, BreakerState, ExecutionState
from jobs.models import Breaker, Execution, Job
from jobs.queries.breakers import circuit_of, named, policy_of, probing, words_of
from jobs.services import audit

log = logging.getLogger("scheduler.breaker")

STATE_FIELDS = [
    "state",
    "failures",
    "opened_at",
    "open_until",
    "after_execution_id",
    "last_failure_at",
    "cause_execution_id",
    "changed_at",
    "changed_by",
    "reason",
]


def count(breaker_id: int, *, execution_id: int, state: ExecutionState, at: datetime) -> bool:
    """Let a breaker learn from an ending; say whether that changed its state.

    Call it in the ending's transaction, with its job locked.
    """
    if state != ExecutionState.SUCCEEDED and state not in FAILURES:
        return False
    seen = Breaker.objects.filter(pk=breaker_id).first()
    if seen is None or _learned(seen, execution_id, state, at) == circuit_of(seen):
        return False  # most endings: it is closed, and nothing has failed lately
    row = Breaker.objects.select_for_update().get(pk=breaker_id)
    circuit = _learned(row, execution_id, state, at)
    before = row.state
    if state in FAILURES and circuit != circuit_of(row):
        row.last_failure_at = at
    if circuit.state == before:
        row.failures = _stored(circuit)
        row.save(update_fields=["failures", "last_failure_at"])
        return False
    if circuit.state == BreakerState.OPEN:
        row.cause_execution_id = execution_id
    change(row, circuit, at=at, by=SYSTEM.name, reason=_reason(row, before, circuit, execution_id))
    _tell(row)
    return True


def _learned(row: Breaker, execution_id: int, state: ExecutionState, at: datetime) -> Circuit:
    return ended(circuit_of(row), policy_of(row), execution=execution_id, state=state, at=at)


def _reason(row: Breaker, before: str, circuit: Circuit, execution_id: int) -> str:
    if circuit.state == BreakerState.CLOSED:
        return f"Test run #{execution_id} succeeded"
    if before == BreakerState.HALF_OPEN:
        return f"Test run #{execution_id} failed"
    if row.threshold == 1:
        return f"Run #{execution_id} failed"
    return f"{row.threshold} failures in a row within {setting_words(row.window_seconds)}"


def change(row: Breaker, circuit: Circuit, *, at: datetime, by: str, reason: str) -> None:
    """Write a locked breaker's new state; executions made before this tell nothing any more."""
    row.state = circuit.state.value
    row.failures = _stored(circuit)
    row.opened_at = circuit.opened_at
    row.open_until = circuit.open_until
    # Numbers, not clocks: a dispatcher's and a worker's may differ.
    row.after_execution_id = Execution.objects.aggregate(newest=Max("pk"))["newest"] or 0
    row.changed_at = at
    row.changed_by = by[:200]
    row.reason = reason[:500]
    row.save(update_fields=STATE_FIELDS)


def _stored(circuit: Circuit) -> list[str]:
    return [one.isoformat() for one in circuit.failures]


def _tell(row: Breaker) -> None:
    """Write down what a breaker did by itself, for people and for the log."""
    opens = row.state == BreakerState.OPEN
    audit.record(
        SYSTEM,
        "breaker.open" if opens else "breaker.close",
        object_type="breaker",
        object_id=row.pk,
        object_name=row.name,
        note=row.reason,
    )
    log.log(
        logging.WARNING if opens else logging.INFO,
        "%s: %s",
        words_of(row) if opens else f"{named(row)} is CLOSED",
        row.reason,
        extra={"breaker_id": row.pk, "state": row.state},
    )


@dataclass(slots=True, kw_only=True)
class Gates:
    """What the breakers of a batch of locked jobs still let begin."""

    now: datetime
    rows: dict[int, Breaker] = field(default_factory=dict)
    left: dict[int, int | None] = field(default_factory=dict)  # by breaker; None: any number

    def load(self, jobs: Iterable[Job]) -> None:
        """Read the jobs' breakers, and lock those that test; no query where no job has one."""
        numbers = {job.breaker_id for job in jobs if job.breaker_id is not None}
        if not numbers:
            return
        self.rows = Breaker.objects.in_bulk(numbers)
        testing = [pk for pk, row in self.rows.items() if _tests(row, self.now)]
        if testing:
            # In one order, as everybody who locks several.
            locked = Breaker.objects.select_for_update().filter(pk__in=testing).order_by("pk")
            self.rows |= {row.pk: row for row in locked}
        self.left = {pk: self._room(row) for pk, row in self.rows.items()}

    def _room(self, row: Breaker) -> int | None:
        circuit = admit(circuit_of(row), self.now)
        fresh = circuit.state != row.state  # has not tested yet
        busy = probing(row) if row.state == BreakerState.HALF_OPEN and not fresh else 0
        return room(circuit, policy_of(row), probing=busy)

    def room(self, job: Job) -> int | None:
        """Return how many executions of the job may begin; None for any number."""
        return None if job.breaker_id is None else self.left.get(job.breaker_id)

    def refusal(self, job: Job) -> str:
        """Say why none may begin; empty when one may."""
        if self.room(job) != 0 or job.breaker_id is None:
            return ""
        return words_of(self.rows[job.breaker_id])

    def take(self, job: Job, many: int = 1) -> None:
        """Count executions that begin: the first ones after the open time make it half open."""
        left = self.room(job)
        if left is None or job.breaker_id is None or not many:
            return
        row = self.rows[job.breaker_id]
        if is_over(circuit_of(row), self.now):
            circuit = admit(circuit_of(row), self.now)
            reason = "The open time is over"
            change(row, circuit, at=self.now, by=SYSTEM.name, reason=reason)
        self.left[row.pk] = max(left - many, 0)


def _tests(row: Breaker, now: datetime) -> bool:
    return row.state == BreakerState.HALF_OPEN or is_over(circuit_of(row), now)


def gates_of(job: Job, now: datetime) -> Gates:
    """Return the gate of one locked job."""
    gates = Gates(now=now)
    gates.load([job])
    return gates
