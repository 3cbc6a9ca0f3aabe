"""Fixtures of the command line's tests: run a command in this process, on the test database."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from jobs.cli.main import run_command
from tests.inprocess import one_connection


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Return what it printed as JSON."""
        return json.loads(self.out)

    @property
    def lines(self) -> list[str]:
        """Return the printed lines."""
        return self.out.splitlines()


class Jobctl:
    """`jobctl` as a function."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        """Take what catches the output."""
        self.capsys = capsys

    def __call__(self, *args: str) -> Ended:
        """Run one command."""
        self.capsys.readouterr()
        with one_connection():
            code = run_command(list(args))
        out, err = self.capsys.readouterr()
        return Ended(code, out, err)


@pytest.fixture
def jobctl(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Jobctl:
    """Return `jobctl` for expressions, or together with the database fixture for jobs."""
    for name in ("JOBCTL_URL", "JOBCTL_TOKEN", "JOBCTL_PROFILE", "JOBDECK_URL", "JOBDECK_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("JOBCTL_CONFIG", str(tmp_path / "jobctl" / "profiles.json"))
    return Jobctl(capsys)
