"""What an HTTP job may be told, and what is refused in words when it is saved."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.domain.errors import InvalidError
from jobs.domain.masking import Mask
from jobs.executors import parse_spec
from jobs.executors.http_condition import JsonCondition
from jobs.executors.http_secrets import secrets_of
from jobs.executors.http_url import parse_url

URL = "https://example.com/"


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"url": None}, "url", "url is required for http jobs"),
        ({"method": "CONNECT"}, "method", "Input should be 'GET', 'HEAD', 'POST'"),
        ({"headers": {"X: y": "z"}}, "headers", "'X: y' is not a name of a header"),
        ({"headers": {"": "z"}}, "headers", "'' is not a name of a header"),
        ({"headers": {"X\r\nY": "z"}}, "headers", "is not a name of a header"),
        ({"headers": {"Host": "evil"}}, "headers", "Host is set by Jobdeck"),
        ({"headers": {"content-length": "1"}}, "headers", "content-length is set by Jobdeck"),
        ({"headers": {"Transfer-Encoding": "chunked"}}, "headers", "is set by Jobdeck"),
        ({"headers": {"X": "1", "x": "2"}}, "headers", "x is given twice"),
        ({"headers": {"X": "y" * 9000}}, "headers", "X has 9,000 bytes, at most 8,000"),
        ({"headers": {str(n): "" for n in range(51)}}, "headers", "at most 50 items"),
        ({"headers": {"X": 1}}, "headers.X", "valid string"),
        ({"expected_status": []}, "expected_status", "at least 1 item"),
        ({"expected_status": ["2xx"]}, "expected_status", "'2xx' is neither a status"),
        ({"expected_status": ["299-200"]}, "expected_status", "'299-200' is neither"),
        ({"expected_status": [99]}, "expected_status", "99 is neither"),
        ({"expected_status": [True]}, "expected_status", "valid integer, not True"),
        ({"body": "x" * 1_000_001}, "body", "1,000,001 bytes, at most 1,000,000"),
        ({"body": "\ud800"}, "body", "not valid Unicode"),
        ({"max_response_bytes": 10_000_001}, "max_response_bytes", "less than or equal"),
        ({"connect_timeout_seconds": 0}, "connect_timeout_seconds", "greater than or equal"),
        ({"json_condition": {"path": "a"}}, "json_condition", "needs one comparison, not 0"),
        (
            {"json_condition": {"path": "a", "equals": 1, "exists": True}},
            "json_condition",
            "needs one comparison, not 2",
        ),
        ({"json_condition": {"path": "a[x]", "equals": 1}}, "json_condition.path", "not written"),
        ({"json_condition": {"path": ".a", "equals": 1}}, "json_condition.path", "not written"),
        ({"json_condition": {"path": "a", "one_of": None}}, "json_condition", "must not be null"),
        ({"json_condition": {"path": "a", "eval": "1"}}, "json_condition.eval", "unknown field"),
        ({"proxy": "http://x"}, "proxy", "unknown field 'proxy' for http jobs"),
    ],
)
def test_a_wrong_request_is_refused_with_a_sentence(
    fields: dict[str, Any], field: str, words: str
) -> None:
    with pytest.raises(InvalidError) as caught:
        parse_spec("http", {"url": URL, **fields})

    assert any(name.startswith(field) for name in caught.value.fields)
    assert words in caught.value.message


@pytest.mark.parametrize("value", ["a\r\nX-Admin: 1", "a\nb", "a\rb", "a\0b", "a\x0bb", "\u010a"])
def test_no_header_can_be_injected_and_its_value_is_not_repeated(value: str) -> None:
    with pytest.raises(InvalidError) as caught:
        parse_spec("http", {"url": URL, "headers": {"X-Key": f"s3cret{value}"}})

    assert "X-Key holds a line break or a character that is not ASCII" in caught.value.message
    assert "s3cret" not in caught.value.message


def test_two_kinds_of_credentials_are_refused() -> None:
    with pytest.raises(InvalidError, match="not both"):
        parse_spec("http", {"url": "http://u:p@example.com", "headers": {"authorization": "x"}})


@pytest.mark.parametrize("url", ["http://me:hunter2@exa mple/", "http://me:hunter2@a:x/",
                                 "http://me:hunter2/@a/", "http://me:hunter2\n@a/"])  # fmt: skip
def test_a_refused_url_does_not_repeat_its_password(url: str) -> None:
    with pytest.raises(InvalidError) as caught:
        parse_spec("http", {"url": url})

    assert "hunter2" not in str(caught.value.fields)


@pytest.mark.parametrize(
    "condition",
    [
        None,
        {"path": "", "exists": True},
        {"path": "a.b[0]", "equals": None},
        {"path": ["a.b", 0], "one_of": [1, "x"]},
        {"path": "a", "at_least": 1.5},
    ],
)
def test_a_spec_survives_being_stored(condition: Any) -> None:
    spec = parse_spec(
        "http", {"url": URL, "body": {"a": 1}, "headers": {"A": "b"}, "json_condition": condition}
    )
    stored = spec.model_dump(mode="json")

    assert stored["json_condition"] == condition
    assert parse_spec("http", stored) == spec


@pytest.mark.parametrize(
    "url",
    ["https://{{host}}:{{ port }}/a?key={{api_key}}", "{{base_url}}/x", "{{base_url}}",
     "https://user:{{password}}@example.com/"],
)  # fmt: skip
def test_a_url_may_hold_variables(url: str) -> None:
    assert parse_spec("http", {"url": url}).model_dump()["url"] == url


@pytest.mark.parametrize("url", ["https://{{7*7}}/", "{{a}}\n", "{{a}}\\x", "ftp://{{host}}/"])
def test_a_variable_does_not_hide_what_is_wrong_with_a_url(url: str) -> None:
    with pytest.raises(InvalidError, match=r"^url "):
        parse_spec("http", {"url": url.replace("\n", "\n/")})


DOCUMENT = {
    "status": "ok", "n": 3, "yes": True, "none": None, "a.b": 1,
    "items": [{"id": 1}, {"id": 2.0}], "tags": ["x", "y"], "nested": {"list": [[0, [5]]]},
}  # fmt: skip


@pytest.mark.parametrize(
    ("condition", "fault"),
    [
        ({"path": "status", "equals": "ok"}, None),
        ({"path": "status", "equals": "OK"}, 'status is "ok", not "OK"'),
        ({"path": "status", "not_equals": "down"}, None),
        ({"path": "status", "not_equals": "ok"}, 'status is "ok", not anything else than "ok"'),
        (
            {"path": "missing", "not_equals": "ok"},
            'missing is missing, not anything else than "ok"',
        ),
        ({"path": "yes", "equals": True}, None),
        ({"path": "yes", "equals": 1}, "yes is true, not 1"),
        ({"path": "none", "equals": None}, None),
        ({"path": "gone", "equals": None}, "gone is missing, not null"),
        ({"path": "n", "equals": 3.0}, None),
        ({"path": "items[1].id", "equals": 2}, None),
        ({"path": "items[2].id", "exists": False}, None),
        ({"path": "items[0].id", "exists": False}, "items[0].id is 1, not missing"),
        ({"path": "status.length", "exists": True}, "status.length is missing, not there"),
        ({"path": "items", "equals": [{"id": 1.0}, {"id": 2}]}, None),
        ({"path": "items", "equals": [{"id": True}, {"id": 2}]}, 'items is [{"id": 1}'),
        ({"path": "nested.list[0][1][0]", "at_least": 5}, None),
        ({"path": "n", "at_most": 2}, "n is 3, not at most 2"),
        ({"path": "yes", "at_least": 0}, "yes is true, not at least 0"),
        ({"path": "status", "one_of": ["up", "ok"]}, None),
        ({"path": "n", "one_of": [1, "3"]}, 'n is 3, not one of [1, "3"]'),
        ({"path": "tags", "contains": "y"}, None),
        ({"path": "status", "contains": "k"}, None),
        ({"path": "nested", "contains": "list"}, None),
        ({"path": "n", "contains": 3}, "n is 3, not contains 3"),
        ({"path": ["a.b"], "equals": 1}, None),
        ({"path": ["items", 0, "id"], "equals": 1}, None),
        ({"path": "__class__", "exists": False}, None),
        ({"path": "", "contains": "status"}, None),
    ],
)
def test_a_condition_compares_as_json_does(condition: dict[str, Any], fault: str | None) -> None:
    found = JsonCondition.model_validate(condition).fault_of(DOCUMENT)

    assert (found is None) if fault is None else (found is not None and found.startswith(fault))


@given(st.text(max_size=20), st.recursive(st.none() | st.integers(), st.lists, max_leaves=3))
def test_any_path_is_either_refused_or_found_or_not(path: str, document: Any) -> None:
    try:
        condition = JsonCondition.model_validate({"path": path, "exists": True})
    except ValueError:
        return

    assert condition.fault_of(document) is None or "missing" in str(condition.fault_of(document))


def test_secrets_are_known_by_their_names() -> None:
    target = parse_url("https://u:pass-word@h/?token=query-token&page=page-two")
    headers = {
        "Authorization": "Bearer bearer-value",
        "Cookie": "sid=cookie-value; x=1",
        "X-Request": "plain-value",
    }
    text = "pass-word query-token page-two bearer-value cookie-value plain-value"

    shown = Mask(secrets_of(target, headers)).text(text)

    assert shown == "*** *** page-two *** *** plain-value"


def test_a_basic_header_gives_its_password_away_to_the_masker() -> None:
    secrets = secrets_of(parse_url("http://h/"), {"Authorization": "Basic dTpodW50ZXIyMg=="})

    assert "hunter22" in secrets
    assert Mask(secrets).text('{"p": "hunter22"}') == '{"p": "***"}'
