"""Where `jobctl` finds the server: profiles, environment, workspaces; and what it costs to start."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from jobs.cli import profiles
from jobs.cli.group import MODULES
from jobs.cli.main import cli
from jobs.services import tokens
from tests.cli.conftest import Jobctl
from tests.factories import cron, make_execution, make_job

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from pytest_django.live_server_helper import LiveServer

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ["django", "pydantic", "ninja", "httpx", "rich", "croniter", "asyncio", "yaml", "icalendar"]
READING = [
    ["list"], ["list", "one"], ["status"], ["status", "one"], ["show", "one"], ["next", "one"],
    ["logs", "one"], ["logs", "one", "--since", "1h"], ["queues"], ["workers"], ["dependencies", "one"],
    ["breaker", "list"], ["calendar", "list"], ["variable", "list"], ["freezes"], ["export"],
    ["backfills", "list", "one"], ["explain", "one", "2020-01-01T00:00:00Z"],
    ["alerts", "list"], ["check-ins", "list"], ["rules", "list"], ["channels", "list"],
]  # fmt: skip


@pytest.mark.django_db(transaction=True)
@pytest.mark.long
def test_remote_and_in_process_print_the_same_bytes(
    jobctl: Jobctl, editor: User, live_server: LiveServer
) -> None:
    _, token = tokens.create(editor, "afar")
    make_execution(make_job(name="one", schedules=[cron("0 5 * * *")]), state="failed")
    server = ("--url", live_server.url, "--token", token)

    for command in READING:
        here = jobctl(*command, "--json")
        afar = jobctl(*server, *command, "--json")
        assert (here.code, here.err) == (afar.code, afar.err) == (0, ""), command
        assert here.out == afar.out, command
        json.loads(here.out)


@pytest.mark.django_db(transaction=True)
def test_login_keeps_the_token_in_a_file_of_ones_own(
    jobctl: Jobctl, editor: User, live_server: LiveServer
) -> None:
    _, token = tokens.create(editor, "afar")

    wrong = jobctl("login", "--url", live_server.url, "--token", "jd_wrong")
    ended = jobctl("login", "--url", live_server.url, "--token", token, "--as", "prod")
    make_job(name="remote")
    paused = jobctl("pause", "remote", "--json")
    here = jobctl("--profile", "local", "resume", "remote", "--json")
    listed = jobctl("profile", "list")

    assert (wrong.code, wrong.err) == (1, "Error: This token is unknown, revoked or expired.\n")
    assert ended.code == 0
    assert profiles.path().stat().st_mode & 0o777 == 0o600
    assert paused.json["state_changed_by"] == "edda"
    assert here.json["state_changed_by"].endswith("(jobctl)")
    assert listed.lines == [
        "  local                this host",
        f"* prod                 {live_server.url}",
    ]
    assert token not in listed.out + ended.out
    # The profile's token goes to no other server.
    assert "JOBCTL_TOKEN is missing" in jobctl("--url", "http://127.0.0.1:9", "list").err
    assert "Use prod, local" in jobctl("profile", "use", "test").err
    assert jobctl("profile", "use", "local").code == 0
    assert jobctl("profile", "remove", "prod").code == 0

    profiles.path().chmod(0o644)
    assert "others can read it" in jobctl("list").err


def test_a_remote_command_imports_little_and_starts_soon() -> None:
    bare = min(float(child("")) for _ in range(3))

    told = [
        child(
            "from jobs.cli.main import run_command\n"
            "assert run_command(['--url', 'http://127.0.0.1:9', '--token', 't', 'list']) == 1\n"
            f"print([name for name in {HEAVY} if name in sys.modules], len(sys.modules))"
        ).split("\n")
        for _ in range(3)
    ]

    heavy, _, count = told[0][0].rpartition(" ")
    assert heavy == "[]"
    assert int(count) < 300
    # About 4 times as much as Python itself, of processor time: another's load is not counted.
    assert min(float(seconds) for _, seconds in told) < 25 * bare


def child(code: str) -> str:
    """Run code in a Python of its own; return what it prints, with its processor time at the end."""
    before = f"import sys, time; sys.path.insert(0, {str(ROOT)!r})"
    ended = subprocess.run(
        [sys.executable, "-I", "-c", f"{before}\n{code}\nprint(time.process_time())"],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    return ended.stdout.strip()


def test_every_command_is_listed_documented_and_found(jobctl: Jobctl) -> None:
    page = (ROOT / "docs/reference/cli.md").read_text()

    for commands in MODULES.values():
        for name in commands:
            assert jobctl(name, "--help").code == 0, name
            assert f"jobctl {name}" in page or f"`{name}" in page, name
    assert len(cli.commands) == sum(len(commands) for commands in MODULES.values())


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_printed(jobctl: Jobctl, shell: str) -> None:
    ended = jobctl("completion", shell)

    assert ended.code == 0
    assert f"_JOBCTL_COMPLETE={shell}_complete" in ended.out


@pytest.mark.django_db
def test_run_ends_with_the_jobs_own_code(jobctl: Jobctl, monkeypatch: pytest.MonkeyPatch) -> None:
    make_job(name="bad")
    ended = {"id": 7, "job": "bad", "state": "failed", "message": "Command failed: exit status 3",
             "exit_code": 3, "signal": None, "warnings": None}  # fmt: skip
    monkeypatch.setattr("jobs.cli.client.Api.until_ended", lambda _api, _one, **_how: ended)

    assert jobctl("run", "bad", "--exit-code").code == 3
    assert jobctl("wait", "bad").code == 1
    assert jobctl("run", "bad", "--no-wait", "--exit-code").code == 2
    ended.update(exit_code=None, signal=9)
    make_job(name="killed")
    assert jobctl("run", "killed", "--wait", "--exit-code").code == 137


@pytest.mark.django_db
def test_top_without_a_terminal_shows_one_picture(jobctl: Jobctl) -> None:
    job = make_job(name="busy", schedules=[cron("0 5 * * *")])
    make_execution(job, state="running")
    make_execution(make_job(name="sick"), state="failed", message="No \x1b[31mdisk")

    ended = jobctl("top")

    assert ended.code == 0
    titles = [line for line in ended.lines if line in ("Running", "Failed last", "Next", "Queues")]
    assert titles == ["Running", "Failed last", "Next", "Queues"]
    assert "\x1b" not in ended.out
    assert "busy" in ended.out
    assert "disk" in ended.out
    assert jobctl("top", "--json").json["next"][0]["job"] == "busy"
