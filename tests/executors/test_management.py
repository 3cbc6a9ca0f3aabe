"""Management commands as jobs: what may run, and how each end is told."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.management import get_commands

from jobs.domain.errors import InvalidError
from jobs.domain.states import ExecutionState, Stream
from jobs.executors import parse_spec
from jobs.executors.management import REFUSED
from tests.executors.pythonjobs import sample_commands
from tests.executors.worker import Run, in_worker, make_context, run

__all__ = ["sample_commands"]
pytestmark = pytest.mark.usefixtures("sample_commands")


def run_command(directory: Path, instance: str, spec: dict[str, Any], **fields: Any) -> Run:
    """Run a management command in a forked worker."""
    context = make_context(directory, instance, **fields)
    outcome = in_worker(lambda: run(context, "management_command", spec))
    assert isinstance(outcome, Run)
    return outcome


def test_a_command_runs_with_its_arguments_and_options(tmp_path: Path, instance: str) -> None:
    spec = {"command": "greet", "args": ["Ada"], "options": {"times": 2}}

    done = run_command(tmp_path, instance, spec)

    assert done.outcome == (ExecutionState.SUCCEEDED, "")
    assert done.text(Stream.STDOUT) == "Hello Ada\nHello Ada\nreturned text\n"
    assert done.text(Stream.STDERR) == "on the other stream\n"
    assert done.result.exit_code == 0


def test_arguments_may_hold_options_as_on_the_command_line(tmp_path: Path, instance: str) -> None:
    done = run_command(tmp_path, instance, {"command": "greet", "args": ["--times=3", "Ada"]})

    assert done.text(Stream.STDOUT).count("Hello Ada") == 3


@pytest.mark.parametrize("code", [1, 5])
def test_a_commands_own_error_is_told_without_a_trace(
    tmp_path: Path, instance: str, code: int
) -> None:
    spec = {"command": "greet", "args": ["Ada"], "options": {"fail": code}}

    done = run_command(tmp_path, instance, spec)

    assert done.outcome == (ExecutionState.FAILED, "CommandError: could not greet")
    assert done.result.exit_code == code
    assert done.result.error == "CommandError: could not greet"
    assert "Traceback" not in done.text(Stream.STDERR)


def test_a_command_that_exits_has_its_status(tmp_path: Path, instance: str) -> None:
    spec = {"command": "greet", "args": ["Ada", "--exit", "4"]}

    done = run_command(tmp_path, instance, spec)

    assert (done.result.state, done.result.exit_code) == (ExecutionState.FAILED, 4)


def test_wrong_arguments_are_a_failed_run_with_the_parsers_words(
    tmp_path: Path, instance: str
) -> None:
    done = run_command(tmp_path, instance, {"command": "greet"})

    assert done.result.state == ExecutionState.FAILED
    assert "the following arguments are required: name" in done.result.message


def test_a_command_is_killed_with_everything_it_started(tmp_path: Path, instance: str) -> None:
    spec = {"command": "greet", "args": ["Ada", "--sleep"]}

    done = run_command(tmp_path, instance, spec, timeout=timedelta(seconds=1))

    # Nothing of it is left: the fixture looks for the marks of this test's processes.
    assert done.outcome == (ExecutionState.TIMED_OUT, "Timed out after 1 s")
    assert done.seconds < 8


@pytest.mark.parametrize("command", sorted(set(REFUSED) - {"drf_create_token"}))
def test_what_no_job_should_run_is_refused_with_the_reason(command: str) -> None:
    with pytest.raises(InvalidError) as caught:
        parse_spec("management_command", {"command": command})

    sentence = f"management command {command!r} is refused: {REFUSED[command]}"
    assert caught.value.fields == {"command": sentence}


def test_an_unknown_command_is_refused_with_those_there_are() -> None:
    with pytest.raises(InvalidError, match=r"'gret' does not exist; there are: .*clearsessions"):
        parse_spec("management_command", {"command": "gret"})


@pytest.mark.parametrize("option", ["time", "stdout", "help", "no_color"])
def test_an_unknown_option_is_refused_with_those_there_are(option: str) -> None:
    with pytest.raises(InvalidError) as caught:
        parse_spec("management_command", {"command": "greet", "options": {option: 1}})

    assert caught.value.message.startswith(f"greet has no option {option!r}; it has: exit, fail")


def test_a_list_in_the_settings_allows_only_what_it_names(settings: LazySettings) -> None:
    settings.JOBDECK = {**settings.JOBDECK, "MANAGEMENT_COMMANDS": ["greet", "flush"]}

    for command in ("greet", "flush"):
        parse_spec("management_command", {"command": command})
    with pytest.raises(InvalidError, match="'clearsessions' is not allowed; allowed: greet, flush"):
        parse_spec("management_command", {"command": "clearsessions"})


def test_every_command_there_is_was_judged() -> None:
    harmless = {
        "check",
        "clearsessions",
        "collectstatic",
        "compilemessages",
        "findstatic",
        "inspectdb",
        "prune",
        "selfcheck",
        "sendtestemail",
        "showmigrations",
        "sqlmigrate",
        "sqlsequencereset",
    }

    ours = {name for name, app in get_commands().items() if not str(app).startswith("tests")}
    assert ours - set(REFUSED) == harmless
