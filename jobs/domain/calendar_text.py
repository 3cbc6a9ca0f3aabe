"""The windows of a calendar as a person types them: one a line, and back.

    mon-fri 22:00-06:00 Nightly
    sat,sun Weekend
    12-25 Christmas
    2026-12-24..2027-01-02 Holidays
    2026-11-22T10:00Z..2026-11-22T12:00Z Maintenance

What follows the time is the label. Empty lines and lines that begin with ``#`` count for nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from jobs.domain.calendar_json import DAY_NAMES, parse_windows, windows_json
from jobs.domain.calendar_windows import Window
from jobs.domain.errors import InvalidError
from jobs.domain.said import Said, said, told

_Entry = dict[str, object]

_DAY = "|".join(DAY_NAMES)
_DAYS = re.compile(rf"(?:{_DAY})(?:-(?:{_DAY}))?(?:,(?:{_DAY})(?:-(?:{_DAY}))?)*")
_TIMES = re.compile(r"(\d{1,2}:\d\d(?::\d\d)?)-(\d{1,2}:\d\d(?::\d\d)?)")
_YEARLY = re.compile(r"(\d{1,2})-(\d{1,2})")
_DATES = re.compile(r"(\d{4}-\d\d-\d\d)(?:\.\.(\d{4}-\d\d-\d\d))?")
_PERIOD = re.compile(r"(\d{4}-\d\d-\d\dT\S+?)\.\.(\d{4}-\d\d-\d\dT\S+)")
_DAILY = ("daily", "everyday")
_ALLOWED = said(
    "Begin with days and times (mon-fri 22:00-06:00), a day of each year (12-25), a date "
    "(2026-12-24), dates (2026-12-24..2027-01-02) or two moments "
    "(2026-11-22T10:00Z..2026-11-22T12:00Z)."
)
_PROBLEMS_AT_MOST = 20


def windows_from_text(text: str) -> tuple[Window, ...]:
    """Return the windows of a text; InvalidError on ``windows`` names the lines that are none."""
    entries: list[_Entry] = []
    numbers: list[int] = []
    problems: list[str] = []
    for number, line in _lines(text):
        entry = _entry(line)
        if entry is None:
            problems.append(
                said(
                    "Line {number}: {line} is no window. {allowed}",
                    number=number,
                    line=_shown(line),
                    allowed=_ALLOWED,
                )
            )
        else:
            entries.append(entry)
            numbers.append(number)
    if not problems:
        try:
            return parse_windows(entries)
        except InvalidError as error:
            problems = list(_by_line(error, numbers))
    sentence = told(problems[:_PROBLEMS_AT_MOST])
    raise InvalidError(sentence, fields={"windows": sentence})


def text_of(windows: Sequence[Window]) -> str:
    """Return the windows as `windows_from_text` reads them, one a line."""
    return "".join(f"{_line(entry)}\n" for entry in windows_json(windows))


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield the lines that say something, numbered from 1."""
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if stripped and not stripped.startswith("#"):
            yield number, stripped


def _entry(line: str) -> _Entry | None:
    """Return a line as a stored window; None when it begins like none."""
    first, _, rest = line.partition(" ")
    label = " ".join(rest.split())
    if found := _PERIOD.fullmatch(first):
        return {"kind": "period", "start": found[1], "end": found[2], "label": label}
    if found := _DATES.fullmatch(first):
        until = {"until": found[2]} if found[2] else {}
        return {"kind": "date", "date": found[1], **until, "label": label}
    if found := _YEARLY.fullmatch(first):
        month, day = int(found[1]), int(found[2])
        return {"kind": "yearly", "month": month, "day": day, "label": label}
    if _TIMES.fullmatch(first):
        return _weekly(list(DAY_NAMES), line)
    days = list(DAY_NAMES) if first.lower() in _DAILY else _days(first.lower())
    # A time that is written in another way must not become the label of a whole day.
    mistyped = label[:1].isdigit() and not _TIMES.fullmatch(label.partition(" ")[0])
    return _weekly(days, label) if days and not mistyped else None


def _weekly(days: list[str], rest: str) -> _Entry:
    """Return a weekly window; whole days where no times are named."""
    first, _, label = rest.partition(" ")
    found = _TIMES.fullmatch(first)
    if found is None:
        return {"kind": "weekly", "days": days, "from": "00:00", "to": "24:00", "label": rest}
    start, end = _padded(found[1]), _padded(found[2])
    label = " ".join(label.split())
    return {"kind": "weekly", "days": days, "from": start, "to": end, "label": label}


def _padded(time: str) -> str:
    """Return ``6:00`` as ``06:00``."""
    return time if time[2] == ":" else f"0{time}"


def _days(text: str) -> list[str]:
    """Return the days that ``fri-mon,wed`` names; none for another word."""
    if not _DAYS.fullmatch(text):
        return []
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        start, end = DAY_NAMES.index(first), DAY_NAMES.index(last or first)
        length = (end - start) % len(DAY_NAMES)
        found |= {(start + step) % len(DAY_NAMES) for step in range(length + 1)}
    return [DAY_NAMES[day] for day in sorted(found)]


def _by_line(error: InvalidError, numbers: Sequence[int]) -> Iterator[str]:
    """Yield what is wrong, with the line instead of the window's number."""
    for place, sentence in error.fields.items():
        which = place.split(".")[1:2]
        if which and which[0].isdigit():
            words = sentence.values["sentence"] if isinstance(sentence, Said) else sentence
            yield said("Line {number}: {sentence}", number=numbers[int(which[0])], sentence=words)
        else:
            yield sentence


def _line(entry: _Entry) -> str:
    """Return one stored window as a line."""
    match entry["kind"]:
        case "weekly":
            days = entry["days"]
            assert isinstance(days, list)  # noqa: S101 - our own JSON
            when = f"{_day_words(days)} {entry['from']}-{entry['to']}"
        case "yearly":
            when = f"{entry['month']:02}-{entry['day']:02}"
        case "date":
            when = "..".join(str(entry[key]) for key in ("date", "until") if key in entry)
        case _:
            when = f"{entry['start']}..{entry['end']}"
    return f"{when} {entry['label']}".rstrip()


def _day_words(days: Sequence[str]) -> str:
    """Return days as ``mon-fri`` where they follow each other, else as a list."""
    if len(days) == len(DAY_NAMES):
        return "daily"
    places = [DAY_NAMES.index(day) for day in days]
    if len(days) > 2 and places[-1] - places[0] == len(days) - 1:
        return f"{days[0]}-{days[-1]}"
    return ",".join(days)


def _shown(line: str) -> str:
    """Return a wrong line, short enough for a sentence."""
    return line if len(line) <= 60 else f"{line[:57]}..."
