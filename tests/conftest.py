"""Fixtures for all: people with their roles, and browsers for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.test import Client

from jobs.domain.permissions import Role
from tests.factories import make_user

if TYPE_CHECKING:
    from django.contrib.auth.models import User


@pytest.fixture
def viewer(db: None) -> User:
    """Return somebody who may look."""
    return make_user("vera", Role.VIEWER)


@pytest.fixture
def operator(db: None) -> User:
    """Return somebody who may also run, kill, pause and resume."""
    return make_user("otto", Role.OPERATOR)


@pytest.fixture
def editor(db: None) -> User:
    """Return somebody who may also create, edit and delete."""
    return make_user("edda", Role.EDITOR)


@pytest.fixture
def admin(db: None) -> User:
    """Return somebody who may do everything."""
    return make_user("anna", Role.ADMINISTRATOR)


def signed_in(user: User) -> Client:
    """Return a browser in which ``user`` is signed in."""
    client = Client()
    client.force_login(user, backend="jobs.web.sign_in.PersonBackend")
    return client


@pytest.fixture
def viewer_client(viewer: User) -> Client:
    """Return the viewer's browser."""
    return signed_in(viewer)


@pytest.fixture
def operator_client(operator: User) -> Client:
    """Return the operator's browser."""
    return signed_in(operator)


@pytest.fixture
def editor_client(editor: User) -> Client:
    """Return the editor's browser."""
    return signed_in(editor)


@pytest.fixture
def admin_client(admin: User) -> Client:
    """Return the administrator's browser."""
    return signed_in(admin)
