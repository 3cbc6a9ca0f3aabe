"""Circuit breakers as the dispatcher, the pages and programs look at them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Sum, Window
from django.db.models.functions import RowNumber

from jobs.domain.breaker import BreakerPolicy, Circuit, is_over
from jobs.domain.errors import UnknownError
from jobs.domain.holds import Hold
from jobs.domain.instants import to_instant
from jobs.domain.said import said, said_of
from jobs.domain.states import BreakerState, OmissionReason
from jobs.models import Breaker, Execution, Job, Omission
from jobs.models.execution import LIVE_VALUES
from jobs.queries.listing import Page

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PAGE_SIZE = 50


def policy_of(row: Breaker) -> BreakerPolicy:
    """Return the domain's value for stored settings."""
    return BreakerPolicy(
        threshold=row.threshold,
        window=timedelta(seconds=row.window_seconds),
        open_for=timedelta(seconds=row.open_seconds),
        half_open_probes=row.half_open_probes,
    )


def circuit_of(row: Breaker) -> Circuit:
    """Return the domain's value for a stored state."""
    return Circuit(
        state=BreakerState(row.state),
        failures=tuple(datetime.fromisoformat(one) for one in row.failures),
        opened_at=row.opened_at,
        open_until=row.open_until,
        after=row.after_execution_id,
    )


def named(row: Breaker) -> str:
    """Return how a sentence calls a breaker."""
    return said("Circuit breaker {name}", name=row.name) if row.name else said("Circuit breaker")


def words_of(row: Breaker) -> str:
    """Say why nothing more begins; the same words for as long as that lasts."""
    if row.state == BreakerState.HALF_OPEN:
        return said_of(
            "{breaker} is HALF_OPEN: a test run is under way",
            "{breaker} is HALF_OPEN: {n} test runs are under way",
            row.half_open_probes,
            breaker=named(row),
        )
    if row.open_until is None:
        return said("{breaker} is OPEN", breaker=named(row))
    until = f"{row.open_until.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    return said("{breaker} is OPEN until {time}", breaker=named(row), time=until)


def hold_of(row: Breaker) -> Hold | None:
    """Return the latest stretch that a breaker holds back, also when it is over; None before it."""
    if row.opened_at is None or row.open_until is None or row.open_until <= row.opened_at:
        return None
    was = Breaker(name=row.name, state=BreakerState.OPEN.value, open_until=row.open_until)
    start, end = to_instant(row.opened_at), to_instant(row.open_until)
    return Hold(start, end, OmissionReason.BREAKER, words_of(was))


def open_holds(breakers: Sequence[int], after: datetime, until: datetime) -> Mapping[int, Hold]:
    """Return what breakers hold back in ``(after, until]``, by breaker; no query for none."""
    if not breakers:
        return {}
    rows = Breaker.objects.filter(pk__in=set(breakers), opened_at__lte=until, open_until__gt=after)
    return holds_among(rows, after, until)


def holds_among(rows: Iterable[Breaker], after: datetime, until: datetime) -> Mapping[int, Hold]:
    """Return what these breakers hold back in ``(after, until]``, by breaker."""
    found = {row.pk: hold for row in rows if (hold := hold_of(row)) is not None}
    start, end = to_instant(after), to_instant(until)
    return {pk: hold for pk, hold in found.items() if hold.start <= end and hold.end > start}


def probing(row: Breaker) -> int:
    """Return how many executions have begun since the breaker is half open and have not ended."""
    return Execution.objects.filter(
        job__breaker=row, state__in=LIVE_VALUES, pk__gt=row.after_execution_id
    ).count()


def in_use() -> QuerySet[Breaker]:
    """Return the breakers that have a name or a present job."""
    jobs = Job.objects.present().filter(breaker=OuterRef("pk"))
    return Breaker.objects.filter(~Q(name="") | Exists(jobs))


def get_breaker(breaker_id: int) -> Breaker:
    """Return a breaker; UnknownError when there is none."""
    found = in_use().filter(pk=breaker_id).first()
    if found is None:
        raise UnknownError(said("Circuit breaker {number} does not exist.", number=breaker_id))
    return found


def shared_named(name: str) -> Breaker | None:
    """Return the shared breaker of that name, whatever its letter case."""
    return Breaker.objects.filter(name__iexact=name).first() if name else None


def shared_names() -> list[str]:
    """Return the names of the shared breakers, in order."""
    return list(Breaker.objects.exclude(name="").order_by("name").values_list("name", flat=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerEntry:
    """A breaker with the jobs under it; ``jobs`` holds the first few by name."""

    breaker: Breaker
    count: int
    jobs: list[Job]
    probing: int = 0

    @property
    def title(self) -> str:
        """Return its name; a job's own is called after the job."""
        return self.breaker.name or (self.jobs[0].name if self.jobs else "")

    def may_test(self, now: datetime) -> bool:
        """Say whether its next due time is let through as a test run."""
        if self.breaker.state == BreakerState.HALF_OPEN:
            return self.probing < self.breaker.half_open_probes
        return is_over(circuit_of(self.breaker), now)


NAMED = 5  # jobs of a breaker that a list names


def entry_of(row: Breaker) -> BreakerEntry:
    """Return a breaker with its jobs."""
    return entries([row])[0]


def entries(rows: Sequence[Breaker]) -> list[BreakerEntry]:
    """Return breakers with their jobs, in a few queries for all that are closed."""
    numbers = [row.pk for row in rows]
    present = Job.objects.present().filter(breaker__in=numbers)
    counts = dict(present.values_list("breaker").annotate(jobs=Count("pk")))
    place = Window(RowNumber(), partition_by="breaker", order_by="name")
    named: dict[int | None, list[Job]] = {}
    for job in present.annotate(place=place).filter(place__lte=NAMED).only("name", "breaker"):
        named.setdefault(job.breaker_id, []).append(job)
    return [
        BreakerEntry(
            breaker=row,
            count=counts.get(row.pk, 0),
            jobs=sorted(named.get(row.pk, []), key=lambda job: job.name),
            probing=probing(row) if row.state == BreakerState.HALF_OPEN else 0,
        )
        for row in rows
    ]


def list_breakers(
    *, state: BreakerState | None = None, after: int | None = None, limit: int = PAGE_SIZE
) -> Page[Breaker]:
    """Return a page of breakers, in the order in which they were made."""
    rows = in_use().order_by("pk")
    if state is not None:
        rows = rows.filter(state=state.value)
    if after is not None:
        rows = rows.filter(pk__gt=after)
    found = list(rows[: limit + 1])
    return Page(rows=found[:limit], next_after=found[limit - 1].pk if len(found) > limit else None)


def jobs_under(row: Breaker, *, after: int | None = None, limit: int = PAGE_SIZE) -> Page[Job]:
    """Return a page of the present jobs under a breaker, in the order in which they were made."""
    rows = Job.objects.present().filter(breaker=row).order_by("pk")
    if after is not None:
        rows = rows.filter(pk__gt=after)
    found = list(rows[: limit + 1])
    return Page(rows=found[:limit], next_after=found[limit - 1].pk if len(found) > limit else None)


def left_out(row: Breaker) -> int:
    """Return how many due times its latest opening has left out so far."""
    if row.opened_at is None:
        return 0
    rows = Omission.objects.filter(
        job__in=Job.objects.filter(breaker=row).values("pk"),
        reason=OmissionReason.BREAKER.value,
        last_due_at__gte=row.opened_at,
    )
    total: int | None = rows.aggregate(total=Sum("count"))["total"]
    return total or 0
