"""Alerts, what they are about, and whom they are told."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class Alert(models.Model):
    """One condition from its opening to its end; while it holds there is one open row of its key."""

    key = models.CharField(max_length=200)
    rule = models.CharField(max_length=40)
    severity = models.CharField(max_length=20)
    title = models.CharField(max_length=500)
    # The normalised cause that the failures of its jobs share; empty for other rules.
    cause = models.CharField(max_length=200, blank=True)
    evidence = models.JSONField(default=dict)
    execution_id = models.BigIntegerField(null=True, blank=True)
    # How many jobs it is about now (after its end: at most), and how many executions failed in it.
    job_count = models.PositiveIntegerField(default=0)
    execution_count = models.PositiveBigIntegerField(default=0)

    opened_at = models.DateTimeField()
    # When the condition was last seen to hold.
    seen_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    acknowledged_by = models.CharField(max_length=200, blank=True)
    note = models.CharField(max_length=500, blank=True)
    # Nobody is told of it until then.
    muted_until = models.DateTimeField(null=True, blank=True)
    muted_by = models.CharField(max_length=200, blank=True)
    reminded_at = models.DateTimeField(null=True, blank=True)
    # Not before then has any channel to be reminded of it.
    remind_at = models.DateTimeField(db_default=Now())
    resolved_at = models.DateTimeField(null=True, blank=True)
    # Who ended it by hand; empty: the condition ended.
    resolved_by = models.CharField(max_length=200, blank=True)

    class Meta:
        """One open alert a key, whatever crashed and however many look."""

        constraints = [
            models.UniqueConstraint(
                fields=["key"], condition=Q(resolved_at__isnull=True), name="alert_open_once"
            )
        ]
        indexes = [
            # What is open: few among all that ever were.
            models.Index(
                fields=["rule", "key"], condition=Q(resolved_at__isnull=True), name="alert_open"
            ),
            # What may be forgotten.
            models.Index(fields=["resolved_at"], name="alert_resolved"),
            # What nobody has acknowledged, whose reminders are due next first. Not partial: SQLite
            # would rather read all that are open.
            models.Index(
                fields=["resolved_at", "acknowledged_at", "remind_at"], name="alert_remind"
            ),
        ]

    def __str__(self) -> str:
        """Return severity and title."""
        return f"{self.severity}: {self.title}"


class AlertJob(models.Model):
    """A job that an alert is about, since when and why; a row stays when the job is well again."""

    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="members")
    job = models.ForeignKey("jobs.Job", on_delete=models.CASCADE, related_name="alert_rows")
    severity = models.CharField(max_length=20)
    # Which of the rules of failures it joined by; empty for other rules.
    kind = models.CharField(max_length=20, blank=True)
    why = models.CharField(max_length=200, blank=True)
    failures = models.PositiveIntegerField(default=0)
    first_execution_id = models.BigIntegerField(null=True, blank=True)
    last_execution_id = models.BigIntegerField(null=True, blank=True)
    joined_at = models.DateTimeField()
    checked_at = models.DateTimeField()
    left_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """A job is in an alert once; what has not left is looked at again, the longest ago first."""

        constraints = [models.UniqueConstraint(fields=["alert", "job"], name="alert_job_once")]
        indexes = [
            models.Index(
                fields=["checked_at"], condition=Q(left_at__isnull=True), name="alert_job_present"
            )
        ]

    def __str__(self) -> str:
        """Return both numbers."""
        return f"job {self.job_id} in alert {self.alert_id}"


class AlertSignal(models.Model):
    """Something that an ending said, for the alerter: written in the ending's own transaction.

    So a crash loses none, and nobody searches the history for what ended. A row that was served
    stays for a while: many of one cause in a short time are a trouble of their own.
    """

    at = models.DateTimeField()
    job_id = models.BigIntegerField()
    execution_id = models.BigIntegerField()
    kind = models.CharField(max_length=20)
    cause = models.CharField(max_length=16, blank=True, default="")
    served_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """What waits, in order; what failed of one cause lately; what may go."""

        indexes = [
            models.Index(
                fields=["id"], condition=Q(served_at__isnull=True), name="alert_signal_waiting"
            ),
            models.Index(fields=["cause", "at"], name="alert_signal_cause"),
            models.Index(fields=["served_at"], name="alert_signal_served"),
        ]

    def __str__(self) -> str:
        """Return kind and execution."""
        return f"{self.kind} #{self.execution_id}"


class AlertRule(models.Model):
    """What somebody has set of a rule; a built-in one without a row has its defaults."""

    # Of a built-in rule its own name.
    name = models.CharField(max_length=100, unique=True)
    builtin = models.BooleanField(default=True)
    enabled = models.BooleanField(default=True)
    # Changed limits by their names; of a rule that somebody made, its whole definition.
    settings = models.JSONField(default=dict)
    # Empty: as the rule says.
    severity = models.CharField(max_length=20, blank=True)
    # The mute of a rule: its alerts open and close, and nobody is told.
    muted_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=200, blank=True)
    updated_at = models.DateTimeField()

    def __str__(self) -> str:
        """Return the name."""
        return self.name


class Channel(models.Model):
    """Where alerts are told: a kind, its settings, and which alerts go there."""

    name = models.CharField(max_length=100, unique=True)
    kind = models.CharField(max_length=20)
    settings = models.JSONField(default=dict)
    # The settings that are secrets, sealed together. A column of its own, as with variables.
    sealed = models.TextField(blank=True)
    enabled = models.BooleanField(default=True)
    # The least severity that is told.
    severity = models.CharField(max_length=20, default="warning")
    # Which alerts: {"rules": [...], "jobs": [ids], "tags": [...], "workspaces": [ids]}; empty: all.
    routes = models.JSONField(default=dict)
    # {"from": "22:00", "to": "07:00", "timezone": "..."}; empty: none.
    quiet = models.JSONField(default=dict)
    remind_seconds = models.PositiveIntegerField(default=14_400)
    tells_resolved = models.BooleanField(default=True)
    # Its messages carry links that act without a login: whoever reads it may do what they say.
    links = models.BooleanField(default=False, db_default=False)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=200, blank=True)
    updated_at = models.DateTimeField()

    def __str__(self) -> str:
        """Return the name."""
        return self.name


class Delivery(models.Model):
    """One message to one channel: it waits here until the channel has taken it."""

    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="deliveries")
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="deliveries")
    # opened, escalated, reminder or resolved
    event = models.CharField(max_length=20)
    # Goes with every try: a receiver that has seen it drops the message.
    token = models.CharField(max_length=32, unique=True)
    created_at = models.DateTimeField()
    next_try_at = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=500, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    # Not to be tried again: refused for good, or the time is over.
    failed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """What is due; one opening and one end of an alert a channel."""

        constraints = [
            models.UniqueConstraint(
                fields=["alert", "channel", "event"],
                condition=Q(event__in=("opened", "resolved")),
                name="delivery_once",
            )
        ]
        indexes = [
            models.Index(
                fields=["next_try_at"],
                condition=Q(next_try_at__isnull=False),
                name="delivery_due",
            )
        ]

    def __str__(self) -> str:
        """Return event and alert."""
        return f"{self.event} of alert {self.alert_id}"


class UsedLink(models.Model):
    """A link of a message that somebody has followed to its end: it never acts again."""

    mark = models.CharField(max_length=64, unique=True)
    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="used_links")
    channel_name = models.CharField(max_length=100)
    action = models.CharField(max_length=20)
    used_at = models.DateTimeField()
    # The job that it paused, and when that ends; null once it has, or where nothing was paused.
    job = models.ForeignKey(
        "jobs.Job", null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    resume_at = models.DateTimeField(null=True, blank=True, db_index=True)

    def __str__(self) -> str:
        """Return what was done."""
        return f"{self.action} of alert {self.alert_id}"


class Lease(models.Model):
    """Who does what only one process should do at a time, until when, and what it knows."""

    name = models.CharField(max_length=40, unique=True)
    holder = models.CharField(max_length=64)
    expires_at = models.DateTimeField()
    state = models.JSONField(default=dict)

    def __str__(self) -> str:
        """Return name and holder."""
        return f"{self.name}: {self.holder}"
