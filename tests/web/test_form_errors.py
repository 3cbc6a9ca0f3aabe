"""A form that was refused says so at its top, in focus, and leads to each field that is wrong."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from jobs.web.forms import JobForm

FORMS = (
    "variable_new", "calendar_new", "check_in_new", "person_new", "workspace_new", "token_new",
    "freeze_new", "channel_new", "own_rule_new", "template_new", "password_change", "preferences",
)  # fmt: skip
WRONG = {"email": "nobody", "time_zone": "Nowhere/At all", "zone": "Nowhere/At all"}


@pytest.mark.django_db
@pytest.mark.parametrize("name", FORMS)
def test_a_refused_form_leads_from_its_top_to_each_wrong_field(
    name: str, admin_client: Client
) -> None:
    fresh = admin_client.get(reverse(name)).content.decode()

    answer = admin_client.post(reverse(name), WRONG)

    html = answer.content.decode()
    assert 400 <= answer.status_code < 500
    assert "Nothing was saved." not in fresh
    [summary] = re.findall(
        r'<div class="note bad problems"[^>]*autofocus>.*?</ul>', html, re.DOTALL
    )
    wrong = set(re.findall(r'<a href="#([^"]+)">', summary))
    assert 'role="alert" tabindex="-1"' in summary
    assert "<li>" in summary
    assert wrong == set(re.findall(r'class="err" id="([^"]+)_error"', html))
    assert wrong <= set(re.findall(r' id="([^"]+)"', html))


@pytest.mark.django_db
def test_what_is_wrong_with_a_job_is_told_in_the_order_of_the_page(editor_client: Client) -> None:
    wrong = {
        **{name: "?!" for name in JobForm.base_fields if name not in ("type", "run_on_create")},
        "type": "http",
        "http_headers": "no colon",
        "breaker_kind": "own",
        "overlap": "allow",
        "schedule-0-kind": "cron",
        "schedule-0-expression": "99 * * * *",
        "schedule-1-kind": "interval",
        "schedule-1-seconds": "soon",
        "variable-0-name": "1 A",
        "variable-0-value": "x",
        "after-0-job": "nobody",
    }

    html = editor_client.post(reverse("job_new"), wrong).content.decode()

    summary = html[html.index('id="problems"') :].split("</ul>")[0]
    told = re.findall(r'<a href="#([^"]+)">', summary)
    fields = re.findall(r'<(?:input|select|textarea)[^>]* id="([^"]+)"', html)
    assert len(told) > 12
    assert {"id_http_headers", "id_schedule-1-seconds", "id_after-0-job"} <= set(told)
    assert told == sorted(told, key=fields.index)
