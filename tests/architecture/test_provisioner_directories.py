"""The variables that the provisioner reads name the directories of Jobdeck as well."""

from __future__ import annotations

import pkgutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.migrated import ROOT, inherited

_SHOW = """
import logging, django
django.setup()
from jobs import conf
print(conf.config_dir(), conf.work_dir(), conf.templates_dir(), sep="\\n")
log = logging.getLogger("scheduler.runner")
log.info("[%s] JOB %s: Starting execution", "my-app", "walker")
log.info("[%s] JOB %s: Starting execution", "_standalone_", "alone")
log.info("[%s] JOB %s: Starting execution", "../up", "outside")
"""


@pytest.mark.long
def test_directories_and_logs_follow_the_variables_of_the_provisioner(tmp_path: Path) -> None:
    """S1-31, S1-92, S1-93, S1-96, S1-107: configuration, state, templates and logs, without root."""
    named = {name: tmp_path / name for name in ("config", "state", "log")}
    named["config"].mkdir()
    ended = subprocess.run(
        [sys.executable, "-c", _SHOW],
        cwd=ROOT,
        env={
            **inherited(),
            "JOBDECK_DATA": str(tmp_path / "data"),
            "DJANGO_SETTINGS_MODULE": "scheduler_site.settings",
            "LOG_LEVEL": "INFO",
            **{f"PROVISIONER_{name.upper()}_DIR": str(path) for name, path in named.items()},
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )

    assert ended.stdout.split() == [
        str(named["config"]),
        str(named["state"] / "deployments"),
        str(named["state"] / "templates"),
    ]
    logs = {file.name: file.read_text() for file in named["log"].iterdir()}
    assert set(logs) == {"my-app.log", "_standalone_.log"}
    assert "[my-app] JOB walker: Starting execution" in logs["my-app.log"]
    assert "JOB alone: " in logs["_standalone_.log"]
    assert not (tmp_path / "up.log").exists()


def test_every_command_of_the_package_can_be_called() -> None:
    """S1-70: console commands, not only `manage.py`."""
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]

    found = {name: pkgutil.resolve_name(target) for name, target in scripts.items()}

    assert {"jobctl", "workspacectl"} <= set(found)
    assert all(callable(one) for one in found.values())
