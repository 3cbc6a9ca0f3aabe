"""Logins and refusals are on record."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from jobs.models import AuditEntry

pytestmark = pytest.mark.django_db


def test_a_login_is_recorded_with_its_address(operator: User) -> None:
    Client(REMOTE_ADDR="192.0.2.7").post(
        "/login/", {"username": "otto", "password": "correct horse"}
    )

    entry = AuditEntry.objects.get(action="session.login")
    assert (entry.actor, entry.address) == ("otto", "192.0.2.7")


def test_a_refused_login_is_recorded_without_the_password(operator: User) -> None:
    Client().post("/login/", {"username": "otto", "password": "wr0ng-secret"})

    entry = AuditEntry.objects.get(action="session.refused")
    assert entry.actor == "otto"
    assert "wr0ng-secret" not in str(vars(entry))


def test_an_entry_is_never_changed_or_deleted(operator: User) -> None:
    Client().post("/login/", {"username": "otto", "password": "no"})
    entry = AuditEntry.objects.get()

    with pytest.raises(TypeError):
        entry.save()
    with pytest.raises(TypeError):
        entry.delete()
