"""Queues and clusters as people set them, and what is told of what waits."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from jobs.domain.errors import ForbiddenError, InvalidError, StateError, UnknownError
from jobs.domain.permissions import SYSTEM, Actor, Role
from jobs.models import AuditEntry, Execution, Queue, Worker
from jobs.queries.waiting import WaitsFor, queue_looks, unserved, waiting_of
from jobs.services import claims, queues
from tests.factories import make_execution, make_job, make_worker

pytestmark = pytest.mark.django_db
OPERATOR = Actor(name="otto", role=Role.OPERATOR)
VIEWER = Actor(name="vera", role=Role.VIEWER)


def waits(row: Execution) -> tuple[WaitsFor, str]:
    found = waiting_of(row, timezone.now())
    assert found is not None
    return found.kind, found.text


def test_settings_are_made_changed_and_audited() -> None:
    queues.update("gpu", {"limit": 3, "description": "one card each"}, actor=SYSTEM)
    queues.update("gpu", {"limit": None}, actor=SYSTEM)

    row = Queue.objects.get()
    assert (row.name, row.concurrency, row.description) == ("gpu", None, "one card each")
    entries = AuditEntry.objects.filter(action="queue.update").order_by("pk")
    assert [(entry.after or {})["limit"] for entry in entries] == [3, None]


@pytest.mark.parametrize(
    ("name", "changes"),
    [("a b", {}), ("gpu", {"limit": 0}), ("gpu", {"limit": "many"}), ("gpu", {"color": 1})],
)
def test_what_is_wrong_with_settings_is_named(name: str, changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidError):
        queues.update(name, changes, actor=SYSTEM)
    assert not Queue.objects.exists()


def test_roles() -> None:
    worker = make_worker()
    for refused in (
        lambda: queues.update("gpu", {"limit": 1}, actor=OPERATOR),
        lambda: queues.pause("gpu", actor=VIEWER),
        lambda: queues.resume("gpu", actor=VIEWER),
        lambda: queues.drain(worker.pk, actor=VIEWER),
    ):
        with pytest.raises(ForbiddenError):
            refused()
    queues.pause("gpu", actor=OPERATOR)
    queues.drain(worker.pk, actor=OPERATOR)


def test_a_pause_lets_what_runs_go_on_and_keeps_what_waits() -> None:
    worker = make_worker(queues=["default"])
    running, waiting = make_execution(state="running"), make_execution()

    queues.pause("default", actor=OPERATOR, reason="disk full")

    assert claims.claim(worker_id=worker.pk, queues=["default"], free=9) == []
    assert waits(waiting) == (
        WaitsFor.RESUME,
        "waits: queue default was paused by otto: disk full",
    )
    running.refresh_from_db()
    assert running.cancel_requested_at is None
    with pytest.raises(StateError, match="paused already, by otto"):
        queues.pause("default", actor=OPERATOR)

    queues.resume("default", actor=OPERATOR)
    assert len(claims.claim(worker_id=worker.pk, queues=["default"], free=9)) == 1
    with pytest.raises(StateError, match="is not paused"):
        queues.resume("default", actor=OPERATOR)


def test_a_drain_is_undone_and_refused_twice() -> None:
    worker = make_worker(queues=["default"])
    row = make_execution()

    queues.drain(worker.pk, actor=OPERATOR)
    assert waits(row)[0] == WaitsFor.CLUSTER
    with pytest.raises(StateError, match="already drained"):
        queues.drain(worker.pk, actor=OPERATOR)
    queues.undrain(worker.pk, actor=OPERATOR)
    assert waits(row) == (WaitsFor.WORKER, "waits for a free worker")

    Worker.objects.filter(pk=worker.pk).update(state="gone")
    with pytest.raises(StateError, match="has ended"):
        queues.drain(worker.pk, actor=OPERATOR)
    with pytest.raises(UnknownError):
        queues.drain(worker.pk + 1, actor=OPERATOR)


def test_each_reason_to_wait_is_told() -> None:
    job = make_job()
    now = timezone.now()
    gone = make_worker(queues=["gpu"], labels=["cuda"], state="gone", beat_at=now)
    make_worker(queues=["default"])
    queues.update("default", {"limit": 1}, actor=SYSTEM)
    holder = make_execution(job, state="running", mutex="m")
    limited, blocked = make_execution(job), make_execution(job, mutex="m")
    labelled = make_execution(job, queue="gpu", requires="cuda")
    old = now - timedelta(hours=1)
    Execution.objects.filter(pk=labelled.pk).update(queued_at=old)

    assert waits(limited) == (WaitsFor.LIMIT, "waits: queue default runs its limit of 1 at a time")
    mutex = f"waits: mutex m is held by #{holder.pk} of {job.name}"
    assert waits(blocked) == (WaitsFor.MUTEX, mutex)
    assert waits(labelled) == (WaitsFor.CLUSTER, "waits: no worker serves queue gpu with cuda")
    assert waiting_of(holder, now) is None

    (missing,) = unserved(now)
    assert (missing.queue, missing.requires, missing.since) == ("gpu", "cuda", gone.beat_at)
    assert unserved(now, longer_than=timedelta(seconds=10)) == []
    assert len(unserved(now + timedelta(minutes=1), longer_than=timedelta(seconds=10))) >= 1

    default, gpu = queue_looks(now)
    assert (default.waiting, default.running, default.limit, default.clusters) == (2, 1, 1, 1)
    assert (gpu.waiting, gpu.clusters, gpu.oldest_at) == (1, 0, old)
    assert [one.requires for one in gpu.unserved] == ["cuda"]
