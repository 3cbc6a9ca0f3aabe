"""What goes wrong is told without traces, SQL, paths or secrets: at every door, on every face."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.conf import settings
from django.db import DataError, IntegrityError, OperationalError, connection
from django.http import HttpResponse
from django.test import Client

from jobs import conf
from jobs.domain.permissions import Role
from tests.doors import World, is_program, read, undone
from tests.web.test_doors import TABLE, Door

SECRET = "canary-4711"
PATH = "/srv/jobdeck/secret.py"
# What a program's inside looks like.
INSIDE = (SECRET, PATH, "Traceback", 'File "', "SELECT ", "INSERT ", "jobs_job", "site-packages")
KINDS = (RuntimeError, IntegrityError, OperationalError, DataError)
# Whoever knocks is known before anything breaks.
_WHO = ("auth_", "jobs_token", "jobs_access", "django_session", "SAVEPOINT", "axes_")
GARBAGE = (
    b"{",
    b"[]",
    b'"text"',
    b"\xff\xfe",
    b'{"name": "a\\u0000b", "spec": {"command": "\\u0000"}}',
    b'{"a":' * 3000 + b"1" + b"}" * 3000,
    b'{"name": NaN}',
    b"%s" % (b'{"name":' + b"9" * 5000 + b"}"),
)


@contextmanager
def broken(kind: type[Exception]) -> Iterator[None]:
    """Let the first statement of a view fail, with what such errors tell."""

    def fail(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if any(name in sql for name in _WHO):
            return execute(sql, params, many, context)
        raise kind(f"near {sql} at {PATH}: {SECRET}, params {params}")

    with connection.execute_wrapper(fail):
        yield


def ask(world: World, door: Door, body: bytes) -> HttpResponse:
    """Return what an administrator is answered at a door."""
    knocks = world.programs if is_program(door.route) else world.pages
    one = knocks[Role.ADMINISTRATOR]
    client = Client(raise_request_exception=False)
    client.cookies = one.client.cookies
    headers = {"Authorization": f"Bearer {one.token}"} if one.token else {}
    kind = "application/json" if is_program(door.route) else "application/x-www-form-urlencoded"
    path = world.path(door.route, own=True)
    return client.generic(door.method, path, body, kind, headers=headers)  # type: ignore[return-value]  # the test client adds attributes


def speaks_json(route: str) -> bool:
    """Say whether a program is answered in JSON there, and not in Prometheus's or a ping's text."""
    return is_program(route) and not route.startswith(("metrics", "ping/"))


def leaks(door: Door, response: HttpResponse) -> list[str]:
    """Return what an answer tells that nobody should know."""
    try:
        text = read(response).decode(errors="replace") + str(response.headers)
    except KINDS:  # a stream that breaks off has told nothing of it
        text = str(response.headers)
    return [f"{door.method} {door.route}: {word}" for word in INSIDE if word in text]


@pytest.fixture
def world(db: None, monkeypatch: pytest.MonkeyPatch) -> World:
    """Return everybody and everything; no answer waits, and no caller is too quick."""
    monkeypatch.setattr(conf, "sync_wait_seconds", lambda: 0.0)
    monkeypatch.setattr(conf, "api_rate", lambda: 1_000_000)
    return World()


@pytest.mark.parametrize("each", [5, pytest.param(1, marks=pytest.mark.long)])
def test_what_breaks_inside_stays_inside(
    each: int, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """In the shortest run at each fifth door."""
    found: list[str] = []
    statuses: set[int] = set()
    for number, door in enumerate(TABLE[::each]):
        with undone():
            with broken(KINDS[number % len(KINDS)]):
                response = ask(world, door, b"")
                found += leaks(door, response)
            if response.status_code >= 400 and speaks_json(door.route):
                assert json.loads(response.content)
            statuses.add(response.status_code)

    assert found == []
    assert {500, 503} <= statuses
    assert SECRET in caplog.text  # the log has it
    assert settings.DEBUG is False


@pytest.mark.parametrize(
    ("bodies", "each"),
    [
        (1, 5),
        pytest.param(1, 1, marks=pytest.mark.long),
        pytest.param(len(GARBAGE), 1, marks=pytest.mark.soak),
    ],
)
def test_garbage_is_refused_without_telling_how_it_was_read(
    world: World, bodies: int, each: int
) -> None:
    """So many kinds of it at each so many doors, by turns."""
    found: list[str] = []
    doors = [
        door
        for door in TABLE
        if door.method != "GET" and is_program(door.route) and door.reach != "public"
    ]
    for number, door in enumerate(doors[::each]):
        for body in (GARBAGE * 2)[number % len(GARBAGE) :][:bodies]:
            with undone():
                response = ask(world, door, body)
                found += leaks(door, response)
                if response.status_code >= 500:
                    found.append(
                        f"{door.method} {door.route}: {response.status_code} {body[:20]!r}"
                    )
                if response.status_code >= 400 and speaks_json(door.route):
                    assert json.loads(response.content)

    assert found == []
