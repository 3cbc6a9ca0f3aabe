"""Any window of a log by line number: the same lines with the same numbers however it was stored."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.domain.loglines import LONGEST_LINE
from jobs.domain.states import Stream
from jobs.executors import Chunk
from jobs.models import Execution, LogChunk
from jobs.queries import loglines, logrows
from jobs.queries.logrows import Chosen
from jobs.queries.logs import pieces
from jobs.services import logs
from tests.factories import make_execution

OUT, ERR = Stream.STDOUT, Stream.STDERR


@pytest.fixture
def execution(db: None) -> Execution:
    return make_execution()


def all_lines(chosen: Chosen) -> list[loglines.RawLine]:
    return loglines.window(chosen, 1, 1_000_000).lines


def plain(lines: list[loglines.RawLine]) -> list[tuple[int, bytes, str]]:
    return [(line.number, line.data, line.stream) for line in lines]


def expected(output: list[tuple[int, Stream, bytes]]) -> list[tuple[int, bytes, str, int]]:
    """Cut the same output in the plainest way: byte by byte."""
    lines: list[tuple[bytes, str, int]] = []
    last = None
    for attempt, stream, data in output:
        for byte in data:
            if last != (attempt, stream) or lines[-1][0].endswith(b"\n"):
                lines.append((b"", stream.value, attempt))
            lines[-1] = (lines[-1][0] + bytes([byte]), *lines[-1][1:])
            last = (attempt, stream)
    return [
        (number, text.removesuffix(b"\n"), stream, attempt)
        for number, (text, stream, attempt) in enumerate(lines, 1)
    ]


OUTPUT = st.lists(
    st.tuples(
        st.sampled_from([OUT, ERR]),
        st.lists(st.sampled_from([b"a", b"\n", b"bc", b"\xc3"]), min_size=1, max_size=5).map(
            b"".join
        ),
    ),
    min_size=1,
    max_size=10,
)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None
)
@given(output=OUTPUT, data=st.data())
@pytest.mark.long
def test_lines_are_the_same_however_they_were_stored(
    execution: Execution, output: list[tuple[Stream, bytes]], data: st.DataObject
) -> None:
    LogChunk.objects.filter(execution=execution).delete()
    attempt, place, written = 1, None, []
    pending: list[Chunk] = []
    for stream, text in output:
        pending.append(Chunk(stream, text))
        written.append((attempt, stream, text))
        if data.draw(st.booleans(), label="stored now"):
            place = logs.write(execution.pk, attempt, pending, at=place)
            pending = []
            if data.draw(st.booleans(), label="next attempt"):
                attempt, place = attempt + 1, None
    logs.write(execution.pk, attempt, pending, at=place)
    wanted = expected(written)
    # A row of an older version does not say its lines.
    forgotten = data.draw(st.sets(st.integers(0, 5)), label="not counted")
    LogChunk.objects.filter(execution=execution, seq__in=forgotten).update(
        line=None, open_bytes=None
    )

    whole = all_lines(Chosen(execution.pk))
    first = data.draw(st.integers(1, len(wanted) + 1), label="first")
    count = data.draw(st.integers(1, 4), label="count")
    part = loglines.window(Chosen(execution.pk), first, count)
    end = loglines.before(Chosen(execution.pk), first, count)
    errors = all_lines(Chosen(execution.pk, "stderr"))
    retried = all_lines(Chosen(execution.pk, "", 2))

    assert [(line.number, line.data, line.stream, line.attempt) for line in whole] == wanted
    assert part.lines == whole[first - 1 : first - 1 + count]
    assert part.later == (first + count if first + count <= len(wanted) else None)
    assert plain(end.lines) == plain(whole[max(first - 1 - count, 0) : first - 1])
    assert plain(errors) == [line for line in plain(whole) if line[2] == "stderr"]
    assert plain(retried) == plain([line for line in whole if line.attempt == 2])
    assert plain(loglines.newest(Chosen(execution.pk), count).lines) == plain(whole)[-count:]
    assert loglines.line_count(execution.pk) == len(wanted)
    assert b"".join(piece.data for piece in pieces(execution.pk)) == b"".join(
        text for _stream, text in output
    )
    late = whole[len(whole) // 2]
    followed = loglines.follow(Chosen(execution.pk), late.offset, 100)
    assert followed.lines == whole[late.number - 1 :]


def test_a_line_without_end_goes_on_as_the_next(execution: Execution) -> None:
    place = None
    for _part in range(5):
        place = logs.write(execution.pk, 1, [Chunk(OUT, b"x" * 30_000)], at=place)
    place = logs.write(execution.pk, 1, [Chunk(OUT, b"y" * 42_000 + b"\nend\n")], at=place)

    lines = all_lines(Chosen(execution.pk))

    assert [len(line.data) for line in lines] == [LONGEST_LINE, LONGEST_LINE, LONGEST_LINE, 3]
    assert [line.number for line in lines] == [1, 2, 3, 4]
    assert plain(loglines.window(Chosen(execution.pk), 4, 10).lines) == [(4, b"end", "stdout")]
    assert place.line == 4


def test_streams_that_alternate_share_a_row(execution: Execution) -> None:
    chunks = [Chunk(ERR if number % 2 else OUT, b"line %d\n" % number) for number in range(1, 2001)]

    logs.write(execution.pk, 1, chunks)

    rows = LogChunk.objects.filter(execution=execution)
    assert rows.count() == 1
    assert len(rows.get().marks or "") < 6 * 2000
    lines = all_lines(Chosen(execution.pk, "stderr"))
    assert plain(lines)[-1] == (1999, b"line 1999", "stderr")
    found = [(piece.stream, piece.data) for piece in pieces(execution.pk, start=3, end=16)]
    assert found == [("stderr", b"e 1\n"), ("stdout", b"line 2\n"), ("stderr", b"li")]


def test_much_output_at_once_makes_rows_of_bounded_size(execution: Execution) -> None:
    logs.write(execution.pk, 1, [Chunk(OUT, b"0123456789abcde\n" * 20_000), Chunk(ERR, b"end\n")])

    sizes = [len(row.data) for row in LogChunk.objects.filter(execution=execution).order_by("seq")]
    assert sizes[:-1] == [logs.ROW_BYTES] * 4
    assert sum(sizes) == 320_004
    assert loglines.line_count(execution.pk) == 20_001


def test_a_rare_stream_is_looked_for_in_steps(
    execution: Execution, monkeypatch: pytest.MonkeyPatch
) -> None:
    much = [Chunk(OUT, b"out\n" * 10_000), Chunk(Stream.SYSTEM, b"remark\n")] * 10
    logs.write(execution.pk, 1, [Chunk(ERR, b"first\n"), *much, Chunk(ERR, b"last\n")])
    monkeypatch.setattr("jobs.queries.loglines.WINDOW_BYTES", 100_000)
    chosen = Chosen(execution.pk, "stderr")

    def steps(at: int | None, *, back: bool = False) -> list[list[bytes]]:
        found = []
        while at is not None:
            part = loglines.before(chosen, at, 100) if back else loglines.window(chosen, at, 100)
            found.append([line.data for line in part.lines])
            at = part.earlier if back else part.later
        return found

    onwards, back = steps(1), steps(loglines.line_count(execution.pk) + 1, back=True)

    assert [onwards[0], *onwards[1:-1], onwards[-1]] == [[b"first"], *[[]] * 2, [b"last"]]
    assert [back[0], *back[1:-1], back[-1]] == [[b"last"], *[[]] * (len(back) - 2), [b"first"]]
    assert 3 < len(back) < 8


def test_what_was_pruned_meanwhile_is_no_error(
    execution: Execution, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = None
    for _ in range(8):
        place = logs.append(execution.pk, 1, [Chunk(OUT, b"line\n")], at=place)
    known = logrows.last_seq(execution.pk)
    LogChunk.objects.filter(seq__in=[3, 4]).delete()
    some = [logrows.seq_of_line(execution.pk, number) for number in (2, 8)]

    LogChunk.objects.all().delete()
    monkeypatch.setattr(logrows, "last_seq", lambda _execution: known)  # seen just before

    assert some[1] == 7
    assert logrows.seq_of_offset(execution.pk, 12) == known
    assert loglines.window(Chosen(execution.pk), 4, 10).lines == []
