"""`::` lines are found however the output is cut into reads."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.domain.masking import NO_SECRETS
from jobs.executors.directives import MAX_LINE_BYTES, MAX_METRICS, Directives


def read(*pieces: bytes) -> Directives:
    directives = Directives()
    for piece in pieces:
        directives.feed(piece)
    directives.finish()
    return directives


@pytest.mark.parametrize(
    ("line", "result"),
    [
        (b'{"a": [1, 2]}', {"a": [1, 2]}),
        (b"42", 42),
        (b'"text"', "text"),
        (b"null", None),
        (b'{"path": "C:\\\\u0000x"}', {"path": "C:\\u0000x"}),
    ],
)
def test_a_result_is_any_json_value(line: bytes, result: Any) -> None:
    directives = read(b"::result " + line + b"\n")

    assert directives.result == result
    assert directives.fault(NO_SECRETS) is None


@pytest.mark.parametrize(
    "line",
    [
        b"::result",
        b"::result {",
        b"::result NaN",
        b"::result 1e999",
        b'::result "\\u0000"',
        b'::result "\\ud800"',
        b"::result " + b"[" * 50_000,
        b"::result " + b"x" * MAX_LINE_BYTES,
        b"::progress",
        b"::progress fast",
        b"::progress 101",
        b"::progress -1",
        b"::progress nan",
        b"::metric rows",
        b"::metric rows=many",
        b"::metric rows=inf",
        b"::metric 1=1",
    ],
)
def test_what_cannot_be_used_is_ignored_and_noted(line: bytes) -> None:
    directives = read(b"::result 7\n" + line + b"\n")

    assert (directives.result, directives.progress, directives.metrics) == (7, None, {})
    assert (directives.fault(NO_SECRETS) or "").startswith("ignored '::")


@pytest.mark.parametrize(
    "text", [b" ::result 1\n", b"x::result 1\n", b":result 1\n", b"::other 1\n"]
)
def test_other_lines_are_none_of_ours(text: bytes) -> None:
    directives = read(text)

    assert (directives.result, directives.fault(NO_SECRETS)) == (None, None)


def test_the_last_of_each_counts() -> None:
    directives = read(
        b"::progress 10\n::result 1\n::metric a=1\n::progress 20\n::result 2\n::metric a=2"
    )

    assert (directives.progress, directives.result, directives.metrics) == (20, 2, {"a": 2.0})


def test_metrics_are_limited_in_number() -> None:
    directives = read(b"".join(b"::metric m%d=1\n" % number for number in range(MAX_METRICS + 5)))

    assert len(directives.metrics) == MAX_METRICS
    assert directives.fault(NO_SECRETS) is not None


OUTPUT = st.lists(
    st.sampled_from(
        [
            b"::progress 5",
            b"::result 1",
            b"::metric a=1",
            b"\n",
            b":",
            b"::",
            b"x",
            b"plain: text\n",
        ]
    ),
    max_size=30,
).map(b"".join)


@given(output=OUTPUT, cuts=st.lists(st.integers(0, 200), max_size=12))
def test_the_cuts_between_reads_change_nothing(output: bytes, cuts: list[int]) -> None:
    borders = [0, *sorted(min(cut, len(output)) for cut in cuts), len(output)]
    pieces = [output[a:b] for a, b in pairwise(borders) if b > a]

    cut, whole = read(*pieces), read(*([output] if output else []))
    assert vars(cut) == vars(whole)
