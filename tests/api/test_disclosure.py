"""Literal secrets and answers of servers, on every face, for each role."""

from __future__ import annotations

import json
from typing import cast

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from jobs.domain.permissions import SYSTEM, Role
from jobs.domain.states import Stream
from jobs.executors.base import Chunk
from jobs.models import AuditEntry, Execution, Job
from jobs.services import jobs as job_services
from jobs.services import logs
from tests.api.callers import Answer, caller
from tests.conftest import signed_in
from tests.factories import make_execution, make_job, make_user, make_variable

pytestmark = pytest.mark.django_db
CANARY = "canary-4711"
SPEC = {
    "url": f"https://ann:{CANARY}@example.org/?api_key={CANARY}",
    "headers": {"X-Auth-Token": CANARY},
    "body": {"password": CANARY, "city": "Paris"},
}


@pytest.fixture
def job() -> Job:
    environment = {"DB_PASSWORD": CANARY, "CITY": "Paris"}
    made = make_job(name="call", type="http", spec=SPEC, environment=environment)
    return job_services.update(made.pk, {"owner": "me"}, actor=SYSTEM)


@pytest.fixture
def execution(job: Job) -> Execution:
    made = make_execution(job, state="succeeded", result={"told": CANARY}, attempt=1)
    logs.append(made.pk, 1, [Chunk(Stream.STDOUT, f"{CANARY}\n".encode())])
    return made


def answers(role: Role, execution: Execution) -> dict[str, Answer]:
    """Return what each reading address of the API and the pages answers to a person."""
    job = execution.job_id
    call = caller(role)
    browser = signed_in(make_user(f"reader-{role}", role))
    api = {
        "list": "/jobs",
        "job": f"/jobs/{job}",
        "runs": f"/executions?job_id={job}",
        "run": f"/executions/{execution.pk}",
        "log": f"/executions/{execution.pk}/log",
        "variables": "/variables",
    }
    pages = {
        "job page": reverse("job", args=[job]),
        "run page": reverse("execution", args=[execution.pk]),
        "run region": reverse("p_execution", args=[execution.pk]),
        "log region": reverse("p_execution_log", args=[execution.pk]),
        "raw log": reverse("execution_log", args=[execution.pk]),
        "variables page": reverse("variables"),
    }
    found = {name: call.get(path) for name, path in api.items()}
    return found | {
        name: Answer(cast("HttpResponse", browser.get(path))) for name, path in pages.items()
    }


LEAKS = {
    Role.VIEWER: set(),
    # Who may run a job reads what it prints; what it is given only who may edit it.
    Role.OPERATOR: {"runs", "run", "log", "run page", "run region", "log region", "raw log"},
    Role.EDITOR: {
        "list", "job", "runs", "run", "log", "job page", "run page", "run region", "log region",
        "raw log", "variables", "variables page",
    },
}  # fmt: skip


@pytest.mark.parametrize("role", LEAKS)
def test_who_reads_what(role: Role, execution: Execution) -> None:
    make_variable(name="db_password", value=CANARY)

    found = {
        name: (one.status, one.content.decode()) for name, one in answers(role, execution).items()
    }

    assert {name for name, (_, text) in found.items() if CANARY in text} == LEAKS[role]
    refused = {name for name, (status, _) in found.items() if status != 200}
    closed = {"log", "log region", "raw log"} if role is Role.VIEWER else set()
    assert refused == closed
    assert all(found[name][0] == 403 for name in closed)
    assert "Paris" in found["job"][1]


def test_what_ran_counts_and_not_what_the_job_has_become(
    execution: Execution, viewer_client: Client
) -> None:
    job_services.update(
        execution.job_id, {"type": "command", "spec": {"command": "date"}}, actor=SYSTEM
    )
    plain = make_execution(Job.objects.get(pk=execution.job_id), result={"told": "today"})

    html = viewer_client.get(reverse("execution", args=[execution.pk])).content.decode()
    own = viewer_client.get(reverse("execution", args=[plain.pk])).content.decode()

    assert CANARY not in html
    assert "shown to operators only" in html
    assert "today" in own


def test_no_audit_entry_holds_a_literal_secret(job: Job) -> None:
    job_services.update(job.pk, {"environment": {"DB_PASSWORD": f"{CANARY}2"}}, actor=SYSTEM)
    job_services.delete(job.pk, actor=SYSTEM)

    entries = list(AuditEntry.objects.values_list("action", "before", "after"))

    assert {action for action, *_ in entries} == {"job.create", "job.update", "job.delete"}
    assert CANARY not in json.dumps(entries)
    assert "***" in json.dumps(entries)
