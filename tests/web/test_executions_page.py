"""The list of executions: its filters, its addresses, and what it says when nothing matches."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from jobs.domain.permissions import SYSTEM
from jobs.domain.states import ExecutionState
from jobs.services import workspaces
from tests.factories import make_execution, make_job

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("page", "given", "kept"),
    [
        ("executions", "trigger=&queue=&from=&to=&zone=UTC", ""),
        ("executions", "result=failed&trigger=manual&queue=&from=&to=&zone=UTC", "result=failed&trigger=manual"),
        ("executions", "queue=&from=2026-11-01T10:00&to=&zone=Asia/Jakarta", "from=2026-11-01T03%3A00%3A00Z"),
        ("jobs", "q=&type=command&tag=", "type=command"),
        ("alerts", "phase=all&q=&severity=&rule=", "phase=all"),
        ("audit", "actor=ada&action=&object=&from=&to=&zone=UTC", "actor=ada"),
    ],
)  # fmt: skip
def test_what_a_form_leaves_open_is_not_in_the_address(
    page: str, given: str, kept: str, admin_client: Client
) -> None:
    answer = admin_client.get(f"{reverse(page)}?{given}")

    assert answer.status_code == 302
    assert answer["Location"] == reverse(page) + (f"?{kept}" if kept else "")
    assert admin_client.get(answer["Location"]).status_code == 200


def test_a_moment_that_is_none_is_told_where_it_was_typed(viewer_client: Client) -> None:
    answer = viewer_client.get(reverse("executions") + "?queue=&from=soon&to=")

    assert answer.status_code == 200
    assert "is no moment" in answer.content.decode()


def test_the_workspace_is_chosen_on_the_page_and_named_when_nothing_matches(
    viewer_client: Client,
) -> None:
    for name in ("data", "shop"):
        workspaces.create(workspaces.parse_workspace({"name": name}), actor=SYSTEM)
    make_execution(make_job(name="inside", workspace="data"), state=ExecutionState.SUCCEEDED)
    make_execution(make_job(name="outside"), state=ExecutionState.SUCCEEDED)

    listed = viewer_client.get(reverse("executions") + "?workspace=data").content.decode()
    empty = viewer_client.get(
        reverse("executions") + "?workspace=shop&result=failed&queue=slow&from=2026-11-01T10:00:00Z"
    ).content.decode()

    assert "<option selected>data</option>" in listed
    assert (">inside<" in listed, ">outside<" in listed) == (True, False)
    assert "No execution matches" in empty
    assert "Failed, shop, slow, 2026-11-01 10:00 …" in empty


def test_an_empty_audit_log_repeats_what_was_asked(admin_client: Client) -> None:
    page = admin_client.get(reverse("audit") + "?actor=nobody&action=job.update").content.decode()

    assert "Nothing matches" in page
    assert "nobody, job.update" in page
