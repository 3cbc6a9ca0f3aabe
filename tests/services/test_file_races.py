"""A file's transaction and single edits at the same moment: they wait for each other, in one order."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from jobs.domain.permissions import SYSTEM
from jobs.models import Job
from jobs.services import files
from jobs.services import jobs as job_services
from tests.factories import make_job
from tests.services.test_breaker_races import at_once

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        "connection.vendor != 'postgresql'", reason="SQLite has one writer: nothing meets there"
    ),
]


def write(root: Path, *, text: str, **of_second: Any) -> None:
    """Write a workspace: what it changes of its second job needs more turns than that of the first."""
    job = {"type": "command", "schedule": "0 3 * * *", "command": "true"}
    jobs = [{**job, "name": "first", "description": text}, {**job, "name": "second", **of_second}]
    path = root / "workspaces" / "shop" / "config.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"enabled": True, "jobs": jobs}))


def somebody_waits() -> bool:
    """Say whether a connection waits for a lock; what the server's other tables say is a copy."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        row = cursor.fetchone()
    return row is not None and row[0] > 0


@pytest.mark.parametrize(
    "edit",
    [
        lambda job: job_services.delete(job.pk, actor=SYSTEM),
        lambda job: job_services.update(job.pk, {"depends_on": ["other"]}, actor=SYSTEM),
        lambda job: job_services.update(job.pk, {"spec": {"command": "b"}}, actor=SYSTEM),
    ],
    ids=["delete", "depend", "change"],
)
def test_an_edit_in_the_middle_of_a_file_waits_for_it_and_neither_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, edit: Callable[[Job], object]
) -> None:
    write(tmp_path, text="as it was")
    files.apply(tmp_path)
    first = Job.objects.get(name="first")
    make_job(name="other")
    in_the_middle, plain = threading.Event(), files._job

    def slowly(*given: Any) -> Job:
        made = plain(*given)
        if not in_the_middle.is_set():  # the first job of the file is changed, the next is not
            in_the_middle.set()
            deadline = time.monotonic() + 30
            while not somebody_waits():
                assert time.monotonic() < deadline, "nobody came in between"
        return made

    monkeypatch.setattr(files, "_job", slowly)
    write(tmp_path, text="as it is", command="date", depends_on=["first"])
    outcome: list[files.Outcome] = []

    def person() -> None:
        assert in_the_middle.wait(30)
        edit(first)

    at_once(lambda: outcome.append(files.apply(tmp_path)), person)

    assert [one.broken for one in outcome] == [{}]
    assert Job.objects.get(name="second").spec["command"] == "date"
