"""Sleepers wake when they are poked, and notice commits by themselves."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection, transaction

from jobs import wake
from jobs.polling import Flag

pytestmark = pytest.mark.django_db(transaction=True)
LONG = 10.0


@pytest.fixture
def data_dir(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return a data directory with a path longer than a socket's address may be."""
    folder = tmp_path / ("long" * 25)
    folder.mkdir()
    monkeypatch.setattr(settings, "DATA_DIR", folder)
    return folder


@pytest.fixture
def listener(data_dir: Path) -> Iterator[wake.Listener]:
    """Return a listener that has noticed all that happened so far."""
    made = wake.Listener(wake.QUEUE)
    while made.wait(0.15):
        pass
    yield made
    made.close()


def poke_from_elsewhere() -> None:
    """Poke on a connection of this thread's own."""
    wake.poke(wake.QUEUE)
    connection.close()


def test_poke_wakes_a_listener_of_its_topic(listener: wake.Listener) -> None:
    poker = threading.Timer(0.05, poke_from_elsewhere)
    poker.start()
    began = time.monotonic()

    assert listener.wait(LONG)
    assert time.monotonic() - began < LONG / 2
    poker.join()


def test_poke_of_another_topic_is_not_heard(listener: wake.Listener) -> None:
    wake.poke(wake.JOBS)

    assert not listener.wait(0.05)


def test_poke_before_the_wait_is_not_lost(listener: wake.Listener) -> None:
    wake.poke(wake.QUEUE)

    assert listener.wait(5)


def test_poke_waits_for_the_commit(listener: wake.Listener) -> None:
    with transaction.atomic():
        wake.poke(wake.QUEUE)
        assert not listener.wait(0.05)

    assert listener.wait(LONG)


def test_poke_of_a_rolled_back_transaction_is_not_heard(listener: wake.Listener) -> None:
    with transaction.atomic():
        wake.poke(wake.QUEUE)
        transaction.set_rollback(True)

    assert not listener.wait(0.05)


def test_raised_flag_ends_the_wait(listener: wake.Listener) -> None:
    flag = Flag()
    flag.set()
    began = time.monotonic()

    listener.wait(LONG, flag)

    assert time.monotonic() - began < LONG / 2
    flag.close()


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL's own notifications")
def test_socket_of_a_dead_listener_is_removed(data_dir: Path) -> None:
    folder = data_dir / "run"
    folder.mkdir()
    name = f"queue.{os.getpid()}.dead.sock"
    descriptor = os.open(folder, os.O_RDONLY)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as dead:
        dead.bind(f"/proc/self/fd/{descriptor}/{name}")
    os.close(descriptor)

    wake.poke(wake.QUEUE)

    assert not (folder / name).exists()


def test_unknown_topic_is_refused(data_dir: Path) -> None:
    with pytest.raises(ValueError, match="Use one of queue, jobs, cancel"):
        wake.Listener("nonsense")
