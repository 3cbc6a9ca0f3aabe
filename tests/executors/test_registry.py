"""Job types by name, and what their specs refuse."""

from __future__ import annotations

from typing import Any

import pytest

from jobs.domain.errors import InvalidError
from jobs.executors import EXECUTORS, executor_for, parse_spec
from jobs.executors.command import CommandExecutor
from jobs.executors.environment import MAX_VARIABLE_BYTES
from jobs.executors.script import MAX_SCRIPT_BYTES, ScriptExecutor


def test_an_executor_is_found_by_its_type() -> None:
    assert isinstance(executor_for("command"), CommandExecutor)
    assert isinstance(executor_for("script"), ScriptExecutor)


@pytest.mark.parametrize("job_type", ["x", "", "Command", None, ["command"]])
def test_an_unknown_type_is_refused_with_those_there_are(job_type: Any) -> None:
    with pytest.raises(InvalidError) as caught:
        executor_for(job_type)

    allowed = " or ".join(EXECUTORS)
    assert caught.value.message == f"invalid job type: {job_type}. Use {allowed}."
    assert caught.value.fields == {"type": caught.value.message}


@pytest.mark.parametrize(
    ("job_type", "data", "field", "message"),
    [
        ("command", {}, "command", "command is required for command jobs"),
        ("command", {"command": " \n"}, "command", "command is required for command jobs"),
        ("command", {"command": None}, "command", "command is required for command jobs"),
        ("script", {}, "script", "script content is required for script jobs"),
        ("script", {"script": "\n\n"}, "script", "script content is required for script jobs"),
        ("command", {"command": 5}, "command", "command: Input should be a valid string, not 5"),
        ("command", {"command": "a\0b"}, "command", "command holds a NUL character"),
        ("script", {"script": "a\0b"}, "script", "script holds a NUL character"),
        (
            "command",
            {"command": "a", "comand": "b"},
            "comand",
            "unknown field 'comand' for command jobs; allowed: limits, run_as, command",
        ),
        ("command", [], "spec", "spec must be an object, not []"),
        ("command", "date", "spec", "spec must be an object, not 'date'"),
        (
            "script",
            {"script": "a", "interpreter": "sh -c 'x"},
            "interpreter",
            'interpreter "sh -c \'x": No closing quotation',
        ),
    ],
)
def test_a_wrong_spec_is_refused_with_a_sentence_per_field(
    job_type: str, data: Any, field: str, message: str
) -> None:
    with pytest.raises(InvalidError) as caught:
        parse_spec(job_type, data)

    assert caught.value.fields == {field: message}
    assert caught.value.message == message


def test_every_fault_of_a_spec_is_told_at_once() -> None:
    with pytest.raises(InvalidError) as caught:
        parse_spec("script", {"shell": "bash"})

    assert set(caught.value.fields) == {"script", "shell"}
    assert caught.value.message == "; ".join(caught.value.fields.values())


@pytest.mark.parametrize(
    ("job_type", "size"), [("command", MAX_VARIABLE_BYTES), ("script", MAX_SCRIPT_BYTES)]
)
def test_a_text_is_refused_beyond_its_limit_only(job_type: str, size: int) -> None:
    parse_spec(job_type, {job_type: "x" * size})

    with pytest.raises(InvalidError, match=f"{size + 1:,} bytes, at most {size:,}"):
        parse_spec(job_type, {job_type: "x" * (size + 1)})


def test_a_spec_survives_being_stored() -> None:
    spec = parse_spec("script", {"script": "echo", "interpreter": "/bin/sh -e"})

    assert parse_spec("script", spec.model_dump(mode="json")) == spec
