"""Placeholders: what they are, what they are not, and that nothing is evaluated."""

from __future__ import annotations

import pytest

from jobs.domain.errors import InvalidError, UnprocessableError
from jobs.domain.variables import Use, check_name, fill, unknown, uses_in

VALUES = {"name": "v", "_x9": "{{name}}", "multi": "a\nb $(id) `id` ; {{7*7}}"}


def lookup(use: Use) -> str:
    if use.name in VALUES:
        return VALUES[use.name]
    raise unknown(use)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{name}}", "v"),
        ("{{ name }}{{\tname}}", "vv"),
        ("a {{name}} b {{_x9}}", "a v b {{name}}"),  # a value is not looked at again
        ("{{multi}}", VALUES["multi"]),
        ("{{{{name}}", "{{name}}"),
        ("{{{{{{name}}", "{{v"),
        ("docker ps --format '{{{{.Names}}'", "docker ps --format '{{.Names}}'"),
        ("${HOME} {name} }} {", "${HOME} {name} }} {"),
        ('{"a":{{name}}}', '{"a":v}'),
        ("", ""),
    ],
)
def test_a_placeholder_is_replaced_once(text: str, expected: str) -> None:
    assert fill(text, lookup, "command") == expected


@pytest.mark.parametrize(
    "text", ["{{7*7}}", "{{a.b}}", "{{}}", "{{ name", "{{name|upper}}", "{{9a}}", "{{{name}}}",
             "{{näme}}", "{{a\nb}}", "{{" + "x" * 101 + "}}"]
)  # fmt: skip
def test_anything_else_between_braces_is_refused_with_its_field(text: str) -> None:
    with pytest.raises(InvalidError, match="nothing is calculated") as refusal:
        list(uses_in({"command": f"echo {text}"}))

    assert set(refusal.value.fields) == {"command"}
    assert text[:9] in refusal.value.message
    with pytest.raises(InvalidError):
        fill({"command": text}, lookup)


def test_texts_are_found_at_any_depth_and_names_of_fields_stay() -> None:
    spec = {"headers": {"Auth": "{{name}}"}, "body": {"a": ["{{name}}", 1, None]}, "{{name}}": "x"}

    assert list(uses_in(spec)) == [Use("name", "headers Auth"), Use("name", "body a")]
    assert fill(spec, lookup) == {
        "headers": {"Auth": "v"},
        "body": {"a": ["v", 1, None]},
        "{{name}}": "x",
    }


def test_an_unknown_name_says_where() -> None:
    with pytest.raises(UnprocessableError, match=r"^unknown variable missing in command$"):
        fill({"command": "echo {{missing}}"}, lookup)


@pytest.mark.parametrize("name", ["a", "_", "DB_PASSWORD", "x" * 100])
def test_a_name_is_letters_digits_and_underscores(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize("name", ["", "9a", "a-b", "a b", "ä", "x" * 101, "a\n"])
def test_another_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidError, match="no digit first"):
        check_name(name)
