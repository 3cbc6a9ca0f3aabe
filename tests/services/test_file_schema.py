"""The JSON Schemas of files say what the reader of files says."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from jobs.domain.errors import InvalidError
from jobs.importers.seedfiles import job_of, workspace_of
from jobs.services.definitions import parse_definition
from jobs.services.file_schema import job_schema, workspace_schema
from jobs.services.stored_definitions import definition_of
from tests.factories import cron, every, make_job

SAMPLES: dict[str, Any] = json.loads(
    (Path(__file__).parent / "provisioner_samples.json").read_text(encoding="utf-8")
)
JOB = {"type": "command", "command": "date", "schedule": "0 2 * * *"}
OWN = {"name": "x", "type": "command", "spec": {"command": "date"}}


def is_valid(schema: dict[str, Any], value: object) -> bool:
    return bool(jsonschema_rs.validator_for(schema).is_valid(value))


def is_read(value: dict[str, Any]) -> bool:
    """Say whether the reader of files takes a job."""
    try:
        parse_definition(job_of(deepcopy(value), stem="stem", zone="UTC").values)
    except InvalidError:
        return False
    return True


@pytest.mark.django_db
def test_samples_and_exports_are_valid_alone_and_together() -> None:
    made = make_job(schedules=[cron("0 3 * * *"), every(60)], tags=["nightly"])
    exported = {**definition_of(made), "paused": True}
    jobs = [*SAMPLES["jobs"].values(), exported, {**OWN, "timeout_seconds": "30m", "retry": "none"}]

    for one in jobs:
        assert is_read(one), one
        assert is_valid(job_schema(), one), one
    for bundle in (jobs, {"jobs": jobs}, {"items": jobs}):
        assert is_valid(job_schema(), bundle)
    assert is_valid(workspace_schema(), SAMPLES["workspace"])


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change",
    [
        {"type": "x"},
        {"type": None},
        {"type": "script"},
        {"command": ""},
        {"schedule": None},
        {"schedule": []},
        {"schedule": [3]},
        {"enabled": "yes"},
        {"timeout": ["30m"]},
        {"environment": {"A": 3}},
        {"tags": "nightly"},
    ],
)
def test_a_wrong_job_is_refused_by_reader_and_schema(change: dict[str, Any]) -> None:
    wrong = {**JOB, **change}

    assert is_read(JOB)
    assert is_valid(job_schema(), JOB)
    assert not is_read(wrong)
    assert not is_valid(job_schema(), wrong)
    assert not is_valid(job_schema(), [JOB, wrong])
    assert not is_valid(workspace_schema(), {"jobs": [wrong]})


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change",
    [
        {"spec": {"script": "date"}},
        {"type": "unheard"},
        {"overlap": "sometimes"},
        {"unknown": 1},
        {"schedules": [{"kind": "never"}]},
        {"max_parallel": 0},
        {"timeout_seconds": "soon"},
    ],
)
def test_a_wrong_definition_is_refused_by_reader_and_schema(change: dict[str, Any]) -> None:
    wrong = {**OWN, **change}

    assert is_read(OWN)
    assert is_valid(job_schema(), OWN)
    assert not is_read(wrong)
    assert not is_valid(job_schema(), wrong)


@pytest.mark.parametrize(
    "change", [{"enabled": 1}, {"jobs": "many"}, {"deploy_schedule": 9}, {"environment": {"A": 3}}]
)
def test_a_wrong_workspace_is_refused_by_reader_and_schema(change: dict[str, Any]) -> None:
    from jobs.services.operation_requests import Operations
    from jobs.services.problems import parsed

    wrong = {**SAMPLES["workspace"], **change}

    with pytest.raises(InvalidError):
        parsed(Operations, workspace_of(wrong, name="room").operations)
    assert not is_valid(workspace_schema(), wrong)
