"""The runs to come.

Every due time comes from ``domain.schedule``, which the dispatcher asks too. The one thing added
here is a guess, marked as such: an interval that counts from the end of a run names its next due
time only when the run has ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from jobs.domain.instants import LAST_INSTANT, to_moment
from jobs.domain.schedule import Schedule, due_between, next_due

SHOWN = 5
_END = to_moment(LAST_INSTANT)


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
    first: datetime | None = None,
) -> list[Planned]:
    """Return at most ``limit`` runs after ``now``; ``usual`` is how long one takes.

    ``first`` is a run that is due for sure, such as the stored next fire time.
    """
    until = until or _END
    counted = [rule for rule in rules if rule.counts_from_end]
    if not counted and first is None:
        return [Planned(at=at) for at in due_between(rules, now, until, limit)]
    fixed = [rule for rule in rules if not rule.counts_from_end]
    found = [] if first is None else [Planned(at=first)]
    at = now if first is None else first
    ended = last_finished_at if first is None else first + usual
    while len(found) < limit:
        sure, guess = next_due(fixed, at), next_due(counted, at, ended)
        due = min((one for one in (sure, guess) if one is not None), default=None)
        if due is None or due > until:
            break
        # The first one counts from an end that is known; every later one from a run to come.
        found.append(Planned(at=due, about=bool(found) and due != sure))
        at, ended = due, due + usual
    return found
