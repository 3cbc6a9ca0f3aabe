"""Parameters: what may be declared, what a value becomes, and that no pattern can hang."""

from __future__ import annotations

import re
import string
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.domain.errors import InvalidError
from jobs.domain.parameters import (
    Parameter,
    ParameterType,
    check_declarations,
    defaults_of,
    environment_of,
    values_of,
)
from jobs.domain.patterns import Pattern


def parameter(name: str = "x", kind: str = "string", **rules: Any) -> Parameter:
    """Return a declaration."""
    return Parameter(name=name, type=ParameterType(kind), **rules)


@pytest.mark.parametrize(
    ("kind", "rules", "given", "value"),
    [
        ("string", {}, " as it is ", " as it is "),
        ("string", {"pattern": "[a-z]+-\\d{2}"}, "ab-12", "ab-12"),
        ("string", {"max_length": 3}, "abc", "abc"),
        ("integer", {"minimum": 1, "maximum": 5}, "5", 5),
        ("integer", {}, -7, -7),
        ("integer", {}, 3.0, 3),
        ("number", {}, "1.5", 1.5),
        ("number", {}, "2", 2),
        ("boolean", {}, "Yes", True),
        ("boolean", {}, False, False),
        ("choice", {"choices": ["a", "b"]}, "b", "b"),
        ("date", {"minimum": "2026-01-01"}, "2026-01-31", "2026-01-31"),
    ],
)
def test_a_value_becomes_what_its_type_says(
    kind: str, rules: dict[str, Any], given: object, value: object
) -> None:
    found = parameter(kind=kind, **rules).value(given)

    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("kind", "rules", "given", "sentence"),
    [
        ("string", {}, 5, "5 is no text."),
        ("string", {"max_length": 3}, "abcd", "It has 4 characters. Use 3 or less."),
        ("number", {}, 10**400, "is out of range."),
        ("number", {}, float("nan"), "nan is out of range."),
        ("string", {"pattern": "[a-z]+"}, "a1", "'a1' does not match the pattern [a-z]+."),
        ("string", {"pattern": "a*"}, "a" * 1001, "It has 1,001 characters. Use 1,000 or less."),
        ("string", {"secret": True}, "abc", "It is too short to be kept out of the log."),
        ("string", {"secret": True, "pattern": "a+"}, "bbbb", "It does not match the pattern a+."),
        ("integer", {}, "1.5", "'1.5' is not a whole number."),
        ("integer", {}, True, "True is not a whole number."),
        ("integer", {}, "9" * 19, "is out of range."),
        ("integer", {"minimum": 1}, 0, "0 is too small. Use 1 or more."),
        ("number", {"maximum": 1.5}, "2", "'2' is too large. Use 1.5 or less."),
        ("number", {}, "nan", "'nan' is not a number."),
        ("number", {}, float("inf"), "inf is out of range."),
        ("boolean", {}, "maybe", "'maybe' is not a switch. Use true or false."),
        ("choice", {"choices": ["a", "b"]}, "c", "'c' is not allowed. Use one of a, b."),
        ("date", {}, "31.1.2026", "'31.1.2026' is not a date. Write it like 2026-01-31."),
        ("date", {}, "2026-02-30", "'2026-02-30' is not a date."),
        ("date", {"minimum": "2026-01-02"}, "2026-01-01", "is too small. Use 2026-01-02 or more."),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(
    kind: str, rules: dict[str, Any], given: object, sentence: str
) -> None:
    with pytest.raises(InvalidError) as refused:
        parameter(kind=kind, **rules).value(given)

    assert sentence in refused.value.message


@pytest.mark.parametrize(
    ("rules", "field"),
    [
        ({"name": "1st"}, "name"),
        ({"name": "a-b"}, "name"),
        ({"kind": "integer", "pattern": "a"}, "pattern"),
        ({"kind": "boolean", "minimum": 0}, "minimum"),
        ({"kind": "choice"}, "choices"),
        ({"kind": "choice", "choices": ["a", "a"]}, "choices"),
        ({"choices": ["a"]}, "choices"),
        ({"kind": "integer", "minimum": 2, "maximum": 1}, "maximum"),
        ({"kind": "integer", "minimum": "two"}, "minimum"),
        ({"kind": "integer", "default": "many"}, "default"),
        ({"pattern": "(a"}, "pattern"),
        ({"secret": True, "default": "hunter2"}, "default"),
        ({"kind": "integer", "secret": True}, "secret"),
    ],
)
def test_a_declaration_that_cannot_hold_is_refused(rules: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidError) as refused:
        parameter(**rules)

    assert list(refused.value.fields) == [field]


def test_what_is_not_given_has_its_default_and_every_fault_is_told_at_once() -> None:
    declared = [
        parameter("day", "date", required=True),
        parameter("limit", "integer", default=10, maximum=20),
        parameter("note"),
    ]

    assert values_of(declared, {"day": "2026-01-31"}) == {"day": "2026-01-31", "limit": 10}
    assert values_of(declared, {"day": "2026-01-31", "limit": None, "note": ""}) == {
        "day": "2026-01-31",
        "limit": 10,
        "note": "",
    }
    assert defaults_of(declared) == {"limit": 10}
    with pytest.raises(InvalidError) as refused:
        values_of(declared, {"limit": 21, "other": 1})
    assert refused.value.fields == {
        "parameters.other": "There is no parameter 'other'. This job takes day, limit, note.",
        "parameters.day": "day: A value is required.",
        "parameters.limit": "limit: 21 is too large. Use 20 or less.",
    }


def test_names_are_one_whatever_their_case_and_a_schedule_needs_defaults() -> None:
    with pytest.raises(InvalidError, match="A is declared twice"):
        check_declarations([parameter("a"), parameter("A")], scheduled=False)
    with pytest.raises(InvalidError, match="day is required and has no default"):
        check_declarations([parameter("day", "date", required=True)], scheduled=True)

    check_declarations([parameter("day", "date", required=True)], scheduled=False)
    check_declarations([parameter("n", required=True, default="a")], scheduled=True)


def test_programs_read_values_as_upper_case_variables() -> None:
    found = environment_of({"day": "2026-01-31", "dry": False, "limit": 3, "rate": 0.5})

    assert found == {
        "PARAM_DAY": "2026-01-31",
        "PARAM_DRY": "false",
        "PARAM_LIMIT": "3",
        "PARAM_RATE": "0.5",
    }


_PART = st.sampled_from(
    ["a", "b", "[ab]", "[^a]", ".", "\\d", "\\.", "(a|b)", "(?:ab|)", "(a(b|c)+)", "[a-c\\d]"]
)
_PIECE = st.tuples(_PART, st.sampled_from(["", "", "*", "+", "?", "{2}", "{1,3}", "{0,}"]))


@given(
    st.lists(_PIECE, max_size=5).map(lambda pieces: "".join(a + b for a, b in pieces)),
    st.text(alphabet="abcd1.\n" + string.ascii_uppercase[:2], max_size=8),
)
def test_a_pattern_matches_what_python_matches(text: str, value: str) -> None:
    assert Pattern(text).matches(value) == bool(re.fullmatch(text, value, re.ASCII))


@pytest.mark.parametrize("text", ["(a+)+b", "(a|a)*b", "(a*)*(a*)*b", "a*a*a*a*a*a*b"])
def test_no_pattern_hangs(text: str) -> None:
    began = time.process_time()

    assert not Pattern(text).matches("a" * 1000)
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    "text",
    ["(a", "a)", "a{2", "*a", "a**", "a+?", "[z-a]", "(?=a)", "(?P<n>a)", "\\1", "\\b", "a{5,2}",
     "(a{100}){100}", "(" * 9 + "()" + "){100}" * 9, "[a--b]", "(" * 11 + "a" + ")" * 11, "a" * 201],
)  # fmt: skip
def test_what_a_pattern_cannot_hold_is_refused(text: str) -> None:
    with pytest.raises(InvalidError, match="pattern"):
        Pattern(text)
