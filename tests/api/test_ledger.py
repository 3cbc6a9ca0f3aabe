"""The ledger export: every due time once, whatever became of it."""

from __future__ import annotations

import csv
import gc
import io
import tracemalloc
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from jobs.domain.permissions import SYSTEM
from jobs.domain.schedule import due_between
from jobs.models import Attempt, Execution, Job, Omission
from jobs.services import jobs as job_services
from jobs.services.dispatch import dispatch_due
from jobs.services.firing import rules_of
from tests.api.callers import Answer, Caller
from tests.factories import cron, make_execution, make_job

START = datetime(2026, 3, 1, 10, 0, 30, tzinfo=UTC)


def minutely(**fields: Any) -> Job:
    return make_job(schedules=[cron("* * * * *")], misfire_grace_seconds=5, **fields)


def due_times(lines: list[dict[str, Any]], job: Job) -> list[datetime]:
    """Return every due time that the lines cover, stretches spelled out by the job's schedules."""
    rules = rules_of(job.schedules.all())
    found: list[datetime] = []
    for line in lines:
        if line["kind"] == "execution":
            found.append(datetime.fromisoformat(line["due_at"]))
            continue
        first = datetime.fromisoformat(line["first_due_at"])
        last = datetime.fromisoformat(line["last_due_at"])
        inside = list(due_between(rules, first - timedelta(microseconds=1), last))
        assert len(inside) == line["count"]
        found += inside
    return found


@pytest.fixture
def lived(db: None) -> Job:
    """Return a job with dispatched, overlapped, missed, paused and still paused due times."""
    with time_machine.travel(START, tick=False) as clock:
        job = minutely(misfire="skip", overlap="skip")

        def pass_minutes(count: int, *, dispatched: bool) -> None:
            for _ in range(count):
                clock.shift(timedelta(minutes=1))
                if dispatched:
                    dispatch_due(datetime.now(UTC).replace(second=0))

        def end_what_runs() -> None:
            Execution.objects.update(state="succeeded")
            Job.objects.filter(pk=job.pk).update(success_count=Execution.objects.count())

        pass_minutes(3, dispatched=True)  # one execution, two left out beside it
        end_what_runs()
        pass_minutes(4, dispatched=False)  # nobody looks
        pass_minutes(1, dispatched=True)
        end_what_runs()
        job_services.pause(job.pk, actor=SYSTEM, reason="lunch")
        pass_minutes(5, dispatched=True)
        job_services.resume(job.pk, actor=SYSTEM)
        pass_minutes(1, dispatched=True)
        end_what_runs()
        job_services.pause(job.pk, actor=SYSTEM, reason="=tea()")
    return Job.objects.get(pk=job.pk)


AT_TEA = START + timedelta(minutes=20)


@time_machine.travel(AT_TEA, tick=False)
def test_each_due_time_is_in_the_ledger_once(as_viewer: Caller, lived: Job) -> None:
    lines = as_viewer.get(f"/ledger?job_id={lived.pk}").lines

    wanted = list(due_between(rules_of(lived.schedules.all()), START, AT_TEA))
    assert sorted(due_times(lines, lived)) == wanted
    assert len(wanted) == 20
    reasons = {line["reason"] for line in lines if line["kind"] == "omission"}
    assert reasons == {"overlap", "misfire", "paused"}


@time_machine.travel(AT_TEA, tick=False)
def test_lines_come_in_order_of_time(as_viewer: Caller, lived: Job) -> None:
    lines = as_viewer.get("/ledger").lines

    moments = [line.get("due_at") or line["last_due_at"] for line in lines]
    assert moments == sorted(moments)
    assert {line["kind"] for line in lines} == {"execution", "omission"}


@time_machine.travel(AT_TEA, tick=False)
def test_what_a_paused_job_leaves_out_is_there_and_marked(as_viewer: Caller, lived: Job) -> None:
    last = as_viewer.get(f"/ledger?job_id={lived.pk}").lines[-1]

    assert (last["kind"], last["open"], last["reason"]) == ("omission", True, "paused")
    assert last["last_due_at"] == "2026-03-01T10:20:00Z"
    assert last["detail"] == "=tea()"
    assert not Omission.objects.filter(detail="=tea()").exists()


@time_machine.travel(AT_TEA, tick=False)
def test_the_open_stretch_is_what_resuming_records(as_viewer: Caller, lived: Job) -> None:
    shown = as_viewer.get(f"/ledger?job_id={lived.pk}").lines[-1]

    job_services.resume(lived.pk, actor=SYSTEM)

    stored = as_viewer.get(f"/ledger?job_id={lived.pk}").lines[-1]
    same = ("first_due_at", "last_due_at", "count", "reason")
    assert [stored[name] for name in same] == [shown[name] for name in same]
    assert stored["open"] is False


@time_machine.travel(AT_TEA, tick=False)
def test_a_period_has_what_touches_it(as_viewer: Caller, lived: Job) -> None:
    lines = as_viewer.get("/ledger?from=2026-03-01T10:05:00Z&to=2026-03-01T10:06:30Z").lines

    # The four missed minutes are one stretch, given whole though it began before.
    assert [line["kind"] for line in lines] == ["omission"]
    assert lines[0]["first_due_at"] < "2026-03-01T10:05:00Z"


