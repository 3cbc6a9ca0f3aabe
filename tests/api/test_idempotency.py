"""A request that is sent twice with its key is answered twice and done once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from jobs.domain.permissions import Role
from jobs.models import (
    AuditEntry,
    Backfill,
    Calendar,
    Freeze,
    Job,
    Occurrence,
    RequestKey,
    Variable,
)
from jobs.services import request_keys
from tests.api.callers import Caller, caller
from tests.factories import cron, definition, make_job

WINDOW = {"from": "2026-01-01T00:00:00Z", "to": "2026-01-01T05:00:00Z"}


def test_a_repeated_request_is_answered_again_and_done_once(as_editor: Caller) -> None:
    body = definition(name="report")

    first = as_editor.post("/jobs", body, Idempotency_Key="k-1")
    second = as_editor.post("/jobs", body, Idempotency_Key="k-1")

    assert (first.status, second.status) == (201, 201)
    assert first.content == second.content
    assert first.headers["Location"] == second.headers["Location"]
    assert first.headers["ETag"] == second.headers["ETag"] == '"1"'
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"
    assert Job.objects.count() == 1
    assert AuditEntry.objects.filter(action="job.create").count() == 1


CREATES: list[tuple[str, Any, Any]] = [
    ("/jobs/{job}/backfills", WINDOW, Backfill),
    ("/calendars", {"name": "christmas"}, Calendar),
    ("/freezes", {"reason": "deploy"}, Freeze),
    ("/variables", {"name": "host", "value": "x"}, Variable),
    ("/events", {"event": "@deployment"}, Occurrence),
]


@pytest.mark.parametrize(("path", "body", "model"), CREATES, ids=[one[0] for one in CREATES])
def test_every_operation_that_creates_takes_a_key(
    as_editor: Caller, path: str, body: Any, model: Any
) -> None:
    address = path.format(job=make_job(schedules=[cron("0 * * * *")]).pk)

    answers = [as_editor.post(address, body, Idempotency_Key="k") for _ in range(2)]

    assert answers[0].status < 300, answers[0].content
    assert answers[0].content == answers[1].content
    assert model.objects.count() == 1


def test_a_key_stands_for_one_request_of_one_caller(as_editor: Caller) -> None:
    body = definition(name="report")
    as_editor.post("/jobs", body, Idempotency_Key="k")

    other_body = as_editor.post("/jobs", definition(name="other"), Idempotency_Key="k")
    other_path = as_editor.post("/calendars", {"name": "x"}, Idempotency_Key="k")
    other_caller = caller(Role.EDITOR, "eve").post(
        "/jobs", definition(name="hers"), Idempotency_Key="k"
    )

    assert (other_body.status, other_body.json["code"]) == (409, "conflict")
    assert "POST /api/v1/jobs" in other_body.json["detail"]
    assert other_path.status == 409
    assert other_caller.status == 201


def test_a_refused_request_leaves_its_key_free(as_editor: Caller, as_viewer: Caller) -> None:
    wrong = as_editor.post("/jobs", definition(type="nonsense"), Idempotency_Key="k")
    mended = as_editor.post("/jobs", definition(), Idempotency_Key="k")
    forbidden = as_viewer.post("/jobs", definition(), Idempotency_Key="k")
    too_long = as_editor.post("/jobs", definition(), Idempotency_Key="k" * 201)

    assert (wrong.status, mended.status, forbidden.status, too_long.status) == (400, 201, 403, 400)
    assert RequestKey.objects.count() == 1


def test_a_key_is_free_again_after_a_day_and_old_ones_are_dropped_in_batches(
    as_editor: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_keys, "DROPPED_AT_ONCE", 2)
    for number in range(4):
        as_editor.post("/freezes", {"reason": f"{number}"}, Idempotency_Key=f"k-{number}")
    RequestKey.objects.update(created_at=timezone.now() - timedelta(hours=25))

    again = as_editor.post("/freezes", {"reason": "another"}, Idempotency_Key="k-3")

    assert again.status == 201
    assert sorted(RequestKey.objects.values_list("key", flat=True)) == ["k-2", "k-3"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="its threads share one memory")
def test_old_keys_that_another_request_is_dropping_are_not_waited_for() -> None:
    now = timezone.now()
    RequestKey.objects.create(actor="a", key="k", status=201, created_at=now - timedelta(hours=25))

    def drop() -> int:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '20s'")
                return request_keys.drop_old(now)
        finally:
            connection.close()

    with transaction.atomic():
        mine = request_keys.drop_old(now)
        with ThreadPoolExecutor(1) as pool:
            others = pool.submit(drop).result()

    assert (mine, others) == (1, 0)


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="its threads share one memory")
def test_fifty_requests_of_one_moment_make_one_job() -> None:
    token = caller(Role.EDITOR).headers
    body = definition(name="report")

    def send(_number: int) -> int:
        try:
            mine = Caller()
            mine.headers = token
            return mine.post("/jobs", body, Idempotency_Key="k").status
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        statuses = list(pool.map(send, range(50)))

    assert statuses == [201] * 50
    assert Job.objects.count() == 1
