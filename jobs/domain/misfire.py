"""Which due times to dispatch after nobody looked for a while, and which to leave out.

1. A due time that is late by no more than ``grace`` is dispatched as ever.
2. For those that are later the policy decides. ``skip`` leaves them out. ``fire_once`` makes up for
   the newest, and only when rule 1 dispatches none: one start is enough to catch up. ``fire_all``
   makes up for the newest ``limit``, oldest first, and leaves out what is older still.

What a hold covers (a freeze, a calendar) is left out before any of this, with the hold's reason.

The answer is a row of steps in the order of time; a year of missed minutes is one step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from jobs.domain.holds import Hold, Outside
from jobs.domain.instants import Single, to_instant, to_moment
from jobs.domain.merged import Merged
from jobs.domain.schedule import Schedule
from jobs.domain.states import Misfire, OmissionReason, Trigger

# A job that is due each second with a grace of a day: as many as one decision may hand out. The
# rest stays due, and is decided by the next call.
MAX_STEPS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One due time to dispatch (``trigger`` says as what), or a stretch to leave out (None).

    ``first`` and ``last`` are due times; all due times between them belong to the stretch.
    """

    first: datetime
    last: datetime
    count: int
    trigger: Trigger | None
    reason: OmissionReason | None = None
    detail: str = ""


def decide_misfire(
    schedules: Sequence[Schedule],
    *,
    after: datetime,
    now: datetime,
    policy: Misfire,
    grace: timedelta,
    limit: int,
    first_due: datetime | None = None,
    holds: Sequence[Hold] = (),
) -> list[Step]:
    """Return what becomes of every due time in ``(after, now]``, in order.

    ``first_due`` is the stored next fire time. It is what a completion interval is due at: the
    schedule alone cannot name it. ``holds`` are what `holds.flatten` returns. At most MAX_STEPS
    dispatches; what is newer than the last step then still is due.
    """
    named = _due_times(schedules, first_due)
    start, end = to_instant(after), to_instant(now)
    held = [step for hold in holds if (step := _held(named, hold, start, end))]
    if not held:
        return _decide(named, start, end, now=now, policy=policy, grace=grace, limit=limit)
    free = Merged([Outside(named, holds)])
    steps = _decide(free, start, end, now=now, policy=policy, grace=grace, limit=limit)
    dispatched = sum(step.trigger is not None for step in steps)
    if dispatched == MAX_STEPS:  # later ones are still due, and what is held between them too
        held = [step for step in held if step.first < steps[-1].last]
    parts = [part for step in steps for part in _around(step, held, free)]
    return sorted(parts + held, key=lambda step: step.first)


def _held(named: Merged, hold: Hold, start: int, end: int) -> Step | None:
    """Return the step for the due times that a hold covers; None when there are none."""
    after, until = max(start, hold.start - 1), min(end, hold.end - 1)
    count = named.count(after, until) if after < until else 0
    first = named.next_after(after) if count else None
    last = named.last_until(until) if count else None
    if first is None or last is None:
        return None
    return _omit(first, last, count, hold.reason, hold.detail)


def _around(step: Step, held: Sequence[Step], free: Merged) -> list[Step]:
    """Cut a stretch that is left out where due times with another reason lie inside it."""
    if step.reason is None:
        return [step]
    cuts = [one for one in held if step.first < one.first < step.last]
    if not cuts:
        return [step]
    edges = [to_instant(step.first) - 1]
    edges += [to_instant(one.first) for one in cuts]
    edges += [to_instant(step.last)]
    parts = []
    for after, until in pairwise(edges):
        count = free.count(after, until)
        first = free.next_after(after) if count else None
        last = free.last_until(until) if count else None
        if first is not None and last is not None:
            parts.append(_omit(first, last, count, step.reason, step.detail))
    return parts


def _decide(
    due: Merged,
    start: int,
    end: int,
    *,
    now: datetime,
    policy: Misfire,
    grace: timedelta,
    limit: int,
) -> list[Step]:
    """Return the steps for due times that nothing holds back."""
    # The first instant that is late by no more than the grace, less one: ranges begin after it.
    edge = min(max(to_instant(now - grace) - 1, start), end)
    late = _decide_late(due, start, edge, end, policy=policy, limit=limit)
    left = MAX_STEPS - sum(step.trigger is not None for step in late)
    punctual = _take(due, edge, end, left)
    return late + [_dispatch(instant, Trigger.SCHEDULE) for instant in punctual]


def _due_times(schedules: Sequence[Schedule], first_due: datetime | None) -> Merged:
    """Return the due times; a completion interval is due when the stored next fire time says."""
    sets = [rule.due_times() for rule in schedules if not rule.counts_from_end]
    if first_due is not None and len(sets) < len(schedules):
        sets.append(Single(to_instant(first_due)))
    return Merged(sets)


def _decide_late(
    due: Merged, start: int, edge: int, end: int, *, policy: Misfire, limit: int
) -> list[Step]:
    """Return the steps for the due times that are later than the grace allows."""
    # As a rule nobody is late, and nothing needs counting.
    count = due.count(start, edge) if start < edge else 0
    if not count:
        return []
    wanted = 0
    if policy == Misfire.FIRE_ALL:
        wanted = limit
    elif policy == Misfire.FIRE_ONCE and not due.count(edge, end):
        wanted = 1
    made_up = due.latest(start, edge, min(wanted, count))
    steps = [_dispatch(instant, Trigger.MISFIRE) for instant in made_up[:MAX_STEPS]]
    first, last = due.next_after(start), due.last_until(made_up[0] - 1 if made_up else edge)
    if first is None or last is None or count == len(made_up):
        return steps
    reason = OmissionReason.LIMIT if policy == Misfire.FIRE_ALL else OmissionReason.MISFIRE
    return [_omit(first, last, count - len(made_up), reason), *steps]


def _take(due: Merged, after: int, until: int, limit: int) -> list[int]:
    """Return the oldest ``limit`` due times of the range."""
    found: list[int] = []
    for chunk in due.chunks(after, until):
        found.extend(chunk)
        if len(found) >= limit:
            break
    return found[:limit]


def _omit(first: int, last: int, count: int, reason: OmissionReason, detail: str = "") -> Step:
    """Return the step that leaves out a stretch of due times."""
    return Step(
        first=to_moment(first),
        last=to_moment(last),
        count=count,
        trigger=None,
        reason=reason,
        detail=detail,
    )


def _dispatch(instant: int, trigger: Trigger) -> Step:
    """Return the step that dispatches one due time."""
    moment = to_moment(instant)
    return Step(first=moment, last=moment, count=1, trigger=trigger)
