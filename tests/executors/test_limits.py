"""Limits of memory, CPU time, open files and priority, as the kernel enforces them."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from jobs.domain.errors import InvalidError
from jobs.domain.states import ExecutionState
from jobs.executors import ExecutionContext, parse_spec
from jobs.executors.limits import CPU_GRACE
from tests.executors.worker import Run, in_worker, run

MEGABYTE = 1_000_000
SHOW = "ulimit -S -v; ulimit -H -v; ulimit -S -t; ulimit -H -t; ulimit -S -n; ulimit -H -n; nice"


def limited(context: ExecutionContext, job_type: str, text: str, **limits: int) -> Run:
    """Run a job within limits in a forked worker."""
    outcome = in_worker(lambda: run(context, job_type, {job_type: text, "limits": limits}))
    assert isinstance(outcome, Run)
    return outcome


@pytest.mark.parametrize("job_type", ["command", "script"])
def test_each_limit_is_set_before_the_program_starts(
    context: ExecutionContext, job_type: str
) -> None:
    """S1-112."""
    base = os.nice(0)

    outcome = limited(
        context, job_type, SHOW, memory_bytes=512 << 20, cpu_seconds=7, open_files=64, nice=5
    )

    assert outcome.outcome == (ExecutionState.SUCCEEDED, "")
    kib = str(512 << 10)
    assert outcome.text().split() == [kib, kib, "7", str(7 + CPU_GRACE), "64", "64", str(base + 5)]


def test_without_limits_nothing_is_limited_or_wrapped(context: ExecutionContext) -> None:
    outcome = in_worker(lambda: run(context, "command", {"command": "cat /proc/self/limits"}))

    assert outcome.text().split("\n")[1:] == _own_limits()[1:]


def _own_limits() -> list[str]:
    return Path("/proc/self/limits").read_text().split("\n")


def test_arguments_pass_the_wrapper_unchanged(context: ExecutionContext) -> None:
    line = "printf '<%s>' 'a  b' '$HOME' '`id`' '\"' '' '*'"

    outcome = limited(context, "command", line, nice=1)

    assert outcome.text() == '<a  b><$HOME><`id`><"><><*>'


def test_memory_beyond_the_limit_fails_in_the_program(context: ExecutionContext) -> None:
    script = "#!/usr/bin/env python3\nblock = bytearray(600_000_000)\n"

    outcome = limited(context, "script", script, memory_bytes=300 * MEGABYTE)

    assert outcome.outcome == (ExecutionState.FAILED, "Command failed: exit status 1")
    assert outcome.result.error == "MemoryError"
    assert (outcome.result.max_rss_bytes or 0) < 600 * MEGABYTE


@pytest.mark.parametrize(
    ("script", "signum"),
    [
        ("#!/usr/bin/env python3\nwhile True: pass\n", signal.SIGXCPU),
        ("#!/bin/sh\nwhile :; do :; done\n", signal.SIGXCPU),
    ],
)
@pytest.mark.long
def test_cpu_time_beyond_the_limit_ends_the_program_and_is_named(
    context: ExecutionContext, script: str, signum: int
) -> None:
    outcome = limited(context, "script", script, cpu_seconds=1)

    assert outcome.result.state is ExecutionState.FAILED
    assert outcome.result.signal == signum
    assert outcome.result.message == (
        "Command ended by signal 24 (SIGXCPU); its limit is 1 s of CPU time"
    )
    # The account of the kernel is some ticks behind its limit.
    assert (outcome.result.cpu_seconds or 0) >= 0.5


@pytest.mark.long
def test_the_last_command_of_a_shell_names_the_limit_too(context: ExecutionContext) -> None:
    line = "python3 -c 'while True: pass'; exit $?"

    outcome = limited(context, "command", line, cpu_seconds=1)

    assert outcome.outcome == (
        ExecutionState.FAILED,
        "Command failed: exit status 152; its limit is 1 s of CPU time",
    )


@pytest.mark.long
def test_a_program_deaf_to_the_cpu_limit_is_killed(
    context: ExecutionContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.executors.limits.CPU_GRACE", 1)
    script = (
        "#!/usr/bin/env python3\nimport signal\n"
        "signal.signal(signal.SIGXCPU, signal.SIG_IGN)\nwhile True: pass\n"
    )

    outcome = limited(context, "script", script, cpu_seconds=1)

    assert outcome.result.signal == signal.SIGKILL
    assert outcome.result.message.endswith("; its limit is 1 s of CPU time")


def test_no_more_files_can_be_opened(context: ExecutionContext) -> None:
    script = "#!/usr/bin/env python3\nfiles = [open('/dev/null') for _ in range(100)]\n"

    outcome = limited(context, "script", script, open_files=32)

    assert outcome.result.state is ExecutionState.FAILED
    assert "Too many open files" in (outcome.result.error or "")


def test_children_inherit_the_limits(context: ExecutionContext) -> None:
    line = "setsid -w sh -c 'ulimit -n; nice' & wait"

    outcome = limited(context, "command", line, open_files=40, nice=3)

    assert outcome.text().split() == ["40", str(os.nice(0) + 3)]


def test_a_timeout_ends_a_limited_job_as_any_other(context: ExecutionContext) -> None:
    brief = replace(context, timeout=timedelta(seconds=0.4))

    outcome = limited(brief, "command", "sleep 300", nice=1, cpu_seconds=5)

    assert outcome.outcome == (ExecutionState.TIMED_OUT, "Timed out after 0.4 s")
    assert outcome.result.signal == signal.SIGTERM


def test_a_missing_program_fails_as_in_a_shell(context: ExecutionContext) -> None:
    outcome = limited(context, "script", "#!/no/such/interpreter\n", open_files=64)

    assert outcome.result.state is ExecutionState.FAILED
    assert outcome.result.exit_code == 127
    assert "/no/such/interpreter" in (outcome.result.error or "")


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"memory_bytes": 1000}, "greater than or equal to 16777216"),
        ({"cpu_seconds": 0}, "greater than or equal to 1"),
        ({"cpu_seconds": 1.5}, "valid integer"),
        ({"open_files": 3}, "greater than or equal to 16"),
        ({"open_files": 1_048_577}, "less than or equal to"),
        ({"nice": -1}, "greater than or equal to 0"),
        ({"nice": 20}, "less than or equal to 19"),
        ({"processes": 5}, "unknown field"),
        ([], "limits"),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused(limits: Any, words: str) -> None:
    with pytest.raises(InvalidError) as caught:
        parse_spec("command", {"command": "date", "limits": limits})

    assert words in caught.value.message


@pytest.mark.parametrize("limits", [None, {}, {"nice": 3, "memory_bytes": 1 << 30}])
def test_a_spec_is_stored_with_the_limits_that_are_set(limits: Any) -> None:
    spec = parse_spec("command", {"command": "date", "limits": limits})

    stored = spec.model_dump(mode="json")

    assert stored == {"command": "date", **({} if limits is None else {"limits": limits})}
    assert parse_spec("command", stored) == spec
