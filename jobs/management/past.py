"""What a made-up past is made of: how executions end, each job's sums, the plan of due times."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from jobs.domain.states import ExecutionState
from jobs.models import Job, Omission
from jobs.services.endings import RECENT

# Of each 50 due times of a job, two in a row are left out.
CYCLE, LEFT_OUT = 50, (7, 8)


class Outcome(NamedTuple):
    """How an execution can end, and how many of a thousand do; plain values, a million times."""

    word: str
    weight: int
    message: str = ""
    exit_code: int | None = None
    ran: bool = True
    failed: bool = False


OUTCOMES = (
    Outcome(ExecutionState.SUCCEEDED.value, 950, exit_code=0),
    Outcome(
        ExecutionState.FAILED.value, 28, "Command failed: exit status 1", exit_code=1, failed=True
    ),
    Outcome(ExecutionState.TIMED_OUT.value, 6, "Timed out after 1800 s", failed=True),
    Outcome(ExecutionState.CANCELLED.value, 8, "Cancelled by demo"),
    Outcome(ExecutionState.SKIPPED.value, 5, "Paused by demo before it started.", ran=False),
    Outcome(ExecutionState.LOST.value, 3, "Its worker ended without a word.", failed=True),
)
SUCCEEDED, FAILED, *_, SKIPPED, _LOST = OUTCOMES
CANCELLED = OUTCOMES[3]


class Ran(NamedTuple):
    """An execution that has started."""

    pk: int
    outcome: Outcome
    started_at: datetime
    finished_at: datetime
    seconds: float


@dataclass(slots=True)
class Tally:
    """What a job's row will say about its executions (see ``services.endings``)."""

    job: Job
    counts: Counter[str] = field(default_factory=Counter)
    in_a_row: int = 0
    recent: deque[list[Any]] = field(default_factory=lambda: deque(maxlen=RECENT))
    last: Ran | None = None
    success: Ran | None = None
    failure: Ran | None = None
    open: Omission | None = None

    def count(self, ran: Ran) -> None:
        """Take in an execution that has started."""
        self.last = ran
        if ran.outcome is SUCCEEDED:
            self.in_a_row = 0
            self.success = ran
        elif ran.outcome.failed:
            self.in_a_row += 1
            self.failure = ran

    def fill(self) -> Job:
        """Return the job with all that was counted."""
        job, counts = self.job, self.counts
        job.execution_count = counts.total()
        job.success_count = counts[SUCCEEDED.word]
        job.failure_count = sum(counts[one.word] for one in OUTCOMES if one.failed)
        job.cancelled_count = counts[CANCELLED.word]
        job.skipped_count = counts[SKIPPED.word]
        job.consecutive_failures = self.in_a_row
        job.recent = list(self.recent)
        if self.last:
            job.last_execution_id, job.last_state = self.last.pk, self.last.outcome.word
            job.last_started_at, job.last_finished_at = self.last.started_at, self.last.finished_at
            job.last_duration_seconds = self.last.seconds
        if self.success:
            job.last_success_at = self.success.finished_at
        if self.failure:
            job.last_failure_at = self.failure.finished_at
            job.last_error = self.failure.outcome.message
        return job


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How many jobs and executions, and on which grid."""

    jobs: int
    executions: int
    every: timedelta
    now: datetime

    @property
    def rounds(self) -> int:
        """Return how many due times each job has had."""
        rounds = made = 0
        while made < self.executions:
            made += self.jobs - self._left_out_in(rounds)
            rounds += 1
        return rounds

    def _left_out_in(self, number: int) -> int:
        """Return how many jobs leave out their due time of that round."""
        residues = ((rest - number) % CYCLE for rest in LEFT_OUT)
        return sum((self.jobs - residue + CYCLE - 1) // CYCLE for residue in residues)

    def anchors(self) -> list[datetime]:
        """Return each job's first due time, spread over half an interval.

        The latest ones lie between three quarters and a quarter of an interval before now: all have
        ended, and none is due again while the past is being written.
        """
        whole = self.every.total_seconds()
        latest = self.now.replace(microsecond=0) - self.every * 0.75
        first = latest - self.every * (self.rounds - 1)
        return [first + timedelta(seconds=int(whole / 2 * n / self.jobs)) for n in range(self.jobs)]
