"""The look at the configuration directory: cheap while nothing changes, and told once when it fails."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries, Settings

from jobs.engine.files import FileKeeper
from jobs.models import Job
from jobs.services import file_sources

pytestmark = pytest.mark.django_db


def test_files_are_applied_once_and_a_failing_look_is_told_once(
    tmp_path: Path,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    settings.JOBDECK = {**settings.JOBDECK, "CONFIG_DIR": tmp_path}
    (tmp_path / "jobs").mkdir()
    told: dict[str, Any] = {"type": "command", "command": "true", "schedule": "0 1 * * *"}
    (tmp_path / "jobs" / "one.json").write_text(json.dumps(told))
    keeper = FileKeeper()
    caplog.set_level(logging.WARNING, logger="scheduler.files")

    keeper.step()
    with django_assert_num_queries(0):
        keeper.step()
    with monkeypatch.context() as patch:

        def stale(_root: Path) -> None:
            raise OSError("Stale file handle")

        patch.setattr(file_sources, "files_in", stale)
        keeper.step()
        keeper.step()

    assert Job.objects.get().name == "one"
    assert [one for one in caplog.messages if "Stale file handle" in one] == caplog.messages
    assert len(caplog.messages) == 1
    keeper.step()
    assert Job.objects.get().state == "active"
