"""Job output becomes classes and escaped text, whatever it contains."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.web.ansi import LINE_LIMIT, Style, render_line


def shown(line: str) -> str:
    """Return the text that a reader sees."""
    return re.sub(r"<[^>]+>", "", render_line(line, Style()))


def test_plain_text_has_no_markup() -> None:
    assert render_line("INFO connected", Style()) == "INFO connected"


def test_markup_is_escaped() -> None:
    assert "<script" not in render_line("\x1b[31m<script>alert(1)</script>", Style())


@pytest.mark.parametrize(
    ("sequence", "classes"),
    [
        ("31", "a-31"),
        ("1;36", "a-b a-36"),
        ("2;3;4;7;9", "a-dim a-it a-u a-inv a-st"),
        ("97;41", "a-97 a-41"),
        ("38;5;9", "a-91"),
        ("38;5;196", "a-91"),
        ("48;5;21", "a-44"),
        ("38;2;0;200;10", "a-32"),
        ("38:2::0:200:10", "a-32"),
        ("38:2:0:200:10", "a-32"),
        ("38;5;999", ""),
        ("38;5", ""),
        ("1;0", ""),
        ("31;39", ""),
        ("1;22", ""),
        ("", ""),
    ],
)
def test_colours_become_classes(sequence: str, classes: str) -> None:
    html = render_line(f"\x1b[{sequence}mtext", Style())

    assert html == (f'<span class="{classes}">text</span>' if classes else "text")


def test_the_style_goes_on_in_the_next_line() -> None:
    style = Style()
    render_line("\x1b[1;31mred", style)

    assert render_line("still", style) == '<span class="a-b a-31">still</span>'


def test_the_style_survives_from_request_to_request() -> None:
    style = Style()
    render_line("\x1b[1;4;31;104mred", style)

    again = Style.parse(style.dump())

    assert again == style


@pytest.mark.parametrize("state", ["<b>", "31;x", "9" * 100, "٣"])
def test_a_made_up_state_is_the_plain_style(state: str) -> None:
    assert Style.parse(state) == Style()


@pytest.mark.parametrize(
    "line",
    [
        "a\x1b]8;;https://evil.example\x07link\x1b]8;;\x07",
        "a\x1b]0;title\x1b\\link",
        "a\x1bPqsixel\x1b\\link",
        "a\x1b[2Klink",
        "a\x1b[?25llink",
        "a\x1b(Blink",
        "a\x1b7link",
    ],
)
def test_other_sequences_are_dropped(line: str) -> None:
    assert shown(line) == "alink"


def test_an_unfinished_sequence_hides_no_later_line() -> None:
    style = Style()
    render_line("a\x1b]0;never ends", style)

    assert render_line("next", style) == "next"


def test_characters_that_reorder_text_become_visible() -> None:
    assert shown("user\u202etxt.exe") == "user⟨U+202E⟩txt.exe"
    assert shown("zero\u200bwidth") == "zero⟨U+200B⟩width"


def test_control_characters_become_visible() -> None:
    assert shown("a\x00b\x07c\x7fd\x9be\tf") == "a␀b␇c␡d\ufffde\tf"


def test_a_progress_bar_shows_its_last_state() -> None:
    assert shown("10 %\r50 %\r100 %\r") == "100 %"
    assert shown("windows line\r") == "windows line"


def test_a_very_long_line_is_cut_and_says_so() -> None:
    text = shown("x" * (LINE_LIMIT + 1500))

    assert text.startswith("x" * LINE_LIMIT)
    assert text.endswith("… 1500 more characters in the raw log")
    assert len(text) < LINE_LIMIT + 100


@given(st.text(alphabet=st.sampled_from("ab\x1b[]0;1m38245<&>\x07\x00\r\u202e\\P")))
def test_nothing_gets_through(line: str) -> None:
    html = render_line(line, Style())

    assert "\x1b" not in html
    assert re.sub(r'<span class="[a-z0-9 -]*">|</span>', "", html).count("<") == 0


@given(st.text(alphabet=st.sampled_from("0123456789;:"), max_size=40))
def test_every_state_can_be_carried_on(params: str) -> None:
    style = Style()
    style.apply(params)

    assert Style.parse(style.dump()) == style
