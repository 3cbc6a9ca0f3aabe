"""The words that describe a schedule, per language. How they are put together is in ``describe``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from jobs.domain.states import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """One language. Templates name what they take; lists of names start with Sunday and January."""

    and_: str
    or_: str
    before_last: str  # between the last two of three or more, before "and"
    range: str
    steps: str
    # Units as they follow a number, and what one of them makes.
    second: str
    minute: str
    hour: str
    day: str
    decimal_mark: str
    every_second: str
    every_minute: str
    every_hour: str
    every_n: str
    from_to: str
    at_times: str
    # "At minutes 5 and 20 of every hour": one and several of each.
    at_numbers: str
    of: str
    seconds_named: tuple[str, str]
    minutes_named: tuple[str, str]
    hours_named: tuple[str, str]
    # Days.
    daily: str
    workdays: str
    weekends: str
    on_weekdays: str
    weekdays_alone: str
    weekdays_named: str
    weekday_plurals: tuple[str, ...]
    weekday_names: tuple[str, ...]
    month_names: tuple[str, ...]
    on_dates: str
    dates: str
    ordinal: Callable[[int], str]
    last_date: str
    before_last_date: tuple[str, str]
    last_workday: str
    nearest_workday: str
    last_weekday: str
    nth_weekday: str
    each_month: str
    each_month_with_one: str
    of_months: str
    in_months: str
    if_weekday: str
    if_date: str
    # Other kinds.
    after_each_end: str
    once: str
    events: dict[Event, str]
    jitter: str
    spread: str
    starts: str
    ends: str
    nothing: str

    def join(self, parts: Sequence[str], word: str | None = None) -> str:
        """Return the parts as a list in words."""
        if len(parts) < 2:
            return "".join(parts)
        mark = self.before_last if len(parts) > 2 else ""
        return f"{', '.join(parts[:-1])}{mark} {word or self.and_} {parts[-1]}"


def _english_ordinal(number: int) -> str:
    """Return 1st, 2nd, 3rd, 4th, ... 11th, ... 21st."""
    tail = number % 10 if number // 10 != 1 else 0
    return str(number) + {1: "st", 2: "nd", 3: "rd"}.get(tail, "th")


ENGLISH = Words(
    and_="and",
    or_="or",
    before_last="",
    range="{first} to {last}",
    steps="{first} to {last} in steps of {step}",
    second="s",
    minute="min",
    hour="h",
    day="d",
    decimal_mark=".",
    every_second="every second",
    every_minute="every minute",
    every_hour="every hour",
    every_n="every {length}",
    from_to="{every} from {first} to {last}",
    at_times="at {times}",
    at_numbers="at {numbers}",
    of=" of ",
    seconds_named=("second {numbers}", "seconds {numbers}"),
    minutes_named=("minute {numbers}", "minutes {numbers}"),
    hours_named=("hour {numbers}", "hours {numbers}"),
    daily="daily",
    workdays="weekdays",
    weekends="weekends",
    on_weekdays="on {days}",
    weekdays_alone="{days}",
    weekdays_named="{names}",
    weekday_plurals=(
        "Sundays",
        "Mondays",
        "Tuesdays",
        "Wednesdays",
        "Thursdays",
        "Fridays",
        "Saturdays",
    ),
    weekday_names=("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"),
    month_names=(
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ),
    on_dates="on {dates} {months}",
    dates="the {numbers}",
    ordinal=_english_ordinal,
    last_date="the last day",
    before_last_date=("the day before the last day", "the day {number} days before the last day"),
    last_workday="the last workday",
    nearest_workday="the workday nearest to the {date}",
    last_weekday="the last {weekday}",
    nth_weekday="the {nth} {weekday}",
    each_month="of the month",
    each_month_with_one="of each month that has one",
    of_months="of {months}",
    in_months="in {months}",
    if_weekday="if it is a {weekdays}",
    if_date="if it is {dates}",
    after_each_end="{length} after each finish",
    once="once, on {date} at {time}",
    events={
        Event.REBOOT: "when the server starts",
        Event.DEPLOYMENT: "after each deployment",
        Event.DEPLOYMENT_FAILED: "after each failed deployment",
        Event.DESTROY: "after each destroy",
        Event.DESTROY_FAILED: "after each failed destroy",
        Event.MANUALLY: "only when started by hand",
    },
    jitter="{text}, up to {length} later at random",
    spread="{text}, up to {length} later",
    starts="{text}, from {moment}",
    ends="{text}, until {moment}",
    nothing="only when started by hand",
)

INDONESIAN = Words(
    and_="dan",
    or_="atau",
    before_last=",",
    range="{first} sampai {last}",
    steps="{first} sampai {last} dengan langkah {step}",
    second="detik",
    minute="menit",
    hour="jam",
    day="hari",
    decimal_mark=",",
    every_second="setiap detik",
    every_minute="setiap menit",
    every_hour="setiap jam",
    every_n="setiap {length}",
    from_to="{every} dari {first} sampai {last}",
    at_times="pukul {times}",
    at_numbers="pada {numbers}",
    of=" pada ",
    seconds_named=("detik ke-{numbers}", "detik ke-{numbers}"),
    minutes_named=("menit ke-{numbers}", "menit ke-{numbers}"),
    hours_named=("jam {numbers}", "jam {numbers}"),
    daily="setiap hari",
    workdays="hari kerja",
    weekends="akhir pekan",
    on_weekdays="pada {days}",
    weekdays_alone="setiap {days}",
    weekdays_named="hari {names}",
    weekday_plurals=("Minggu", "Senin", "Selasa", "Rabu", "Kamis", "Jumat", "Sabtu"),
    weekday_names=("Minggu", "Senin", "Selasa", "Rabu", "Kamis", "Jumat", "Sabtu"),
    month_names=(
        "Januari",
        "Februari",
        "Maret",
        "April",
        "Mei",
        "Juni",
        "Juli",
        "Agustus",
        "September",
        "Oktober",
        "November",
        "Desember",
    ),
    on_dates="pada {dates} {months}",
    dates="tanggal {numbers}",
    ordinal=str,
    last_date="hari terakhir",
    before_last_date=("sehari sebelum hari terakhir", "{number} hari sebelum hari terakhir"),
    last_workday="hari kerja terakhir",
    nearest_workday="hari kerja terdekat dengan tanggal {date}",
    last_weekday="{weekday} terakhir",
    nth_weekday="{weekday} ke-{nth}",
    each_month="setiap bulan",
    each_month_with_one="setiap bulan yang memilikinya",
    of_months="bulan {months}",
    in_months="pada bulan {months}",
    if_weekday="jika hari itu {weekdays}",
    if_date="jika hari itu {dates}",
    after_each_end="{length} setelah setiap kali selesai",
    once="sekali, pada {date} pukul {time}",
    events={
        Event.REBOOT: "saat server dinyalakan",
        Event.DEPLOYMENT: "setelah setiap deployment",
        Event.DEPLOYMENT_FAILED: "setelah setiap deployment yang gagal",
        Event.DESTROY: "setelah setiap destroy",
        Event.DESTROY_FAILED: "setelah setiap destroy yang gagal",
        Event.MANUALLY: "hanya jika dijalankan manual",
    },
    jitter="{text}, sampai {length} lebih lambat secara acak",
    spread="{text}, sampai {length} lebih lambat",
    starts="{text}, mulai {moment}",
    ends="{text}, sampai {moment}",
    nothing="hanya jika dijalankan manual",
)


def words_for(language: str) -> Words:
    """Return the words of a language code such as ``en``, ``id`` or ``id-ID``; English otherwise."""
    return INDONESIAN if language.lower().replace("_", "-").split("-")[0] == "id" else ENGLISH
