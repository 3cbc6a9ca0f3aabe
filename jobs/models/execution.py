"""Executions: one row for each occurrence of a job; the queued ones are the queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

from jobs.domain.states import LIVE, TERMINAL, ExecutionState, Trigger
from jobs.models.job import Job

if TYPE_CHECKING:
    from datetime import timedelta

SCHEDULED_TRIGGERS = (Trigger.SCHEDULE.value, Trigger.MISFIRE.value)
# What nobody asked for by hand: a pause or a freeze takes it back while no worker has started it.
UNASKED_TRIGGERS = (*SCHEDULED_TRIGGERS, Trigger.EVENT.value, Trigger.DEPENDENCY.value)
# What has a verdict in the ledger although no clock named it.
BESIDE_TRIGGERS = (Trigger.EVENT.value, Trigger.DEPENDENCY.value)
# States in which no process runs yet: an execution can be ended by a write alone.
NOT_STARTED = (ExecutionState.QUEUED.value, ExecutionState.CLAIMED.value)
LIVE_VALUES = tuple(state.value for state in LIVE)
ENDED_VALUES = tuple(state.value for state in TERMINAL)
WITH_CLUSTER = (ExecutionState.CLAIMED.value, ExecutionState.RUNNING.value)
# What has its slot of the queue and its mutex: begun, until its last attempt has ended. Between two
# attempts it keeps both, also while it is queued for the next one. Statements that ask for it must
# say it in these very words: SQLite finds a partial index by its text.
HOLDING = Q(state__in=(*WITH_CLUSTER, ExecutionState.RETRYING.value)) | Q(
    attempt__gt=1, state=ExecutionState.QUEUED.value
)


class Execution(models.Model):
    """One occurrence of a job, from queued to its final state.

    ``token`` is the fence: whoever claims the row writes a new one, and every later write by that
    worker names it, so a stale worker or a message delivered twice changes nothing.
    """

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="executions")
    version = models.PositiveIntegerField()
    # The instant that the schedule named; for a start by hand, the moment of the request.
    due_at = models.DateTimeField()
    trigger = models.CharField(max_length=20)
    actor = models.CharField(max_length=200, blank=True)
    idempotency_key = models.CharField(max_length=200, blank=True)

    state = models.CharField(max_length=20, default=ExecutionState.QUEUED.value)
    attempt = models.PositiveSmallIntegerField(default=1)
    queue = models.CharField(max_length=100, default="default")
    priority = models.SmallIntegerField(default=0)
    # Not to be claimed yet: waits for an earlier execution of its job (overlap "queue" or
    # "cancel_running"), or for the moment to which jitter or spread has put its start.
    held = models.BooleanField(default=False)
    # Copied from the job, so that a claim reads one table.
    mutex = models.CharField(max_length=100, blank=True, default="", db_default="")
    # The labels that its cluster must carry, sorted and joined by commas.
    requires = models.CharField(max_length=500, blank=True, default="", db_default="")
    # The values that its start was given, checked against the job's declarations.
    parameters = models.JSONField(null=True, blank=True)
    # The executions whose endings started this one; of a rerun the one that it repeats.
    upstream = models.JSONField(null=True, blank=True)
    wait_until = models.DateTimeField(null=True, blank=True)
    token = models.CharField(max_length=32, blank=True)
    worker = models.ForeignKey(
        "jobs.Worker", null=True, blank=True, on_delete=models.SET_NULL, related_name="executions"
    )
    pid = models.IntegerField(null=True, blank=True)
    pid_started = models.BigIntegerField(null=True, blank=True)

    queued_at = models.DateTimeField()
    handed_at = models.DateTimeField(null=True, blank=True)
    claimed_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    retry_at = models.DateTimeField(null=True, blank=True)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    cancel_requested_by = models.CharField(max_length=200, blank=True)

    exit_code = models.IntegerField(null=True, blank=True)
    signal = models.IntegerField(null=True, blank=True)
    message = models.CharField(max_length=500, blank=True)
    error = models.TextField(blank=True)
    result = models.JSONField(null=True, blank=True)
    progress = models.PositiveSmallIntegerField(null=True, blank=True)
    metrics = models.JSONField(null=True, blank=True)
    # What it reported as wrong without failing: {"count": n, "lines": [the first few]}.
    warnings = models.JSONField(null=True, blank=True)
    soft_timeout_at = models.DateTimeField(null=True, blank=True)
    log_bytes = models.BigIntegerField(default=0)
    log_truncated = models.BooleanField(default=False)
    cpu_seconds = models.FloatField(null=True, blank=True)
    max_rss_bytes = models.BigIntegerField(null=True, blank=True)

    class Meta:
        """Constraints and indexes, each with the question that it answers."""

        constraints = [
            # One due time, one execution, whatever crashed and however many dispatchers run.
            models.UniqueConstraint(
                fields=["job", "due_at"],
                condition=Q(trigger__in=SCHEDULED_TRIGGERS),
                name="execution_due_once",
            ),
            # A repeated request with the same key starts nothing new.
            models.UniqueConstraint(
                fields=["job", "idempotency_key"],
                condition=~Q(idempotency_key=""),
                name="execution_key_once",
            ),
        ]
        indexes = [
            # What a free worker takes next.
            models.Index(
                fields=["queue", "-priority", "id"],
                condition=Q(state=ExecutionState.QUEUED.value, held=False),
                name="execution_ready",
            ),
            # What waits in a queue, the oldest first, by the labels that it requires.
            models.Index(
                fields=["queue", "requires", "id"],
                condition=Q(state=ExecutionState.QUEUED.value, held=False),
                name="execution_waiting",
            ),
            # How many slots of a queue are taken.
            models.Index(fields=["queue"], condition=HOLDING, name="execution_holding"),
            # Who has a mutex, and who waits for it; empty where nobody uses any.
            models.Index(
                fields=["mutex", "state", "attempt"],
                condition=Q(state__in=LIVE_VALUES) & ~Q(mutex=""),
                name="execution_mutex",
            ),
            # What a cluster has in hand; what a dead one leaves.
            models.Index(
                fields=["worker"], condition=Q(state__in=WITH_CLUSTER), name="execution_in_hand"
            ),
            # What a job has in progress, and its history in one state. Not partial: SQLite keeps no
            # figures and would rather read the job's whole history than a small index.
            models.Index(fields=["job", "state", "-id"], name="execution_job_state"),
            # Whose next attempt is due.
            models.Index(
                fields=["retry_at"],
                condition=Q(state=ExecutionState.RETRYING.value),
                name="execution_retry",
            ),
            # Whose start was put off to now.
            models.Index(
                fields=["wait_until"],
                condition=Q(wait_until__isnull=False),
                name="execution_put_off",
            ),
            # A job's history, newest first, page by page.
            models.Index(fields=["job", "-id"], name="execution_history"),
            # All executions in one state, newest first.
            models.Index(fields=["state", "-id"], name="execution_state"),
            # What people and scripts started, newest first: few among millions.
            models.Index(
                fields=["trigger", "-id"],
                condition=~Q(trigger__in=SCHEDULED_TRIGGERS),
                name="execution_by_hand",
            ),
            # What has ended of one queue, newest first: few of a rare queue among millions. Written
            # once, and hidden from SQLite where it looks for what a queue has in progress.
            models.Index(
                fields=["queue", "state", "-id"],
                condition=Q(state__in=ENDED_VALUES),
                name="execution_queue",
            ),
            # Whose output is kept, the oldest first.
            models.Index(
                fields=["finished_at"], condition=Q(log_bytes__gt=0), name="execution_logged"
            ),
            # The timeline and the ledger of a period over all jobs.
            models.Index(fields=["due_at"], name="execution_due_at"),
        ]

    def __str__(self) -> str:
        """Return number and state."""
        return f"#{self.pk} {self.state}"

    @property
    def duration(self) -> timedelta | None:
        """Return how long the latest attempt ran; None before it ended."""
        if self.started_at is None or self.finished_at is None:
            return None
        return self.finished_at - self.started_at


class Attempt(models.Model):
    """One try of an execution that needed more than one; a single try lives on its execution."""

    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="attempts")
    number = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=20)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField()
    exit_code = models.IntegerField(null=True, blank=True)
    signal = models.IntegerField(null=True, blank=True)
    message = models.CharField(max_length=500, blank=True)
    error = models.TextField(blank=True)
    worker_name = models.CharField(max_length=200, blank=True)

    class Meta:
        """A number is used once."""

        ordering = ["execution", "number"]
        constraints = [models.UniqueConstraint(fields=["execution", "number"], name="attempt_once")]

    def __str__(self) -> str:
        """Return execution and number."""
        return f"#{self.execution_id} attempt {self.number}"
