"""A past for demonstrations and page benchmarks, as consistent as a real one.

Each job has an interval grid; every grid point up to now has its execution or lies in an omission,
counters and strips equal the rows, hourly sums equal the endings. What happened is random but the
same for the same numbers.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from django.db.models import Max
from django.utils import timezone

from jobs.domain.permissions import SYSTEM
from jobs.domain.states import OmissionReason, Stream, Trigger
from jobs.management.hours import Hours
from jobs.management.past import (
    CYCLE,
    FAILED,
    LEFT_OUT,
    OUTCOMES,
    SUCCEEDED,
    Outcome,
    Plan,
    Ran,
    Tally,
)
from jobs.management.rows import insert, let_ids_go_on, storing
from jobs.models import Attempt, Execution, Job, LogChunk, Omission
from jobs.services import revisions
from jobs.services.bulk import create_many
from jobs.services.definitions import parse_definition
from jobs.services.revisions import SHARDS
from jobs.services.writing import write_transaction

BATCH = 20_000  # rows of one transaction
_RETRIED = 0.005  # the share of executions that succeed at the second attempt
_LOGGED = 200  # executions of the last round that keep a log
_SCHEDULED = Trigger.SCHEDULE.value
_COLUMNS = (
    "id", "job_id", "version", "due_at", "trigger", "actor", "idempotency_key", "state",
    "attempt", "queue", "priority", "held", "token", "queued_at", "claimed_at", "started_at",
    "finished_at", "cancel_requested_by", "exit_code", "message", "error", "result", "log_bytes",
    "log_truncated",
)  # fmt: skip
_LOG = b"".join(b"line %d of a demonstration\n" % number for number in range(1, 41))


class History:
    """Make jobs with a past; ``run`` yields how many executions are written so far."""

    def __init__(self, *, jobs: int, executions: int, every: timedelta, prefix: str) -> None:
        """Take the numbers; the same ones make the same past."""
        self.plan = Plan(jobs=jobs, executions=executions, every=every, now=timezone.now())
        self.prefix = prefix
        self.random = random.Random(f"{jobs} {executions}")  # noqa: S311 - a past, not a secret
        self.hours = Hours()
        self.omissions: list[Omission] = []
        self.attempts: list[Attempt] = []
        self.logged: list[tuple[int, datetime]] = []
        self.next_id = (Execution.objects.aggregate(top=Max("pk"))["top"] or 0) + 1
        self.outcomes = self._draw_outcomes()

    def run(self) -> Iterator[int]:
        """Write everything, a batch a transaction."""
        anchors = self.plan.anchors()
        tallies = [Tally(job) for job in self._make_jobs(anchors)]
        rows = self._rows(tallies, anchors)
        written = 0
        while batch := list(islice(rows, BATCH)):
            with write_transaction():
                insert(Execution, _COLUMNS, batch)
                self._write_rest()
                self.hours.write_past()
            written += len(batch)
            yield written
        with write_transaction():
            self._write_rest()
            self._write_jobs(tallies)
            self.hours.write()
            let_ids_go_on(Execution)
            revisions.bump("executions")

    def _make_jobs(self, anchors: Sequence[datetime]) -> list[Job]:
        seconds = self.plan.every.total_seconds()
        shared = {
            "type": "command",
            "spec": {"command": "true"},
            "tags": ["demo"],
            "schedules": [{"kind": "interval", "seconds": seconds, "anchor": "start"}],
        }
        names = (f"{self.prefix}-{number:05d}" for number in range(1, len(anchors) + 1))
        definitions = [parse_definition({"name": name, **shared}) for name in names]
        created_at = min(anchors) - self.plan.every
        return create_many(definitions, actor=SYSTEM, anchors=anchors, created_at=created_at)

    def _rows(self, tallies: list[Tally], anchors: list[datetime]) -> Iterator[tuple[Any, ...]]:
        """Yield the executions' rows, oldest first; note everything that follows from them."""
        stored = storing()
        made, last = 0, self.plan.rounds - 1
        for number in range(last + 1):
            for place, (tally, anchor) in enumerate(zip(tallies, anchors, strict=True)):
                due_at = anchor + self.plan.every * number
                # The last round ends when the wanted number is reached.
                if (place + number) % CYCLE in LEFT_OUT or made == self.plan.executions:
                    self._omit(tally, due_at)
                    continue
                made += 1
                logged = number == last and place < _LOGGED
                yield self._execution(tally, due_at, stored, logged=logged)

    def _draw_outcomes(self) -> Iterator[Outcome]:
        """Yield how executions end, many drawn at once."""
        weights = [outcome.weight for outcome in OUTCOMES]
        while True:
            yield from self.random.choices(OUTCOMES, weights, k=BATCH)

    def _omit(self, tally: Tally, due_at: datetime) -> None:
        """Cover a due time: extend the job's open stretch, or begin one."""
        if tally.open is not None:
            tally.open.last_due_at = tally.open.decided_at = due_at
            tally.open.count += 1
            return
        tally.open = Omission(
            job=tally.job,
            reason=OmissionReason.MISFIRE.value,
            detail="Part of a demonstration.",
            first_due_at=due_at,
            last_due_at=due_at,
            count=1,
            decided_at=due_at,
        )

    def _execution(
        self, tally: Tally, due_at: datetime, stored: Callable[[datetime], Any], *, logged: bool
    ) -> tuple[Any, ...]:
        """Return one execution's row, and count it."""
        if tally.open is not None:
            self.omissions.append(tally.open)
            tally.open = None
        pk = self.next_id
        self.next_id += 1
        outcome, chance = next(self.outcomes), self.random.random
        attempt = 2 if outcome is SUCCEEDED and chance() < _RETRIED else 1
        queued_at = due_at + timedelta(0, 0, int(2_000 + 38_000 * chance()))
        started_at = queued_at + timedelta(0, 0, int(1_000 + 300_000 * chance()))
        took = int(5_000 + 4_000_000 * chance()) if outcome.ran else 0
        finished_at = started_at + timedelta(0, 0, took)
        tally.counts[outcome.word] += 1
        tally.recent.append([pk, outcome.word, took // 1000])
        waited = (started_at - queued_at).total_seconds()
        self.hours.add(
            tally.job.pk,
            pk % SHARDS,
            finished_at,
            outcome.word,
            ran=took / 1e6,
            waited=waited if attempt == 1 else 0.0,
        )
        begun = None
        if outcome.ran:
            begun = stored(started_at)
            tally.count(Ran(pk, outcome, started_at, finished_at, took / 1e6))
        if attempt == 2:
            self._note_attempts(pk, started_at, finished_at)
        if logged:
            self.logged.append((pk, finished_at))
        return (
            pk, tally.job.pk, 1, stored(due_at), _SCHEDULED, "", "", outcome.word, attempt,
            "default", 0, False, "", stored(queued_at), begun, begun, stored(finished_at), "",
            outcome.exit_code, outcome.message, "", None, len(_LOG) if logged else 0, False,
        )  # fmt: skip

    def _note_attempts(self, pk: int, started_at: datetime, finished_at: datetime) -> None:
        middle = started_at + (finished_at - started_at) / 2
        tries = (
            (1, FAILED, started_at, middle),
            (2, SUCCEEDED, middle, finished_at),
        )
        for number, outcome, begun, ended in tries:
            self.attempts.append(
                Attempt(
                    execution_id=pk,
                    number=number,
                    state=outcome.word,
                    started_at=begun,
                    finished_at=ended,
                    exit_code=outcome.exit_code,
                    message=outcome.message,
                )
            )

    def _write_rest(self) -> None:
        """Write what goes with the executions written so far."""
        Omission.objects.bulk_create(self.omissions)
        Attempt.objects.bulk_create(self.attempts)
        LogChunk.objects.bulk_create(
            LogChunk(
                execution_id=pk,
                seq=0,
                attempt=1,
                stream=Stream.STDOUT.value,
                offset=0,
                data=_LOG,
                written_at=at,
            )
            for pk, at in self.logged
        )
        self.omissions, self.attempts, self.logged = [], [], []

    def _write_jobs(self, tallies: list[Tally]) -> None:
        Omission.objects.bulk_create(one.open for one in tallies if one.open is not None)
        jobs = [tally.fill() for tally in tallies]
        Job.objects.bulk_update(jobs, _COUNTED, batch_size=40)


_COUNTED = (
    "execution_count", "success_count", "failure_count", "cancelled_count", "skipped_count",
    "consecutive_failures", "recent", "last_execution_id", "last_state", "last_started_at",
    "last_finished_at", "last_duration_seconds", "last_success_at", "last_failure_at", "last_error",
)  # fmt: skip
