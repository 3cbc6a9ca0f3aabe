"""Executions over the API: lists, logs, cancel."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest

from jobs.domain.states import Stream
from jobs.executors.base import Chunk
from jobs.models import Attempt, Execution
from jobs.services import logs
from tests.api.callers import Caller
from tests.factories import make_execution, make_job, make_worker

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_pages_cover_all_executions_once_newest_first(as_viewer: Caller) -> None:
    """S0-181."""
    job = make_job()
    made = [make_execution(job, state=state).pk for state in ["queued", "failed", "lost"] * 3]

    def walk(query: str) -> list[int]:
        found: list[int] = []
        cursor: str | None = ""
        while cursor is not None:
            after = f"&cursor={cursor}" if cursor else ""
            page = as_viewer.get(f"/executions?limit=2&{query}{after}").json
            found += [item["id"] for item in page["items"]]
            cursor = page["next_cursor"]
        return found

    assert walk("") == made[::-1]
    assert walk(f"job_id={job.pk}") == made[::-1]
    # Several states, of all jobs and of one: asked in another way, the same answer.
    expected = [pk for pk, n in zip(made, range(9), strict=True) if n % 3][::-1]
    assert walk("state=failed,lost") == walk(f"state=failed,lost&job_id={job.pk}") == expected


def test_executions_are_filtered(as_viewer: Caller) -> None:
    job = make_job(name="nightly", tags=["finance"])
    mine = make_execution(job, due_at=NOON, trigger="schedule", queue="heavy")
    make_execution(due_at=NOON + timedelta(hours=1))

    def ids(query: str) -> list[int]:
        return [item["id"] for item in as_viewer.get(f"/executions?{query}").json["items"]]

    assert ids("tag=finance") == ids("search=night") == ids("queue=heavy") == [mine.pk]
    assert ids("trigger=schedule") == ids(f"job_id={job.pk}") == [mine.pk]
    assert ids("since=2026-03-01T12:00:00Z&until=2026-03-01T13:00:00Z") == [mine.pk]
    # An offset's plus is a blank in a query string, and is meant as a plus all the same.
    assert ids("until=2026-03-01T13:00:01+01:00") == [mine.pk]
    assert ids("until=" + quote("2026-03-01T13:00:01+01:00")) == [mine.pk]


def test_an_execution_shows_its_attempts_and_worker(as_viewer: Caller) -> None:
    execution = make_execution(
        state="succeeded",
        attempt=2,
        worker=make_worker(name="north"),
        started_at=NOON,
        finished_at=NOON + timedelta(seconds=2.5),
        result={"rows": 3},
    )
    Attempt.objects.create(
        execution=execution, number=1, state="failed", finished_at=NOON, exit_code=3
    )

    found = as_viewer.get(f"/executions/{execution.pk}").json

    assert (found["worker"], found["duration_seconds"]) == ("north", 2.5)
    assert (found["started_at"], found["result"]) == ("2026-03-01T12:00:00Z", {"rows": 3})
    assert [(one["number"], one["exit_code"]) for one in found["attempts"]] == [(1, 3)]


@pytest.fixture
def printed(db: None) -> Execution:
    """Return a running execution that has printed on both streams, bytes of any kind."""
    execution = make_execution(state="running")
    pieces = [(Stream.STDOUT, b"one\n"), (Stream.STDERR, b"tw\xff\x00\n"), (Stream.STDOUT, b"3\n")]
    logs.append(execution.pk, 1, [Chunk(stream, data) for stream, data in pieces])
    return execution


def test_a_log_is_read_byte_for_byte(as_viewer: Caller, printed: Execution) -> None:
    answer = as_viewer.get(f"/executions/{printed.pk}/log")

    assert answer.content == b"one\ntw\xff\x00\n3\n"
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_log_is_read_from_any_byte(as_viewer: Caller, printed: Execution) -> None:
    whole = as_viewer.get(f"/executions/{printed.pk}/log").content

    for start in range(len(whole) + 3):
        answer = as_viewer.get(f"/executions/{printed.pk}/log?from={start}")
        assert answer.content == whole[start:]
        assert int(answer.headers["Log-Next"]) == max(len(whole), start)


def test_a_log_is_read_by_stream(as_viewer: Caller, printed: Execution) -> None:
    path = f"/executions/{printed.pk}/log"

    assert as_viewer.get(f"{path}?stream=stdout").content == b"one\n3\n"
    assert as_viewer.get(f"{path}?stream=stderr").content == b"tw\xff\x00\n"
    assert as_viewer.get(f"{path}?stream=").content == b"one\ntw\xff\x00\n3\n"


def test_a_follower_gets_everything_once_and_learns_the_end(
    as_viewer: Caller, printed: Execution
) -> None:
    path = f"/executions/{printed.pk}/log"
    first = as_viewer.get(path)
    logs.append(printed.pk, 1, [Chunk(Stream.STDOUT, b"later\n")])
    Execution.objects.filter(pk=printed.pk).update(state="succeeded")

    second = as_viewer.get(f"{path}?from={first.headers['Log-Next']}")

    assert first.headers["Log-Complete"] == "false"
    assert (second.content, second.headers["Log-Complete"]) == (b"later\n", "true")


def test_a_waiting_execution_is_cancelled_at_once(as_operator: Caller) -> None:
    execution = make_execution()

    answer = as_operator.post(f"/executions/{execution.pk}/cancel")

    assert (answer.status, answer.json["state"]) == (202, "cancelled")
    assert answer.json["message"] == "Cancelled by caller-operator"


def test_a_running_execution_is_asked_to_end(as_operator: Caller) -> None:
    execution = make_execution(state="running", started_at=NOON)

    answer = as_operator.post(f"/executions/{execution.pk}/cancel").json

    assert answer["state"] == "running"
    assert answer["cancel_requested_by"] == "caller-operator"


def test_an_ended_execution_cannot_be_cancelled(as_operator: Caller) -> None:
    execution = make_execution(state="failed")

    answer = as_operator.post(f"/executions/{execution.pk}/cancel")

    assert (answer.status, answer.json["code"]) == (409, "wrong_state")


def test_moments_keep_their_microseconds(as_viewer: Caller) -> None:
    due_at = NOON.replace(microsecond=123456)
    execution = make_execution(due_at=due_at)

    found = as_viewer.get(f"/executions/{execution.pk}").json["due_at"]

    assert found == "2026-03-01T12:00:00.123456Z"
