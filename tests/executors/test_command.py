"""The job type ``command``."""

from __future__ import annotations

import subprocess
import time
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.domain.states import ExecutionState, Stream
from jobs.executors import ExecutionContext
from jobs.executors.command import SHELL, programs_for
from tests.executors.conftest import RunJob
from tests.executors.worker import in_worker, run


@pytest.mark.parametrize(
    ("line", "output"),
    [
        ("false || echo ok", "ok\n"),
        ("true && echo ok", "ok\n"),
        ("echo a; echo b", "a\nb\n"),
        ("echo a | tr a b", "b\n"),
        ("x=5; echo $((x + 1))", "6\n"),
        ("printf '%s|' 'a b' \"c d\" e", "a b|c d|e|"),
        ("cd / && pwd", "/\n"),
        ("echo one\r\necho two", "one\ntwo\n"),
    ],
)
def test_a_line_does_what_it_does_in_a_shell(run_job: RunJob, line: str, output: str) -> None:
    """S1-19."""
    run = run_job(command=line)

    assert run.outcome == (ExecutionState.SUCCEEDED, "")
    assert run.text() == output


def test_every_exit_code_is_reported(context: ExecutionContext) -> None:
    """S1-20."""

    def work() -> list[tuple[ExecutionState, int | None, str]]:
        results = [run(context, "command", {"command": f"exit {n}"}).result for n in range(256)]
        return [(result.state, result.exit_code, result.message) for result in results]

    outcomes = in_worker(work)

    assert outcomes[0] == (ExecutionState.SUCCEEDED, 0, "")
    assert outcomes[1:] == [
        (ExecutionState.FAILED, code, f"Command failed: exit status {code}")
        for code in range(1, 256)
    ]


@pytest.mark.parametrize(
    ("number", "name"),
    [
        (1, "SIGHUP"),
        (2, "SIGINT"),
        (3, "SIGQUIT"),
        (6, "SIGABRT"),
        (9, "SIGKILL"),
        (11, "SIGSEGV"),
        (13, "SIGPIPE"),
        (15, "SIGTERM"),
        (40, "real-time signal"),
    ],
)
def test_death_by_a_signal_is_reported(run_job: RunJob, number: int, name: str) -> None:
    run = run_job(command=f"ulimit -c 0; kill -{number} $$")

    assert run.outcome == (
        ExecutionState.FAILED,
        f"Command ended by signal {number} ({name})",
    )
    assert (run.result.exit_code, run.result.signal) == (None, number)


def test_a_command_that_does_not_exist_fails_as_in_a_shell(run_job: RunJob) -> None:
    run = run_job(command="no-such-program --at all")

    assert run.outcome == (ExecutionState.FAILED, "Command failed: exit status 127")
    assert "no-such-program: not found" in run.text(Stream.STDERR)
    assert run.result.error is not None
    assert "no-such-program" in run.result.error


def test_a_file_without_permission_fails_as_in_a_shell(run_job: RunJob, tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("echo hello\n")

    run = run_job(command=f"{tmp_path}/plain")

    assert run.outcome == (ExecutionState.FAILED, "Command failed: exit status 126")
    assert "ermission denied" in run.text(Stream.STDERR)


def test_a_program_without_shebang_runs_as_in_a_shell(run_job: RunJob, tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("echo hello\n")
    (tmp_path / "plain").chmod(0o755)

    run = run_job(command=f"{tmp_path}/plain")

    assert run.text() == "hello\n"


def test_a_relative_path_is_found_in_the_working_directory(run_job: RunJob, tmp_path: Path) -> None:
    script = tmp_path / "work" / "scripts" / "check-status.sh"
    script.parent.mkdir(parents=True)
    script.write_text('#!/bin/sh\necho "checked in $PWD"\n')
    script.chmod(0o755)

    run = run_job(command="./scripts/check-status.sh")

    assert run.text() == f"checked in {tmp_path}/work\n"


def test_the_jobs_own_path_decides_what_is_found(run_job: RunJob, tmp_path: Path) -> None:
    tool = tmp_path / "bin" / "my-tool"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\necho mine\n")
    tool.chmod(0o755)

    run = run_job(command="my-tool", environment={"PATH": f"{tool.parent}:/usr/bin:/bin"})

    assert run.text() == "mine\n"


def test_a_limit_below_a_second_is_named_exactly(run_job: RunJob) -> None:
    run = run_job(command="sleep 5", timeout=timedelta(milliseconds=250))

    assert run.outcome == (ExecutionState.TIMED_OUT, "Timed out after 0.25 s")


@pytest.mark.parametrize(
    "line",
    [
        "date",
        "date -u +%Y-%m-%d",
        "/usr/bin/python3 -m http.server 80",
        "./run.sh --name='two words' \"and more\" ''",
        "pg_dump --file=/backup/a.sql -U me@host,other",
        "true",
    ],
)
def test_a_plain_line_is_started_without_a_shell(line: str) -> None:
    direct, through_shell = programs_for(line)

    assert direct[0] == line.split()[0]
    assert through_shell == (SHELL, "-c", line)


@pytest.mark.parametrize(
    "line",
    [
        *("a | b", "a && b", "a; b", "a &", "a > f", "a < f", "(a)", "{ a; }", "a\nb", "a\tb"),
        *("echo $HOME", "ls *", "ls ?", "ls [ab]", "ls ~", "a `b`", 'a "$b"', "a \\b", "a #b"),
        *("X=1 a", "cd /tmp", "exec a", ". ./a", ": a", "! a", "exit 3", "'cd' /", "if a", "a 'b"),
        *("''", "time a", "echo hello", "ulimit -c", "[ a ]", "a {b,c}", "a !b", "é"),
    ],
)
def test_a_line_with_work_for_a_shell_gets_one(line: str) -> None:
    assert programs_for(line) == ((SHELL, "-c", line),)


WORDS = st.text("ab0./:@%+,=-_", min_size=1, max_size=6)
QUOTED = st.one_of(
    WORDS,
    st.text('a $`\\"*;#~\n', max_size=5).map(lambda text: f"'{text}'"),
    st.text("a *;#~'\n", max_size=5).map(lambda text: f'"{text}"'),
)
ARGUMENTS = st.lists(st.lists(QUOTED, min_size=1, max_size=3).map("".join), max_size=4)


@settings(max_examples=60, deadline=None)
@given(arguments=ARGUMENTS)
def test_without_a_shell_the_words_are_those_of_the_shell(arguments: list[str]) -> None:
    line = " ".join(["/usr/bin/printf", "[%s]", *arguments]).replace("[%s]", "'[%s]'")

    outputs = [
        subprocess.run(argv, capture_output=True, check=False).stdout for argv in programs_for(line)
    ]

    assert len(outputs) == 2
    assert outputs[0] == outputs[1]


def test_a_long_line_that_ends_badly_is_judged_in_no_time() -> None:
    start = time.monotonic()

    programs_for("a" * 100_000 + "!")

    assert time.monotonic() - start < 5
