"""`jobctl` as a program: on the server's host without a web server, and from afar with a token."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from shutil import copy
from typing import TYPE_CHECKING, Protocol

import pytest

from jobs.services import tokens
from tests.factories import definition, make_job
from tests.migrated import template

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from pytest_django.live_server_helper import LiveServer

ROOT = Path(__file__).resolve().parents[2]


class Run(Protocol):
    """Run `jobctl` as a process."""

    def __call__(
        self, *args: str, given: str = "", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Return how it ended."""


@pytest.fixture
def program(tmp_path: Path) -> Run:
    """Return `python -m jobs.cli` with a data directory of its own."""
    base = {
        name: value for name, value in os.environ.items() if not name.startswith("JOBDECK_")
    } | {
        "JOBDECK_DATA": str(tmp_path / "data"),
        "DJANGO_SETTINGS_MODULE": "scheduler_site.settings",
        "DATABASE_URL": f"sqlite:///{tmp_path}/data/jobdeck.sqlite3",
    }

    def run(*args: str, given: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "jobs.cli", *args],
            cwd=ROOT,
            env=base | environment,
            input=given,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


@pytest.mark.long
def test_jobctl_works_on_the_host_without_a_web_server(program: Run, tmp_path: Path) -> None:
    """S1-71."""
    before = program("list")
    copy(template(), tmp_path / "data" / "jobdeck.sqlite3")
    created = program("create", "-", given=json.dumps(definition(name="alone")))
    listed = program("list")

    assert before.returncode == 1
    assert "has not been set up" in before.stderr
    assert (created.returncode, created.stderr) == (0, "")
    assert "alone" in listed.stdout


@pytest.mark.django_db(transaction=True)
def test_jobctl_works_from_afar_with_a_token(
    program: Run, editor: User, live_server: LiveServer
) -> None:
    _, value = tokens.create(editor, "afar")
    make_job(name="remote")
    url = live_server.url

    listed = program("list", JOBDECK_URL=url, JOBDECK_TOKEN=value)
    paused = program("--url", f"{url}/", "--token", value, "pause", "remote", "--json")
    refused = program("list", JOBDECK_URL=url, JOBDECK_TOKEN="jd_wrong")
    without = program("list", JOBDECK_URL=url)

    assert "remote" in listed.stdout
    assert json.loads(paused.stdout)["state_changed_by"] == "edda"
    assert (refused.returncode, refused.stderr) == (
        1,
        "Error: This token is unknown, revoked or expired.\n",
    )
    assert without.returncode == 1
    assert "JOBCTL_TOKEN is missing" in without.stderr


def test_a_server_that_is_away_is_an_error(program: Run) -> None:
    ended = program("list", JOBDECK_URL="http://127.0.0.1:9", JOBDECK_TOKEN="t")

    assert ended.returncode == 1
    assert ended.stderr.startswith("Error: Cannot reach http://127.0.0.1:9")
