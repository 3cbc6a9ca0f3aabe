"""Calendars and their windows in words, in English or Indonesian."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from jobs.domain.calendar_windows import WEEK, Dates, Period, Weekly, Window, Yearly
from jobs.domain.describe_words import INDONESIAN, Words, words_for
from jobs.domain.states import CalendarMode
from jobs.domain.zones import DAY, zone

# As many windows as a person reads in one sentence.
_NAMED_AT_MOST = 5
# The reason of an omission is one line of the ledger.
_LONGEST_REASON = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class _Phrases:
    """The sentences of one language."""

    every_day: str
    outside: str
    more: str
    nothing_open: str
    blocks: str
    allows: str
    blocks_nothing: str
    allows_nothing: str


_ENGLISH = _Phrases(
    every_day="every day",
    outside="outside {windows}",
    more="{count} more",
    nothing_open="no window is ever open",
    blocks="Holds back {windows}, in {zone}",
    allows="Holds back everything outside {windows}, in {zone}",
    blocks_nothing="Holds back nothing: it has no windows",
    allows_nothing="Holds back everything: it has no windows",
)
_INDONESIAN = _Phrases(
    every_day="setiap hari",
    outside="di luar {windows}",
    more="{count} lainnya",
    nothing_open="tidak ada jendela yang terbuka",
    blocks="Menahan {windows}, di zona {zone}",
    allows="Menahan semuanya di luar {windows}, di zona {zone}",
    blocks_nothing="Tidak menahan apa pun: tidak ada jendela",
    allows_nothing="Menahan semuanya: tidak ada jendela",
)


def window_words(window: Window, timezone: str, language: str = "en") -> str:
    """Return what a window is called: its label, otherwise its times."""
    return window.label or _times(window, timezone, words_for(language))


def outside_words(windows: Sequence[Window], timezone: str, language: str = "en") -> str:
    """Return the reason why an allow calendar holds a due time back."""
    words = words_for(language)
    phrases = _phrases(words)
    if not windows:
        return phrases.nothing_open
    names = [window_words(window, timezone, language) for window in windows[:_NAMED_AT_MOST]]
    text = phrases.outside.format(windows=_listed(names, len(windows), words))
    return text if len(text) <= _LONGEST_REASON else f"{text[: _LONGEST_REASON - 1]}…"


def calendar_words(
    mode: CalendarMode, windows: Sequence[Window], timezone: str, language: str
) -> str:
    """Return a calendar as one sentence without a full stop."""
    words = words_for(language)
    phrases = _phrases(words)
    blocks = mode == CalendarMode.BLOCK
    if not windows:
        return phrases.blocks_nothing if blocks else phrases.allows_nothing
    names = [_explained(window, timezone, words) for window in windows[:_NAMED_AT_MOST]]
    listed = _listed(names, len(windows), words)
    sentence = phrases.blocks if blocks else phrases.allows
    return sentence.format(windows=listed, zone=timezone)


def _phrases(words: Words) -> _Phrases:
    """Return the sentences that go with the words."""
    return _INDONESIAN if words is INDONESIAN else _ENGLISH


def _listed(names: list[str], total: int, words: Words) -> str:
    """Return the names as a list that ends with how many are left out."""
    left = total - len(names)
    more = [_phrases(words).more.format(count=left)] if left else []
    return words.join([*names, *more])


def _explained(window: Window, timezone: str, words: Words) -> str:
    """Return a window's label and its times."""
    times = _times(window, timezone, words)
    return f"{window.label} ({times})" if window.label else times


def _times(window: Window, timezone: str, words: Words) -> str:
    """Return when a window lasts."""
    match window:
        case Weekly():
            return _weekly(window, words)
        case Yearly():
            return f"{window.day} {words.month_names[window.month - 1]}"
        case Dates():
            first, last = window.first, window.last or window.first
            return _from_to(_date(first, words), _date(last, words), words)
        case Period():
            return _from_to(
                _moment(window.start.astimezone(zone(timezone)), words),
                _moment(window.end.astimezone(zone(timezone)), words),
                words,
            )


def _weekly(window: Weekly, words: Words) -> str:
    """Return ``Mon to Fri 22:00 to 06:00``."""
    if window.start == 0 and window.length == DAY:
        return _phrases(words).every_day if window.days == WEEK else _days(window.days, words)
    days = words.daily if window.days == WEEK else _days(window.days, words)
    return f"{days} {words.range.format(first=clock(window.start), last=clock(window.end))}"


def _days(days: frozenset[int], words: Words) -> str:
    """Return ``Sun to Thu`` or ``Mon, Wed and Fri``."""
    names = [words.weekday_names[(day + 1) % 7][:3] for day in range(7)]
    starts = [day for day in days if (day - 1) % 7 not in days]
    if len(starts) == 1 and len(days) > 2:
        last = (starts[0] + len(days) - 1) % 7
        return words.range.format(first=names[starts[0]], last=names[last])
    return words.join([names[day] for day in sorted(days)])


def clock(seconds: int) -> str:
    """Return seconds since midnight as ``22:00``, or ``22:00:30`` where the seconds matter."""
    minutes, second = divmod(seconds, 60)
    text = f"{minutes // 60:02}:{minutes % 60:02}"
    return f"{text}:{second:02}" if second else text


def _from_to(first: str, last: str, words: Words) -> str:
    """Return a range, or one name when both are the same."""
    return first if first == last else words.range.format(first=first, last=last)


def _date(day: date, words: Words) -> str:
    """Return ``25 December 2026``."""
    return f"{day.day} {words.month_names[day.month - 1]} {day.year}"


def _moment(moment: datetime, words: Words) -> str:
    """Return ``25 December 2026 18:00``."""
    return (
        f"{_date(moment, words)} {clock(moment.hour * 3600 + moment.minute * 60 + moment.second)}"
    )
