"""A month with all that happens in one: each due time has exactly one verdict, and the right one.

What is due is worked out by the test alone (`expected`), not by the product's domain.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import accumulate
from zoneinfo import ZoneInfo

import pytest
import time_machine

from jobs.domain.permissions import SYSTEM
from jobs.domain.states import ExecutionState, OmissionReason, Trigger
from jobs.models import Calendar, Execution, Freeze, Job, Occurrence, Omission
from jobs.models.execution import SCHEDULED_TRIGGERS
from jobs.services import claims, events, executions, triggers
from jobs.services import jobs as job_services
from tests.factories import cron, every, make_job
from tests.simulation.expected import (
    Due,
    Span,
    at_wall_times,
    on_a_grid,
    when_the_clock_shows,
)
from tests.simulation.world import World, void

# New York loses an hour in the first night, Paris in the third week.
START = datetime(2026, 3, 8, 0, 0, 30, tzinfo=UTC)
END = START + timedelta(days=31)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
PARIS = ZoneInfo("Europe/Paris")


@dataclass(slots=True)
class Plan:
    """One job of the month and what the test expects of it."""

    job: Job
    due: Due
    paused: list[Span] = field(default_factory=list)
    frozen: list[Span] = field(default_factory=list)
    calendar: bool = False
    reasons: set[str] = field(default_factory=set)  # that its policies may lead to


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[time_machine.Traveller]:
    """Return the clock, standing at the start of the month; the database's own goes with it."""
    from django.utils import timezone

    for module in (claims, executions):
        monkeypatch.setattr(module, "db_now", timezone.now)
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


@pytest.mark.long
@pytest.mark.django_db
@pytest.mark.parametrize(
    ("seed", "hours"),
    [(1, 12), *(pytest.param(seed, 1, marks=pytest.mark.soak) for seed in range(2, 7))],
)
def test_every_due_time_of_a_month_has_one_verdict(
    clock: time_machine.Traveller, seed: int, hours: int
) -> None:
    chance = random.Random(seed)
    plans = make_plans(hours)
    world = World(
        clock,
        chance,
        runs_for={plan.job.name: run_time(plan.job.name, hours) for plan in plans},
        fails={"retries": 0.6},
    )
    let_it_happen(world, plans, chance)

    world.live_until(END)
    for plan in plans:  # what a stop still covers becomes a row when it ends
        job_services.resume(plan.job.pk, actor=SYSTEM)

    for plan in plans:
        check(plan)
    check_events()
    assert world.crashes > 5
    assert world.lost > 0
    seen = Counter(Omission.objects.values_list("reason", flat=True))
    assert set(seen) >= {"paused", "frozen", "calendar", "overlap", "misfire", "limit"}


def make_plans(hours: int) -> list[Plan]:
    """Make the jobs; most are due each ``hours`` hours."""
    step = f"*/{hours}" if hours > 1 else "*"

    def at(minute: int, zone: str = "UTC") -> Due:
        return when_the_clock_shows(zone, lambda t: t.minute == minute and t.hour % hours == 0)

    now = START
    Calendar.objects.create(
        name="nights", mode="block", timezone="Europe/Paris", created_at=now, updated_at=now,
        windows=[{"kind": "weekly", "days": list(WEEK), "from": "22:00", "to": "06:00", "label": ""}],
    )  # fmt: skip
    jobs = [
        Plan(
            make_job(name="paris", schedules=[cron("30 2 * * *", "Europe/Paris")]),
            at_wall_times("Europe/Paris", [(2, 30)]),
        ),
        Plan(
            make_job(name="new-york", schedules=[cron("15,45 2 * * *", "America/New_York")]),
            at_wall_times("America/New_York", [(2, 15), (2, 45)]),
        ),
        Plan(
            make_job(
                name="follows-the-clock", schedules=[cron(f"5 {step} * * *", "America/New_York")]
            ),
            at(5, "America/New_York"),
        ),
        Plan(
            make_job(name="skips", schedules=[cron(f"0 {step} * * *")], overlap="skip"),
            at(0),
            reasons={"overlap"},
        ),
        Plan(
            make_job(name="queues", schedules=[cron(f"10 {step} * * *")], overlap="queue"),
            at(10),
            reasons={"overlap"},
        ),
        Plan(
            make_job(
                name="replaces", schedules=[cron(f"20 {step} * * *")], overlap="cancel_running"
            ),
            at(20),
            reasons={"overlap"},
        ),
        Plan(
            make_job(
                name="two-at-a-time",
                schedules=[cron(f"40 {step} * * *")],
                overlap="allow",
                max_parallel=2,
            ),
            at(40),
            reasons={"overlap"},
        ),
        Plan(
            make_job(
                name="jitter",
                schedules=[{**every(7200 * hours), "jitter_seconds": 600}],
                overlap="queue",
            ),
            on_a_grid(START, 2 * hours * HOUR),
            reasons={"overlap"},
        ),
        Plan(
            make_job(name="shared", schedules=[cron("0 6 * * *"), cron("0 */6 * * *")]),
            when_the_clock_shows("UTC", lambda t: t.minute == 0 and t.hour % 6 == 0),
        ),
        Plan(
            make_job(name="by-day", schedules=[cron(f"50 {step} * * *")], calendars=["nights"]),
            at(50),
            calendar=True,
        ),
        Plan(
            make_job(name="tagged", schedules=[cron(f"25 {step} * * *")], tags=["nightly"]), at(25)
        ),
        Plan(
            make_job(
                name="retries",
                schedules=[cron(f"35 {step} * * *")],
                retry={"max_attempts": 3, "base_seconds": 600},
            ),
            at(35),
            reasons={"overlap"},
        ),
        Plan(
            make_job(
                name="catches-up",
                schedules=[cron(f"45 {step} * * *")],
                misfire="fire_all",
                misfire_limit=1,
                overlap="allow",
                max_parallel=50,
            ),
            at(45),
            reasons={"limit"},
        ),
        Plan(
            make_job(name="never-late", schedules=[cron(f"55 {step} * * *")], misfire="skip"),
            at(55),
        ),
        Plan(
            make_job(name="on-deploy", schedules=[{"kind": "event", "event": "@deployment"}]),
            lambda _after, _until: set(),
        ),
    ]
    return [*jobs, edited_plan(hours)]


WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
EDITED_AT = START + timedelta(days=15, minutes=7)


def edited_plan(hours: int) -> Plan:
    """Return a job that is due at another minute from the middle of the month on."""
    job = make_job(name="edited", schedules=[cron(f"15 */{hours} * * *")])

    def at(minute: int) -> Due:
        return when_the_clock_shows("UTC", lambda t: t.minute == minute and t.hour % hours == 0)

    before, after = at(15), at(30)
    return Plan(
        job,
        lambda start, end: before(start, min(end, EDITED_AT)) | after(max(start, EDITED_AT), end),
    )


def run_time(name: str, hours: int) -> timedelta:
    """Return how long a job's executions run: some overlap their next due time."""
    long = {"skips": 0.9, "queues": 1.1, "replaces": 1.2, "two-at-a-time": 2.2, "jitter": 2.1}
    return hours * HOUR * long[name] if name in long else 5 * MINUTE


def let_it_happen(world: World, plans: list[Plan], chance: random.Random) -> None:
    """Plan the month: pauses, freezes, an edit, dispatchers that are down, people who start jobs."""

    def some_time(within_days: float = 29) -> datetime:
        return START + timedelta(seconds=chance.randrange(3600, int(within_days * 86_400)))

    for plan in chance.sample(plans, 6):
        at = some_time(25)
        plan.paused.append(Span(at, at + timedelta(seconds=chance.randrange(600, 3 * 86_400))))
        world.pause(plan.job.pk, plan.paused[0].start, plan.paused[0].end)
    for tag in ("", "", "nightly"):
        at = some_time(26)
        span = Span(at, at + timedelta(seconds=chance.randrange(3600, 2 * 86_400)))
        freeze(span, tag)
        for plan in plans:
            if not tag or tag in plan.job.tags:
                plan.frozen.append(span)
    for _ in range(4):
        at = some_time(27)
        world.dispatcher_down.append((at, at + chance.uniform(0.2, 40) * HOUR))
    edited = next(plan.job for plan in plans if plan.job.name == "edited")
    hours = edited.schedules.get().expression.split()[1]
    change = {"schedules": [cron(f"30 {hours} * * *")]}
    world.plan(EDITED_AT, lambda: void(job_services.update(edited.pk, change, actor=SYSTEM)))
    for _ in range(12):
        plan = chance.choice(plans)
        world.plan(some_time(), partial(start_by_hand, plan.job.pk))
        world.plan(some_time(), lambda: void(events.report("@deployment", actor=SYSTEM)))


def start_by_hand(job_id: int) -> None:
    """Start a job; its overlap policy may refuse."""
    from jobs.domain.errors import StateError

    try:
        triggers.trigger(job_id, actor=SYSTEM)
    except StateError:
        return


def freeze(span: Span, tag: str) -> None:
    """Plan a freeze."""
    Freeze.objects.create(
        scope="tag" if tag else "everything", target=tag, reason="release", created_by="test",
        starts_at=span.start, ends_at=span.end, created_at=START,
    )  # fmt: skip


