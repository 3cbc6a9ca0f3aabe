"""Check-ins: jobs that run elsewhere and report here."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q

from jobs.domain.check_ins import CheckInState, Expectation, Standing


class CheckInQuerySet(models.QuerySet["CheckIn"]):
    """Filters by what follows from the moment of the look."""

    def in_state(self, state: str, now: datetime) -> CheckInQuerySet:
        """Return those in one state at ``now``: the words of `Standing.state` as conditions."""
        late = Q(late_at__isnull=False, late_at__lte=now)
        running = Q(paused_at__isnull=True, failed=False)
        found: dict[str, Q] = {
            CheckInState.PAUSED: Q(paused_at__isnull=False),
            CheckInState.DOWN: Q(paused_at__isnull=True, failed=True),
            CheckInState.LATE: running & late,
            CheckInState.UP: running & ~late & Q(reported=True),
            CheckInState.NEW: running & ~late & Q(reported=False),
        }
        return self.filter(found[state])


class CheckIn(models.Model):
    """One job that reports: when it should, how it stands, and the key that its address holds."""

    name = models.CharField(max_length=100, unique=True)
    workspace = models.ForeignKey(
        "jobs.Workspace",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="check_ins",
    )
    description = models.TextField(blank=True)
    # A cron expression with its zone, or a period.
    expression = models.CharField(max_length=200, blank=True)
    timezone = models.CharField(max_length=64, default="UTC")
    period_seconds = models.FloatField(null=True, blank=True)
    grace_seconds = models.FloatField(default=300)
    # What a report's address holds: found by its digest, shown to editors when it is opened.
    key_digest = models.CharField(max_length=64, unique=True)
    sealed_key = models.TextField()
    reported = models.BooleanField(default=False)
    failed = models.BooleanField(default=False)
    paused_at = models.DateTimeField(null=True, blank=True)
    paused_by = models.CharField(max_length=200, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)
    late_at = models.DateTimeField(null=True, blank=True)
    last_start_at = models.DateTimeField(null=True, blank=True)
    last_success_at = models.DateTimeField(null=True, blank=True)
    last_fail_at = models.DateTimeField(null=True, blank=True)
    last_seconds = models.FloatField(null=True, blank=True)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=200, blank=True)
    updated_at = models.DateTimeField()

    objects = CheckInQuerySet.as_manager()

    class Meta:
        """The alerter asks at every look which are late or down."""

        constraints = [
            models.CheckConstraint(
                condition=Q(expression="", period_seconds__isnull=False)
                | (~Q(expression="") & Q(period_seconds__isnull=True)),
                name="check_in_one_schedule",
            )
        ]
        indexes = [
            models.Index(fields=["late_at"], name="check_in_late"),
            models.Index(fields=["failed"], condition=Q(failed=True), name="check_in_down"),
        ]

    def __str__(self) -> str:
        """Return the name."""
        return self.name

    @property
    def expectation(self) -> Expectation:
        """Return when reports are awaited."""
        period = self.period_seconds
        return Expectation(
            expression=self.expression,
            timezone=self.timezone,
            period=None if period is None else timedelta(seconds=period),
            grace=timedelta(seconds=self.grace_seconds),
        )

    @property
    def standing(self) -> Standing:
        """Return what is known of it."""
        return Standing(
            failed=self.failed,
            reported=self.reported,
            paused=self.paused_at is not None,
            started_at=self.started_at,
            due_at=self.due_at,
            late_at=self.late_at,
        )


class CheckInReport(models.Model):
    """One report of a check-in; only the newest are kept."""

    check_in = models.ForeignKey(CheckIn, on_delete=models.CASCADE, related_name="reports")
    at = models.DateTimeField()
    signal = models.CharField(max_length=10)
    exit_code = models.PositiveSmallIntegerField(null=True, blank=True)
    # Since the start that belongs to it.
    seconds = models.FloatField(null=True, blank=True)
    run_id = models.CharField(max_length=36, blank=True)
    method = models.CharField(max_length=10)
    address = models.CharField(max_length=64, blank=True)
    agent = models.CharField(max_length=200, blank=True)
    body = models.TextField(blank=True)

    class Meta:
        """The history of one, newest first."""

        indexes = [models.Index(fields=["check_in", "id"], name="report_of_check_in")]

    def __str__(self) -> str:
        """Return signal and check-in."""
        return f"{self.signal} of check-in {self.check_in_id}"
