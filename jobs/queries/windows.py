"""The newest executions of a window of due times, whatever was made before it and since.

Neither index alone serves: along the numbers everything after the window is read, along the due times
the whole window is sorted. Numbers grow with the time of queueing, which is that of the due time, or
later. So the window's own numbers are read from their end, and what was queued late is looked for
along the due times.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from jobs.models import Execution, Job
from jobs.queries.id_bounds import first_id_from

FEW = 2_000  # executions that are sorted
_FEW_SINCE = 10_000  # made after a window, and looked through
# A run's moment is taken before the lock that its row waits for: one written late stands between
# younger ones, and would lead the search for a number past some of them.
_CLOCKS_APART = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Due times from ``since`` on, before ``until``."""

    since: datetime | None = None
    until: datetime | None = None

    def __bool__(self) -> bool:
        """Say whether it leaves anything out."""
        return bool(self.since or self.until)

    def holds(self, column: str = "due_at") -> Q:
        """Return the condition for a due time."""
        found = Q()
        if self.since:
            found &= Q(**{f"{column}__gte": self.since})
        if self.until:
            found &= Q(**{f"{column}__lt": self.until})
        return found


def newest_in_window(rows: QuerySet[Execution], window: Window, limit: int) -> list[int]:
    """Return the newest ids of those ``rows`` that were due in the window, in no order."""
    due = Execution.objects.filter(window.holds()).order_by("due_at").values_list("pk", flat=True)
    numbers = list(due[: FEW + 1])
    if len(numbers) <= FEW:
        return list(
            rows.filter(pk__in=numbers).order_by("-pk").values_list("pk", flat=True)[:limit]
        )
    timely = _along_numbers(rows, window)
    if window.since:
        timely = timely.filter(pk__gte=first_id_from(window.since - _CLOCKS_APART))
    late: list[int] = []
    if window.until:
        end = first_id_from(window.until + _CLOCKS_APART)
        timely = timely.filter(pk__lt=end)
        late = _queued_late(rows, window, end, limit)
    return [*late, *timely.order_by("-pk").values_list("pk", flat=True)[: limit - len(late)]]


def _along_numbers(rows: QuerySet[Execution], window: Window) -> QuerySet[Execution]:
    """Keep the window's, read along the numbers.

    SQLite would take the index of the due times and sort the whole window, unless these are wrapped
    in a function; PostgreSQL estimates how much there is, of which a function would keep it.
    """
    if connection.vendor != "sqlite":
        return rows.filter(window.holds())
    return rows.alias(due=Coalesce("due_at", "due_at")).filter(window.holds("due"))


def _queued_late(rows: QuerySet[Execution], window: Window, end: int, limit: int) -> list[int]:
    """Return the newest of the window among the numbers from ``end`` on."""
    newest = Execution.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    if newest < end:
        return []
    if newest - end < _FEW_SINCE:
        late = _along_numbers(rows, window).filter(pk__gte=end).order_by("-pk")
    else:
        late = rows.alias(number=Coalesce("pk", "pk")).filter(window.holds(), number__gte=end)
        late = late.order_by("-number")
    return list(late.values_list("pk", flat=True)[:limit])


def runs_if_few(jobs: QuerySet[Job]) -> list[int] | None:
    """Return the ids of all executions of ``jobs``, in no order; None where they have many."""
    if (jobs.aggregate(all=Sum("execution_count"))["all"] or 0) > FEW:
        return None
    runs = Execution.objects.filter(job__in=jobs.values("pk")).order_by()
    return list(runs.values_list("pk", flat=True))
