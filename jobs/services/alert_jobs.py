"""Alerts about the failures of jobs: signals come in, jobs join and leave the alert of their cause."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from jobs.domain.alerts import (
    CALM,
    Condition,
    JobTrouble,
    Kind,
    Rule,
    Severity,
    calm_trouble,
    failures_title,
    job_trouble,
    lasting_trouble,
    words,
    worst,
)
from jobs.domain.baseline import baseline
from jobs.domain.causes import cause_of, fingerprint
from jobs.domain.states import BackfillChoice, BackfillState, Trigger
from jobs.models import Alert, AlertJob, AlertSignal, Backfill, Execution, Job, Omission
from jobs.queries.alert_facts import bursts, facts_of, past_of
from jobs.services import alerting, outbox
from jobs.services.alerting import RuleSettings
from jobs.services.signals import FAILED, FAST
from jobs.services.writing import write_transaction

BATCH = 500
# Of the jobs in an alert so many are looked at again at each look, the longest ago first.
CHECKED = 200
CHECK_AFTER = timedelta(seconds=4)
# Signals that were served are kept while a burst may count them.
KEPT = timedelta(minutes=30)
# What happened once and has no end of its own: told for a day, or until the job is well again.
EVENT_LASTS = timedelta(days=1)
# A backfill of what failed makes up for nothing that was missed.
_RERUNS = (BackfillChoice.MISSED.value, BackfillChoice.ALL.value)
_OF_JOBS = (
    Rule.FAILURES.value,
    Rule.MISSED.value,
    Rule.FAST_RUN.value,
    Rule.CHANGED.value,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Placed:
    """A job with the trouble that puts it into an alert."""

    job: Job
    trouble: JobTrouble
    failures: int
    execution: int | None
    first: int | None = None


def serve_signals(given: RuleSettings, now: datetime) -> bool:
    """Act on what endings told since the last time; say whether there may be more."""
    with write_transaction():
        waiting = AlertSignal.objects.filter(served_at__isnull=True, kind__in=(FAILED, FAST))
        rows = list(waiting.order_by("pk")[:BATCH])
        if not rows:
            return False
        jobs = Job.objects.in_bulk({row.job_id for row in rows})
        _mark(rows, jobs, now)
        _serve_failures([row for row in rows if row.kind == FAILED], jobs, given, now)
    for row in rows:
        if row.kind == FAST and row.job_id in jobs and Rule.FAST_RUN not in given.off:
            _judge_fast(row, jobs[row.job_id], given, now)
    return len(rows) == BATCH


def _mark(rows: Collection[AlertSignal], jobs: Mapping[int, Job], now: datetime) -> None:
    for row in rows:
        row.served_at = now
        job = jobs.get(row.job_id)
        if row.kind == FAILED and job is not None:
            row.cause = fingerprint(cause_of(job.last_state, job.last_error))
    AlertSignal.objects.bulk_update(rows, ["served_at", "cause"])


def _serve_failures(
    rows: Collection[AlertSignal], jobs: Mapping[int, Job], given: RuleSettings, now: datetime
) -> None:
    if Rule.FAILURES in given.off:
        return
    many = bursts({row.cause for row in rows if row.cause}, given.limits, now)
    counts = Counter(row.job_id for row in rows)
    causes = {row.job_id: row.cause for row in rows}
    first = {row.job_id: row.execution_id for row in reversed(list(rows))}
    last = {row.job_id: row.execution_id for row in rows}
    hit = set(counts)
    if many:  # those that failed a moment ago belong to it as much
        since = now - timedelta(seconds=given.limits.burst_seconds)
        earlier = AlertSignal.objects.filter(cause__in=many, at__gt=since).exclude(job_id__in=hit)
        for signal in earlier.order_by("pk")[:BATCH]:
            causes[signal.job_id], last[signal.job_id] = signal.cause, signal.execution_id
            first.setdefault(signal.job_id, signal.execution_id)
        jobs = {**jobs, **Job.objects.in_bulk(set(causes) - set(jobs))}
    placed = []
    for job_id, cause in causes.items():
        job = jobs.get(job_id)
        trouble = job and job_trouble(facts_of(job, burst=cause in many), given.limits)
        if job and trouble:
            placed.append(
                _Placed(
                    job=job,
                    trouble=trouble,
                    failures=counts[job_id] or 1,
                    execution=last[job_id],
                    first=first[job_id],
                )
            )
    place(placed, given, now)


def place(found: Iterable[_Placed], given: RuleSettings, now: datetime) -> None:
    """Put jobs into the alerts of their causes, and out of those of other causes."""
    groups: dict[str, list[_Placed]] = defaultdict(list)
    for one in found:
        groups[one.trouble.key].append(one)
    for key, group in groups.items():
        _leave_others(key, {one.job.pk for one in group}, given, now)
        row = _locked(Alert.objects.filter(key=key, resolved_at__isnull=True)).first()
        row = row or _opened(key, group, given, now)
        if row is not None:
            _join(row, group, now)
            settle(row, given, now)


def _opened(
    key: str, group: Collection[_Placed], given: RuleSettings, now: datetime
) -> Alert | None:
    first = next(iter(group))
    condition = Condition(
        key=key,
        rule=Rule.FAILURES,
        severity=worst([one.trouble.severity for one in group]),
        title=failures_title(
            first.trouble.cause,
            jobs=len(group),
            first=first.job.name,
            why=first.trouble.why,
            error=first.job.last_error,
            calm=first.trouble.calm,
        ),
        cause=first.trouble.cause,
        jobs=tuple(one.job.pk for one in group),
        execution=first.execution,
        evidence={"error": first.job.last_error[-2000:]},
    )
    made = alerting.open_alert(condition, severity=given.judged(condition), now=now)
    return made or Alert.objects.filter(key=key, resolved_at__isnull=True).first()


def _join(row: Alert, group: Collection[_Placed], now: datetime) -> None:
    """Write the members: since when and why, and what failed."""
    present = row.members.filter(job__in=[one.job for one in group])
    known = {one.job_id: one for one in present.exclude(kind="")}
    fresh = []
    for one in group:
        member = known.get(one.job.pk) or AlertJob(alert=row, job=one.job, joined_at=now)
        member.severity, member.kind = one.trouble.severity.value, one.trouble.kind.value
        member.why = one.trouble.why[:200]
        member.checked_at, member.left_at = now, None
        member.failures = member.failures + one.failures if member.pk else _so_far(one)
        member.first_execution_id = member.first_execution_id or one.first or one.execution
        member.last_execution_id = one.execution or member.last_execution_id
        fresh.append(member)
    AlertJob.objects.bulk_create(
        fresh,
        update_conflicts=True,
        unique_fields=["alert", "job"],
        update_fields=[
            "severity",
            "kind",
            "why",
            "checked_at",
            "left_at",
            "failures",
            "first_execution_id",
            "last_execution_id",
        ],
    )
    counted = [_so_far(one) if one.job.pk not in known else one.failures for one in group]
    alerting.count_failures(row, sum(counted))
    if len(known) < len(group):
        outbox.announce_joined(row, now=now)


def _so_far(one: _Placed) -> int:
    """Return the failures that bring a job into an alert: the whole row."""
    return max(one.failures, one.job.consecutive_failures)


def _leave_others(key: str, jobs: Collection[int], given: RuleSettings, now: datetime) -> None:
    """Take jobs out of the alerts of the causes that they failed of before."""
    others = AlertJob.objects.filter(
        job__in=jobs,
        left_at__isnull=True,
        alert__rule=Rule.FAILURES.value,
        alert__resolved_at__isnull=True,
    ).exclude(alert__key=key)
    left = list(_locked(Alert.objects.filter(pk__in=others.values("alert"))))
    others.update(left_at=now)
    for row in left:
        settle(row, given, now)


def _locked(rows: QuerySet[Alert]) -> QuerySet[Alert]:
    """Return alerts locked before their members are touched: who ends one by hand does it so."""
    return rows.select_for_update().order_by("pk")


def settle(row: Alert, given: RuleSettings, now: datetime) -> None:
    """Let an alert say what its present jobs say; resolve it when none is left."""
    members = list(
        row.members.filter(left_at__isnull=True).order_by("joined_at", "pk").select_related("job")
    )
    if not members:
        alerting.resolve(row, now=now)
        return
    severity = worst([Severity(one.severity) for one in members])
    forced = given.severities.get(row.rule)
    changes: dict[str, object] = {"job_count": len(members)}
    if row.rule == Rule.FAILURES:
        first = members[0]
        changes["title"] = failures_title(
            row.cause,
            jobs=len(members),
            first=first.job.name,
            why=first.why,
            error=first.job.last_error,
            calm=row.key.endswith(CALM),
        )[:500]
    alerting.change(row, changes, severity=Severity(forced) if forced else severity, now=now)


def recheck(given: RuleSettings, now: datetime) -> None:
    """Look at jobs in alerts again: those that are well leave, whatever made them so."""
    members = list(
        AlertJob.objects.filter(
            left_at__isnull=True, checked_at__lte=now - CHECK_AFTER, alert__rule__in=_OF_JOBS
        )
        .select_related("job", "alert")
        .order_by("checked_at")[:CHECKED]
    )
    if not members:
        return
    made_up = _on_time_again(members)
    with write_transaction():
        rows = _locked(Alert.objects.filter(pk__in={one.alert_id for one in members}))
        # One that somebody has ended meanwhile has let its members go.
        still_open = {row.pk for row in rows if row.resolved_at is None}
        members = [one for one in members if one.alert_id in still_open]
        touched = {
            one.alert_id: one.alert
            for one in members
            if _moved(one, given, now, over=one.pk in made_up)
        }
        AlertJob.objects.filter(pk__in=[one.pk for one in members]).update(checked_at=now)
        for row in touched.values():
            row.refresh_from_db()
            if row.resolved_at is None:
                settle(row, given, now)
        left = [one for one in members if one.left_at is not None]
        place([found for one in left if (found := _calmed(one, given))], given, now)


def _on_time_again(members: Collection[AlertJob]) -> set[int]:
    """Return the members that missed due times and since then were dispatched on time, or rerun.

    Whether the run that was dispatched succeeds is another matter: the due time was served.
    """
    missed = [one.pk for one in members if one.alert.rule == Rule.MISSED]
    if not missed:
        return set()
    on_time = Execution.objects.filter(
        job=OuterRef("job"), trigger=Trigger.SCHEDULE.value, due_at__gt=OuterRef("joined_at")
    )
    # In the text, since with parameters alone no database would use the partial index.
    on_time = on_time.extra(where=["trigger IN ('schedule', 'misfire')"])
    rerun = Backfill.objects.filter(
        job=OuterRef("job"), created_at__gt=OuterRef("joined_at"), choice__in=_RERUNS
    ).exclude(state=BackfillState.CANCELLED.value)
    served = AlertJob.objects.filter(Exists(on_time) | Exists(rerun), pk__in=missed)
    return set(served.values_list("pk", flat=True))


def _calmed(member: AlertJob, given: RuleSettings) -> _Placed | None:
    """Return a job that succeeds again and has failed too often all the same."""
    if member.alert.rule != Rule.FAILURES or Rule.FAILURES in given.off:
        return None
    trouble = calm_trouble(facts_of(member.job), given.limits, member.alert.cause)
    if trouble is None:
        return None
    return _Placed(job=member.job, trouble=trouble, failures=0, execution=member.last_execution_id)


def _moved(member: AlertJob, given: RuleSettings, now: datetime, *, over: bool) -> bool:
    """Write what has changed of a member; say whether anything has. One that is ``over`` leaves."""
    found = None if over else _standing(member, given, now)
    if found == (member.kind, member.severity, member.why):
        return False
    if found is None:
        member.left_at = now
    else:
        member.kind, member.severity, member.why = found
    member.save(update_fields=["left_at", "kind", "severity", "why"])
    return True


def _standing(member: AlertJob, given: RuleSettings, now: datetime) -> tuple[str, str, str] | None:
    """Return kind, severity and reason of a member as they are now; None for one that is well."""
    job, rule = member.job, member.alert.rule
    if rule in given.off or job.deleted_at is not None:
        return None
    if rule != Rule.FAILURES:
        again = job.last_success_at is not None and job.last_success_at > member.joined_at
        over = now - member.joined_at > EVENT_LASTS or (again and rule != Rule.CHANGED)
        return None if over else (member.kind, member.severity, member.why)
    kind = Kind(member.kind or Kind.IN_A_ROW)
    trouble = lasting_trouble(facts_of(job, burst=True), given.limits, kind)
    if trouble is None:
        return None
    return trouble.kind.value, trouble.severity.value, trouble.why[:200]


def _judge_fast(signal: AlertSignal, job: Job, given: RuleSettings, now: datetime) -> None:
    """Open an alert when a success came too soon by the baseline of its weekday and hour."""
    run = Execution.objects.filter(pk=signal.execution_id).first()
    if run is None or run.started_at is None or run.duration is None:
        return
    usual = baseline(past_of(job.pk, before=run.pk), run.started_at)
    seconds = run.duration.total_seconds()
    if usual is None or seconds >= usual.fast_below:
        return
    condition = Condition(
        key=f"{Rule.FAST_RUN}:{job.pk}",
        rule=Rule.FAST_RUN,
        severity=Severity.WARNING,
        title=(
            f"{job.name} ended suspiciously fast: {seconds:.1f} s, usually {words(usual.median)} "
            f"by {usual.count} {usual.among}"
        ),
        jobs=(job.pk,),
        execution=run.pk,
        evidence={
            "seconds": round(seconds, 3),
            "usual_seconds": round(usual.median, 3),
            "fast_below_seconds": round(usual.fast_below, 3),
        },
    )
    alerting.open_alert(condition, severity=given.judged(condition), now=now)


def serve_missed(rows: Collection[Omission], given: RuleSettings, now: datetime) -> None:
    """Tell of due times that were missed: one alert, whose jobs leave when they are served again."""
    fresh = [one for one in rows if one.decided_at > now - EVENT_LASTS]
    if not fresh or Rule.MISSED in given.off:
        return
    jobs = {one.job_id for one in fresh if one.job.deleted_at is None}
    with write_transaction():
        row = Alert.objects.filter(key=f"{Rule.MISSED}:jobs", resolved_at__isnull=True).first()
        condition = _missed(fresh, jobs, {} if row is None else row.evidence)
        if row is None:
            alerting.open_alert(condition, severity=given.judged(condition), now=now)
            return
        # What an earlier outage left out is rerun from the same window.
        Alert.objects.filter(pk=row.pk).update(
            title=condition.title, evidence=dict(condition.evidence)
        )
        row.refresh_from_db()
        alerting.join(row, jobs, severity=Severity(row.severity), now=now)
        settle(row, given, now)


def _missed(
    rows: Collection[Omission], jobs: Collection[int], before: Mapping[str, Any]
) -> Condition:
    """Return the condition of due times that were missed, with those that are told already."""
    count = sum(one.count for one in rows) + int(before.get("due_times", 0))
    first = min(one.first_due_at for one in rows).isoformat()
    last = max(one.last_due_at for one in rows).isoformat()
    times = "1 due time was" if count == 1 else f"{count} due times were"
    return Condition(
        key=f"{Rule.MISSED}:jobs",
        rule=Rule.MISSED,
        severity=Severity.WARNING,
        title=f"{times} missed: nothing dispatched them",
        jobs=tuple(sorted(jobs)),
        evidence={
            "first_due_at": min(first, before.get("first_due_at", first)),
            "last_due_at": max(last, before.get("last_due_at", last)),
            "due_times": count,
        },
    )


def forget_signals(now: datetime) -> None:
    """Delete signals that were served a while ago."""
    AlertSignal.objects.filter(served_at__lt=now - KEPT).delete()
