"""The zone files themselves, read independently of ``zoneinfo``: when does an offset change."""

from __future__ import annotations

import struct
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple

_HEADER = struct.Struct(">4sc15x6l")


class Change(NamedTuple):
    """The epoch second from which the zone has another offset from UTC (seconds)."""

    at: int
    before: int
    after: int


def zone_data(zone: str) -> bytes:
    """Return the file of a zone."""
    return files("tzdata.zoneinfo").joinpath(*zone.split("/")).read_bytes()


@lru_cache(maxsize=1024)
def changes(zone: str) -> tuple[Change, ...]:
    """Return every change of offset that the tzdata package lists for a zone (RFC 8536)."""
    data = zone_data(zone)
    _, _, isut, isstd, leap, times, types, letters = _HEADER.unpack_from(data)
    # The first block has 32-bit times; the second one, behind it, has 64-bit times.
    start = _HEADER.size + times * 5 + types * 6 + letters + leap * 8 + isstd + isut
    _, _, _, _, _, times, types, _ = _HEADER.unpack_from(data, start)
    start += _HEADER.size
    moments = struct.unpack_from(f">{times}q", data, start)
    indexes = data[start + 8 * times : start + 9 * times]
    offsets = [
        struct.unpack_from(">l", data, start + 9 * times + 6 * number)[0] for number in range(types)
    ]
    found = []
    before = offsets[0]
    for moment, index in zip(moments, indexes, strict=True):
        if offsets[index] != before:
            found.append(Change(moment, before, offsets[index]))
        before = offsets[index]
    return tuple(found)
