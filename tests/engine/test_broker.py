"""The broker hands out claimed executions, and survives whatever its source does."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator, Sequence

import pytest
from django.db import OperationalError
from django_q.signing import SignedPackage

from jobs.broker import TableBroker, table, use_source
from jobs.broker.lockless import SocketQueue


class Claims:
    """A source with a fixed answer."""

    def __init__(self, *answers: Sequence[tuple[int, str]] | Exception) -> None:
        self.answers = list(answers)
        self.waits = 0

    def claim(self) -> Sequence[tuple[int, str]]:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def wait(self) -> None:
        self.waits += 1


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Do not wait after errors; forget the source afterwards."""
    monkeypatch.setattr(table, "ERROR_PAUSE_SECONDS", 0)
    yield
    table._source.clear()


def test_message_is_only_the_id_and_the_token() -> None:
    use_source(Claims([(7, "t0ken")]))

    messages = TableBroker().dequeue()

    assert messages is not None
    ((number, text),) = messages
    task = SignedPackage.loads(text)
    assert number == "7"
    assert task["args"] == (7, "t0ken")
    assert task["kwargs"] == {}
    assert task["func"] == "jobs.engine.runner.run_claimed"
    assert task["timeout"] == -1


def test_nothing_to_claim_waits() -> None:
    source = Claims([])
    use_source(source)

    assert TableBroker().dequeue() is None
    assert source.waits == 1


@pytest.mark.parametrize("error", [OperationalError("away"), RuntimeError("bug")])
@pytest.mark.django_db
def test_error_of_the_source_does_not_end_the_pusher(error: Exception) -> None:
    use_source(Claims(error, [(1, "t")]))
    broker = TableBroker()

    assert broker.dequeue() is None
    assert broker.dequeue() is not None


def test_ordinary_tasks_are_refused() -> None:
    with pytest.raises(NotImplementedError, match="Trigger a job instead"):
        TableBroker().enqueue("anything")


def test_queue_goes_on_after_a_waiting_reader_was_killed() -> None:
    queue = SocketQueue()
    context = multiprocessing.get_context("fork")
    reader = context.Process(target=queue.get, daemon=True)
    reader.start()
    time.sleep(0.2)  # it waits inside get

    os.kill(reader.pid or 0, signal.SIGKILL)
    reader.join()
    queue.put({"a": 1})

    assert not queue.empty()
    assert queue.get() == {"a": 1}
    assert queue.empty()
    queue._reader.close()
    queue._writer.close()
