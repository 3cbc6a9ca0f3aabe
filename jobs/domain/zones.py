"""Time zones: names, and a zone's year as spans of constant offset.

All moments here are whole seconds: *epoch seconds* for instants, and *wall seconds* (epoch seconds
plus the offset) for what a clock in the zone shows.
"""

from __future__ import annotations

import difflib
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from importlib.metadata import version
from importlib.resources import files
from importlib.resources.abc import Traversable
from zoneinfo import ZoneInfo

from jobs.domain.errors import ZoneError
from jobs.domain.said import said

VERSION = version("tzdata")  # of the rules
DAY = 86_400
# Python's calendar ends with year 9999; stay clear of it so that no offset or step overflows.
FIRST_YEAR, LAST_YEAR = 2, 9990

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST = int((datetime(FIRST_YEAR, 1, 1, tzinfo=UTC) - _EPOCH).total_seconds())
LATEST = int((datetime(LAST_YEAR, 1, 1, tzinfo=UTC) - _EPOCH).total_seconds())

# Since 1970 no zone changed its offset twice within six days (Recife 2000 and Gaza come closest),
# so looking at every third day sees each change; a test reads all zone files to make sure.
_STEP = 3 * DAY
# No change ever moved a clock by more than a day (Manila, Alaska, Samoa: exactly one).
WIDEST_SHIFT = DAY


@lru_cache(maxsize=1)
def zone_names() -> frozenset[str]:
    """Return every IANA name that the tzdata package has."""
    return frozenset(files("tzdata").joinpath("zones").read_text(encoding="ascii").split())


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo:
    """Return the zone that `zone_name` finds; raise ZoneError otherwise.

    Reads the tzdata package and not the host's files, which differ in age: two hosts of one
    installation have to agree on every due time. Only names that the package lists are opened, so a
    path such as ``../x`` opens nothing.
    """
    key = zone_name(name)
    with _file(key).open("rb") as file:
        return ZoneInfo.from_file(file, key=key)


@lru_cache(maxsize=1024)
def zone_name(name: str) -> str:
    """Return the IANA name that a person means; raise ZoneError with the nearest ones otherwise.

    Besides the name itself in any case, a city will do where only one zone is called so: ``Paris``,
    ``new york``. Names of one zone with the same rules, such as ``America/Buenos_Aires`` and
    ``America/Argentina/Buenos_Aires``, are no two; what is stored is always the IANA name.
    """
    if name in zone_names():
        return name
    meant = _meant(name)
    if len(meant) == 1:
        return meant[0]
    shown = name if len(name) <= 60 else f"{name[:57]}..."
    if not name:
        raise ZoneError(
            said("A time zone is missing. Use an IANA name, such as Europe/Paris or UTC.")
        )
    if meant:
        raise ZoneError(
            said(
                "The time zone {shown} is more than one: {allowed}. Name one.",
                shown=shown,
                allowed=", ".join(meant),
            )
        )
    close = _close_names(name)
    hint = said("Use an IANA name, such as UTC.")
    if close:
        hint = said("Did you mean {names}?", names=_either(close))
    raise ZoneError(said("The time zone {shown} does not exist. {hint}", shown=shown, hint=hint))


def _either(names: list[str]) -> str:
    """Return ``a or b``."""
    *rest, last = names
    return said("{rest} or {last}", rest=_either(rest), last=last) if rest else last


def _file(key: str) -> Traversable:
    return files("tzdata.zoneinfo").joinpath(*key.split("/"))


def _plain(text: str) -> str:
    """Return a name as it is compared: without case, accents, dots, and kinds of gaps."""
    bare = unicodedata.normalize("NFKD", text[:60].strip().lower())
    bare = "".join(sign for sign in bare if not unicodedata.combining(sign) and sign != ".")
    return bare.replace(" ", "_")


@lru_cache(maxsize=1)
def _full_names() -> dict[str, str]:
    # Sorted, so that the answer does not depend on the order of a set.
    return {known.lower(): known for known in sorted(zone_names(), reverse=True)}


@lru_cache(maxsize=1)
def _cities() -> dict[str, list[str]]:
    """Return the zones by what stands last in their names.

    Not those of ``Etc/``: ``Etc/GMT+5`` is five hours *behind* UTC, which nobody means by GMT+5.
    """
    found: dict[str, list[str]] = {}
    for name in sorted(zone_names()):
        region, _, city = name.lower().rpartition("/")
        if region and region != "etc":
            found.setdefault(city, []).append(name)
    return found


def _meant(name: str) -> list[str]:
    """Return the zones that a name without its region, or in another case, may stand for."""
    wanted = _plain(name)
    if wanted in _full_names():
        return [_full_names()[wanted]]
    cities = _cities()
    named = cities.get(wanted) or cities.get(wanted.replace("-", "_"), [])
    return _without_aliases(named)


