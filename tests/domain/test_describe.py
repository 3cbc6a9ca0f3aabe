"""Schedules in words."""

from __future__ import annotations

import random
import re
from datetime import timedelta

import pytest
from cron_descriptor import Options, get_description

from jobs.domain.cron import CronRule, parse_cron
from jobs.domain.errors import CronError
from jobs.domain.schedule import Schedule, describe, describe_all
from jobs.domain.states import Anchor, DayMatch, Event, ScheduleKind
from tests.domain.expressions import random_expression
from tests.domain.times import cron, utc
from tests.sizes import many


@pytest.mark.parametrize(
    ("expression", "english", "indonesian"),
    [
        ("* * * * *", "Every minute", "Setiap menit"),
        ("*/5 * * * *", "Every 5 min", "Setiap 5 menit"),
        ("0 * * * *", "Every hour", "Setiap jam"),
        ("0 */6 * * *", "Every 6 h", "Setiap 6 jam"),
        ("* * * * * *", "Every second", "Setiap detik"),
        ("* * * * * */10", "Every 10 s", "Setiap 10 detik"),
        ("30 2 * * *", "Daily at 02:30", "Setiap hari pukul 02:30"),
        ("30 2 * * * 15", "Daily at 02:30:15", "Setiap hari pukul 02:30:15"),
        ("0 18 * * 1-5", "Weekdays at 18:00", "Hari kerja pukul 18:00"),
        ("0 10 * * sat,sun", "Weekends at 10:00", "Akhir pekan pukul 10:00"),
        ("0 3 * * 0", "Sundays at 03:00", "Setiap hari Minggu pukul 03:00"),
        (
            "0 9 * * 1,3,5",
            "Mondays, Wednesdays and Fridays at 09:00",
            "Setiap hari Senin, Rabu, dan Jumat pukul 09:00",
        ),
        (
            "0 8 * * 1-5,0",
            "Sunday to Friday at 08:00",
            "Setiap hari Minggu sampai Jumat pukul 08:00",
        ),
        ("0 8,12,18 * * *", "Daily at 08:00, 12:00 and 18:00", None),
        ("30 * * * *", "At minute 30 of every hour", "Pada menit ke-30 pada setiap jam"),
        ("1-5,0 * * * *", "At minutes 0 to 5 of every hour", None),
        ("5-59/15 * * * *", "At minutes 5, 20, 35 and 50 of every hour", None),
        ("*/7 * * * *", "At minutes 0 to 56 in steps of 7 of every hour", None),
        ("* * * * * 30", "At second 30 of every minute", "Pada detik ke-30 pada setiap menit"),
        ("15,45 * * * * *", "Every second of minutes 15 and 45 of every hour", None),
        (
            "*/5 9-17 * * 1-5",
            "Every 5 min from 09:00 to 17:55 on weekdays",
            "Setiap 5 menit dari 09:00 sampai 17:55 pada hari kerja",
        ),
        ("0 9-17 * * 1-5", "Every hour from 09:00 to 17:00 on weekdays", None),
        ("0 9-17/2 * * *", "Every 2 h from 09:00 to 17:00", None),
        ("*/5 9,12,17 * * *", "At minutes 0 to 55 in steps of 5 of hours 9, 12 and 17", None),
        ("0-30/10 9 * * *", "Every 10 min from 09:00 to 09:30", None),
        ("* 2 * * *", "Every minute from 02:00 to 02:59", None),
        ("3,4 1,2,3,5,9 * * *", "At minutes 3 and 4 of hours 1 to 3, 5 and 9", None),
        (
            "0 0 1 * *",
            "On the 1st of the month at 00:00",
            "Pada tanggal 1 setiap bulan pukul 00:00",
        ),
        ("0 0 1,15 * *", "On the 1st and 15th of the month at 00:00", None),
        (
            "0 0 2,3,11-13,21 * *",
            "On the 2nd, 3rd, 11th to 13th and 21st of the month at 00:00",
            None,
        ),
        ("0 0 31 * *", "On the 31st of each month that has one at 00:00", None),
        ("0 0 1 1 *", "On the 1st of January at 00:00", "Pada tanggal 1 bulan Januari pukul 00:00"),
        ("0 0 1 */3 *", "On the 1st of January, April, July and October at 00:00", None),
        ("0 0 * 6-8 *", "Daily in June to August at 00:00", None),
        ("0 9 * 5 1", "Mondays in May at 09:00", "Setiap hari Senin pada bulan Mei pukul 09:00"),
        (
            "0 23 L * *",
            "On the last day of the month at 23:00",
            "Pada hari terakhir setiap bulan pukul 23:00",
        ),
        ("0 0 L-1 * *", "On the day before the last day of the month at 00:00", None),
        (
            "0 0 L-3 * *",
            "On the day 3 days before the last day of the month at 00:00",
            "Pada 3 hari sebelum hari terakhir setiap bulan pukul 00:00",
        ),
        (
            "0 0 LW * *",
            "On the last workday of the month at 00:00",
            "Pada hari kerja terakhir setiap bulan pukul 00:00",
        ),
        ("0 0 15W * *", "On the workday nearest to the 15th of the month at 00:00", None),
        (
            "0 0 * * 5L",
            "On the last Friday of the month at 00:00",
            "Pada Jumat terakhir setiap bulan pukul 00:00",
        ),
        (
            "0 0 * * mon#2",
            "On the 2nd Monday of the month at 00:00",
            "Pada Senin ke-2 setiap bulan pukul 00:00",
        ),
        ("0 0 * * mon#5", "On the 5th Monday of each month that has one at 00:00", None),
        (
            "0 0 * * mon#1,fri",
            "On Fridays and on the 1st Monday of the month at 00:00",
            None,
        ),
        ("0 0 13 * 5", "On the 13th of the month and on Fridays at 00:00", None),
        (
            "0 0 */2 * 1",
            "On the 1st to 31st in steps of 2 of the month if it is a Monday at 00:00",
            None,
        ),
        ("0 0 1-31 * 5", "Daily at 00:00", None),
        ("@hourly", "Every hour", "Setiap jam"),
        ("@daily", "Daily at 00:00", "Setiap hari pukul 00:00"),
        ("@weekly", "Sundays at 00:00", None),
        ("@monthly", "On the 1st of the month at 00:00", None),
        ("@yearly", "On the 1st of January at 00:00", None),
    ],
)
def test_an_expression_reads_like_this(
    expression: str, english: str, indonesian: str | None
) -> None:
    assert describe(cron(expression)) == english
    if indonesian is not None:
        assert describe(cron(expression), "id") == indonesian


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("0 0 13 * 5", "On the 13th of the month if it is a Friday at 00:00"),
        ("0 0 1-7 * 1,2", "On the 1st to 7th of the month if it is a Monday or Tuesday at 00:00"),
        ("0 0 L * 5L", "On the last day of the month if it is the last Friday at 00:00"),
    ],
)
def test_both_day_fields_together_read_as_a_condition(expression: str, words: str) -> None:
    assert describe(cron(expression, day_match=DayMatch.ALL)) == words


