"""Secrets in text: whole, split anywhere, encoded, between gaps."""

from __future__ import annotations

import base64
import json
import time
from itertools import pairwise
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.domain.masking import MASK, NO_SECRETS, Mask, MaskedStream

SECRET = "pä$$ w/rd+\"7'x"
ASCII = "hunter2-and-more"
KEY = (
    "-----BEGIN KEY-----\n" + "\n".join("QmFzZTY0" * 8 for _ in range(6)) + "\n-----END KEY-----\n"
)


def streamed(mask: Mask, pieces: list[bytes]) -> bytes:
    stream = MaskedStream(mask)
    return b"".join([*(stream.feed(piece) for piece in pieces), stream.finish()])


@pytest.mark.parametrize(
    "written",
    [
        SECRET,
        quote(SECRET, safe=""),
        quote(SECRET),
        quote(SECRET, safe="").lower().replace("%", "%"),
        quote_plus(SECRET),
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        repr(SECRET)[1:-1],
    ],
)
def test_a_secret_is_found_in_each_form(written: str) -> None:
    assert Mask([SECRET]).text(f"token={written}; done") == f"token={MASK}; done"


@pytest.mark.parametrize("before", ["", "u", "us", "usr", "user"])
@pytest.mark.parametrize("after", ["", "!", "!!", "!!!"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_base64_is_found_at_every_alignment(before: str, after: str, encode: object) -> None:
    secret = "sëcret?>~ÿÿ-value"
    assert callable(encode)
    written = encode(f"{before}{secret}{after}".encode())

    shown = Mask([secret]).clean(written)

    assert MASK.encode() in shown
    left = shown.rstrip(b"=").partition(MASK.encode())
    # Before it what encodes ``before`` and the character shared with it, after it likewise.
    assert len(left[0]) <= (len(before) * 8 + 5) // 6
    assert len(left[2]) <= (len(after) * 8 + 5) // 6 + 1


@pytest.mark.parametrize("width", [64, 76])
def test_a_long_secret_is_found_in_base64_that_is_wrapped(width: int) -> None:
    secret = "".join(chr(33 + number * 7 % 90) for number in range(150))
    whole = base64.b64encode(secret.encode())
    alone = b"\n".join(whole[at : at + width] for at in range(0, len(whole), width))
    inside = base64.b64encode(b"abcdefgh" + secret.encode())
    moved = b"\n".join(inside[at : at + width] for at in range(0, len(inside), width))

    mask = Mask([secret])

    assert mask.clean(alone).strip(b"=\n") == b"***"
    left = mask.clean(moved).replace(b"***", b"")
    # All but what stands right around a break.
    assert len(left) < len(moved) / 3


def test_lines_of_a_secret_are_found_alone() -> None:
    shown = Mask([KEY]).text("\r\n".join(["start", *KEY.splitlines(), "}", "end"]))

    assert "QmFz" not in shown
    assert "BEGIN" not in shown
    assert shown.startswith("start")
    assert shown.endswith("}\r\nend")


def test_a_shell_takes_the_last_line_end_off() -> None:
    assert Mask(["topsecret\n"]).text("x topsecret y") == "x *** y"


def test_short_values_and_none_are_left_alone() -> None:
    assert Mask(["abc", ""]).text("abc abc") == "abc abc"
    assert not Mask(["abc"])
    assert NO_SECRETS.text("abc") == "abc"


def test_secrets_that_overlap_leave_nothing_of_either() -> None:
    mask = Mask(["hunter2secret", "secretpass"])

    assert mask.text("a hunter2secretpass b") == "a *** b"
    assert streamed(mask, [b"a hunter2secret", b"pass b"]) == b"a *** b"
    assert streamed(mask, [b"a hunter2secret", b" b"]) == b"a *** b"


@given(
    st.lists(st.text("abAB", min_size=4, max_size=9), min_size=1, max_size=4),
    st.binary(max_size=30).map(lambda data: bytes(b"abAB"[byte % 4] for byte in data)),
    st.lists(st.integers(0, 30), max_size=6),
)
def test_split_anywhere_no_secret_is_left(
    secrets: list[str], around: bytes, cuts: list[int]
) -> None:
    data = around + b"|" + secrets[0].encode() + b"|" + around
    places = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    pieces = [data[low:high] for low, high in pairwise(places)]

    shown = streamed(Mask(secrets), pieces)

    assert not [secret for secret in secrets if secret.encode() in shown]
    assert b"|" + secrets[0].encode() + b"|" not in shown
    assert shown.count(b"|") == 2


def test_byte_by_byte_equals_the_whole() -> None:
    text = f"a {ASCII} b {quote(SECRET)} c\n".encode() * 3
    mask = Mask([ASCII, SECRET])

    assert streamed(mask, [bytes([byte]) for byte in text]) == mask.clean(text)


def test_only_what_may_be_a_secret_is_held_back() -> None:
    stream = MaskedStream(Mask([ASCII]))

    assert stream.feed(b"50 % done\n") == b"50 % done\n"
    assert stream.feed(b"Continue? hunter") == b"Continue? "
    assert stream.feed(b"s\n") == b"hunters\n"


def test_a_chain_of_secrets_does_not_grow_without_end() -> None:
    stream = MaskedStream(Mask(["abababab", "babababa"]))

    shown = b"".join(stream.feed(b"ab" * 50) for _ in range(200))

    assert len(stream._held) <= 200
    assert b"abab" not in shown


def test_a_secret_at_a_gap_is_told_neither_before_nor_after() -> None:
    mask = Mask([ASCII])
    stream = MaskedStream(mask)

    assert stream.feed(b"x hunter2-a") == b"x "
    assert stream.cut() == b"***"
    assert mask.after_cut(b"2-and-more y") == b"*** y"
    assert mask.after_cut(b"nothing more y") == b"nothing more y"


def test_a_json_value_is_masked_in_texts_names_and_numbers() -> None:
    value = {"a": [f"x {ASCII}", 12345678, 1, None, True], ASCII: 2.5}

    assert Mask([ASCII, "12345678"]).value(value) == {
        "a": ["x ***", MASK, 1, None, True],
        MASK: 2.5,
    }


def test_text_that_is_no_utf8_passes_through() -> None:
    data = bytes(range(256)) * 3

    assert streamed(Mask([ASCII]), [data[:100], data[100:]]) == data


def test_twenty_secrets_cost_little_more_than_one() -> None:
    line = b"2026-11-22 07:38:23,123 INFO worker.http Handled GET /api/v1/items in 12.3 ms\n" * 400

    def seconds(mask: Mask) -> float:
        best = 9.9
        for _ in range(5):
            stream = MaskedStream(mask)
            start = time.process_time()
            for _ in range(10):
                stream.feed(line)
            best = min(best, time.process_time() - start)
        return best

    one = seconds(Mask(["correct-horse-00"]))
    many = seconds(Mask([f"{number:02}-battery-staple" for number in range(20)]))

    assert many < 5 * one + 0.02
