"""Fields that no form of ours sends are refused in words, and cost nothing."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from tests.factories import make_job


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "http", "spec": "[" * 50_000},
        {"type": "http", "spec": '{"url": NaN}'},
        {"schedule-0-rest": "[" * 50_000, "schedule-0-kind": "cron"},
        {"version": "9" * 5000},
        {"do": "remove_schedule:" + "9" * 5000},
    ],
)
def test_no_field_breaks_the_job_form(editor_client: Client, fields: dict[str, str]) -> None:
    typed = {"name": "odd", "type": "command", "command": "true", "do": "save", **fields}

    answer = editor_client.post(reverse("job_new"), typed)

    assert answer.status_code in {200, 303, 422}


def test_a_number_of_thousands_of_digits_starts_no_backfill(operator_client: Client) -> None:
    job = make_job()

    answer = operator_client.post(
        reverse("backfill_new", args=[job.pk]), {"expected": "9" * 5000, "from": "x"}
    )

    assert answer.status_code in {200, 409, 422}


@pytest.mark.parametrize(("length", "status"), [("20000000", 413), ("9" * 30, 413), ("x", 400)])
def test_a_body_that_no_page_sends_is_refused_before_it_is_read(
    client: Client, length: str, status: int
) -> None:
    answer = client.post(reverse("login"), {"username": "a"}, CONTENT_LENGTH=length)

    assert answer.status_code == status
