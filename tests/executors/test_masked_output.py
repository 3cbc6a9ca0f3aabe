"""What a run prints reaches the log without secrets, also at the places where output is cut."""

from __future__ import annotations

import time

from jobs.domain.masking import Mask
from jobs.domain.states import Stream
from jobs.executors.base import Chunk
from jobs.executors.output import FLUSH_SECONDS, Collector

SECRET = "hunter2-and-more"
MASK = Mask([SECRET])


def text_of(chunks: list[Chunk], stream: Stream | None = None) -> str:
    return b"".join(
        chunk.data for chunk in chunks if stream is None or chunk.stream is stream
    ).decode()


def test_a_secret_split_over_pieces_and_hand_overs_is_masked() -> None:
    collector = Collector(100_000, MASK)

    collector.add(Stream.STDOUT, b"one hunter2", 0.0)
    first = collector.take()
    collector.add(Stream.STDOUT, b"-and-more two\n", 1.0)
    rest = collector.finish()

    assert text_of(first) == "one "
    assert text_of(first + rest) == "one *** two\n"


def test_each_stream_is_looked_at_on_its_own() -> None:
    collector = Collector(100_000, MASK)

    for stream, data in (
        (Stream.STDOUT, b"hunter2"),
        (Stream.STDERR, b"between\n"),
        (Stream.STDOUT, b"-and-more\n"),
    ):
        collector.add(stream, data, 0.0)
        collector.take()
    collector.add(Stream.STDERR, b"hunter2-and-", 0.0)
    chunks = collector.finish()

    assert text_of(chunks) == "hunter2-and-"
    collector = Collector(100_000, MASK)
    collector.add(Stream.STDOUT, b"hunter2", 0.0)
    collector.add(Stream.STDERR, b"between\n", 0.0)
    collector.add(Stream.STDOUT, b"-and-more\n", 0.0)
    assert text_of(collector.finish(), Stream.STDOUT) == "***\n"


def test_what_cannot_be_a_secret_is_handed_over_at_once() -> None:
    collector = Collector(100_000, MASK)

    collector.add(Stream.STDOUT, b"Continue? [y/n] ", 0.0)

    assert collector.due_at() == FLUSH_SECONDS
    assert text_of(collector.take()) == "Continue? [y/n] "


def test_a_cut_shows_neither_the_beginning_nor_the_end_of_a_secret() -> None:
    limit = 10_000
    head = limit - limit // 4
    begun = b"x" * (head - 8) + b"hunter2-and-more"  # the head ends in mid-secret
    ended = SECRET.encode() + b"y" * (limit // 4 - 8)  # and the tail begins in mid-secret

    collector = Collector(limit, MASK)
    collector.add(Stream.STDOUT, begun + b"z" * 50_000 + ended, 0.0)
    shown = text_of(collector.finish())

    assert "hunter2" not in shown
    assert "more" not in shown.replace("more bytes", "")
    assert collector.truncated
    assert "x***" in shown
    assert "***y" in shown


def test_the_last_line_of_stderr_has_no_secret() -> None:
    collector = Collector(100_000, MASK)

    collector.add(Stream.STDERR, f"login with {SECRET} refused\n".encode(), 0.0)

    assert collector.error_line() == "login with *** refused"


def test_a_remark_has_no_secret() -> None:
    collector = Collector(100_000, MASK)

    collector.remark(f"bad line {SECRET}", 0.0)

    assert SECRET not in text_of(collector.finish())


def test_output_that_is_not_kept_costs_no_look() -> None:
    piece = (b"2026-11-22 07:38:23,123 INFO worker.http Handled GET /items in 12.3 ms\n" * 1000)[
        :65_536
    ]
    secrets = [f"{number:02}-correct-horse-battery" for number in range(20)]

    def seconds(collector: Collector) -> float:
        start = time.process_time()
        for number in range(1600):  # 100 MB
            collector.add(Stream.STDOUT, piece, float(number))
            collector.take()
        collector.finish()
        return time.process_time() - start

    plain = min(seconds(Collector(1_000_000)) for _ in range(3))
    masked = min(seconds(Collector(1_000_000, Mask(secrets))) for _ in range(3))

    assert masked < 3 * plain + 0.2
