"""Retries on chosen failures, through the real life of an execution."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from jobs.domain.errors import InvalidError
from jobs.domain.permissions import SYSTEM
from jobs.domain.states import ExecutionState
from jobs.executors.base import ExecutionResult
from jobs.models import Execution, Job, JobVersion
from jobs.services import claims, executions, rescue
from jobs.services import jobs as job_services
from jobs.services.stored_definitions import definition_of
from jobs.services.triggers import trigger
from tests.factories import make_job, make_worker

pytestmark = pytest.mark.django_db

FAILED, TIMED_OUT = ExecutionState.FAILED, ExecutionState.TIMED_OUT


def attempt(job: Job, state: ExecutionState, **fields: Any) -> str:
    """Let one attempt of a new execution end; return the execution's state."""
    execution = trigger(job.pk, actor=SYSTEM)
    (claim,) = claims.claim(worker_id=make_worker().pk, queues=["default"], free=1)
    running = executions.start(claim.execution_id, claim.token, pid=4711)
    assert running is not None
    now = datetime.now(UTC)
    result = ExecutionResult(state=state, started_at=now, finished_at=now, **fields)
    assert executions.finish(running, result)
    execution.refresh_from_db()
    return execution.state


@pytest.mark.parametrize(
    ("retry", "state", "fields", "then"),
    [
        ({}, FAILED, {"exit_code": 3}, "retrying"),
        ({"on_exit_codes": [75, 3]}, FAILED, {"exit_code": 3}, "retrying"),
        ({"on_exit_codes": [75]}, FAILED, {"exit_code": 3}, "failed"),
        ({"on_exit_codes": [75]}, FAILED, {"signal": 9}, "failed"),
        ({"on_exit_codes": [75]}, TIMED_OUT, {"signal": 15}, "timed_out"),
        ({"on": ["timeout"]}, TIMED_OUT, {"signal": 15}, "retrying"),
        ({"on": ["timeout"]}, FAILED, {"exit_code": 3}, "failed"),
        ({"on": ["signal"]}, FAILED, {"signal": 9}, "retrying"),
        ({"on": ["error"]}, FAILED, {}, "retrying"),
        ({"on": ["exit_code", "timeout"], "on_exit_codes": [75]}, TIMED_OUT, {}, "retrying"),
    ],
)
def test_only_the_chosen_failures_are_tried_again(
    retry: dict[str, Any], state: ExecutionState, fields: dict[str, Any], then: str
) -> None:
    job = make_job(retry={"max_attempts": 2, **retry})

    assert attempt(job, state, **fields) == then


@pytest.mark.parametrize(("lost", "then"), [(True, "retrying"), (False, "lost")])
def test_a_lost_attempt_follows_its_own_choice(lost: bool, then: str) -> None:
    job = make_job(retry={"max_attempts": 2, "lost": lost, "on": ["timeout"]})
    trigger(job.pk, actor=SYSTEM)
    (claim,) = claims.claim(worker_id=make_worker().pk, queues=["default"], free=1)
    assert executions.start(claim.execution_id, claim.token, pid=4711)

    assert rescue.mark_lost(claim.execution_id, claim.token)

    assert Execution.objects.get(pk=claim.execution_id).state == then


def test_an_execution_follows_the_conditions_of_its_own_version() -> None:
    job = make_job(retry={"max_attempts": 2, "on_exit_codes": [75]})
    execution = trigger(job.pk, actor=SYSTEM)
    job_services.update(job.pk, {"retry": {"on_exit_codes": None}}, actor=SYSTEM)
    (claim,) = claims.claim(worker_id=make_worker().pk, queues=["default"], free=1)
    running = executions.start(claim.execution_id, claim.token, pid=4711)
    assert running is not None

    assert running.version == execution.version == 1
    assert not running.retry.covers(FAILED, exit_code=3)


def test_a_version_from_before_there_were_conditions_is_tried_again_as_ever() -> None:
    job = make_job(retry={"max_attempts": 2})
    trigger(job.pk, actor=SYSTEM)
    job_services.update(job.pk, {"description": "newer"}, actor=SYSTEM)
    first = JobVersion.objects.get(job=job, version=1)
    first.definition["retry"] = {
        name: value
        for name, value in first.definition["retry"].items()
        if name not in {"on", "on_exit_codes"}
    }
    first.save()
    (claim,) = claims.claim(worker_id=make_worker().pk, queues=["default"], free=1)
    running = executions.start(claim.execution_id, claim.token, pid=4711)

    assert running is not None
    assert running.retry.covers(FAILED, exit_code=3)


def test_conditions_are_kept_in_one_order_and_read_as_they_were_written() -> None:
    retry = {"max_attempts": 2, "on": ["timeout", "exit_code", "timeout"], "on_exit_codes": [75, 3]}
    job = make_job(retry=retry)

    read = definition_of(Job.objects.get(pk=job.pk))["retry"]

    assert read["on"] == ["exit_code", "timeout"]
    assert read["on_exit_codes"] == [3, 75]
    assert job_services.update(job.pk, {"retry": retry}, actor=SYSTEM).version == 1


@pytest.mark.parametrize(
    ("retry", "field", "words"),
    [
        ({"on": []}, "retry.on", "on is empty"),
        ({"on": ["moon"]}, "retry.on.0", "'moon' is not allowed. Use exit_code, signal"),
        ({"on_exit_codes": [0]}, "retry.on_exit_codes", "Exit code 0 is not allowed"),
        ({"on": ["signal"], "on_exit_codes": [3]}, "retry.on", "needs exit_code"),
    ],
)
def test_wrong_conditions_name_their_field(retry: dict[str, Any], field: str, words: str) -> None:
    with pytest.raises(InvalidError) as caught:
        make_job(retry=retry)

    assert words in caught.value.fields[field]
