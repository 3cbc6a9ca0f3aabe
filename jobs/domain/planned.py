"""The runs to come.

Every due time comes from ``domain.schedule``, which the dispatcher asks too. The one thing added
here is a guess, marked as such: an interval that counts from the end of a run names its next due
time only when the run has ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from jobs.domain.schedule import Schedule, due_between, next_due

SHOWN = 5
FAR = timedelta(days=366 * 50)  # far enough for a leap day on a Sunday


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One run to come; ``about``: it depends on when the run before ends."""

    at: datetime
    about: bool = False


def planned(
    rules: Sequence[Schedule],
    *,
    now: datetime,
    until: datetime | None = None,
    limit: int = SHOWN,
    last_finished_at: datetime | None = None,
    usual: timedelta = timedelta(),
) -> list[Planned]:
    """Return at most ``limit`` runs after ``now``; ``usual`` is how long one takes."""
    until = until or now + FAR
    counted = [rule for rule in rules if rule.counts_from_end]
    if not counted:
        return [Planned(at=at) for at in due_between(rules, now, until, limit)]
    fixed = [rule for rule in rules if not rule.counts_from_end]
    found: list[Planned] = []
    at, ended = now, last_finished_at
    while len(found) < limit:
        sure, guess = next_due(fixed, at), next_due(counted, at, ended)
        due = min((one for one in (sure, guess) if one is not None), default=None)
        if due is None or due > until:
            break
        # The first one counts from an end that is known; every later one from a run to come.
        found.append(Planned(at=due, about=bool(found) and due != sure))
        at, ended = due, due + usual
    return found
