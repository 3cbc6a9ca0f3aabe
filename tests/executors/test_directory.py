"""Where a job runs."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from jobs.domain.errors import InvalidError
from jobs.domain.states import ExecutionState
from jobs.executors.directory import prepare_directory
from tests.executors.conftest import RunJob


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_default_directory_is_made_private_with_its_parents(tmp_path: Path) -> None:
    default = tmp_path / "deployments" / "_standalone_"

    assert prepare_directory(default) == default
    assert (mode(default), mode(default.parent)) == (0o700, 0o700)


def test_a_relative_directory_is_below_the_default(tmp_path: Path) -> None:
    assert prepare_directory(tmp_path, Path("a/./b/../c")) == tmp_path / "a/b/../c"
    assert (tmp_path / "a" / "c").is_dir()


def test_an_absolute_directory_is_used_as_it_is(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    assert prepare_directory(tmp_path / "default", elsewhere) == elsewhere
    assert not (tmp_path / "default").exists()


def test_an_absolute_directory_below_the_default_is_made(tmp_path: Path) -> None:
    wanted = tmp_path / "default" / "mine"

    assert prepare_directory(tmp_path / "default", wanted) == wanted
    assert wanted.is_dir()


@pytest.mark.parametrize("wanted", ["..", "../other", "a/../../other", "link", "link/below"])
def test_a_relative_directory_cannot_leave_the_default(tmp_path: Path, wanted: str) -> None:
    default = tmp_path / "default"
    default.mkdir()
    (tmp_path / "other").mkdir()
    (default / "link").symlink_to(tmp_path / "other")

    with pytest.raises(InvalidError, match="leads out of"):
        prepare_directory(default, Path(wanted))

    assert list((tmp_path / "other").iterdir()) == []


def test_a_link_that_stays_below_the_default_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")

    assert prepare_directory(tmp_path, Path("link")) == tmp_path / "link"


@pytest.mark.parametrize("wanted", [None, Path("sub/dir")])
def test_a_command_runs_in_its_directory(
    run_job: RunJob, tmp_path: Path, wanted: Path | None
) -> None:
    run = run_job(script="pwd -P; pwd", working_dir=wanted)

    expected = tmp_path / "work" / (wanted or "")
    assert run.text() == f"{expected}\n{expected}\n"


def test_a_missing_absolute_directory_is_a_failed_run(run_job: RunJob) -> None:
    run = run_job(command="true", working_dir=Path("/no/such/place"))

    assert run.outcome == (
        ExecutionState.FAILED,
        "Command could not be started: working directory /no/such/place does not exist",
    )


def test_a_name_that_no_directory_can_have_is_a_failed_run(run_job: RunJob) -> None:
    run = run_job(command="true", working_dir=Path("a\0b"))

    assert run.outcome == (
        ExecutionState.FAILED,
        "Command could not be started: working directory 'a\\x00b' holds a NUL character",
    )


def test_a_file_in_the_place_of_the_directory_is_a_failed_run(
    run_job: RunJob, tmp_path: Path
) -> None:
    (tmp_path / "work").touch()

    run = run_job(command="true")

    assert run.outcome == (
        ExecutionState.FAILED,
        f"Command could not be started: working directory {tmp_path}/work is not a directory",
    )


def test_a_directory_that_cannot_be_made_is_a_failed_run(run_job: RunJob) -> None:
    run = run_job(command="true", default_dir=Path("/proc/no-place-for-this"))

    assert run.result.state is ExecutionState.FAILED
    assert run.result.message.startswith("Command could not be started: /proc/no-place-for-this: ")
