"""The installation looks at itself: what is well, what is not, and what to do about it."""

from __future__ import annotations

import io
import json
import shutil
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from django.core.management import call_command
from django.db import OperationalError
from django.test import override_settings

from jobs.domain.errors import ForbiddenError
from jobs.domain.permissions import SYSTEM, Actor, Role
from jobs.domain.selfcheck import Part, Verdict
from jobs.domain.zones import VERSION
from jobs.models import Execution, Job, WorkerKind
from jobs.services import canary, jobs, selfcheck_host, zone_data
from jobs.services.selfcheck import selfcheck
from tests.factories import make_execution, make_job, make_worker

pytestmark = pytest.mark.django_db


class Usage(NamedTuple):
    """What `shutil.disk_usage` answers."""

    total: int
    used: int
    free: int


def now() -> datetime:
    return datetime.now(UTC)


def alive(**fields: Any) -> None:
    """Make a dispatcher that has just ticked, and a cluster with free places."""
    from jobs import __version__

    kind = WorkerKind.DISPATCHER.value
    make_worker(
        kind=kind, name="tick", slots=0, tick_at=now(), lag_seconds=0.2, version=__version__
    )
    make_worker(**{"version": __version__, **fields})


def told(part: Part) -> tuple[Verdict, str]:
    """Return the verdict on one part and all that is said about it."""
    found = {one.part: one for one in selfcheck()}[part]
    return found.verdict, f"{found.text} {found.what_next}"


def run(*args: str) -> tuple[str, int]:
    out, code = io.StringIO(), 0
    try:
        call_command("selfcheck", *args, stdout=out)
    except SystemExit as end:
        code = int(str(end.code))
    return out.getvalue(), code


def test_a_running_product_is_well_and_the_command_ends_with_0() -> None:
    alive()

    out, code = run("--json")

    document = json.loads(out)
    names = [one["name"] for one in document["checks"]]
    assert names == [part.value for part in Part if part is not Part.CANARY]
    assert [one for one in document["checks"] if one["status"] != "ok"] == []
    assert (document["status"], code) == ("ok", 0)


def test_nothing_runs_is_bad_and_the_command_ends_with_1() -> None:
    out, code = run()

    assert code == 1
    assert "bad   dispatcher  No dispatcher has ever run" in out
    assert "bad   workers     No cluster is running" in out
    assert "manage.py serve" in out


def test_a_dispatcher_that_is_silent_or_late_is_told() -> None:
    kind = WorkerKind.DISPATCHER.value
    row = make_worker(kind=kind, slots=0, tick_at=now() - timedelta(minutes=5))
    assert told(Part.DISPATCHER)[0] is Verdict.BAD

    row.tick_at, row.lag_seconds = now(), 42
    row.save()

    verdict, text = told(Part.DISPATCHER)
    assert verdict is Verdict.WARN
    assert text.startswith("Ticks, but the latest due time was decided 42.0 s late. Look at")


def test_full_and_missing_workers_are_told() -> None:
    alive(slots=2, busy=2)
    assert told(Part.WORKERS)[0] is Verdict.WARN

    long_ago = now() - timedelta(minutes=5)
    make_execution(make_job(queue="reports"), queue="reports", queued_at=long_ago, due_at=long_ago)

    verdict, text = told(Part.WORKERS)
    assert verdict is Verdict.BAD
    assert "no worker serves queue reports" in text


def test_processes_of_another_version_are_told() -> None:
    alive(name="old-cluster", version="0.0.1")

    verdict, text = told(Part.VERSION)

    assert verdict is Verdict.WARN
    assert "0.0.1 (old-cluster)" in text


def test_room_on_the_disk_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for free in (10**6 - 1, 10**8, 10**12):
        monkeypatch.setattr(shutil, "disk_usage", lambda _path, free=free: Usage(0, 0, free))
        found.append(told(Part.DISK)[0])

    assert found == [Verdict.BAD, Verdict.WARN, Verdict.OK]


def test_clocks_that_differ_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for off in (0, 5, 60):
        there = now() + timedelta(seconds=off)
        monkeypatch.setattr(selfcheck_host, "db_now", lambda there=there: there)
        found.append(told(Part.CLOCK)[0])
    monkeypatch.undo()
    make_execution(queued_at=now() + timedelta(hours=1))

    assert found == [Verdict.OK, Verdict.WARN, Verdict.BAD]
    assert told(Part.CLOCK)[0] is Verdict.BAD, "a clock was set back"


def test_other_zone_rules_than_planned_with_are_told() -> None:
    zone_data.take_over(VERSION, now())
    assert told(Part.ZONES)[0] is Verdict.OK

    zone_data.take_over("1999a", now())

    assert told(Part.ZONES)[0] is Verdict.WARN


def test_a_redis_that_is_away_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from jobs.broker import transport

    def away() -> float:
        raise transport.TransportError("Redis does not answer: refused")

    with override_settings(BROKER_URL="redis://127.0.0.1:1/0"):
        monkeypatch.setattr("jobs.broker.ping", lambda: 0.004)
        assert told(Part.BROKER)[1].strip() == "Redis answers within 4.0 ms."
        monkeypatch.setattr("jobs.broker.ping", away)
        verdict, text = told(Part.BROKER)

    assert verdict is Verdict.WARN
    assert text.startswith("Redis does not answer: refused. Meanwhile the executions table")


def test_a_part_that_cannot_be_looked_at_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> str:
        raise OperationalError("disk I/O error\nmore")

    monkeypatch.setattr(zone_data, "planned_by", broken)

    found = {one.part: one for one in selfcheck()}

    assert found[Part.ZONES].text == "Cannot be looked at: OperationalError"
    assert found[Part.SECRETS].verdict is Verdict.OK


def test_the_canary_is_one_job_that_is_put_right() -> None:
    first = canary.start(actor=SYSTEM)
    jobs.update(first.job_id, {"spec": {"command": "rm -r /"}}, actor=SYSTEM)

    second = canary.start(actor=SYSTEM)

    assert second.pk != first.pk
    assert Job.objects.get(name=canary.NAME).spec["command"] == "echo chirp"


def test_only_an_administrator_starts_the_canary() -> None:
    with pytest.raises(ForbiddenError):
        canary.start(actor=Actor(name="edda", role=Role.EDITOR))


def test_the_canary_s_run_is_judged() -> None:
    began = now()
    run = canary.start(actor=SYSTEM)
    run.queued_at = began
    assert canary.judge(run, began + timedelta(seconds=1)) is None
    waits = canary.judge(run, began + timedelta(seconds=40))
    run.state, run.started_at = "succeeded", began + timedelta(milliseconds=40)
    run.finished_at = began + timedelta(milliseconds=150)
    well = canary.judge(run, began)
    run.started_at = run.finished_at = began + timedelta(seconds=9)
    slow = canary.judge(run, began)
    run.state, run.message = "timed_out", "Stopped after 30 s"
    failed = canary.judge(run, began)

    assert waits is not None
    assert waits.text == f"Run #{run.pk} has not ended after 40 s."
    assert well is not None
    assert well.text == f"Run #{run.pk} waited 40 ms for a worker, ran 110 ms and succeeded."
    assert slow is not None
    assert (well.verdict, slow.verdict) == (Verdict.OK, Verdict.WARN)
    assert failed is not None
    assert failed.text == f"Run #{run.pk} timed out: Stopped after 30 s"


def test_the_command_gives_a_canary_up_that_nobody_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canary, "PATIENCE_SECONDS", 0.0)

    out, code = run("--canary")

    assert code == 1
    assert "has not ended after 0 s" in out
    assert Execution.objects.get().state == "cancelled"
