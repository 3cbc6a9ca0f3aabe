"""Open, refresh and resolve alerts: what the alerter does with the conditions it found.

Every write here can be repeated: an alert is open once by a constraint of its table, and a signal is
served in the transaction that acts on it. A crash between two looks costs the time until the next.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F

from jobs.domain.alerts import OFF_AT_FIRST, Condition, Limits, Rule, Severity
from jobs.models import Alert, AlertJob, AlertRule
from jobs.services import outbox, revisions
from jobs.services.writing import write_transaction

log = logging.getLogger("scheduler.alerts")

# For so long a condition may be away before its alert ends: figures swing around their limits.
SETTLES: Mapping[Rule, timedelta] = {
    Rule.DISPATCHER: timedelta(seconds=30),
    Rule.DISK: timedelta(seconds=60),
    Rule.LATE_START: timedelta(seconds=30),
    Rule.QUEUE_HEALTH: timedelta(seconds=60),
    Rule.BOTTLENECK: timedelta(seconds=60),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSettings:
    """What somebody has set of the rules."""

    limits: Limits
    off: frozenset[str]
    severities: Mapping[str, str]

    def judged(self, one: Condition) -> Severity:
        """Return the severity that a condition's rule has been given, or its own."""
        return Severity(self.severities.get(one.rule) or one.severity)


def rule_settings() -> RuleSettings:
    """Read the rules' rows; most installations have none."""
    rows = list(AlertRule.objects.filter(builtin=True))
    values = {name: value for row in rows for name, value in row.settings.items()}
    return RuleSettings(
        limits=Limits().changed(values),
        off=_off({row.name: row.enabled for row in rows}),
        severities={row.name: row.severity for row in rows if row.severity},
    )


def _off(rows: Mapping[str, bool]) -> frozenset[str]:
    """Return the rules that say nothing; one without a row stands as at first."""
    silent = {name for name, enabled in rows.items() if not enabled}
    return frozenset(silent | (OFF_AT_FIRST - rows.keys()))


def observe(
    found: Iterable[Condition], rules: Collection[Rule], *, given: RuleSettings, now: datetime
) -> None:
    """Make the open alerts of ``rules`` those of the conditions ``found``."""
    wanted = {one.key: one for one in found if one.rule not in given.off}
    present = {
        row.key: row
        for row in Alert.objects.filter(
            rule__in=[rule.value for rule in rules], resolved_at__isnull=True
        )
    }
    for key, condition in wanted.items():
        row = present.get(key)
        if row is None:
            open_alert(condition, severity=given.judged(condition), now=now)
        else:
            refresh(row, condition, severity=given.judged(condition), now=now)
    for key, row in present.items():
        settle = SETTLES.get(Rule(row.rule), timedelta(0))
        if key not in wanted and now - row.seen_at >= settle:
            resolve(row, now=now)


def open_alert(condition: Condition, *, severity: Severity, now: datetime) -> Alert | None:
    """Open the alert of a condition; None when another process has just done so."""
    row = Alert(
        key=condition.key,
        rule=condition.rule.value,
        severity=severity.value,
        title=condition.title[:500],
        cause=condition.cause[:200],
        evidence=dict(condition.evidence),
        execution_id=condition.execution,
        job_count=len(condition.jobs),
        opened_at=now,
        seen_at=now,
        changed_at=now,
        remind_at=now,
    )
    try:
        # The inner one is a savepoint: a race that was lost must not end the caller's transaction.
        with write_transaction(), transaction.atomic():
            row.save(force_insert=True)
            AlertJob.objects.bulk_create(
                [
                    AlertJob(
                        alert=row,
                        job_id=job,
                        severity=severity.value,
                        joined_at=now,
                        checked_at=now,
                        last_execution_id=condition.execution,
                    )
                    for job in condition.jobs
                ]
            )
            outbox.announce(row, "opened", now=now)
            revisions.bump("alerts")
    except IntegrityError:
        return None
    _tell("Alert opened", row)
    return row


