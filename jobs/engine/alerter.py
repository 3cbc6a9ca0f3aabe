"""Look for conditions that somebody should know of, and tell them: two loops of every dispatcher.

Looking is for one dispatcher at a time, by a lease; telling for all, message by message. Neither
does anything that a repetition would spoil.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Collection, Iterable
from datetime import datetime, timedelta
from functools import partial

from django.db import DatabaseError, DataError, IntegrityError
from django.utils import timezone

from jobs import conf
from jobs.domain.alerts import Condition, Rule, Severity, words
from jobs.models import Alert
from jobs.polling import Flag
from jobs.queries import alert_facts, own_rules
from jobs.services import (
    alert_jobs,
    alert_links,
    alerting,
    changed_runs,
    leases,
    outbox,
    reminders,
    turned_away,
    ways_out,
)
from jobs.services.alerting import RuleSettings

log = logging.getLogger("scheduler.alerts")

LEASE = "alerter"
LEAST_LEASE = timedelta(seconds=15)
# How often what has been over for long is forgotten, and how much of it at a time.
PRUNE_SECONDS = 600.0
PRUNE_BATCH = 500
KEPT = timedelta(days=90)
REMIND_SECONDS = 30.0
RATES_SECONDS = 30.0
# A database that was away for less is a matter of a restart.
AWAY_SECONDS = 5.0
NOTIFY_SECONDS = 1.0
# No trouble of the database, but of what it was asked to take: nothing else suffers from it.
_REFUSALS = (DataError, IntegrityError)


class Alerter:
    """One look every few seconds."""

    def __init__(self) -> None:
        """Begin without the lease."""
        self._holder = secrets.token_hex(16)
        self._baselines = alert_facts.Baselines()
        self._held = own_rules.Held()
        self._away_since: float | None = None
        self._health_at = self._rates_at = self._prune_at = self._remind_at = 0.0

    def step(self) -> bool:
        """Look once; True when more signals wait."""
        try:
            more = self._look(timezone.now())
        except DatabaseError as error:
            # A constraint that another process was first at is no trouble of the database.
            if not isinstance(error, _REFUSALS):
                self._away_since = self._away_since or time.monotonic()
            raise
        return more

    def wait(self, stop: Flag) -> None:
        """Sleep until the next look."""
        stop.wait(conf.alert_seconds())

    def _look(self, now: datetime) -> bool:
        lasting = max(LEAST_LEASE, 3 * timedelta(seconds=conf.alert_seconds()))
        if not leases.take(LEASE, self._holder, lasting=lasting, now=now):
            return False
        given = alerting.rule_settings()
        found = alert_facts.conditions(given.limits, now, self._baselines)
        return _each(
            [
                partial(alert_jobs.serve_signals, given, now),
                partial(changed_runs.serve, given, now),
                partial(self._missed, given, now),
                *(partial(_observe, ask, rules, given, now) for rules, ask in found.items()),
                partial(self._health, given, now),
                partial(self._rates, given, now),
                partial(self._database, given, now),
                partial(alert_jobs.recheck, given, now),
                partial(turned_away.settle, given, now),
                partial(self._housekeeping, now),
            ]
        )

    def _missed(self, given: RuleSettings, now: datetime) -> None:
        """Tell of due times that were missed since the last look."""
        state = leases.state_of(LEASE)
        if "omission" not in state:  # what was missed before anybody looked is history
            leases.note(LEASE, self._holder, {**state, "omission": alert_facts.newest_omission()})
            return
        rows = alert_facts.missed_since(state["omission"])
        if not rows:
            return
        alert_jobs.serve_missed(rows, given, now)
        leases.note(LEASE, self._holder, {**state, "omission": rows[-1].pk})

    def _health(self, given: RuleSettings, now: datetime) -> None:
        """Look at the queues' health, at its own interval."""
        if not conf.cron_feature("metrics_collection"):
            self._health_at = 0.0
            alerting.observe([], (Rule.QUEUE_HEALTH, Rule.BOTTLENECK), given=given, now=now)
            return
        if time.monotonic() < self._health_at:
            return
        self._health_at = time.monotonic() + conf.health_check_seconds()
        rules = (Rule.QUEUE_HEALTH, Rule.BOTTLENECK)
        alerting.observe(alert_facts.queue_conditions(now), rules, given=given, now=now)

    def _rates(self, given: RuleSettings, now: datetime) -> None:
        """Look at the last 24 h and at the rules that people made: sums of hours move slowly."""
        if time.monotonic() < self._rates_at:
            return
        self._rates_at = time.monotonic() + RATES_SECONDS
        found = alert_facts.day_rates(now, given.limits)
        alerting.observe(found, (Rule.FAILURE_RATE,), given=given, now=now)
        alerting.observe(own_rules.conditions(now, self._held), (Rule.OWN,), given=given, now=now)

    def _database(self, given: RuleSettings, now: datetime) -> None:
        """Tell that the database was away, now that it can be told; it is over by itself."""
        away, self._away_since = self._away_since, None
        seconds = 0.0 if away is None else time.monotonic() - away
        if seconds > AWAY_SECONDS:
            text = f"The database did not answer for {words(seconds)}"
            condition = Condition(
                key=f"{Rule.DATABASE}:away",
                rule=Rule.DATABASE,
                severity=Severity.CRITICAL,
                title=text,
                evidence={"away_seconds": round(seconds, 1)},
            )
            alerting.observe([condition], (Rule.DATABASE,), given=given, now=now)
        else:
            alerting.observe([], (Rule.DATABASE,), given=given, now=now)

    def _housekeeping(self, now: datetime) -> bool:
        more = False
        if time.monotonic() >= self._remind_at:
            more = reminders.remind(now)
            self._remind_at = 0.0 if more else time.monotonic() + REMIND_SECONDS
            reminders.escalate(now)
            alert_links.resume_due(now)
        if time.monotonic() >= self._prune_at:
            self._prune_at = time.monotonic() + PRUNE_SECONDS
            alert_jobs.forget_signals(now)
            changed_runs.forget(now)
            prune(now)
        return more


def _observe(
    ask: Callable[[], Iterable[Condition]],
    rules: Collection[Rule],
    given: RuleSettings,
    now: datetime,
) -> None:
    alerting.observe(ask(), rules, given=given, now=now)


def _each(parts: Iterable[Callable[[], object]]) -> bool:
    """Do every part of a look; say whether one of them has more to do.

    A part that fails keeps no other from its turn; its error is raised after the last one.
    """
    more, wrong = False, None
    for part in parts:
        try:
            more = part() is True or more
        except Exception as error:
            if isinstance(error, DatabaseError) and not isinstance(error, _REFUSALS):
                raise
            wrong = wrong or error
    if wrong is not None:
        raise wrong
    return more


def prune(now: datetime) -> int:
    """Delete some of the alerts that ended long ago; return how many."""
    old = Alert.objects.filter(resolved_at__lt=now - KEPT).order_by("resolved_at")
    numbers = list(old.values_list("pk", flat=True)[:PRUNE_BATCH])
    Alert.objects.filter(pk__in=numbers).delete()
    return len(numbers)


class Notifier:
    """Tell channels what the outbox holds; a slow receiver delays neither jobs nor the look-out."""

    def step(self) -> bool:
        """Try what is due; True when there may be more."""
        return outbox.send_due(ways_out.ports(), now=timezone.now()) >= outbox.BATCH

    def wait(self, stop: Flag) -> None:
        """Sleep until the next look into the outbox."""
        stop.wait(NOTIFY_SECONDS)