@pytest.mark.parametrize(
    ("fields", "english", "indonesian"),
    [
        ({"seconds": 3600}, "1 h after each finish", "1 jam setelah setiap kali selesai"),
        ({"seconds": 86_400}, "24 h after each finish", "24 jam setelah setiap kali selesai"),
        ({"seconds": 604_800}, "7 d after each finish", "7 hari setelah setiap kali selesai"),
        ({"seconds": 5400}, "1 h 30 min after each finish", None),
        ({"seconds": 300, "anchor": Anchor.START}, "Every 5 min", "Setiap 5 menit"),
        ({"seconds": 60, "anchor": Anchor.START}, "Every minute", "Setiap menit"),
        ({"seconds": 1.5, "anchor": Anchor.START}, "Every 1.5 s", "Setiap 1,5 detik"),
        (
            {"seconds": 300, "anchor": Anchor.START, "jitter_seconds": 120},
            "Every 5 min, up to 2 min later at random",
            "Setiap 5 menit, sampai 2 menit lebih lambat secara acak",
        ),
        (
            {"seconds": 300, "anchor": Anchor.START, "spread_seconds": 120},
            "Every 5 min, up to 2 min later",
            None,
        ),
        (
            {"seconds": 300, "starts_at": utc("2026-03-01T12:00"), "timezone": "Asia/Jakarta"},
            "5 min after each finish, from 2026-03-01 19:00",
            None,
        ),
        (
            {"seconds": 300, "ends_at": utc("2026-03-01T12:00")},
            "5 min after each finish, until 2026-03-01 12:00",
            None,
        ),
    ],
)
def test_an_interval_reads_like_this(
    fields: dict[str, object], english: str, indonesian: str | None
) -> None:
    rule = Schedule(kind=ScheduleKind.INTERVAL, **fields)  # type: ignore[arg-type]  # test table

    assert describe(rule) == english
    if indonesian is not None:
        assert describe(rule, "id") == indonesian


def test_once_reads_in_its_own_zone() -> None:
    rule = Schedule(kind=ScheduleKind.ONCE, at=utc("2026-03-01T20:30"), timezone="Asia/Jakarta")

    assert describe(rule) == "Once, on 2026-03-02 at 03:30"
    assert describe(rule, "id") == "Sekali, pada 2026-03-02 pukul 03:30"


@pytest.mark.parametrize("event", Event)
@pytest.mark.parametrize("language", ["en", "id"])
def test_every_event_has_words(event: Event, language: str) -> None:
    assert len(describe(Schedule(kind=ScheduleKind.EVENT, event=event), language)) > 10


def test_a_list_reads_in_one_line() -> None:
    rules = [cron("0 */6 * * *"), cron("0 0 * * *")]

    assert describe_all(rules) == "Every 6 h, and daily at 00:00"
    assert describe_all(rules, "id") == "Setiap 6 jam, dan setiap hari pukul 00:00"


