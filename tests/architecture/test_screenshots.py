"""The command that takes the pictures knows every page, and the pictures stay small."""

from __future__ import annotations

import struct
import zlib

from tests.browser.screenshots import DOCS, MAIN, addresses, routes, smaller

MOST_BYTES = 6_000_000


def test_every_page_without_a_number_is_taken() -> None:
    found = routes()

    assert found["overview"] == "/"
    assert {"jobs", "executions", "settings", "about", "tv", "people", "job_new"} <= set(found)
    assert {"jobs_bulk", "canary", "login", "healthz", "p_jobs", "job"}.isdisjoint(found)


def test_the_main_pages_are_among_them_and_small() -> None:
    assert set(MAIN) <= set(addresses(routes(), 1, 1))
    assert sum(file.stat().st_size for file in DOCS.glob("*.png")) <= MOST_BYTES


def test_a_picture_is_packed_without_a_change() -> None:
    rows = b"".join(b"\0" + bytes([shade] * 300) for shade in range(100))

    def chunk(kind: bytes, body: bytes) -> bytes:
        crc = zlib.crc32(kind + body)
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", crc)

    header = struct.pack(">IIBBBBB", 100, 100, 8, 2, 0, 0, 0)
    loose = zlib.compress(rows, 0)
    data = chunk(b"IDAT", loose[:500]) + chunk(b"IDAT", loose[500:])
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + data + chunk(b"IEND", b"")

    packed = smaller(png)

    assert len(packed) < len(png) / 10
    start = packed.index(b"IDAT")
    size = struct.unpack(">I", packed[start - 4 : start])[0]
    assert zlib.decompress(packed[start + 4 : start + 4 + size]) == rows
    assert packed.endswith(chunk(b"IEND", b""))
    assert smaller(packed) == packed