def _without_aliases(names: list[str]) -> list[str]:
    """Return one name for each set of rules: the first that the table of places has, else the first."""
    by_rules: dict[bytes, list[str]] = {}
    for name in names:
        by_rules.setdefault(_file(name).read_bytes(), []).append(name)
    places = _places() if len(names) > 1 else frozenset()
    return [next((one for one in same if one in places), same[0]) for same in by_rules.values()]


@lru_cache(maxsize=1)
def _places() -> frozenset[str]:
    """Return the names that are in use today, which the table of countries has; not the old ones."""
    table = files("tzdata.zoneinfo").joinpath("zone.tab").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in table.splitlines() if not line.startswith("#"))
    return frozenset(row[2] for row in rows if len(row) > 2)


def _close_names(name: str) -> list[str]:
    """Return up to three names that a person may have meant."""
    wanted = _plain(name)
    full = _full_names()
    if not wanted.startswith("etc"):
        full = {known: name for known, name in full.items() if not known.startswith("etc/")}
    cities = {known.rpartition("/")[2]: name for known, name in sorted(full.items(), reverse=True)}
    found = [full[match] for match in difflib.get_close_matches(wanted, full, n=3, cutoff=0.7)]
    return found or [cities[match] for match in difflib.get_close_matches(wanted, cities, n=2)]


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch ``[start, end)`` of epoch seconds in which a zone keeps one offset.

    ``before`` and ``after`` are the offsets on either side. They equal ``offset`` where the span
    was only cut between two years.
    """

    start: int
    end: int
    offset: int
    before: int
    after: int


class Timeline:
    """A zone's spans, found year by year when they are asked for."""

    __slots__ = ("_years", "_zone")

    def __init__(self, name: str) -> None:
        """Take the IANA name; raise ZoneError when there is no such zone."""
        self._zone = zone(name)
        self._years: dict[int, tuple[Span, ...]] = {}

    def at(self, moment: int) -> Span:
        """Return the span that holds the epoch second ``moment``."""
        year = (_EPOCH + timedelta(seconds=moment)).year
        spans = self._spans(year)
        if moment < spans[0].start:
            spans = self._spans(year - 1)
        return next(span for span in spans if moment < span.end)

    def offset_at(self, moment: int) -> int:
        """Return the offset from UTC in seconds at the epoch second ``moment``."""
        offset = (_EPOCH + timedelta(seconds=moment)).astimezone(self._zone).utcoffset()
        return int(offset.total_seconds()) if offset is not None else 0

    def changes(self, after: int, until: int) -> list[Span]:
        """Return the spans that begin in ``(after, until]`` with another offset than before."""
        found = []
        span = self.at(after)
        while span.end <= until:
            span = self.at(span.end)
            if span.before != span.offset:
                found.append(span)
        return found

    def _spans(self, year: int) -> tuple[Span, ...]:
        """Return the spans between this year's cut and the next one's."""
        known = self._years.get(year)
        if known is None:
            known = self._years[year] = self._scan(self._cut(year), self._cut(year + 1))
        return known

    def _cut(self, year: int) -> int:
        """Return where the year's spans begin: at New Year, or some days later.

        A gap or a repeated hour must not be cut in two, so a change close by moves the cut on.
        """
        moment = int((datetime(year, 1, 1, tzinfo=UTC) - _EPOCH).total_seconds())
        while self.offset_at(moment - 2 * DAY) != self.offset_at(moment + 2 * DAY):
            moment += 4 * DAY
        return moment

    def _scan(self, start: int, end: int) -> tuple[Span, ...]:
        """Return the spans of ``[start, end)``."""
        starts = [start]
        offsets = [self.offset_at(start)]
        low = start
        while low < end:
            high = min(low + _STEP, end)
            if self.offset_at(high) != offsets[-1]:
                starts.append(self._first_change(low, high))
                offsets.append(self.offset_at(high))
            low = high
        before, after = [offsets[0], *offsets], [*offsets[1:], offsets[-1]]
        edges = zip(starts, [*starts[1:], end], offsets, before, after, strict=False)
        return tuple(Span(*edge) for edge in edges)

    def _first_change(self, low: int, high: int) -> int:
        """Return the first second in ``(low, high]`` whose offset is that of ``high``."""
        new = self.offset_at(high)
        while high - low > 1:
            middle = (low + high) // 2
            if self.offset_at(middle) == new:
                high = middle
            else:
                low = middle
        return high


@lru_cache(maxsize=1024)
def timeline(name: str) -> Timeline:
    """Return the zone's shared timeline."""
    return Timeline(name)