def test_zones_are_named_when_they_differ() -> None:
    rules = [cron("0 8 * * *", "Asia/Jakarta"), cron("0 8 * * *")]

    assert describe_all(rules) == "Daily at 08:00 (Asia/Jakarta), and daily at 08:00 (UTC)"


def test_no_schedule_reads_as_started_by_hand() -> None:
    assert describe_all([]) == "Only when started by hand"


@pytest.mark.parametrize("language", ["en", "en-GB", "fr", "EN"])
def test_any_other_language_reads_in_english(language: str) -> None:
    assert describe(cron("* * * * *"), language) == "Every minute"


@pytest.mark.parametrize("language", ["id", "id-ID", "id_ID", "ID"])
def test_indonesian_has_several_codes(language: str) -> None:
    assert describe(cron("* * * * *"), language) == "Setiap menit"


def meaning(rule: CronRule) -> tuple[object, ...]:
    """Return what a rule names: its times, and its dates over two years, one of them a leap year."""
    months = tuple(
        rule.days.of_month(year, month) for year in range(2027, 2029) for month in range(1, 13)
    )
    return (rule.times, months)


@pytest.mark.long
@pytest.mark.parametrize("language", ["en", "id"])
def test_equal_words_mean_equal_times(language: str) -> None:
    """The describer is never wrong: what differs in meaning differs in words.

    Drawn from few values, so that many expressions come close to each other.
    """
    rng = random.Random(5)
    minutes = ["*", "0", "5", "*/5", "*/10", "0,30", "5-50/5", "1-5", "*/7", "7,*/20", "0-58/2"]
    hours = [
        "*",
        "0",
        "9",
        "*/6",
        "9-17",
        "9-17/2",
        "9,12,17",
        "1,2,9",
        "*/5",
        "0-23/2",
        "8-10",
        "1-23/2",
    ]
    days = [
        "*",
        "1",
        "L",
        "1,15",
        "13",
        "*/2",
        "LW",
        "15W",
        "L-1",
        "31",
        "1-7",
        "1,L",
        "30,31",
        "10-31",
    ]
    months = ["*", "1", "*/3", "6-8", "1,12", "2-12"]
    weekdays = ["*", "0", "1-5", "5", "5L", "1#2", "1#5", "0,6", "5-7", "1#2,5", "0-5", "5L,1#5"]
    seconds = ["", "", " 0", " 30", " */10", " *", " 0,30", " 15-45/15"]
    seen: dict[str, tuple[str, tuple[object, ...]]] = {}
    for _ in range(many(250)):
        expression = " ".join(map(rng.choice, (minutes, hours, days, months, weekdays)))
        expression += rng.choice(seconds)
        match = rng.choice(list(DayMatch))
        try:
            rule = parse_cron(expression, match)
        except CronError:
            continue
        words = describe(cron(expression, day_match=match), language)
        named = meaning(rule)
        before, known = seen.setdefault(words, (expression, named))
        assert known == named, (words, before, expression)
    assert len(seen) > 150


def test_every_accepted_expression_has_words_without_a_gap() -> None:
    rng = random.Random(6)
    described = 0
    while described < 500:
        expression = random_expression(rng, seconds=rng.random() < 0.5)
        try:
            rule = cron(expression)
        except CronError:
            continue
        for language in ("en", "id"):
            words = describe(rule, language)
            assert words == words.strip()
            assert not re.search(r"[{}<>]|  |,,| ,|None", words), words
        described += 1


NAMES = re.compile(
    r"\d\d:\d\d|(?:Sun|Mon|Tues|Wednes|Thurs|Fri|Satur)day|January|February|March|April|May|June"
    r"|July|August|September|October|November|December|last|every"
)


@pytest.mark.parametrize(
    "expression",
    [
        "30 2 * * *",
        "15 14 1 * *",
        "0 9 * * 1",
        "0 9 * * 1,4",
        "0 22 * 5 *",
        "0 0 1 1 *",
        "0 23 L * *",
        "0 12 * * 5L",
        "5 4 * 2,8 *",
        "0 7 * * SUN",
    ],
)
def test_it_says_what_cron_descriptor_says(expression: str) -> None:
    """Where both know a form, the same times, weekdays and months occur in both texts."""
    options = Options()
    options.use_24hour_time_format = True
    options.verbose = False
    theirs = get_description(expression, options)

    mine = describe(cron(expression))

    assert set(NAMES.findall(mine)) - {"every"} == set(NAMES.findall(theirs)) - {"every"}


def test_where_cron_descriptor_is_wrong() -> None:
    """It takes the seconds for the first field, and has no word for nicknames."""
    assert describe(cron("*/15 * * * * */10")) == (
        "At seconds 0 to 50 in steps of 10 of minutes 0, 15, 30 and 45 of every hour"
    )
    assert describe(cron("@daily")) == "Daily at 00:00"


def test_the_interval_of_a_schedule_is_spelled_exactly() -> None:
    rule = Schedule(
        kind=ScheduleKind.INTERVAL,
        seconds=timedelta(hours=1, minutes=1, seconds=1.25).total_seconds(),
    )

    assert describe(rule) == "1 h 1 min 1.25 s after each finish"
