"""The proof over several versions of a job, and beside the clock."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.domain.ledger import OmissionRange
from jobs.domain.proof import Account, Era, prove
from jobs.domain.schedule import Schedule, count_due, due_between
from jobs.domain.states import Anchor, OmissionReason, ScheduleKind
from tests.domain.times import cron, utc
from tests.sizes import many

DAY = utc("2026-03-01T00:00")
EVERY_HOUR = [cron("0 * * * *")]
EVERY_TWO = [cron("30 */2 * * *")]
AFTER_EACH = [Schedule(kind=ScheduleKind.INTERVAL, seconds=600, anchor=Anchor.COMPLETION)]


def at(text: str) -> datetime:
    """Return a time of 1 March 2026."""
    return utc(f"2026-03-01T{text}")


def era(after: str, until: str, rules: list[Schedule]) -> Era:
    return Era(after=at(after), until=at(until), schedules=rules)


def left_out(first: datetime, last: datetime, count: int) -> OmissionRange:
    return OmissionRange(
        first_due_at=first, last_due_at=last, count=count, reason=OmissionReason.PAUSED
    )


def proved(
    eras: list[Era], *dispatched: str, omitted: tuple[OmissionRange, ...] = (), **more: Any
) -> Account:
    return prove(
        eras,
        at("06:00"),
        at("12:00"),
        dispatched=[at(text) for text in dispatched],
        omitted=omitted,
        **more,
    )


def test_each_version_names_the_due_times_of_its_own_time() -> None:
    eras = [era("00:00", "09:00", EVERY_HOUR), era("09:00", "23:00", EVERY_TWO)]

    account = proved(eras, "07:00", "08:00", "09:00", "10:30")

    assert (account.balanced, account.due) == (True, 4)


def test_the_moment_of_an_edit_belongs_to_the_version_before() -> None:
    eras = [era("00:00", "09:00", EVERY_TWO), era("09:00", "23:00", EVERY_HOUR)]

    account = proved(eras, "06:30", "08:30", "09:00", "10:00", "11:00", "12:00")

    assert account.unexpected_at == [at("09:00")]


def test_what_lies_between_two_lives_is_not_due() -> None:
    eras = [era("00:00", "07:30", EVERY_HOUR), era("10:30", "23:00", EVERY_HOUR)]

    account = proved(eras, "07:00", "09:00", "11:00", "12:00")

    assert (account.due, account.unexpected_at) == (3, [at("09:00")])


def test_a_stretch_goes_through_an_edit_that_changes_no_schedule() -> None:
    eras = [era("00:00", "09:20", EVERY_HOUR), era("09:20", "23:00", EVERY_HOUR)]

    account = proved(eras, omitted=(left_out(at("05:00"), at("13:00"), 9),))

    assert (account.balanced, account.omitted.total()) == (True, 6)


def test_nothing_is_due_after_what_is_decided() -> None:
    eras = [era("00:00", "23:00", EVERY_HOUR)]

    account = proved(eras, "07:00", "08:00", decided_until=at("08:00"))

    assert (account.balanced, account.due) == (True, 2)


def test_an_event_needs_a_verdict_too() -> None:
    eras = [era("00:00", "23:00", [])]

    told = proved(eras, "07:12", events=[at("07:12")])
    silent = proved(eras, events=[at("07:12")])
    invented = proved(eras, "07:12")

    assert (told.balanced, told.due) == (True, 1)
    assert silent.unexplained_at == [at("07:12")]
    assert invented.unexpected_at == [at("07:12")]


def test_an_event_that_waits_is_counted_apart_until_it_has_a_verdict() -> None:
    eras = [era("00:00", "23:00", [])]

    waits = proved(eras, open_events=[at("07:12")])
    decided = proved(eras, "07:12", open_events=[at("07:12")])

    assert (waits.balanced, waits.due, waits.open) == (True, 0, 1)
    assert (decided.balanced, decided.due, decided.open) == (True, 1, 0)


def test_an_event_inside_a_stretch_has_a_verdict_of_its_own() -> None:
    eras = [era("00:00", "23:00", EVERY_HOUR)]
    stretch = left_out(at("07:00"), at("12:00"), 6)
    event = left_out(at("08:15"), at("08:15"), 1)

    account = proved(eras, omitted=(stretch, event), events=[at("08:15")])

    assert (account.balanced, account.due) == (True, 7)


def test_an_end_of_a_run_names_due_times_only_where_an_interval_counts_from_it() -> None:
    by_end = proved([era("00:00", "23:00", AFTER_EACH)], "07:12", "09:41")
    by_clock = proved([era("00:00", "23:00", EVERY_TWO)], "06:30", "07:12", "08:30", "10:30")

    assert (by_end.balanced, by_end.due, by_end.by_end) == (True, 2, 2)
    assert by_clock.unexpected_at == [at("07:12")]


def test_a_stretch_that_counts_less_than_it_covers_is_miscounted_even_there() -> None:
    mixed = [era("00:00", "23:00", EVERY_HOUR + AFTER_EACH)]

    more = proved(mixed, omitted=(left_out(at("07:00"), at("12:00"), 8),))
    less = proved(mixed, omitted=(left_out(at("07:00"), at("12:00"), 5),))

    assert (more.balanced, more.due, more.by_end) == (True, 8, 2)
    assert (less.balanced, less.miscounted_at) == (False, [at("07:00")])


RULES = [
    cron("*/7 * * * *", "Europe/Paris"),
    cron("0 */3 * * *", "America/New_York"),
    cron("30 2 * * *", "Europe/Paris"),
]


@settings(max_examples=many(25), deadline=None)
@given(
    edits=st.lists(st.integers(1, 3000), min_size=1, max_size=4, unique=True),
    names=st.lists(st.sampled_from(range(3)), min_size=5, max_size=5),
    cuts=st.lists(st.booleans(), min_size=40, max_size=40),
    fault=st.integers(0, 10_000),
)
def test_whatever_the_life_one_missing_verdict_is_found(
    edits: list[int], names: list[int], cuts: list[bool], fault: int
) -> None:
    """Days around a change of the clock, cut into stretches and single runs by chance."""
    start, end = utc("2026-03-28T00:00"), utc("2026-03-30T12:00")
    borders = [start, *(start + timedelta(minutes=one) for one in sorted(edits)), end]
    eras = [
        Era(after=after, until=until, schedules=[RULES[name], RULES[(name + 1) % 3]])
        for after, until, name in zip(borders, borders[1:], names, strict=False)
    ]
    dispatched: list[datetime] = []
    omitted: list[OmissionRange] = []
    for one in eras:
        due = list(due_between(one.schedules, one.after, one.until))
        while due:
            size = min(len(due), 1 + fault % 9)
            if cuts[len(due) % 40]:
                omitted.append(left_out(due[0], due[size - 1], size))
            else:
                dispatched += due[:size]
            due = due[size:]

    def account(runs: list[datetime]) -> Account:
        return prove(eras, start, end, dispatched=runs, omitted=omitted)

    total = sum(count_due(one.schedules, one.after, one.until).total for one in eras)
    assert (account(dispatched).balanced, account(dispatched).due) == (True, total)
    if dispatched:
        gone = dispatched[fault % len(dispatched)]
        assert account([at for at in dispatched if at != gone]).unexplained_at == [gone]
        assert account(sorted([*dispatched, gone])).doubled_at == [gone]
