"""Dependencies: an ending starts what waits for it exactly once, or says why it does not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from jobs.domain.errors import InvalidError
from jobs.domain.permissions import SYSTEM
from jobs.domain.states import ExecutionState, OmissionReason
from jobs.executors.base import ExecutionResult
from jobs.models import AuditEntry, Dependency, Execution, Job, JobVersion, Occurrence, Omission
from jobs.services import (
    bulk,
    cancelling,
    claims,
    dependencies,
    dependency_edits,
    events,
    executions,
    same_registration,
    taking,
)
from jobs.services import jobs as job_services
from jobs.services.definitions import parse_definition
from jobs.services.explaining import explain
from jobs.services.proof import prove_ledger
from jobs.services.stored_definitions import definition_of
from jobs.services.triggers import trigger
from tests.factories import definition, every, make_calendar, make_freeze, make_job, make_worker

pytestmark = pytest.mark.django_db
SUCCEEDED, FAILED = ExecutionState.SUCCEEDED, ExecutionState.FAILED


def run(job: Job, state: ExecutionState = SUCCEEDED) -> int:
    """Let an execution of the job run and end; return its number."""
    made = trigger(job.pk, actor=SYSTEM)
    found = claims.claim(worker_id=make_worker().pk, queues=["default"], free=50)
    token = next(one.token for one in found if one.execution_id == made.pk)
    running = executions.start(made.pk, token, pid=4711)
    assert running is not None
    now = timezone.now()
    result = ExecutionResult(state=state, started_at=now, finished_at=now, exit_code=0)
    assert executions.finish(running, result)
    return made.pk


def serve() -> None:
    while dependencies.serve_ended(timezone.now() + timedelta(seconds=1)):
        pass


def starts(job: Job) -> list[Execution]:
    return list(Execution.objects.filter(job=job, trigger="dependency").order_by("pk"))


def after(*names: object, **fields: Any) -> Job:
    """Return a job that waits for others."""
    wanted = [name.name if isinstance(name, Job) else name for name in names]
    return make_job(depends_on=wanted, **fields)


def reload(job: Job) -> Job:
    job.refresh_from_db()
    return job


def test_a_job_starts_when_what_it_waits_for_has_succeeded() -> None:
    """S2-58: not after a failure."""
    load = make_job(name="load")
    report = after(load)

    failed = run(load, FAILED)
    serve()
    assert starts(report) == []
    number = run(load)
    serve()

    (made,) = starts(report)
    assert made.upstream == [number]
    ended = Execution.objects.get(pk=number).finished_at
    assert ended is not None
    assert made.due_at - ended < timedelta(milliseconds=1)
    assert reload(report).execution_count == 1
    assert not Occurrence.objects.filter(served_until__isnull=False).exists()
    assert failed < number


@pytest.mark.parametrize(
    ("on", "states"),
    [
        ("success", "succeeded"),
        ("failure", "failed timed_out"),
        ("done", "succeeded failed timed_out"),
    ],
)
def test_each_ending_starts_what_waits_for_it(on: str, states: str) -> None:
    load = make_job(name="load")
    report = after({"job": "LOAD", "on": on})
    assert definition_of(report)["depends_on"] == [{"job": "load", "on": on}]

    for state in (SUCCEEDED, FAILED, ExecutionState.TIMED_OUT):
        run(load, state)
        serve()
        cancelling.cancel_live(report, by="test", now=timezone.now())

    assert len(starts(report)) == len(states.split())


def test_only_the_last_attempt_counts_and_what_was_taken_back_does_not() -> None:
    load = make_job(name="load", retry={"max_attempts": 2, "base_seconds": 3600})
    report = after({"job": "load", "on": "done"})

    number = run(load, FAILED)
    serve()
    assert starts(report) == []
    cancelling.cancel(number, actor=SYSTEM)
    serve()

    (made,) = starts(report)
    assert made.upstream == [number]


def test_a_skipped_run_meets_nothing() -> None:
    load = make_job(name="load", schedules=[every(60)])
    report = after({"job": "load", "on": "done"})
    made = trigger(load.pk, actor=SYSTEM)
    Execution.objects.filter(pk=made.pk).update(trigger="schedule")

    job_services.pause(load.pk, actor=SYSTEM)
    serve()

    made.refresh_from_db()
    assert made.state == ExecutionState.SKIPPED
    assert starts(report) == []


def test_a_job_that_waits_for_several_starts_once_for_all_of_them() -> None:
    one, two, three = (make_job(name=name) for name in ("one", "two", "three"))
    report = after({"job": "three", "on": "failure"}, "one", "two")

    first = run(one)
    serve()
    run(one)  # again, before the others: the first one stays
    second = run(two)
    serve()
    run(three)
    serve()
    assert starts(report) == []
    third = run(three, FAILED)
    serve()

    (made,) = starts(report)
    assert made.upstream is not None
    assert set(made.upstream) == {first, second, third}
    assert not Dependency.objects.filter(met_by_execution_id__isnull=False).exists()
    run(one)
    serve()
    assert len(starts(report)) == 1, "the others are waited for anew"


def test_two_endings_before_the_dispatcher_looks_are_two_starts() -> None:
    load = make_job(name="load")
    report = after(load, overlap="allow", max_parallel=5)

    numbers = [run(load), run(load)]
    serve()

    assert [made.upstream for made in starts(report)] == [[number] for number in numbers]


def held_by(kind: str, report: Job) -> None:
    if kind == "paused":
        job_services.pause(report.pk, actor=SYSTEM, reason="tea")
    elif kind == "auto_disabled":
        Job.objects.filter(pk=report.pk).update(state="auto_disabled", state_reason="3 failures")
    elif kind == "frozen":
        make_freeze(scope="tag", target="cold", reason="ice")
    elif kind == "overlap":
        trigger(report.pk, actor=SYSTEM)
    elif kind == "calendar":
        window = {"kind": "weekly", "days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]}
        make_calendar(name="never", windows=[{**window, "from": "00:00", "to": "24:00"}])
        job_services.update(report.pk, {"calendars": ["never"]}, actor=SYSTEM)
    else:
        run(report, FAILED)


@pytest.mark.parametrize(
    "reason", ["paused", "auto_disabled", "frozen", "overlap", "calendar", "breaker"]
)
def test_what_holds_a_job_back_leaves_an_omission_that_all_accounts_know(reason: str) -> None:
    load = make_job(name="load")
    report = after(load, tags=["cold"], breaker={"threshold": 1})
    held_by(reason, report)
    begun = report.created_at

    number = run(load)
    serve()

    assert starts(report) == []
    left_out = Omission.objects.get(job=report)
    assert (left_out.reason, left_out.count) == (OmissionReason(reason), 1)
    now = timezone.now() + timedelta(seconds=1)
    proof = prove_ledger(report.pk, begun, now, now=now)
    assert (proof.balanced, proof.account.due) == (True, 1), proof.sentence
    answer = explain(report.pk, left_out.first_due_at, now=now)
    assert answer.outcome == "did_not_run"
    assert any(f"load succeeded (#{number})" in step.text for step in answer.steps)


def test_the_ledger_and_the_explanation_know_what_started_it() -> None:
    load = make_job(name="load")
    report = after(load)
    nothing = explain(report.pk, timezone.now(), now=timezone.now())
    assert "It runs after load succeeded" in nothing.summary

    number = run(load)
    serve()

    (made,) = starts(report)
    now = timezone.now() + timedelta(seconds=1)
    proof = prove_ledger(report.pk, report.created_at, now, now=now)
    assert (proof.balanced, proof.account.dispatched) == (True, 1), proof.sentence
    answer = explain(report.pk, made.due_at, now=now)
    assert answer.execution == made
    assert any(f"load succeeded (#{number})" in step.text for step in answer.steps)
    Execution.objects.filter(pk=made.pk).delete()
    assert prove_ledger(report.pk, report.created_at, now, now=now).account.unexplained == 1


def test_runs_that_end_at_the_same_moment_have_moments_of_their_own() -> None:
    load = make_job(name="load", overlap="allow", max_parallel=5)
    report = after({"job": "load", "on": "done"})
    for _ in range(4):
        trigger(load.pk, actor=SYSTEM)

    cancelling.cancel_live(
        load, by="test", now=(timezone.now() + timedelta(seconds=1)).replace(microsecond=0)
    )
    serve()

    assert len(starts(report)) == 1
    assert Omission.objects.filter(job=report, reason="overlap", count=1).count() == 3
    now = timezone.now() + timedelta(seconds=1)
    assert prove_ledger(report.pk, report.created_at, now, now=now).balanced


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (["nobody"], "Job nobody does not exist"),
        (["report"], "cannot wait for itself"),
        (["load", "Load"], "named twice"),
        (
            [{"job": "load", "on": "always"}],
            "'always' is not allowed. Use success, failure or done",
        ),
        ([f"job{n}" for n in range(51)], "Too many. Use 50 or less"),
        ([{"on": "success"}], "required"),
        ([3], "Input should"),
    ],
)
def test_what_cannot_be_waited_for_is_refused_by_name(wanted: Sequence[object], words: str) -> None:
    make_job(name="load")
    report = make_job(name="report")

    with pytest.raises(InvalidError) as refused:
        job_services.update(report.pk, {"depends_on": wanted}, actor=SYSTEM)
    Job.objects.filter(pk=report.pk).update(name="old-report")
    with pytest.raises(InvalidError):
        make_job(name="report", depends_on=wanted)

    assert any(key.startswith("depends_on") for key in refused.value.fields)
    assert any(words in sentence for sentence in refused.value.fields.values())


def test_a_circle_is_refused_with_its_way() -> None:
    make_job(name="a")
    after("a", name="b")
    after("b", name="c")
    first = Job.objects.get(name="a")

    with pytest.raises(InvalidError, match=r"a -> b -> c -> a"):
        job_services.update(first.pk, {"depends_on": ["c"]}, actor=SYSTEM)
    parsed = [parse_definition(definition(name=n, depends_on=[m])) for n, m in ("xy", "yx")]
    with pytest.raises(InvalidError, match=r"-> "):
        bulk.create_many(parsed, actor=SYSTEM)

    assert definition_of(first)["depends_on"] == []
    assert not Job.objects.filter(name__in="xy").exists()


def test_an_edit_keeps_what_was_met_and_marks_who_is_waited_for() -> None:
    one, two, three = (make_job(name=name) for name in ("one", "two", "three"))
    report = after("one", "two")
    number = run(one)
    serve()

    job_services.update(one.pk, {"name": "uno"}, actor=SYSTEM)
    job_services.update(report.pk, {"depends_on": ["uno", "three"]}, actor=SYSTEM)

    assert definition_of(Job.objects.get(pk=report.pk))["depends_on"] == [
        {"job": "three", "on": "success"},
        {"job": "uno", "on": "success"},
    ]
    assert [reload(job).is_upstream for job in (one, two, three)] == [True, False, True]
    version = JobVersion.objects.get(job=report, version=2)
    assert [one["job"] for one in version.definition["depends_on"]] == ["three", "uno"]
    last = run(three)
    serve()
    (made,) = starts(report)
    assert made.upstream == [number, last]
    job_services.update(report.pk, {"depends_on": []}, actor=SYSTEM)
    assert [reload(job).is_upstream for job in (one, three)] == [False, False]


def test_an_ending_from_before_the_edit_does_not_count() -> None:
    load = make_job(name="load")
    after(load, name="other")  # so that the ending is told
    report = make_job(name="report")
    run(load)

    job_services.update(report.pk, {"depends_on": ["load"]}, actor=SYSTEM)
    serve()

    assert starts(report) == []
    run(load)
    serve()
    assert len(starts(report)) == 1


def test_a_deleted_job_is_waited_for_no_more() -> None:
    one, two = make_job(name="one"), make_job(name="two")
    report = after("one", "two")
    run(one)
    serve()

    job_services.delete(two.pk, actor=SYSTEM)
    assert starts(report) == []
    run(one)
    serve()

    assert len(starts(report)) == 1
    entry = AuditEntry.objects.get(object_id=report.pk, action="job.update")
    assert entry.note == "two was deleted"
    job_services.delete(report.pk, actor=SYSTEM)
    assert not Dependency.objects.exists()
    assert reload(one).is_upstream is False


def test_an_ending_that_nobody_waits_for_costs_nothing_more() -> None:
    alone, load = make_job(name="alone"), make_job(name="load")
    after(load)

    def statements(job: Job) -> int:
        made = trigger(job.pk, actor=SYSTEM)
        with CaptureQueriesContext(
            connection,
        ) as told:
            cancelling.cancel(made.pk, actor=SYSTEM)
        assert not any("jobs_dependency" in one["sql"] for one in told)
        return sum("jobs_occurrence" in one["sql"] for one in told)

    assert (statements(alone), statements(load)) == (0, 1)


def test_a_crash_before_the_commit_loses_and_doubles_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    load = make_job(name="load")
    report = after(load)
    number = run(load)

    def crash(decided: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(dependencies, "write", crash)
        with pytest.raises(KeyboardInterrupt):
            dependencies.serve_ended(timezone.now())
    assert starts(report) == []
    serve()
    serve()

    assert [made.upstream for made in starts(report)] == [[number]]


def test_many_dependents_are_served_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dependencies, "MOST_JOBS", 3)
    load = make_job(name="load")
    dependents = [after(load) for _ in range(8)]

    run(load)
    run(load)
    rounds = 0
    while dependencies.serve_ended(timezone.now() + timedelta(seconds=1)):
        rounds += 1

    assert rounds == 6
    assert all(len(starts(job)) == 1 for job in dependents)
    assert Omission.objects.filter(reason="overlap").count() == 8


@pytest.mark.parametrize("deleted", [0, 1, 3])
def test_a_last_part_starts_nothing_twice(monkeypatch: pytest.MonkeyPatch, deleted: int) -> None:
    monkeypatch.setattr(dependencies, "MOST_JOBS", 3)
    load = make_job(name="load")
    dependents = [after(load, overlap="allow", max_parallel=9) for _ in range(3 + deleted)]

    run(load)
    dependencies.serve_ended(timezone.now() + timedelta(seconds=1))
    for job in dependents[3:]:  # fewer than one transaction's are left of them
        job_services.delete(job.pk, actor=SYSTEM)
    run(load)
    serve()

    assert [len(starts(job)) for job in dependents] == [2] * 3 + [0] * deleted
    assert not Occurrence.objects.filter(served_until__isnull=False).exists()


def test_each_lock_of_the_database_has_a_number_of_its_own() -> None:
    # A claim holds executions while it waits for its lock, a deletion its lock while it waits for them.
    numbers = [taking._GATES_LOCK, dependency_edits._GRAPH_LOCK, same_registration._LOCK]

    assert len(set(numbers)) == len(numbers)


def test_events_and_endings_are_served_apart() -> None:
    load = make_job(name="load")
    report = after(load)
    waiting = make_job(schedules=[{"kind": "event", "event": "@deployment"}])
    run(load)
    events.report("@deployment", actor=SYSTEM)

    while events.serve_open(timezone.now()):
        pass
    assert starts(report) == []
    assert Execution.objects.filter(job=waiting).count() == 1
    serve()
    assert len(starts(report)) == 1
