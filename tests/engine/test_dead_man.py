"""The call outward: only while work is truly dispatched, by one dispatcher, and told once."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta
from http.client import BadStatusLine
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError, connection
from django.utils import timezone

from jobs.engine import dead_man
from jobs.engine.dead_man import DeadMansSwitch
from jobs.models import Worker, WorkerKind
from jobs.services import leases
from scheduler_site.env import web_address
from tests.factories import make_worker
from tests.receiver import Receiver, receiver

pytestmark = pytest.mark.django_db


@pytest.fixture
def outside() -> Iterator[Receiver]:
    """Return who waits for calls."""
    with receiver() as found:
        yield found


@pytest.fixture
def alive() -> Worker:
    """Return a dispatcher that ticks, beside a cluster with slots."""
    now = timezone.now()
    make_worker(kind=WorkerKind.CLUSTER, slots=2, beat_at=now)
    return make_worker(kind=WorkerKind.DISPATCHER, beat_at=now, tick_at=now)


def test_it_calls_only_while_work_is_dispatched(
    outside: Receiver,
    alive: Worker,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.INFO, logger="scheduler.heartbeat")
    one = DeadMansSwitch(url=outside.url, seconds=60)
    other = DeadMansSwitch(url=outside.url, seconds=60)

    assert [one.step(), other.step()] == [False, False]
    assert [got.path for got in outside.came] == ["/hook"]

    Worker.objects.filter(pk=alive.pk).update(tick_at=timezone.now() - timedelta(seconds=20))
    one.step()
    one.step()
    Worker.objects.filter(pk=alive.pk).update(tick_at=timezone.now())
    Worker.objects.filter(kind=WorkerKind.CLUSTER).update(slots=0)
    one.step()
    with monkeypatch.context() as patch:

        def refuse(*_args: Any, **_more: Any) -> bool:
            raise OperationalError("attempt to write a readonly database")

        patch.setattr(leases, "take", refuse)
        patch.setattr(connection, "close", lambda: None)
        one.step()
    assert len(outside.came) == 1
    assert caplog.messages == ["The heartbeat is withheld: no dispatcher ticks"]

    Worker.objects.filter(kind=WorkerKind.CLUSTER).update(slots=2)
    one.step()
    assert len(outside.came) == 2
    assert caplog.messages[1:] == ["The heartbeat goes out again."]


def test_a_call_that_fails_is_told_once_and_without_its_key(
    outside: Receiver, alive: Worker, caplog: pytest.LogCaptureFixture
) -> None:
    outside.status = 500
    one = DeadMansSwitch(url=f"{outside.url}/secret-key", seconds=60)

    one.step()
    one.step()

    assert len(caplog.messages) == 1
    assert "did not reach 127.0.0.1" in caplog.text
    assert "secret-key" not in caplog.text


def test_an_answer_that_is_no_http_is_told_once_too(
    outside: Receiver,
    alive: Worker,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Otherwise the loop would call again twice a second."""

    def garbage(*_args: Any, **_more: Any) -> None:
        raise BadStatusLine("220 mail.example.com ESMTP")

    monkeypatch.setattr(dead_man, "urlopen", garbage)
    one = DeadMansSwitch(url=outside.url, seconds=60)

    assert [one.step(), one.step()] == [False, False]
    assert len(caplog.messages) == 1
    assert "did not reach 127.0.0.1" in caplog.text


def test_the_address_is_checked_at_the_start() -> None:
    assert web_address("HEARTBEAT_URL", "") == ""
    assert web_address("HEARTBEAT_URL", " http://10.0.0.1/x ") == "http://10.0.0.1/x"
    for wrong in ("file:///etc/passwd", "host/path", "http://", "http://[1"):
        with pytest.raises(ImproperlyConfigured, match="HEARTBEAT_URL is no web address"):
            web_address("HEARTBEAT_URL", wrong)