def check(plan: Plan) -> None:
    """Compare a job's executions and omissions with what was due."""
    job = Job.objects.get(pk=plan.job.pk)
    due = plan.due(job.created_at, min(END, job.decided_until))
    scheduled = job.executions.filter(trigger__in=SCHEDULED_TRIGGERS)
    dispatched = list(scheduled.values_list("due_at", flat=True))
    verdicts = Counter(dispatched)
    reasons: dict[datetime, str] = {}
    busy: set[datetime] = set()
    events_at = set(Occurrence.objects.values_list("at", flat=True))
    for omission in job.omissions.exclude(first_due_at__in=events_at):
        covered = {one for one in due if omission.first_due_at <= one <= omission.last_due_at}
        assert len(covered) == omission.count, (job.name, omission.reason, omission.first_due_at)
        verdicts.update(covered)
        reasons |= dict.fromkeys(covered, omission.reason)
        if late_run_goes_on(omission):
            busy |= covered

    assert verdicts == Counter(due), job.name
    for one, reason in sorted(reasons.items()):
        allowed = allowed_reasons(plan, one)
        if one in busy and not must_be_left_out(plan, one):
            allowed = {*allowed, "overlap"}
        assert reason in allowed, (job.name, one, reason)
    for one in dispatched:
        assert not must_be_left_out(plan, one), (job.name, one)
    check_counters(job)
    check_starts(plan)


def late_run_goes_on(omission: Omission) -> bool:
    """Say whether what was made late, after a silence, was still going on at the due time."""
    late = Execution.objects.filter(pk=omission.execution_id or 0, trigger=Trigger.MISFIRE).first()
    return (
        omission.reason == OmissionReason.OVERLAP
        and late is not None
        and late.queued_at <= omission.first_due_at
        and (late.finished_at is None or omission.last_due_at < late.finished_at)
    )


def must_be_left_out(plan: Plan, moment: datetime) -> set[str]:
    """Return the reason for which a due time may not be dispatched; empty when it may."""
    if any(span.holds(moment) for span in plan.paused):
        return {"paused"}
    if any(span.holds(moment) for span in plan.frozen):
        return {"frozen"}
    local = moment.astimezone(PARIS)
    if plan.calendar and not 6 <= local.hour < 22:
        return {"calendar"}
    return set()


def allowed_reasons(plan: Plan, moment: datetime) -> set[str]:
    """Return the reasons that may stand at a due time."""
    needed = must_be_left_out(plan, moment)
    # Where no dispatcher looked for a while, the pause that came meanwhile covers what was before.
    before = {"paused"} if any(moment < span.start for span in plan.paused) else set()
    return needed or plan.reasons | {"misfire"} | before


def check_counters(job: Job) -> None:
    """The counters equal the history."""
    states = Counter(job.executions.values_list("state", flat=True))
    assert job.execution_count == sum(states.values())
    assert job.success_count == states[ExecutionState.SUCCEEDED.value]
    assert job.cancelled_count == states[ExecutionState.CANCELLED.value]
    assert job.skipped_count == states[ExecutionState.SKIPPED.value]
    failures = ("failed", "timed_out", "lost")
    assert job.failure_count == sum(states[state] for state in failures)


def check_starts(plan: Plan) -> None:
    """Nothing that a schedule made started early, or while its job was paused."""
    made = plan.job.executions.filter(trigger__in=SCHEDULED_TRIGGERS, attempt=1)
    for execution in made.exclude(started_at=None):
        assert execution.started_at is not None
        assert execution.started_at >= execution.due_at
        assert not any(span.start < execution.started_at < span.end for span in plan.paused), (
            execution.due_at
        )
    check_overlap(plan.job)


def check_overlap(job: Job) -> None:
    """Never more executions ran at a time than the job allows, whatever started them."""
    ran = job.executions.exclude(started_at=None).exclude(finished_at=None)
    edges = [edge for one in ran for edge in ((one.started_at, 1), (one.finished_at, -1))]
    at_a_time = accumulate(step for _, step in sorted(edges))
    assert max(at_a_time, default=0) <= (job.max_parallel if job.overlap == "allow" else 1), (
        job.name
    )


def check_events() -> None:
    """Each deployment has one verdict of the job that waits for it."""
    job = Job.objects.get(name="on-deploy")
    ran = job.executions.filter(trigger=Trigger.EVENT.value).values_list("due_at", flat=True)
    left_out = job.omissions.values_list("first_due_at", flat=True)
    happened = Occurrence.objects.filter(event="@deployment").values_list("at", flat=True)
    assert sorted([*ran, *left_out]) == sorted(happened)
    assert not Execution.objects.filter(trigger=Trigger.EVENT.value).exclude(job=job).exists()
