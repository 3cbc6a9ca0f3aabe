"""What a job's processes inherit: an allowlist, the job's variables, the built-in ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from jobs.domain.errors import InvalidError
from jobs.domain.states import ExecutionState, Trigger
from jobs.executors import ExecutionContext
from jobs.executors.environment import (
    DEFAULT_PATH,
    MAX_ENVIRONMENT_BYTES,
    MAX_VARIABLE_BYTES,
    build_environment,
    validate_environment,
)
from tests.executors.conftest import RunJob

SERVER = {
    "PATH": "/opt/bin:/usr/bin",
    "HOME": "/home/jobs",
    "LANG": "de_DE.UTF-8",
    "LC_TIME": "fr_FR.UTF-8",
    "TZ": "Europe/Paris",
    "SECRET_KEY": "canary",
    "DATABASE_URL": "postgres://canary",
    "JOBDECK_DATA": "/canary",
    "JOBDECK_INSTANCE": "canary",
    "EXECUTION_ID": "canary",
    "DJANGO_SETTINGS_MODULE": "canary",
    "VIRTUAL_ENV": "/canary",
}


def test_of_the_servers_environment_only_the_allowlist_passes(context: ExecutionContext) -> None:
    environment = build_environment(context, server=SERVER)

    assert {name: environment[name] for name in (b"PATH", b"HOME", b"LANG", b"LC_TIME", b"TZ")} == {
        b"PATH": b"/opt/bin:/usr/bin",
        b"HOME": b"/home/jobs",
        b"LANG": b"de_DE.UTF-8",
        b"LC_TIME": b"fr_FR.UTF-8",
        b"TZ": b"Europe/Paris",
    }
    assert b"canary" not in b" ".join(environment.values())


def test_a_path_is_there_even_if_the_server_has_none(context: ExecutionContext) -> None:
    assert build_environment(context, server={})[b"PATH"] == DEFAULT_PATH.encode()


def test_the_built_in_variables_tell_about_the_execution(run_job: RunJob, instance: str) -> None:
    run = run_job(
        command="env",
        workspace_id="my-app",
        job_name="Täglicher Bericht",
        attempt=2,
        trigger=Trigger.MANUAL,
    )

    variables = dict(line.split("=", 1) for line in run.text().splitlines())
    assert {
        "WORKSPACE_ID": "my-app",
        "JOB_NAME": "Täglicher Bericht",
        "JOB_ID": "3",
        "EXECUTION_ID": "7",
        "ATTEMPT": "2",
        "SCHEDULED_FOR": "2026-03-29T01:30:00Z",
        "TRIGGER": "manual",
        "JOBDECK_INSTANCE": instance,
    }.items() <= variables.items()


def test_a_run_of_a_backfill_knows_its_number(context: ExecutionContext) -> None:
    plain = build_environment(context, server={})
    of_backfill = build_environment(replace(context, backfill_id=12), server={})

    assert b"BACKFILL_ID" not in plain
    assert of_backfill[b"BACKFILL_ID"] == b"12"


def test_a_running_command_has_nothing_else(
    run_job: RunJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_KEY", "canary")

    run = run_job(command="env", environment={"MINE": "yes"})

    names = {line.split("=", 1)[0] for line in run.text().splitlines()}
    allowed = {"PATH", "HOME", "LANG", "TZ", "USER", "LOGNAME", "SHELL", "TMPDIR", "PWD"}
    built_in = {"WORKSPACE_ID", "JOB_NAME", "JOB_ID", "EXECUTION_ID", "ATTEMPT", "SCHEDULED_FOR"}
    others = names - allowed - built_in - {"TRIGGER", "JOBDECK_INSTANCE", "MINE"}
    assert {name for name in others if not name.startswith("LC_")} == set()
    assert "canary" not in run.text()


def test_the_jobs_variables_replace_the_servers_but_not_the_built_in_ones(
    context: ExecutionContext,
) -> None:
    own = {"PATH": "/usr/local/bin", "TZ": "UTC", "JOB_NAME": "forged", "EXECUTION_ID": "0"}

    environment = build_environment(replace(context, environment=own), server=SERVER)

    assert (environment[b"PATH"], environment[b"TZ"]) == (b"/usr/local/bin", b"UTC")
    assert (environment[b"JOB_NAME"], environment[b"EXECUTION_ID"]) == (b"report", b"7")


@pytest.mark.parametrize("value", ["", "a b", "a=b", "'\"$`\\", "ünïcode ✓", "two\nlines"])
def test_values_arrive_unchanged(run_job: RunJob, value: str) -> None:
    run = run_job(script='printf %s "$VALUE"', environment={"VALUE": value})

    assert run.text() == value


@pytest.mark.parametrize("name", ["", "1ST", "A-B", "A=B", "A B", "É", "A\0", "a.b", "A\n"])
def test_a_name_that_no_shell_can_use_is_refused(name: str) -> None:
    with pytest.raises(InvalidError) as caught:
        validate_environment({name: "value"})

    assert repr(name) in caught.value.message
    assert caught.value.fields == {"environment": caught.value.message}


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("a\0b", "NUL"),
        ("\ud800", "Unicode"),
        ("x" * (MAX_VARIABLE_BYTES - 4), "131,072 bytes"),
    ],
)
def test_a_value_that_no_process_can_get_is_refused(value: str, reason: str) -> None:
    with pytest.raises(InvalidError, match=f"NAME.*{reason}"):
        validate_environment({"NAME": value})


def test_too_much_in_all_is_refused() -> None:
    variables = {f"V{number}": "x" * 100_000 for number in range(11)}

    with pytest.raises(InvalidError, match=f"at most {MAX_ENVIRONMENT_BYTES:,}"):
        validate_environment(variables)


def test_the_largest_environment_that_is_allowed_can_be_started(run_job: RunJob) -> None:
    largest = {"LARGEST": "x" * (MAX_VARIABLE_BYTES - 8)}
    others = {f"V{number}": "x" * 100_000 for number in range(8)}

    run = run_job(script="echo ${#LARGEST}", environment={**largest, **others})

    assert run.text() == f"{MAX_VARIABLE_BYTES - 8}\n"


def test_an_environment_of_ten_megabytes_is_a_failed_run(run_job: RunJob) -> None:
    run = run_job(
        command="true", environment={f"V{number}": "x" * 100_000 for number in range(100)}
    )

    assert run.result.state is ExecutionState.FAILED
    assert run.result.message.startswith("Command could not be started: environment: 10,")
    assert run.last_writes == 1
