"""Our rule against two other implementations, on wall-clock time, over thousands of expressions.

Every deliberate difference is listed in ``docs/reference/cron.md`` and shown below.
"""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import pytest
from croniter import croniter
from cronsim import CronSim, CronSimError

from jobs.domain.cron import parse_cron
from jobs.domain.errors import CronError
from jobs.domain.schedule import next_due, zone
from jobs.domain.states import DayMatch, SecondsPosition
from tests.domain.expressions import random_expression
from tests.domain.times import cron, local
from tests.sizes import many

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - wall-clock time, no zone
STEPS = 4
ROOT = Path(__file__).resolve().parents[2]


def ours(expression: str, start: datetime) -> list[datetime] | None:
    """Return our next wall times; None when the expression is refused."""
    try:
        rule = parse_cron(expression)
    except CronError:
        return None
    found = []
    wall = int((start - EPOCH).total_seconds())
    for _ in range(STEPS):
        following = rule.first_from(wall + 1)
        assert following is not None
        wall = following
        found.append(EPOCH + timedelta(seconds=wall))
    return found


def cronsims(expression: str, start: datetime) -> list[datetime] | None:
    """Return cronsim's next wall times; None when it refuses or finds none in 50 years."""
    try:
        walk = CronSim(expression, start)
        return [next(walk) for _ in range(STEPS)]
    except (CronSimError, StopIteration):
        return None


def random_start(rng: random.Random) -> datetime:
    """Return a moment of this century."""
    return EPOCH + timedelta(days=rng.randint(11_000, 28_000), seconds=rng.randint(0, 86_399))


def compare_with_cronsim(count: int, seed: int) -> int:
    """Compare ``count`` random expressions; return how many both accept."""
    rng = random.Random(seed)
    both = 0
    for _ in range(count):
        expression, start = random_expression(rng), random_start(rng)
        mine, theirs = ours(expression, start), cronsims(expression, start)
        assert mine == theirs, (expression, start)
        both += mine is not None
    return both


def test_the_same_wall_times_as_cronsim() -> None:
    assert compare_with_cronsim(many(800), seed=20260301) > many(600)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(20))
def test_the_same_wall_times_as_cronsim_at_length(seed: int) -> None:
    compare_with_cronsim(10_000, seed)


def test_the_same_wall_times_as_croniter() -> None:
    """Apart from the differences that ``croniter_differs`` names."""
    rng = random.Random(7)
    compared = 0
    while compared < many(200):
        expression, start = random_expression(rng), random_start(rng)
        mine = ours(expression, start)
        if mine is None or croniter_differs(expression):
            continue
        # croniter writes the last Friday L5.
        *fields, weekday = expression.split()
        translated = " ".join([*fields, last_first(weekday)])
        walk = croniter(translated, start, ret_type=datetime, implement_cron_bug=True)
        assert mine == [walk.get_next() for _ in range(STEPS)], (expression, start)
        compared += 1


def croniter_differs(expression: str) -> bool:
    """Say whether croniter reads an expression in another way.

    It has no LW; refuses plain weekdays beside an nth or a last one, and forgets days of the month
    beside them; takes 0-7 for a range with equal ends; and a day field with a star anywhere for one
    that starts with a star.
    """
    _, _, day, _, weekday = expression.split()
    late_star = any("*" in field[1:] and field[0] != "*" for field in (day, weekday))
    special = "#" in weekday or "L" in weekday
    mixed = special and "," in weekday
    drops_days = special and day != "*"
    return "LW" in day or mixed or drops_days or "0-7" in weekday or late_star


def last_first(field: str) -> str:
    """Return the weekday field with ``5L`` written as ``L5``."""
    terms = [f"L{int(term[:-1]) % 7}" if term.endswith("L") else term for term in field.split(",")]
    return ",".join(terms)


REFUSED_HERE = {
    # A step without a range: cronsim goes on to the end of the field.
    "5/15 * * * *": "Write 5-59/15",
    # A step longer than the field: cronsim takes the first value only.
    "*/90 * * * *": "Step 90 does not fit",
    "0 0 30/40 * *": "30/40",
}
REFUSED_THERE = (
    "@daily",
    "0 0 ? * mon",
    "0 0 L-3 * *",
    "0 0 15W * *",
    "0 0 * * friL",
    "0 0 * * sat-sun",
)
OTHER_MEANING = ("30 0 0 * * *",)


