"""Parameters of a start: kept with the execution, given to its run, the same when it is repeated."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jobs.domain.errors import ConflictError, InvalidError, UnprocessableError
from jobs.domain.permissions import SYSTEM
from jobs.domain.states import ExecutionState
from jobs.executors.base import ExecutionResult
from jobs.models import Execution, Job
from jobs.services import claims, dispatch, executions, rendering, rescue
from jobs.services import jobs as job_services
from jobs.services.parameter_definitions import opened, shown
from jobs.services.running import Running
from jobs.services.triggers import trigger
from tests.factories import every, make_execution, make_job, make_worker

pytestmark = pytest.mark.django_db

DAY = {"name": "day", "type": "date", "required": True}
LIMIT = {"name": "limit", "type": "integer", "default": "10", "maximum": 20}
KEY = {"name": "key", "secret": True}


def report(*parameters: dict[str, Any], **fields: Any) -> Job:
    """Return a job that declares parameters."""
    return make_job(parameters=list(parameters), **fields)


def start() -> Running:
    """Claim and start what is queued."""
    (claim,) = claims.claim(worker_id=make_worker().pk, queues=["default"], free=1)
    running = executions.start(claim.execution_id, claim.token, pid=4711)
    assert running is not None
    return running


def test_a_start_keeps_checked_values_and_defaults() -> None:
    job = report(DAY, LIMIT)

    given = trigger(job.pk, actor=SYSTEM, parameters={"day": "2026-01-31"})

    assert given.parameters == {"day": "2026-01-31", "limit": 10}
    with pytest.raises(InvalidError) as refused:
        trigger(job.pk, actor=SYSTEM, parameters={"limit": 21})
    assert list(refused.value.fields) == ["parameters.day", "parameters.limit"]
    with pytest.raises(InvalidError, match="Use an object of names and values"):
        trigger(job.pk, actor=SYSTEM, parameters=["day"])
    assert Execution.objects.count() == 1


def test_a_run_gets_them_as_variables_and_where_they_are_named() -> None:
    job = report(
        DAY,
        LIMIT,
        {"name": "note"},
        spec={"command": "head -n {{params.limit}} /dev/null"},
        environment={"GREETING": "day {{ params.day }}{{params.note}}", "PARAM_DAY": "the job's"},
    )
    trigger(job.pk, actor=SYSTEM, parameters={"day": "2026-01-31"})

    run = rendering.render(start())

    assert run.spec["command"] == "head -n 10 /dev/null"
    assert run.environment == {
        "GREETING": "day 2026-01-31",
        "PARAM_DAY": "2026-01-31",
        "PARAM_LIMIT": "10",
    }
    assert run.parameters == {"day": "2026-01-31", "limit": 10}


def test_a_value_is_never_read_as_a_placeholder() -> None:
    job = report({"name": "note"}, environment={"NOTE": "{{params.note}}"})
    trigger(job.pk, actor=SYSTEM, parameters={"note": "{{params.other}} {{db_password}}"})

    assert rendering.render(start()).environment["NOTE"] == "{{params.other}} {{db_password}}"


def test_a_schedule_uses_the_defaults_and_needs_them() -> None:
    job = report(LIMIT, schedules=[every(60)])
    Job.objects.filter(pk=job.pk).update(next_fire_at=datetime.now(UTC) - timedelta(seconds=1))
    Job.objects.filter(pk=job.pk).update(decided_until=datetime.now(UTC) - timedelta(seconds=90))

    dispatch.dispatch_due(datetime.now(UTC))

    assert Execution.objects.get(job=job).parameters == {"limit": 10}
    with pytest.raises(InvalidError, match="could not start it") as refused:
        report(DAY, schedules=[every(60)])
    assert list(refused.value.fields) == ["parameters.0.default"]
    with pytest.raises(InvalidError, match="could not start it"):
        job_services.update(job.pk, {"parameters": [DAY]}, actor=SYSTEM)


def test_a_secret_is_sealed_masked_and_given_to_the_run() -> None:
    job = report(KEY, LIMIT)

    execution = trigger(job.pk, actor=SYSTEM, parameters={"key": "correct horse"})

    assert "correct" not in str(Execution.objects.get(pk=execution.pk).parameters)
    assert shown(execution.parameters) == {"key": "***", "limit": 10}
    running = start()
    assert rendering.render(running).environment["PARAM_KEY"] == "correct horse"
    assert rendering.secrets_of(running).text("it is correct horse.") == "it is ***."


def test_a_repeated_request_is_the_same_only_with_the_same_parameters() -> None:
    job = report(LIMIT, KEY, overlap="allow", max_parallel=5)

    def ask(**parameters: Any) -> Execution:
        return trigger(job.pk, actor=SYSTEM, idempotency_key="k", parameters=parameters)

    first = ask(limit=5, key="correct horse")

    assert ask(limit="5", key="correct horse").pk == first.pk
    assert ask().pk == first.pk
    with pytest.raises(ConflictError, match="was given other parameters"):
        ask(limit=6, key="correct horse")
    with pytest.raises(ConflictError, match="was given other parameters"):
        ask(limit=5, key="battery staple")


def test_a_retry_keeps_them_also_when_the_job_has_changed() -> None:
    job = report(LIMIT, retry={"max_attempts": 2, "base_seconds": 0})
    trigger(job.pk, actor=SYSTEM, parameters={"limit": 7})
    first = start()
    now = datetime.now(UTC)
    failed = ExecutionResult(state=ExecutionState.FAILED, started_at=now, finished_at=now)
    assert executions.finish(first, failed)
    job_services.update(job.pk, {"parameters": []}, actor=SYSTEM)

    assert rescue.requeue_retries(datetime.now(UTC) + timedelta(seconds=1)) == 1
    second = start()

    assert (second.attempt, rendering.render(second).parameters) == (2, {"limit": 7})


def test_what_starts_without_a_needed_value_fails_in_words() -> None:
    make_execution(report(DAY))

    with pytest.raises(UnprocessableError, match="parameter day is required"):
        rendering.render(start())


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"spec": {"command": "echo {{params.day}}; ls {{params.gone}}"}}, "does not declare"),
        ({"environment": {"A": "{{params.gone}}"}}, "does not declare"),
        (
            {"parameters": [{"name": "text"}], "spec": {"command": "echo {{params.text}}"}},
            'Write "$PARAM_TEXT", with the quotes',
        ),
        (
            {
                "parameters": [{"name": "text"}],
                "type": "script",
                "spec": {"script": "echo '{{params.text}}'"},
            },
            'Write "$PARAM_TEXT", with the quotes',
        ),
    ],
)
def test_placeholders_are_of_declared_parameters_and_no_text_reaches_a_shell(
    fields: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(InvalidError) as refused:
        make_job(**{"parameters": [{"name": "day", "type": "date"}], **fields})

    assert sentence in refused.value.message


def test_a_whole_execution_can_be_given_again() -> None:
    job = report(KEY, LIMIT, overlap="allow", max_parallel=5)
    first = trigger(job.pk, actor=SYSTEM, parameters={"key": "correct horse", "limit": 3})

    again = trigger(job.pk, actor=SYSTEM, parameters=opened(first.parameters))

    assert opened(again.parameters) == {"key": "correct horse", "limit": 3}


def test_a_soft_limit_is_below_the_hard_one() -> None:
    assert make_job(soft_timeout_seconds="10m", timeout_seconds="1h").soft_timeout_seconds == 600
    with pytest.raises(InvalidError, match="1h is not less than the time limit, 10m"):
        make_job(soft_timeout_seconds="1h", timeout_seconds="10m")
