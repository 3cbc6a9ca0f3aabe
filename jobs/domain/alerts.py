"""Facts about jobs, queues and the product itself -> conditions that somebody should know of.

Pure: who calls gives the facts and the limits, and gets the conditions that hold. One condition is
one alert from its beginning to its end, named by its key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from jobs.domain.causes import as_printed, cause_of, fingerprint


class Kind(StrEnum):
    """Which of the rules of failures put a job into an alert."""

    DISABLED = "disabled"
    IN_A_ROW = "in_a_row"
    RATE = "rate"
    BURST = "burst"


class Severity(StrEnum):
    """How much an alert matters, worst first."""

    CRITICAL = "critical"
    WARNING = "warning"

    @property
    def rank(self) -> int:
        """Return 2 for critical and 1 for a warning."""
        return 2 - list(Severity).index(self)


class Rule(StrEnum):
    """The built-in rules."""

    FAILURES = "failures"  # in a row, too many of all, disabled, or many jobs at once
    FAILURE_RATE = "failure_rate"  # of the last 24 h
    LONG_RUN = "long_run"
    STUCK = "stuck"
    SLOW_RUN = "slow_run"
    FAST_RUN = "fast_run"
    OVERDUE = "overdue"
    MISSED = "missed"
    LATE_START = "late_start"
    NO_WORKER = "no_worker"
    DISPATCHER = "dispatcher"
    DISK = "disk"
    DATABASE = "database"
    CHECK_IN = "check_in"  # a job that runs elsewhere is silent, or said that it failed
    BREAKER = "breaker"
    QUEUE_HEALTH = "queue_health"
    BOTTLENECK = "bottleneck"
    REFUSED = "refused"  # 401 and 403 again and again, from one address or for one account
    CHANGED = "changed"  # the first run since somebody changed what a job runs
    OWN = "own"  # rules that people made: one alert for each rule and job


# Rules that say nothing until somebody switches them on: where jobs are changed every day, an alert
# for each change would be one that nobody reads.
OFF_AT_FIRST = frozenset({Rule.CHANGED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """From where on something is an alert: the figures of the seeds."""

    critical_in_a_row: int = 5
    warning_in_a_row: int = 3
    failure_rate: float = 0.1  # of all executions of a job; strictly over
    rate_failures: int = 1  # so many at least
    day_failure_rate: float = 0.1  # of the runs of the last 24 h; strictly over
    day_failures: int = 3  # so many at least: of a daily job one failure is all
    long_seconds: float = 1800
    overdue_seconds: float = 30
    late_seconds: float = 300
    lag_seconds: float = 5
    silent_seconds: float = 60
    burst_jobs: int = 10  # that fail of one cause within ``burst_seconds``
    burst_seconds: float = 300
    refused_requests: int = 20  # from one address or for one account within ``refused_seconds``
    refused_seconds: float = 300

    def changed(self, values: Mapping[str, Any]) -> Limits:
        """Return the limits with some changed; names that are none are left out."""
        known = {name: values[name] for name in self.__dataclass_fields__ if name in values}
        return Limits(
            **{**{name: getattr(self, name) for name in self.__dataclass_fields__}, **known}
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """Something that holds now; ``jobs`` are the jobs that it is about."""

    key: str
    rule: Rule
    severity: Severity
    title: str
    cause: str = ""
    jobs: tuple[int, ...] = ()
    execution: int | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFacts:
    """A job, as far as its failures go."""

    name: str
    active: bool
    auto_disabled: bool
    executions: int
    failures: int
    in_a_row: int
    last_state: str
    last_error: str
    burst: bool = False  # it failed of one cause together with many others, and not succeeded since


# How the key of an alert ends whose jobs succeed again, and have failed too often all the same.
CALM = ":rate"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobTrouble:
    """Why a job's failures are an alert, and of which cause."""

    kind: Kind
    severity: Severity
    why: str
    cause: str
    calm: bool = False  # the latest run succeeded: only the counters still say it

    @property
    def key(self) -> str:
        """Return what the jobs with the same cause share."""
        return f"{Rule.FAILURES}:{fingerprint(self.cause)}{CALM if self.calm else ''}"


def job_trouble(facts: JobFacts, limits: Limits) -> JobTrouble | None:
    """Return the worst that a job's failures say; None for a job that is well, or paused."""
    found = _worst(facts, limits)
    if found is None:
        return None
    kind, severity, why = found
    cause = cause_of(facts.last_state, facts.last_error)
    return JobTrouble(kind=kind, severity=severity, why=why, cause=cause)


def lasting_trouble(facts: JobFacts, limits: Limits, kind: Kind) -> JobTrouble | None:
    """Return what keeps a job in an alert that it joined by ``kind``; None when it may leave.

    A success ends a row of failures, and is told; the share of all runs that failed may still be
    high, and is then a trouble of its own (`calm_trouble`). Who joined by its rate stays as long as
    the counters say so.
    """
    found = job_trouble(facts, limits)
    if found is None or found.kind != Kind.RATE or facts.in_a_row:
        return found
    return found if kind == Kind.RATE else None


def calm_trouble(facts: JobFacts, limits: Limits, cause: str) -> JobTrouble | None:
    """Return what is left of the trouble of ``cause`` when a job succeeds again: its rate."""
    found = job_trouble(facts, limits)
    if found is None or found.kind != Kind.RATE or facts.in_a_row:
        return None
    return replace(found, cause=cause, calm=True)