def test_an_execution_tells_its_times_states_and_attempts(as_viewer: Caller) -> None:
    execution = make_execution(
        due_at=START,
        trigger="schedule",
        state="failed",
        attempt=2,
        queued_at=START,
        started_at=START + timedelta(seconds=1),
        finished_at=START + timedelta(seconds=3),
        exit_code=1,
        message="Command failed: exit status 1",
    )
    for number in (1, 2):
        Attempt.objects.create(
            execution=execution, number=number, state="failed", finished_at=START, exit_code=1
        )

    line = as_viewer.get(f"/ledger?job_id={execution.job_id}").lines[0]

    assert line["due_at"] == line["queued_at"] == "2026-03-01T10:00:30Z"
    assert line["finished_at"] == "2026-03-01T10:00:33Z"
    assert (line["state"], line["trigger"], line["attempt"]) == ("failed", "schedule", 2)
    assert [one["number"] for one in line["attempts"]] == [1, 2]


def table(answer: Answer) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(answer.content.decode(), newline="")))


@time_machine.travel(AT_TEA, tick=False)
def test_csv_has_the_same_lines(as_viewer: Caller, lived: Job) -> None:
    answer = as_viewer.get(f"/ledger?job_id={lived.pk}&format=csv")
    lines = as_viewer.get(f"/ledger?job_id={lived.pk}").lines

    rows = table(answer)
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer.headers["Content-Disposition"]
    assert [row["kind"] for row in rows] == [line["kind"] for line in lines]
    assert [row["due_at"] or row["last_due_at"] for row in rows] == [
        line.get("due_at") or line["last_due_at"] for line in lines
    ]
    assert rows[-1]["open"] == "true"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_csv_holds_no_formula(as_viewer: Caller, start: str) -> None:
    make_execution(message=f"{start}HYPERLINK(1)", exit_code=-9)

    row = table(as_viewer.get("/ledger?format=csv"))[0]

    assert row["message"] == f"'{start}HYPERLINK(1)"
    assert row["exit_code"] == "-9"  # a number is no formula


def test_the_ledger_of_a_deleted_job_stays(as_viewer: Caller) -> None:
    execution = make_execution(state="succeeded")
    job_services.delete(execution.job_id, actor=SYSTEM)

    lines = as_viewer.get(f"/ledger?job_id={execution.job_id}").lines

    assert [(line["execution_id"], line["job_deleted"]) for line in lines] == [(execution.pk, True)]


@pytest.mark.long
def test_a_long_ledger_needs_no_more_memory(
    as_viewer: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.queries.ledger.CHUNK", 100)
    job = make_job()
    Execution.objects.bulk_create(
        Execution(
            job=job,
            version=1,
            due_at=START + timedelta(seconds=number),
            trigger="schedule",
            state="succeeded",
            queued_at=START,
            message="x" * 200,
        )
        for number in range(4000)
    )

    def peak(query: str) -> int:
        """Return how many bytes were held at most while the ledger went out."""
        response: Any = as_viewer.client.get(f"/api/v1/ledger?{query}", headers=as_viewer.headers)
        gc.collect()
        tracemalloc.start()
        size = sum(len(chunk) for chunk in response.streaming_content)
        _, top = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert size > 100_000
        return top

    few = peak("to=2026-03-01T10:08:30Z")  # 480 lines
    many = peak("")

    assert many < few * 1.5


@time_machine.travel(AT_TEA, tick=False)
def test_the_proof_counts_every_verdict(as_viewer: Caller, lived: Job) -> None:
    query = "from=2026-03-01T00:00:00Z&to=2026-03-02T00:00:00Z"

    proof = as_viewer.get(f"/jobs/{lived.pk}/ledger/proof?{query}").json

    assert (proof["due"], proof["balanced"], proof["pending"]) == (20, True, 0)
    assert proof["dispatched"] + sum(proof["omitted"].values()) == 20
    assert set(proof["omitted"]) == {"overlap", "misfire", "paused"}
    assert (proof["from"], proof["to"]) == ("2026-03-01T10:00:30Z", "2026-03-01T10:20:30Z")
    assert proof["summary"].startswith("20 due, ")


@time_machine.travel(AT_TEA, tick=False)
def test_the_proof_names_what_does_not_balance(as_viewer: Caller, lived: Job) -> None:
    gone = Execution.objects.filter(job=lived).order_by("due_at")[0]
    gone.delete()

    proof = as_viewer.get(f"/jobs/{lived.pk}/ledger/proof").json

    assert (proof["balanced"], proof["unexplained"]) == (False, 1)
    assert proof["examples"]["unexplained"] == ["2026-03-01T10:01:00Z"]


def test_a_proof_of_a_wrong_period_is_refused(as_viewer: Caller) -> None:
    job = make_job()
    query = "from=2026-03-02T00:00:00Z&to=2026-03-01T00:00:00Z"

    assert as_viewer.get(f"/jobs/{job.pk}/ledger/proof?{query}").status == 400
    assert as_viewer.get(f"/jobs/{job.pk}/ledger/proof?from=x").json["fields"].keys() == {"from"}
    assert as_viewer.get("/jobs/999999/ledger/proof").status == 404
