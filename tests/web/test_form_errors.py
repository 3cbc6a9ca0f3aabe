"""A form that was refused says so at its top, in focus, and leads to each field that is wrong."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

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
