"""What the preview said is what is dispatched, and what the API names: around every clock change."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
import time_machine

from jobs.domain.schedule import due_between, next_due
from jobs.models import Job
from jobs.services import dispatch
from jobs.services.firing import rules_of
from tests.api.callers import Caller
from tests.domain.times import utc
from tests.factories import cron, every, make_calendar, make_freeze, make_job

# The nights of a change: an hour, half an hour, across midnight, two hours, and none at all.
WEEKS = [
    ("Europe/Paris", "2026-03-27T00:00"),
    ("Europe/Paris", "2026-10-23T00:00"),
    ("America/New_York", "2026-11-01T00:00"),
    ("Australia/Lord_Howe", "2026-04-04T00:00"),
    ("Australia/Lord_Howe", "2026-10-03T00:00"),
    ("America/Nuuk", "2026-03-28T00:00"),
    ("Africa/Cairo", "2026-04-23T00:00"),
    ("Antarctica/Troll", "2026-03-28T12:00"),
    ("Asia/Jakarta", "2026-03-28T00:00"),
]
EXPRESSIONS = ("30 2 * * *", "45 1,23 * * *", "0 */3 * * *", "15 0 * * *")
CHOICES: tuple[dict[str, str], ...] = ({}, {"gap": "skip", "fold": "both"}, {"fold": "second"})


def _size(place: int, number: int) -> pytest.MarkDecorator | tuple[()]:
    if place % 3 != number:
        return pytest.mark.soak
    return () if place in (0, 2, 4) else pytest.mark.long


# Each week with one of the choices, each choice in a gap and in a fold; in the shortest run three of
# the weeks, all pairs in the soak.
PAIRS = [
    pytest.param(zone, start, choices, marks=_size(place, number))
    for place, (zone, start) in enumerate(WEEKS)
    for number, choices in enumerate(CHOICES)
]


@pytest.mark.parametrize(("zone", "start", "choices"), PAIRS)
def test_preview_api_and_dispatcher_name_the_same_instants(
    zone: str, start: str, choices: dict[str, str], as_viewer: Caller
) -> None:
    schedules = [cron(text, zone, **choices) for text in EXPRESSIONS]
    begin = utc(start)
    with time_machine.travel(begin, tick=False):
        said = previewed(as_viewer, schedules, begin)
        job = make_job(schedules=schedules, overlap="allow", max_parallel=1000)
        named = moments(as_viewer.get(f"/jobs/{job.pk}/next?count=50").json["items"])

    dispatched = dispatch_until(job, said[-1])

    rules = rules_of(job.schedules.all())
    assert said == named == dispatched
    assert said == list(due_between(rules, begin, said[-1]))
    assert said == step_by_step(job, begin, len(said))
    assert all(begin < earlier < later for earlier, later in pairwise(said))


@pytest.mark.parametrize(
    ("rules", "limit"),
    [
        ("both", None),
        *(
            pytest.param(rules, limit, marks=pytest.mark.long)
            for rules, limit in (("cron", None), ("grid", None), ("cron", 4), ("grid", 4))
        ),
        ("both", 4),
    ],
)
def test_what_is_held_back_is_said_before_it_is_left_out(
    rules: str, limit: int | None, as_viewer: Caller
) -> None:
    """A freeze of a tag, a calendar that blocks and one that opens: the ledger gets what was said."""
    begin = utc("2026-03-27T00:00")
    some = {"max_executions": limit} if limit else {}
    schedules = [
        {**one, **some}
        for name, one in (("cron", cron("30 */4 * * *", "Europe/Paris")), ("grid", every(9_000)))
        if rules in (name, "both")
    ]
    with time_machine.travel(begin, tick=False):
        named = held_back(begin)
        body = {"schedules": schedules, **named, "count": 30, "from": begin.isoformat()}
        said = as_viewer.post("/preview", body).json
        job = make_job(schedules=schedules, overlap="allow", max_parallel=1000, **named)
        found = as_viewer.get(f"/jobs/{job.pk}/next?count=30").json

    last = said["looked_until"] or said["items"][-1]
    dispatched = dispatch_until(job, datetime.fromisoformat(last))

    assert moments(said["items"]) == moments(found["items"]) == dispatched
    assert len(dispatched) == (30 if limit is None else limit * len(schedules))
    told = [run["held"] | {"at": run["at"]} for run in said["runs"] if run["held"]]
    assert told == found["held"]
    rows = job.omissions.filter(first_due_at__lte=dispatched[-1]).order_by("first_due_at")
    assert [
        (datetime.fromisoformat(one["at"]), one["reason"], one["detail"], one["count"])
        for one in told
    ] == [(row.first_due_at, row.reason, row.detail, row.count) for row in rows]
    assert {one["reason"] for one in told} == {"frozen", "calendar"}


def test_an_interval_from_the_end_goes_on_after_a_freeze(as_viewer: Caller) -> None:
    begin = utc("2026-03-27T00:00")
    with time_machine.travel(begin, tick=False):
        make_freeze(starts_at=utc("2026-03-27T00:30"), ends_at=utc("2026-03-27T05:30"))
        job = make_job(schedules=[every(3600, "completion")])
        found = as_viewer.get(f"/jobs/{job.pk}/next?count=1").json

    dispatched = dispatch_until(job, utc("2026-03-27T07:00"))

    # Each due time that is left out counts anew from when it was looked at.
    assert moments(found["items"]) == [utc("2026-03-27T06:00")]
    assert found["held"][0]["count"] == 5
    late = dispatched[0] - utc("2026-03-27T06:00")
    assert timedelta() <= late < timedelta(seconds=1)
    assert sum(job.omissions.values_list("count", flat=True)) == 5


def held_back(begin: datetime) -> dict[str, Any]:
    """Make a freeze and two calendars; return the tags and calendars of a job under them."""
    make_freeze(
        scope="tag",
        target="nightly",
        starts_at=begin + timedelta(hours=6),
        ends_at=begin + timedelta(hours=20),
    )
    spring = {"kind": "yearly", "month": 3, "day": 28, "label": "Stocktaking"}
    make_calendar(name="stock", timezone="Asia/Jakarta", windows=[spring])
    hours = {"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "from": "06:00"}
    make_calendar(
        name="office",
        timezone="Europe/Paris",
        mode="allow",
        windows=[{"kind": "weekly", **hours, "to": "23:00"}],
    )
    return {"tags": ["nightly"], "calendars": ["office", "stock"]}


def previewed(caller: Caller, schedules: list[dict[str, Any]], begin: datetime) -> list[datetime]:
    """Return what the preview says before anything is saved."""
    body = {"schedules": schedules, "count": 50, "from": begin.isoformat()}
    return moments(caller.post("/preview", body).json["items"])


def moments(items: list[str]) -> list[datetime]:
    return [datetime.fromisoformat(item) for item in items]


def dispatch_until(job: Job, last: datetime) -> list[datetime]:
    """Dispatch as a punctual dispatcher does; return the due times of what was queued."""
    while True:
        job.refresh_from_db()
        if job.next_fire_at is None or job.next_fire_at > last:
            break
        dispatch.dispatch_due(job.next_fire_at + timedelta(milliseconds=5))
    return list(job.executions.order_by("due_at").values_list("due_at", flat=True))


def step_by_step(job: Job, begin: datetime, count: int) -> list[datetime]:
    rules = rules_of(job.schedules.all())
    found: list[datetime] = []
    for _ in range(count):
        due = next_due(rules, found[-1] if found else begin)
        assert due is not None
        found.append(due)
    return found