@pytest.mark.parametrize(("expression", "why"), REFUSED_HERE.items())
def test_what_cronsim_accepts_and_we_refuse(expression: str, why: str) -> None:
    CronSim(expression, EPOCH)

    with pytest.raises(CronError, match=why):
        parse_cron(expression)


@pytest.mark.parametrize("expression", REFUSED_THERE)
def test_what_we_accept_and_cronsim_refuses(expression: str) -> None:
    assert ours(expression, EPOCH) is not None
    assert cronsims(expression, EPOCH) is None


@pytest.mark.parametrize("expression", OTHER_MEANING)
def test_what_both_accept_and_read_in_another_way(expression: str) -> None:
    assert ours(expression, EPOCH) != cronsims(expression, EPOCH)


def test_the_page_lists_these_differences_and_no_others() -> None:
    page = (ROOT / "docs" / "reference" / "cron.md").read_text()
    table = page.split("**cronsim**")[1].split("In a zone")[0]
    listed = re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE)

    assert sorted(listed) == sorted([*REFUSED_HERE, *REFUSED_THERE, *OTHER_MEANING])


def test_cronsim_leaves_seconds_out_of_its_rules_for_clock_changes() -> None:
    paris = zone("Europe/Paris")
    spring, autumn = datetime(2026, 3, 29, tzinfo=paris), datetime(2026, 10, 25, tzinfo=paris)

    there = [next(CronSim("0 30 2 * * *", spring)), *islice(CronSim("0 30 2 * * *", autumn), 2)]

    assert [f"{at:%d %H:%M %z}" for at in there] == [
        "30 02:30 +0200",
        "25 02:30 +0200",
        "25 02:30 +0100",
    ]
    rule = cron("30 2 * * * 0", "Europe/Paris")
    assert local(rule, "2026-03-28T23:00", "2026-03-29T22:00") == ["2026-03-29 03:00:00+02:00"]
    assert local(rule, "2026-10-24T22:00", "2026-10-25T23:00") == ["2026-10-25 02:30:00+02:00"]


def test_cronsim_may_look_back_from_inside_the_second_pass() -> None:
    start = datetime(2026, 10, 25, 2, 10, fold=1, tzinfo=zone("Europe/Paris"))

    there: datetime = next(CronSim("30 2 * * *", start))
    here = next_due([cron("30 2 * * *", "Europe/Paris")], start)

    assert there.astimezone(UTC) < start.astimezone(UTC)
    assert here is not None
    assert here > start.astimezone(UTC)


def test_an_equal_range_is_a_single_value_and_not_the_whole_field_as_in_croniter() -> None:
    assert parse_cron("0 5-5 * * *").times.hours == (5,)
    assert croniter.expand("0 5-5 * * *")[0][1] == ["*"]


def test_a_workday_of_a_date_that_a_month_lacks_does_not_exist() -> None:
    """croniter moves 31W to the last workday of a short month; Quartz and we do not."""
    april = datetime(2026, 4, 1)  # noqa: DTZ001
    theirs: datetime = croniter("0 0 31W * *", april, ret_type=datetime).get_next()

    assert (theirs.month, theirs.day) == (4, 30)
    assert ours("0 0 31W * *", april) is not None
    assert (ours("0 0 31W * *", april) or [])[0].month == 5


def test_seconds_come_last_where_cronsim_has_them_first() -> None:
    rng = random.Random(11)
    for _ in range(200):
        expression, start = random_expression(rng, seconds=True), random_start(rng)
        *five, seconds = expression.split()
        mine, theirs = ours(expression, start), cronsims(" ".join([seconds, *five]), start)
        if mine is not None and theirs is not None:
            assert mine == theirs, (expression, start)
            moved = parse_cron(" ".join([seconds, *five]), DayMatch.ANY, SecondsPosition.FIRST)
            assert moved.times == parse_cron(expression).times