# A figure in a title changes with every look; the row is written when something else does, and this
# often so that it is seen to hold.
_REFRESHED = timedelta(seconds=10)


def refresh(row: Alert, condition: Condition, *, severity: Severity, now: datetime) -> None:
    """Note that a condition still holds; tell when it has become worse."""
    worse = severity.rank > Severity(row.severity).rank
    same = severity.value == row.severity and len(condition.jobs) == row.job_count
    if same and now - row.seen_at < _REFRESHED:
        return
    changes: dict[str, Any] = {
        "severity": severity.value,
        "title": condition.title[:500],
        "evidence": dict(condition.evidence),
        "seen_at": now,
        "job_count": len(condition.jobs),
    }
    with write_transaction():
        _members(row, condition.jobs, severity, now)
        _write(row, changes, worse=worse, now=now)


def _members(row: Alert, jobs: Collection[int], severity: Severity, now: datetime) -> None:
    """Make the jobs of an alert those of its condition."""
    present = set(row.members.filter(left_at__isnull=True).values_list("job_id", flat=True))
    if present == set(jobs):
        return
    row.members.filter(job_id__in=present - set(jobs)).update(left_at=now)
    join(row, set(jobs) - present, severity=severity, now=now)


def join(row: Alert, jobs: Collection[int], *, severity: Severity, now: datetime) -> None:
    """Add jobs to an alert, also those that had left it."""
    AlertJob.objects.bulk_create(
        [
            AlertJob(alert=row, job_id=job, severity=severity.value, joined_at=now, checked_at=now)
            for job in jobs
        ],
        update_conflicts=True,
        unique_fields=["alert", "job"],
        update_fields=["severity", "left_at", "checked_at"],
    )
    if jobs:
        outbox.announce_joined(row, now=now)


# What lists show of an alert; that it was seen again redraws no page.
_SHOWN = ("title", "severity", "job_count", "acknowledged_at")


def _write(row: Alert, changes: Mapping[str, Any], *, worse: bool, now: datetime) -> None:
    """Write an open alert; one that has become worse is news, also to who acknowledged it."""
    values = dict(changes)
    if worse:
        values |= {"changed_at": now, "acknowledged_at": None, "acknowledged_by": ""}
    if not Alert.objects.filter(pk=row.pk, resolved_at__isnull=True).update(**values):
        return
    if any(values.get(name, getattr(row, name)) != getattr(row, name) for name in _SHOWN):
        revisions.bump("alerts")
    for name, value in values.items():
        setattr(row, name, value)
    if worse:
        outbox.announce(row, "escalated", now=now)
        _tell("Alert escalated", row)


def change(row: Alert, changes: Mapping[str, Any], *, severity: Severity, now: datetime) -> None:
    """Write new figures of an open alert whose jobs the caller keeps."""
    worse = severity.rank > Severity(row.severity).rank
    _write(row, {**changes, "severity": severity.value, "seen_at": now}, worse=worse, now=now)


def resolve(row: Alert, *, now: datetime, by: str = "") -> bool:
    """End an alert once; say whether this call did."""
    with write_transaction():
        open_row = Alert.objects.filter(pk=row.pk, resolved_at__isnull=True)
        if not open_row.update(resolved_at=now, resolved_by=by[:200], changed_at=now):
            return False
        AlertJob.objects.filter(alert=row.pk, left_at__isnull=True).update(left_at=now)
        row.resolved_at = now
        outbox.announce(row, "resolved", now=now)
        revisions.bump("alerts")
    _tell("Alert resolved", row)
    return True


def count_failures(row: Alert, number: int) -> None:
    """Count executions that failed while an alert was open."""
    Alert.objects.filter(pk=row.pk).update(execution_count=F("execution_count") + number)


def _tell(event: str, row: Alert) -> None:
    level = logging.INFO if row.resolved_at else logging.WARNING
    log.log(
        level,
        "%s: [%s] %s",
        event,
        row.severity,
        row.title,
        extra={"alert_id": row.pk, "rule": row.rule, "severity": row.severity},
    )
