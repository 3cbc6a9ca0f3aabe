"""Output as numbered lines, from any byte position."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.domain.states import Stream
from jobs.executors import Chunk
from jobs.models import Execution, LogChunk
from jobs.services import logs
from jobs.web import logview
from tests.factories import make_execution

OUT, ERR = Stream.STDOUT, Stream.STDERR


@pytest.fixture
def execution(db: None) -> Execution:
    return make_execution()


def text(view: logview.View) -> list[str]:
    """Return what a reader sees, the unfinished line included."""
    lines = [*view.lines, *([view.pending] if view.pending else [])]
    return [re.sub(r"<[^>]+>", "", line.html) for line in lines]


def test_another_stream_begins_a_line(execution: Execution) -> None:
    logs.write(execution.pk, 1, [Chunk(OUT, b"ab"), Chunk(ERR, b"err\n"), Chunk(OUT, b"cd\n")])

    view = logview.newest(execution.pk, finished=True)

    assert text(view) == ["ab", "err", "cd"]
    assert [line.number for line in view.lines] == [1, 2, 3]
    assert [line.offset for line in view.lines] == [0, 2, 6]


def test_a_piece_may_end_inside_a_letter(execution: Execution) -> None:
    first, second = "é".encode()[:1], "é".encode()[1:]
    logs.write(execution.pk, 1, [Chunk(OUT, b"caf" + first)])
    logs.write(execution.pk, 1, [Chunk(OUT, second + b"\n")])

    assert text(logview.newest(execution.pk, finished=True)) == ["café"]


def test_an_unfinished_line_waits(execution: Execution) -> None:
    logs.write(execution.pk, 1, [Chunk(OUT, b"one\ntw")])

    view = logview.newest(execution.pk, finished=False)

    assert text(view) == ["one", "tw"]
    assert view.after == logview.Position(offset=4, number=2, style="")


def test_a_line_without_end_is_shown_in_parts(execution: Execution) -> None:
    logs.write(execution.pk, 1, [Chunk(OUT, b"x" * (logview.LONGEST_LINE + 10))])

    view = logview.newest(execution.pk, finished=False)

    assert len(view.lines) == 1
    assert view.after.offset == logview.LONGEST_LINE + 10


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None
)
@given(
    pieces=st.lists(
        st.tuples(st.sampled_from([OUT, ERR]), st.binary(min_size=1, max_size=6)), max_size=8
    ).map(lambda found: [(s, d.replace(b"\r", b"-").replace(b"\x1b", b"-")) for s, d in found]),
    data=st.data(),
)
def test_a_follower_sees_what_a_late_reader_sees(
    execution: Execution, pieces: list[tuple[Stream, bytes]], data: st.DataObject
) -> None:
    LogChunk.objects.filter(execution=execution).delete()
    position = logview.Position()
    followed: list[str] = []
    for stream, content in pieces:
        logs.write(execution.pk, 1, [Chunk(stream, content)])
        if data.draw(st.booleans()):
            view = logview.tail(execution.pk, position, finished=False)
            followed += [line.html for line in view.lines]
            position = view.after
    last = logview.tail(execution.pk, position, finished=True)
    followed += [line.html for line in last.lines]

    late = logview.newest(execution.pk, finished=True)

    assert followed == [line.html for line in late.lines]
    assert last.after.number == late.after.number
