"""Work of the dead is found: at once on this host, by the lease elsewhere."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError

from jobs import conf
from jobs.engine import rescuer as module
from jobs.engine.heartbeat import is_dead, place
from jobs.engine.rescuer import Rescuer
from jobs.executors.proctree import pid_start_time
from jobs.models import Execution, Worker
from jobs.services import workers
from tests.factories import make_execution, make_job, make_worker

pytestmark = pytest.mark.django_db(transaction=True)
PAST = datetime(2020, 1, 1, tzinfo=UTC)


def in_hand(worker: Worker, state: str, *, lease: datetime) -> Execution:
    """Return an execution that a cluster holds."""
    now = datetime.now(UTC)
    return make_execution(
        make_job(name=f"{state}-{worker.pk}", schedules=[]),
        state=state,
        token="t",
        worker=worker,
        claimed_at=now,
        started_at=now if state == "running" else None,
        lease_expires_at=lease,
    )


def here(pid: int, started: int) -> Worker:
    """Return a cluster of this very place."""
    return make_worker(
        kind="cluster",
        host=socket.gethostname(),
        boot_id=place(),
        pid=pid,
        pid_started=started,
        state="running",
    )


def dead_pid() -> int:
    """Return the number of a process that has just ended."""
    return int(subprocess.check_output([sys.executable, "-c", "import os; print(os.getpid())"]))


def test_work_of_a_dead_process_of_this_host_is_rescued_at_once() -> None:
    lease = datetime.now(UTC) + timedelta(hours=1)
    worker = here(dead_pid(), 1)
    running, unstarted = (
        in_hand(worker, "running", lease=lease),
        in_hand(worker, "claimed", lease=lease),
    )

    Rescuer().step()

    running.refresh_from_db()
    unstarted.refresh_from_db()
    worker.refresh_from_db()
    assert (running.state, unstarted.state, worker.state) == ("lost", "queued", "gone")


def test_living_process_is_left_alone() -> None:
    worker = here(os.getpid(), pid_start_time(os.getpid()) or 0)
    running = in_hand(worker, "running", lease=datetime.now(UTC) + timedelta(hours=1))

    Rescuer().step()

    running.refresh_from_db()
    assert running.state == "running"


def test_number_used_again_does_not_hide_a_death() -> None:
    assert is_dead(here(os.getpid(), 1))


def test_process_of_another_place_is_not_judged_by_its_number() -> None:
    worker = here(dead_pid(), 1)
    worker.boot_id = "another boot"

    assert not is_dead(worker)


def test_expired_lease_counts_only_after_a_lease_in_touch(monkeypatch: pytest.MonkeyPatch) -> None:
    worker = make_worker(kind="cluster", host="elsewhere", boot_id="x", pid=1, state="running")
    running = in_hand(worker, "running", lease=PAST)
    clock = [1000.0]
    monkeypatch.setattr("jobs.engine.rescuer.time.monotonic", lambda: clock[0])
    rescuer = Rescuer()

    rescuer.step()
    running.refresh_from_db()
    early = running.state
    clock[0] += conf.lease_seconds()
    rescuer.step()
    running.refresh_from_db()

    assert (early, running.state) == ("running", "lost")


def test_outage_starts_the_wait_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    worker = make_worker(kind="cluster", host="elsewhere", boot_id="x", pid=1, state="running")
    running = in_hand(worker, "running", lease=PAST)
    clock = [1000.0]
    monkeypatch.setattr("jobs.engine.rescuer.time.monotonic", lambda: clock[0])
    rescuer = Rescuer()
    rescuer.step()
    clock[0] += conf.lease_seconds()
    with monkeypatch.context() as outage:
        outage.setattr(module, "rescue_dead_neighbours", _away)
        with pytest.raises(DatabaseError):
            rescuer.step()

    rescuer.step()

    running.refresh_from_db()
    assert running.state == "running"


def test_clock_put_forward_starts_the_wait_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    worker = make_worker(kind="cluster", host="elsewhere", boot_id="x", pid=1, state="running")
    running = in_hand(worker, "running", lease=datetime.now(UTC) + timedelta(minutes=30))
    clock, ahead = [1000.0], [timedelta()]
    monkeypatch.setattr("jobs.engine.rescuer.time.monotonic", lambda: clock[0])
    for place_of_use in ("jobs.engine.rescuer.db_now", "jobs.services.rescue.db_now"):
        monkeypatch.setattr(place_of_use, lambda: datetime.now(UTC) + ahead[0])
    rescuer = Rescuer()
    rescuer.step()
    clock[0] += conf.lease_seconds()

    ahead[0] = timedelta(hours=1)
    rescuer.step()
    running.refresh_from_db()
    at_once = running.state
    clock[0] += conf.lease_seconds()
    make_worker(kind="dispatcher", beat_at=datetime.now(UTC) + ahead[0])  # by the same clock
    rescuer.step()
    running.refresh_from_db()

    assert (at_once, running.state) == ("running", "lost")


def test_nobody_is_judged_while_nobody_can_write(monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk can be read: the runs look expired, and their workers wait to record them."""
    worker = make_worker(kind="cluster", host="elsewhere", boot_id="x", pid=1, state="running")
    running = in_hand(worker, "running", lease=PAST)
    Worker.objects.update(beat_at=datetime.now(UTC) - timedelta(minutes=5))
    clock = [1000.0]
    monkeypatch.setattr("jobs.engine.rescuer.time.monotonic", lambda: clock[0])
    rescuer = Rescuer()
    states = []

    for beats in (False, False, True, True):  # there is room again
        if beats:
            Worker.objects.update(beat_at=datetime.now(UTC))
        rescuer.step()
        running.refresh_from_db()
        states.append(running.state)
        clock[0] += conf.lease_seconds() / 1.5

    assert states == ["running", "running", "running", "lost"]


def test_a_queue_that_nobody_serves_does_not_keep_the_others_from_redis(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    long_ago = datetime.now(UTC) - timedelta(minutes=5)
    unserved, released = (
        make_execution(make_job(schedules=[]), queue=queue, queued_at=long_ago, handed_at=handed_at)
        for queue, handed_at in (("unserved", long_ago + timedelta(minutes=4)), ("default", None))
    )
    pushed: list[dict[str, list[int]]] = []
    monkeypatch.setattr(module, "HAND_OVER_BATCH", 1)
    monkeypatch.setattr("jobs.broker.is_available", lambda: True)
    monkeypatch.setattr("jobs.services.handover.push", pushed.append)

    Rescuer().step()

    assert unserved.pk < released.pk
    assert pushed == [{"default": [released.pk]}]


def test_dispatcher_that_was_taken_for_dead_is_back_at_its_next_tick() -> None:
    row = make_worker(kind="dispatcher", state="running")
    workers.sign_off(row.pk)

    workers.tick(row.pk, at=datetime.now(UTC), lag=None)

    row.refresh_from_db()
    assert row.state == "running"


def _away() -> int:
    raise DatabaseError("the database is away")
