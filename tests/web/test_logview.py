"""Output as numbered lines to show, from any position, with what folds among them."""

from __future__ import annotations

import re
from datetime import timedelta
from itertools import pairwise

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.domain.loglines import LONGEST_LINE
from jobs.domain.states import Stream
from jobs.executors import Chunk
from jobs.models import Execution, LogChunk
from jobs.queries.logrows import Chosen
from jobs.services import logs
from jobs.web import logview
from jobs.web.ansi import Style, render_line
from jobs.web.logmarkup import markup
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

    view = logview.newest(Chosen(execution.pk), finished=True)

    assert text(view) == ["ab", "err", "cd"]
    assert [line.number for line in view.lines] == [1, 2, 3]
    assert [line.offset for line in view.lines] == [0, 2, 6]


def test_a_piece_may_end_inside_a_letter(execution: Execution) -> None:
    first, second = "é".encode()[:1], "é".encode()[1:]
    logs.write(execution.pk, 1, [Chunk(OUT, b"caf" + first)])
    logs.write(execution.pk, 1, [Chunk(OUT, second + b"\n")])

    assert text(logview.newest(Chosen(execution.pk), finished=True)) == ["café"]


def test_an_unfinished_line_waits(execution: Execution) -> None:
    logs.write(execution.pk, 1, [Chunk(OUT, b"one\ntw")])

    view = logview.newest(Chosen(execution.pk), finished=False)

    assert text(view) == ["one", "tw"]
    assert view.after == logview.Position(offset=4, style="")


def test_a_line_without_end_is_shown_in_parts(execution: Execution) -> None:
    logs.write(execution.pk, 1, [Chunk(OUT, b"x" * (LONGEST_LINE + 10))])

    view = logview.newest(Chosen(execution.pk), finished=False)

    assert len(view.lines) == 1
    assert view.pending is not None
    assert len(view.pending.text) == 10
    assert view.after.offset == LONGEST_LINE


def test_a_fast_writer_is_followed_at_its_end(execution: Execution) -> None:
    logs.write(execution.pk, 1, [Chunk(OUT, b"start\n")])
    seen = logview.newest(Chosen(execution.pk), finished=False)
    logs.write(execution.pk, 1, [Chunk(OUT, b"much\n" * 5000 + b"end\n")])

    view = logview.tail(Chosen(execution.pk), seen.after, finished=False)

    assert text(view)[-1] == "end"
    assert len(view.lines) == logview.LINES
    assert view.skipped == (2, 5002 - logview.LINES)


@pytest.mark.long
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
    chosen = Chosen(execution.pk)
    position = logview.Position()
    followed: list[tuple[int, str]] = []
    for stream, content in pieces:
        logs.write(execution.pk, 1, [Chunk(stream, content)])
        if data.draw(st.booleans()):
            view = logview.tail(chosen, position, finished=False)
            followed += [(line.number, line.html) for line in view.lines]
            position = view.after
    last = logview.tail(chosen, position, finished=True)
    followed += [(line.number, line.html) for line in last.lines]

    late = logview.newest(chosen, finished=True)

    assert followed == [(line.number, line.html) for line in late.lines]
    assert [b - a for (a, _), (b, _) in pairwise(followed)] == [1] * (len(followed) - 1)


def shown(execution: Execution, printed: bytes, *, target: int | None = None) -> str:
    logs.write(execution.pk, 1, [Chunk(OUT, printed)])
    view = logview.newest(Chosen(execution.pk), finished=True)
    return markup(view.lines, finished=True, target=target)


def test_groups_fold_and_the_one_that_is_looked_for_is_open(execution: Execution) -> None:
    printed = b"a\n::group::Build <x>\nb\nc\n::endgroup::\nd\n::group::Never ends\ne\n"

    html = shown(execution, printed, target=8)

    first, second = html.split("<details")[1:]
    assert 'class="fold">' in first
    assert "Build &lt;x&gt; " in first
    assert "2 lines" in first
    assert 'id="L4"' in first.split("</details>")[0]
    assert 'id="L6"' in first.split("</details>")[1]
    assert 'class="fold" open>' in second
    assert 'class="l at" id="L8"' in second


def test_equal_lines_in_a_row_collapse(execution: Execution) -> None:
    html = shown(execution, b"go\n" + b"waiting\n" * 250 + b"done\n" * 3)

    assert "250 times in all" in html
    assert "lines 2 to 251" in html
    assert html.count("<details") == 1
    assert html.split("<details")[0].count("waiting") == 1
    assert html.count(">done<") == 3


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None
)
@given(
    st.lists(
        st.sampled_from(
            [b"::group::<a>", b"::endgroup::", b"x", b"\x1b[31m<b>", b"", b"::group::\xff\x1b[1m"]
        ),
        max_size=14,
    )
)
def test_whatever_folds_every_line_is_there_once(lines: list[bytes]) -> None:
    now = timezone.now() - timedelta(seconds=1)
    made = [
        logview.Line(
            number=number,
            offset=number,
            text=line,
            html=render_line(line.decode("utf-8", "replace"), Style()),
            stream="stdout",
            attempt=1,
            written_at=now,
        )
        for number, line in enumerate(lines, 1)
    ]

    html = markup(made, finished=True)

    assert re.findall(r'id="L(\d+)"', html) == [str(line.number) for line in made]
    assert html.count("<details") == html.count("</details>")
    assert "<a>" not in html
    assert "\x1b" not in html
