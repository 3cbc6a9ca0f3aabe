"""The admin shows everything, changes nothing and leaves the pool's tables alone."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.test import Client

from tests.conftest import signed_in
from tests.factories import every, make_execution, make_job

pytestmark = pytest.mark.django_db


@pytest.fixture
def root() -> Client:
    """Return a superuser's browser."""
    user = get_user_model().objects.create_superuser("root", password="correct horse")
    return signed_in(user)


@pytest.mark.parametrize("name", ["job", "execution", "omission", "worker", "auditentry", "token"])
def test_each_list_opens(root: Client, name: str) -> None:
    make_execution(make_job(schedules=[every(60)]))

    response = root.get(f"/admin/jobs/{name}/")

    assert response.status_code == 200


def test_a_job_can_be_looked_at_and_not_changed(root: Client) -> None:
    job = make_job(schedules=[every(60)])

    assert root.get(f"/admin/jobs/job/{job.pk}/change/").status_code == 200
    assert root.post(f"/admin/jobs/job/{job.pk}/change/", {"name": "x"}).status_code == 403
    assert root.post(f"/admin/jobs/job/{job.pk}/delete/", {"post": "yes"}).status_code == 403


def test_the_tables_of_the_pool_are_not_there() -> None:
    labels = {model._meta.app_label for model in admin.site._registry}

    assert "django_q" not in labels


def test_an_operator_does_not_get_in(operator_client: Client) -> None:
    response = operator_client.get("/admin/jobs/job/")

    assert response.status_code == 302
    assert "/admin/login/" in response["Location"]
