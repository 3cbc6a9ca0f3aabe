"""Redis carries numbers; losing it or what it holds loses nothing."""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.test import Client

from jobs import broker
from jobs.broker import TransportError, transport
from jobs.broker.pool import Pool
from jobs.engine.rescuer import Rescuer
from jobs.engine.supply import Supply
from jobs.models import Execution
from tests.factories import make_execution, make_job, make_worker

pytestmark = [
    pytest.mark.redis,
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def redis(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Hand over by the test server's Redis, under a name of its own."""
    url = os.environ.get("TEST_REDIS_URL")
    if not url:
        needed = os.environ.get("JOBDECK_TESTS_REQUIRE_ALL")
        (pytest.fail if needed else pytest.skip)("TEST_REDIS_URL names no Redis server.")
    configure(monkeypatch, str(url))
    transport._client().ping()  # the first call of a process loads the client, and must not count as slow
    yield
    transport._client().flushdb()
    transport._client().close()
    transport._client.cache_clear()


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Hand over by a Redis that is not there."""
    configure(monkeypatch, "redis://127.0.0.1:1/0")
    yield
    transport._client.cache_clear()


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Hand over by a Redis that hangs: the kernel takes its calls, nobody answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        configure(monkeypatch, f"redis://127.0.0.1:{server.getsockname()[1]}/0")
        yield
    transport._client.cache_clear()


def configure(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Use the Redis at an address, from a fresh start."""
    monkeypatch.setattr(settings, "BROKER_URL", url)
    monkeypatch.setattr(settings, "INSTANCE_ID", secrets.token_hex(6))
    monkeypatch.setattr(transport, "_rest_until", 0.0)
    # What has failed once is not tried again while a test looks, however slow the machine is.
    monkeypatch.setattr(transport, "REST_SECONDS", 600.0)
    transport._client.cache_clear()


def supply() -> Supply:
    """Return the source of a cluster with three free slots."""
    return Supply(Pool(workers=3), worker_id=make_worker().pk, queues=["default"])


def waiting(name: str, *, queued_at: datetime | None = None) -> Execution:
    """Return a queued execution."""
    job = make_job(name=name, schedules=[])
    return make_execution(job, queued_at=queued_at or datetime.now(UTC))


@pytest.mark.usefixtures("redis")
def test_numbers_arrive_best_queue_first() -> None:
    broker.push("slow", [1, 2])
    broker.push("fast", [3])

    assert broker.take(["fast", "slow"], 2, timeout=1) == [3, 1]
    assert broker.take(["fast", "slow"], 9, timeout=1) == [2]
    assert broker.take(["fast", "slow"], 1, timeout=0.01) == []


@pytest.mark.usefixtures("redis")
def test_handed_over_execution_is_claimed_once() -> None:
    execution = waiting("handed")
    broker.push("default", [execution.pk, execution.pk])
    source = supply()

    claimed = [pair[0] for pair in source.claim()]

    assert claimed == [execution.pk]
    source.close()


@pytest.mark.usefixtures("redis")
def test_emptied_redis_is_filled_again() -> None:
    execution = waiting("flushed", queued_at=datetime.now(UTC) - timedelta(seconds=10))
    broker.push("default", [execution.pk])
    transport._client().flushdb()

    Rescuer().step()

    assert broker.take(["default"], 5, timeout=1) == [execution.pk]


@pytest.mark.usefixtures("redis")
def test_fresh_execution_is_not_sent_twice() -> None:
    # Five seconds after it is sent again; the machine may stand still for so long.
    waiting("fresh", queued_at=datetime.now(UTC) + timedelta(minutes=1))

    Rescuer().step()

    assert broker.take(["default"], 5, timeout=0.01) == []


@pytest.mark.usefixtures("away")
def test_without_redis_the_table_is_claimed_from(operator_client: Client) -> None:
    """S4-90: no page fails, what is started is kept, and runs."""
    execution = waiting("fallback")
    with pytest.raises(TransportError, match="Redis does not answer"):
        broker.push("default", [execution.pk])
    job = make_job(name="asked-for")
    address = f"/api/v1/jobs/{job.pk}/trigger"
    answer = operator_client.post(address, "{}", content_type="application/json")
    pages = ["/", "/jobs/", "/executions/", "/queues/", "/health/", "/about/", "/metrics"]
    answers = {page: operator_client.get(page).status_code for page in pages}
    source = supply()

    claimed = [pair[0] for pair in source.claim()]

    assert answer.status_code in (200, 201, 202), answer.content
    assert set(answers.values()) == {200}, answers
    assert sorted(claimed) == [execution.pk, answer.json()["id"]]
    assert not broker.is_available()
    source.close()


@pytest.mark.usefixtures("silent")
def test_redis_that_takes_calls_and_never_answers_is_away() -> None:
    begun = time.monotonic()

    with pytest.raises(TransportError, match="Redis does not answer"):
        broker.push("default", [1])

    assert time.monotonic() - begun < 30
    assert not broker.is_available()
