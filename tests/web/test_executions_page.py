"""The list of executions: its filters, its addresses, and what it says when nothing matches."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from jobs.domain.permissions import SYSTEM
from jobs.domain.states import ExecutionState
from jobs.services import workspaces
from tests.factories import make_execution, make_job

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)


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


def test_a_workspace_of_the_address_that_is_not_offered_stays_chosen(viewer_client: Client) -> None:
    """The defect: the next filter that was chosen dropped one spelt "DATA", or beyond the offered."""
    page = viewer_client.get(reverse("executions") + "?workspace=DATA").content.decode()

    fields = page[page.index('name="workspace"') :].split("</select>")[0]
    assert "<option selected>DATA</option>" in fields


def test_an_empty_audit_log_repeats_what_was_asked(admin_client: Client) -> None:
    page = admin_client.get(reverse("audit") + "?actor=nobody&action=job.update").content.decode()

    assert "Nothing matches" in page
    assert "nobody, job.update" in page


def test_lists_say_of_what_failed_the_last_line_of_its_error(
    viewer_client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    job = make_job()
    common: dict[str, Any] = {"started_at": NOW, "finished_at": NOW, "message": "exit status 1"}
    for _number in range(3):
        make_execution(
            job,
            state=ExecutionState.FAILED,
            error=f"connecting\n<b>no</b> route {'x' * 500}\n\n",
            **common,
        )
    make_execution(job, state=ExecutionState.SUCCEEDED, error="a warning", **common)

    with django_assert_max_num_queries(14):
        every = viewer_client.get(reverse("executions")).content.decode()
    own = viewer_client.get(reverse("job", args=[job.pk])).content.decode()

    for body in (every, own):
        cells = re.findall(r'<td class="c-msg msg" title="exit status 1">([^<]*)</td>', body)
        assert cells[0] == "exit status 1"
        assert [cell[:27] for cell in cells[1:]] == ["&lt;b&gt;no&lt;/b&gt; route"] * 3
        assert "x" * 160 not in body.partition("c-msg")[2].partition("</table>")[0]