def _worst(facts: JobFacts, limits: Limits) -> tuple[Kind, Severity, str] | None:
    row = f"{facts.in_a_row} failures in a row"
    if facts.auto_disabled:
        return Kind.DISABLED, Severity.CRITICAL, f"disabled after {row}"
    if not facts.active:
        return None
    if facts.in_a_row >= limits.critical_in_a_row:
        return Kind.IN_A_ROW, Severity.CRITICAL, row
    if facts.in_a_row >= limits.warning_in_a_row:
        return Kind.IN_A_ROW, Severity.WARNING, row
    many = facts.failures >= limits.rate_failures
    if many and facts.failures > limits.failure_rate * facts.executions:
        text = f"{facts.failures} of {facts.executions} runs failed"
        return Kind.RATE, Severity.WARNING, text
    if facts.burst and facts.in_a_row:
        return Kind.BURST, Severity.WARNING, "failed together with others"
    return None


def failures_title(
    cause: str, *, jobs: int, first: str, why: str, error: str = "", calm: bool = False
) -> str:
    """Say it: of one job by its name and ``error``, of several by their number and shared cause."""
    if jobs == 1:
        return f"{first}: {why}: {as_printed(cause, error)}"
    return f"{jobs} jobs{' failed too often' if calm else ''}: {cause}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """An execution that runs."""

    execution: int
    job: int
    name: str
    seconds: float
    timeout_seconds: float | None = None
    grace_seconds: float = 0
    cancel_seconds: float | None = None  # since somebody asked to cancel it
    slow_after: float | None = None  # of its baseline; None without one
    usual_seconds: float | None = None
    compared: str = ""


# What is past its time limit and its grace is ended within moments; a minute is trouble.
STUCK_SECONDS = 60.0


def run_conditions(facts: RunFacts, limits: Limits) -> list[Condition]:
    """Return what is wrong with an execution while it still runs."""
    found = []
    if (over := _overstayed(facts)) is not None:
        found.append(
            _of_run(facts, Rule.STUCK, Severity.CRITICAL, f"{facts.name} does not end: {over}")
        )
    if facts.seconds > limits.long_seconds:
        text = f"{facts.name} runs for more than {words(limits.long_seconds)}"
        found.append(_of_run(facts, Rule.LONG_RUN, Severity.CRITICAL, text))
    elif facts.slow_after is not None and facts.seconds > facts.slow_after:
        usual = words(facts.usual_seconds or 0)
        text = f"{facts.name} runs unusually long: usually {usual}, by {facts.compared}"
        found.append(_of_run(facts, Rule.SLOW_RUN, Severity.WARNING, text))
    return found


def _overstayed(facts: RunFacts) -> str | None:
    if facts.cancel_seconds is not None and facts.cancel_seconds > (
        facts.grace_seconds + STUCK_SECONDS
    ):
        return f"asked to {words(facts.cancel_seconds)} ago"
    limit = facts.timeout_seconds
    if limit is not None and facts.seconds > limit + facts.grace_seconds + STUCK_SECONDS:
        return f"its time limit is {words(limit)}"
    return None


def _of_run(facts: RunFacts, rule: Rule, severity: Severity, title: str) -> Condition:
    return Condition(
        key=f"{rule}:{facts.execution}",
        rule=rule,
        severity=severity,
        title=title,
        jobs=(facts.job,),
        execution=facts.execution,
        evidence={
            "running_seconds": round(facts.seconds, 1),
            "usual_seconds": None if facts.usual_seconds is None else round(facts.usual_seconds, 1),
            "slow_after_seconds": None if facts.slow_after is None else round(facts.slow_after, 1),
            "time_limit_seconds": facts.timeout_seconds,
        },
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductFacts:
    """The product's own standing."""

    tick_at: datetime | None
    lag_seconds: float | None
    free_bytes: int
    disk_low: bool
    disk_full: bool


def product_conditions(facts: ProductFacts, limits: Limits, now: datetime) -> list[Condition]:
    """Return what is wrong with dispatcher and disk."""
    found = []
    silent = timedelta(seconds=limits.silent_seconds)
    if facts.tick_at is not None and now - facts.tick_at > silent:
        text = "The scheduler is not ticking: nothing starts by itself"
        evidence = {"last_tick_at": facts.tick_at.isoformat()}
        found.append(_of_product(Rule.DISPATCHER, "dead", Severity.CRITICAL, text, evidence))
    elif facts.lag_seconds is not None and facts.lag_seconds > limits.lag_seconds:
        text = f"The scheduler lags: due times were decided {words(facts.lag_seconds)} late"
        evidence = {"lag_seconds": f"{facts.lag_seconds:.1f}"}
        found.append(_of_product(Rule.DISPATCHER, "lag", Severity.WARNING, text, evidence))
    if facts.disk_full or facts.disk_low:
        severity = Severity.CRITICAL if facts.disk_full else Severity.WARNING
        text = (
            "The disk is full: nothing new starts" if facts.disk_full else "The disk is nearly full"
        )
        evidence = {"free_bytes": str(facts.free_bytes)}
        found.append(_of_product(Rule.DISK, "data", severity, text, evidence))
    return found


def _of_product(
    rule: Rule, subject: str, severity: Severity, title: str, evidence: Mapping[str, Any]
) -> Condition:
    return Condition(
        key=f"{rule}:{subject}", rule=rule, severity=severity, title=title, evidence=evidence
    )


def worst(severities: list[Severity]) -> Severity:
    """Return the worst of some."""
    return max(severities, key=lambda one: one.rank)


def words(seconds: float) -> str:
    """Return a duration as titles write it."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
