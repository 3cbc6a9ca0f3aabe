"""Whoever is refused again and again, from one address or by one account, is an alert of its own.

Refusals are counted in each web process's memory, for so many addresses and accounts: a write for each
would be a way to hurt. Only what reaches the limit is written, at most once a minute each. The alert
ends when nothing more of it is seen for two periods.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict, deque
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import DatabaseError
from django.utils import timezone

from jobs.domain.alerts import Condition, Limits, Rule, Severity, words
from jobs.models import Alert
from jobs.services import alerting
from jobs.services.alerting import RuleSettings

log = logging.getLogger("scheduler.alerts")

MOST_KEPT = 2000
# More within a period are not told apart.
MOST_COUNTED = 1000
# So many alerts stand open at once; what comes from yet another address is told together.
MOST_OPEN = 10
SETTINGS_SECONDS = 60.0
AGAIN_SECONDS = 60.0
OTHERS = "others"


class Refusals:
    """The latest refusals of each address and account, the ones seen last of them."""

    def __init__(self) -> None:
        """Begin with none."""
        self._seen: OrderedDict[tuple[str, str], deque[float]] = OrderedDict()
        self._told: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._lock = threading.Lock()
        self._given: RuleSettings | None = None
        self._given_at = 0.0

    def note(self, *, address: str, account: str = "", now: float | None = None) -> None:
        """Count a refusal; never fails, for an answer is on its way."""
        now = time.monotonic() if now is None else now
        try:
            given = self._settings(now)
            if Rule.REFUSED in given.off:
                return
            for key in (("address", address), ("account", account)):
                if key[1] and self._is_much(key, given.limits, now):
                    _tell(key, given, address)
        except DatabaseError as error:
            log.warning("Refused requests could not be told of: %s", error)

    def _settings(self, now: float) -> RuleSettings:
        """Return what is set of the rules, asked for again only after a while."""
        if self._given is None or now - self._given_at > SETTINGS_SECONDS:
            self._given, self._given_at = alerting.rule_settings(), now
        return self._given

    def _is_much(self, key: tuple[str, str], limits: Limits, now: float) -> bool:
        """Count one; say whether there are too many, and that was not said lately."""
        with self._lock:
            most = _most(limits)
            seen = self._seen.get(key)
            if seen is None or seen.maxlen != most:
                seen = self._seen[key] = deque(seen or (), maxlen=most)
            seen.append(now)
            self._seen.move_to_end(key)
            if len(self._seen) > MOST_KEPT:
                self._seen.popitem(last=False)
            if len(seen) < most or now - seen[0] > limits.refused_seconds:
                return False
            if now - self._told.get(key, -AGAIN_SECONDS) < AGAIN_SECONDS:
                return False
            self._told[key] = now
            self._told.move_to_end(key)
            if len(self._told) > MOST_KEPT:
                self._told.popitem(last=False)
        return True

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._seen.clear()
            self._told.clear()
            self._given = None


REFUSALS = Refusals()


def _most(limits: Limits) -> int:
    return max(1, min(int(limits.refused_requests), MOST_COUNTED))


def _tell(key: tuple[str, str], given: RuleSettings, address: str) -> None:
    """Open the alert of an address or account, or note that it goes on."""
    kind, name = key
    if kind == "account" and not User.objects.filter(username=name).exists():
        return  # a name that somebody made up is told by its address
    now = timezone.now()
    condition = _condition(kind, name, given.limits, address)
    open_ones = Alert.objects.filter(rule=Rule.REFUSED.value, resolved_at__isnull=True)
    row = open_ones.filter(key=condition.key).first()
    if row is None and open_ones.count() >= MOST_OPEN:
        condition = _condition(kind, OTHERS, given.limits, address)
        row = open_ones.filter(key=condition.key).first()
    severity = given.judged(condition)
    if row is None:
        alerting.open_alert(condition, severity=severity, now=now)
    else:
        alerting.refresh(row, condition, severity=severity, now=now)


def _condition(kind: str, name: str, limits: Limits, address: str) -> Condition:
    who = {"address": f"Requests from {name}", "account": f"Requests of account {name}"}[kind]
    if name == OTHERS:
        who = "Requests from many addresses"
    count, seconds = _most(limits), limits.refused_seconds
    return Condition(
        key=f"{Rule.REFUSED}:{'' if name == OTHERS else kind}:{name}"[:200],
        rule=Rule.REFUSED,
        severity=Severity.WARNING,
        title=f"{who} are refused: {count} or more within {words(seconds)}",
        evidence={kind: name, "last_address": address, "count": count, "within_seconds": seconds},
    )


def settle(given: RuleSettings, now: datetime) -> None:
    """End the alerts of what has not been seen for two periods, and all where the rule is off."""
    quiet = now - timedelta(seconds=2 * given.limits.refused_seconds + AGAIN_SECONDS)
    rows = Alert.objects.filter(rule=Rule.REFUSED.value, resolved_at__isnull=True)
    if Rule.REFUSED not in given.off:
        rows = rows.filter(seen_at__lt=quiet)
    for row in rows:
        alerting.resolve(row, now=now)
