"""Fixtures for all: people with their roles, and browsers for each."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest
from django.db import connection
from django.db.backends.signals import connection_created
from django.template.base import Template
from django.test import Client, utils
from django.utils import timezone, translation

from jobs.domain.permissions import Role
from jobs.queries.stat_hours import REMEMBERED
from tests import migrated
from tests.factories import make_user
from tests.together import TogetherScheduling, group_of

if TYPE_CHECKING:
    from django.contrib.auth.models import User

DRAWN = Template._render  # type: ignore[attr-defined]  # before Django's tests replace it


def pytest_configure(config: pytest.Config) -> None:
    """Share what takes long to make between the workers of a run; let no example be too slow."""
    migrated.share(config)
    gc.disable()  # what is collected stays; the look for garbage begins after that
    # How long one example takes says how busy the machine is.
    present = hypothesis.settings()  # in CI hypothesis has a profile of its own
    hypothesis.settings.register_profile("patient", parent=present, deadline=None)
    hypothesis.settings.load_profile("patient")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark what asks for the tests' database, itself or by a fixture: it runs on each engine."""
    asked = {"db", "transactional_db"} & set(getattr(item, "fixturenames", ()))
    if asked or item.get_closest_marker("django_db"):
        item.add_marker(pytest.mark.database)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests that run as a group: at the end, one worker would wait for the other."""
    items.sort(key=lambda item: group_of(item.nodeid) == item.nodeid)
    for item in items:
        if item.get_closest_marker("redis") and group_of(item.nodeid) != "redis":
            raise pytest.UsageError(f"{item.nodeid} uses Redis: add its file to tests/together.py.")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> TogetherScheduling:
    """Keep groups together on a run with several workers."""
    return TogetherScheduling(config, log)


def pytest_collection_finish() -> None:
    """Leave what lasts as long as the run out of every look for garbage, and look less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def django_test_environment(django_test_environment: None) -> None:
    """Draw templates as the product does; who asks what they were given asks for `given_contexts`.

    Django's tests copy the context of each included template: a fifth of what a page takes.
    """
    Template._render = DRAWN  # type: ignore[attr-defined]


@pytest.fixture
def given_contexts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what templates are given in ``response.context``."""
    monkeypatch.setattr(Template, "_render", utils.instrumented_test_render)  # type: ignore[attr-defined]


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings: None) -> Iterator[None]:
    """Begin the tests' database with a copy of the tables instead of all migrations."""
    if connection.vendor == "postgresql":
        migrated.copy_on_postgres(connection)
    connection_created.connect(migrated.fill)
    yield
    connection_created.disconnect(migrated.fill)


@pytest.fixture(autouse=True)
def nothing_remembered() -> None:
    """Forget the sums of jobs whose numbers the next test gives to others, and the last reader.

    A request leaves its person's language and time zone to the thread, until the next one.
    """
    REMEMBERED.clear()
    translation.deactivate()
    timezone.deactivate()


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
