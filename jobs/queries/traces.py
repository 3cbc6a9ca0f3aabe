"""Executions that have ended since the last look, found by their numbers alone.

Ends come in another order than numbers, and no index knows them. So what was in progress at the last
look is remembered, some thousands at most, and asked for again beside what is new.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from jobs.domain.states import TERMINAL
from jobs.models import Execution

BATCH = 500
MOST_OPEN = 2000
# Rows commit in another order than they take their numbers; so old ones are all there.
_SETTLED = timedelta(seconds=5)
_ENDED = frozenset(state.value for state in TERMINAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """How far somebody has looked: a number, and what was in progress below it."""

    after: int
    open: tuple[int, ...] = ()
    skipped: int = 0  # how many were left out, because there were too many

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> Place | None:
        """Return a stored place; None before the first look."""
        if "after" not in state:
            return None
        return cls(after=state["after"], open=tuple(state["open"]), skipped=state["skipped"])

    def stored(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {"after": self.after, "open": list(self.open), "skipped": self.skipped}


@dataclass(frozen=True, slots=True)
class Ended:
    """What has ended, and the place after it; ``more`` where the batch was full."""

    rows: Sequence[Execution]
    place: Place
    more: bool


def newest() -> Place:
    """Return the place from which only what begins now is seen."""
    last = Execution.objects.order_by("-pk").values_list("pk", flat=True).first()
    return Place(after=last or 0)


def ended_since(place: Place, now: datetime, *, most_behind: int) -> Ended:
    """Return what has ended since a place; who is too far behind goes on nearer to the newest."""
    last = newest().after
    start = max(place.after, last - most_behind)
    rows = Execution.objects.select_related("job__workspace", "worker").defer(
        "result", "error", "metrics", "warnings", "parameters"
    )
    new = list(rows.filter(pk__gt=start).order_by("pk")[:BATCH])
    young = next((n for n, row in enumerate(new) if row.queued_at > now - _SETTLED), len(new))
    new = new[:young]
    open_ids = place.open[:BATCH]
    old = list(rows.filter(pk__in=open_ids, state__in=_ENDED).order_by("pk"))
    done = {row.pk for row in old}
    # What is still in progress is asked for in turn: it goes behind the others.
    waiting = [
        *place.open[BATCH:],
        *(number for number in open_ids if number not in done),
        *(row.pk for row in new if row.state not in _ENDED),
    ]
    dropped = max(len(waiting) - MOST_OPEN, 0)
    after = Place(
        after=new[-1].pk if new else start,
        open=tuple(waiting[dropped:]),
        skipped=place.skipped + dropped + (start - place.after),
    )
    ended = [*old, *(row for row in new if row.state in _ENDED)]
    return Ended(ended, after, young == BATCH)
