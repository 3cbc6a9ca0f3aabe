"""Words and icons of alerts."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from jobs.domain.alerts import Rule, Severity
from jobs.domain.check_ins import CheckInState
from jobs.domain.own_rules import Comparison, Metric
from jobs.queries.alerts import Phase
from jobs.web.words import Badge, Text

SEVERITY: dict[str, Badge] = {
    Severity.CRITICAL: Badge(_("Critical"), "octagon-alert", "bad"),
    Severity.WARNING: Badge(_("Warning"), "triangle-alert", "warn"),
}
PHASE: dict[str, Text] = {
    Phase.UNRESOLVED: _("Not ended"),
    Phase.OPEN: _("Not acknowledged"),
    Phase.ACKNOWLEDGED: _("Acknowledged"),
    Phase.RESOLVED: _("Resolved"),
}
RULE: dict[str, Text] = {
    Rule.FAILURES: _("Failures"),
    Rule.FAILURE_RATE: _("Failures of a day"),
    Rule.LONG_RUN: _("Long run"),
    Rule.STUCK: _("Stuck run"),
    Rule.SLOW_RUN: _("Unusually long run"),
    Rule.FAST_RUN: _("Suspiciously fast run"),
    Rule.OVERDUE: _("Overdue"),
    Rule.MISSED: _("Missed due times"),
    Rule.LATE_START: _("Late start"),
    Rule.NO_WORKER: _("No worker"),
    Rule.DISPATCHER: _("Scheduler"),
    Rule.DISK: _("Disk"),
    Rule.DATABASE: _("Database"),
    Rule.CHECK_IN: _("Check-in"),
    Rule.BREAKER: _("Circuit breaker"),
    Rule.QUEUE_HEALTH: _("Queue health"),
    Rule.BOTTLENECK: _("Bottleneck"),
    Rule.REFUSED: _("Refused requests"),
    Rule.CHANGED: _("First run of a changed job"),
    Rule.OWN: _("Own rule"),
}
LIMIT: dict[str, Text] = {
    "critical_in_a_row": _("Critical from so many failures in a row"),
    "warning_in_a_row": _("Warning from so many failures in a row"),
    "failure_rate": _("Warning over this share of all runs, 0 to 1"),
    "rate_failures": _("And from so many failures"),
    "day_failure_rate": _("Warning over this share of the runs of 24 h, 0 to 1"),
    "day_failures": _("And from so many failures in 24 h"),
    "burst_jobs": _("Warning when so many jobs fail of one cause"),
    "burst_seconds": _("Within"),
    "long_seconds": _("Critical after"),
    "overdue_seconds": _("Warning after, at least 1m"),
    "late_seconds": _("Warning after a wait in the queue of"),
    "lag_seconds": _("Warning when due times are decided late by"),
    "refused_requests": _("Warning from so many refused requests of one address or account"),
    "refused_seconds": _("And within"),
    "silent_seconds": _("Critical without a tick for"),
}
METRIC: dict[str, Text] = {
    Metric.RUN_SECONDS: _("Duration of each run, in seconds"),
    Metric.FAILURES: _("Failures in each hour"),
    Metric.FAILURE_RATE: _("Share that failed in each hour, 0 to 1"),
    Metric.RUNS: _("Runs that ended in each hour"),
    Metric.MEAN_SECONDS: _("Mean duration in each hour, in seconds"),
}
COMPARISON: dict[str, Text] = {
    Comparison.ABOVE: _("above"),
    Comparison.BELOW: _("below"),
}
KIND: dict[str, Text] = {
    "email": _("E-mail"),
    "webhook": _("Signed webhook"),
    "slack": _("Slack-compatible webhook"),
    "command": _("Command on the server"),
    "apprise": _("Another service, by apprise"),
}
EVENT: dict[str, Text] = {
    "opened": _("Opened"),
    "escalated": _("Became critical"),
    "reminder": _("Reminder"),
    "passed_on": _("Passed on"),
    "resolved": _("Resolved"),
}
EVIDENCE: dict[str, Text] = {
    "address": _("Address"),
    "account": _("Account"),
    "last_address": _("Latest address"),
    "count": _("Requests, at least"),
    "within_seconds": _("Within"),
    "changed_by": _("Changed by"),
    "changed_at": _("Latest change"),
    "version": _("Version"),
    "error": _("Error of the first job"),
    "running_seconds": _("Has run for"),
    "usual_seconds": _("Usual"),
    "slow_after_seconds": _("Unusual after"),
    "fast_below_seconds": _("Suspicious below"),
    "time_limit_seconds": _("Time limit"),
    "seconds": _("Took"),
    "last_tick_at": _("Last tick"),
    "lag_seconds": _("Lag"),
    "free_bytes": _("Free"),
    "jobs": _("Jobs"),
    "oldest_due_at": _("Oldest due time"),
    "queue": _("Queue"),
    "labels": _("Labels"),
    "since": _("Since"),
    "oldest_queued_at": _("Oldest in the queue since"),
    "state": _("State"),
    "check_in": _("Check-in"),
    "expected_at": _("Expected by"),
    "last_success_at": _("Last success"),
    "last_fail_at": _("Last failure"),
    "started_at": _("Started"),
    "reason": _("Reason"),
    "score": _("Score"),
    "threshold": _("Threshold"),
    "issues": _("Issues"),
    "kind": _("Kind"),
    "severity": _("Severity"),
    "value": _("Value"),
    "first_due_at": _("First due time"),
    "last_due_at": _("Last due time"),
    "due_times": _("Due times"),
    "metric": _("What was looked at"),
    "values": _("Latest figures"),
    "away_seconds": _("Was away for"),
}
# What stands in an alert as one of a few words, by the name of the figure.
VALUES: dict[str, dict[str, Text]] = {
    "metric": METRIC,
    "state": {CheckInState.LATE: _("Late"), CheckInState.DOWN: _("Failed")},
}
