"""Who may call at all: tokens, sessions with CSRF, nobody else."""

from __future__ import annotations

from base64 import b64encode
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from jobs.api.native import api
from jobs.api.openapi import document
from jobs.domain.permissions import SYSTEM, Role
from jobs.models import AuditEntry, Token
from jobs.services import tokens
from jobs.services.rates import Rates
from tests.api.callers import Caller
from tests.factories import definition, make_job, make_user

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from pytest_django import Settings as SettingsWrapper

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")


def addresses() -> list[str]:
    """Return each address of the API, with ids filled in, and some that do not exist."""
    paths = [path.replace("{job_id}", "1").replace("{execution_id}", "1") for path in _paths()]
    return [*paths, "/api/v1/openapi.json", "/api/v1/", "/api/v1/nothing", "/api/", "/api/v2/jobs"]


def _paths() -> list[str]:
    return list(document(api)["paths"])


@pytest.mark.django_db
@pytest.mark.parametrize(
    "method",
    [
        pytest.param(one, marks=() if one in ("GET", "POST") else pytest.mark.long)
        for one in METHODS
    ],
)
def test_strangers_learn_nothing_anywhere(stranger: Caller, method: str) -> None:
    for address in addresses():
        answer = stranger.call(method, address)
        assert answer.status == 401, (method, address)
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("token", ["jd_madeup", "", " ", "x" * 5000, "\u00e9", "a b c"])
def test_a_made_up_token_is_refused(db: None, token: str) -> None:
    answer = Caller().get("/jobs", Authorization=f"Bearer {token}")

    assert answer.status == 401
    assert "invalid_token" in answer.headers["WWW-Authenticate"]


def test_a_token_in_the_query_does_not_count(editor: User) -> None:
    _, value = tokens.create(editor, "t")

    assert Caller().get(f"/jobs?token={value}&access_token={value}").status == 401


def test_a_revoked_token_is_refused_at_once(editor: User) -> None:
    token, value = tokens.create(editor, "t")
    assert Caller(value).get("/jobs").status == 200

    tokens.revoke(token, actor=SYSTEM)

    assert Caller(value).get("/jobs").status == 401


def test_an_expired_token_is_refused(editor: User) -> None:
    _, value = tokens.create(editor, "t", expires_at=timezone.now() - timedelta(seconds=1))

    assert Caller(value).get("/jobs").status == 401


def test_the_token_of_a_deactivated_person_is_refused(editor: User) -> None:
    _, value = tokens.create(editor, "t")
    editor.is_active = False
    editor.save()

    assert Caller(value).get("/jobs").status == 401


def test_a_token_never_may_more_than_its_owner(viewer: User, editor: User) -> None:
    token, value = tokens.create(editor, "t", role=Role.EDITOR)
    assert Caller(value).post("/jobs", definition()).status == 201

    editor.groups.set(viewer.groups.all())

    assert Caller(value).post("/jobs", definition()).status == 403
    assert Caller(value).get("/jobs").status == 200
    assert token.role == Role.EDITOR


def test_a_token_may_less_than_its_owner(editor: User) -> None:
    _, value = tokens.create(editor, "t", role=Role.VIEWER)

    assert Caller(value).post("/jobs", definition()).status == 403


def test_the_use_of_a_token_is_noted_once_a_minute(editor: User) -> None:
    token, value = tokens.create(editor, "t")
    Caller(value).get("/jobs")
    first = Token.objects.get(pk=token.pk).last_used_at

    Caller(value).get("/jobs")

    assert first is not None
    assert Token.objects.get(pk=token.pk).last_used_at == first


def test_somebody_without_a_role_may_not_read(db: None) -> None:
    _, value = tokens.create(make_user("nora"), "t")

    assert Caller(value).get("/jobs").status == 403


def test_the_audit_log_names_the_caller_and_the_address(editor: User) -> None:
    _, value = tokens.create(editor, "t")

    answer = Caller(value).post("/jobs", definition(), X_Forwarded_For="6.6.6.6")

    entry = AuditEntry.objects.get(action="job.create", object_id=answer.json["id"])
    assert (entry.actor, entry.address) == ("edda", "127.0.0.1")


def signed_in(user: User) -> Caller:
    client = Client(enforce_csrf_checks=True)
    client.force_login(user, backend="jobs.web.sign_in.PersonBackend")
    return Caller(client=client)


def test_a_signed_in_browser_may_read(viewer: User) -> None:
    assert signed_in(viewer).get("/jobs").status == 200


def test_a_signed_in_browser_needs_its_csrf_token_to_act(editor: User) -> None:
    browser = signed_in(editor)
    job = make_job()

    for method, path in [("POST", f"/jobs/{job.pk}/pause"), ("DELETE", f"/jobs/{job.pk}")]:
        answer = browser.call(method, path)
        assert (answer.status, answer.json["code"]) == (403, "csrf")
    job.refresh_from_db()
    assert (job.state, job.deleted_at) == ("active", None)


def test_a_signed_in_browser_with_its_csrf_token_may_act(editor: User) -> None:
    browser = signed_in(editor)
    secret = "a" * 32
    browser.client.cookies["csrftoken"] = secret

    answer = browser.post("/jobs", definition(), X_CSRFToken=secret)

    assert answer.status == 201


def test_a_wrong_token_is_not_made_good_by_a_session(editor: User) -> None:
    assert signed_in(editor).get("/jobs", Authorization="Bearer jd_wrong").status == 401


def test_headers_cannot_pose_as_the_local_caller(stranger: Caller) -> None:
    for name in ("jobdeck.actor", "Jobdeck_Actor", "HTTP_JOBDECK.ACTOR"):
        answer = stranger.client.get("/api/v1/jobs", headers={name: "root"})
        assert answer.status_code == 401


def basic(name: str, password: str) -> dict[str, str]:
    value = b64encode(f"{name}:{password}".encode()).decode()
    return {"Authorization": f"Basic {value}"}


def test_name_and_password_are_taken_without_a_session(editor: User) -> None:
    caller = Caller()

    read = caller.get("/jobs", **basic("edda", "correct horse"))
    made = caller.post("/jobs", definition(), **basic("edda", "correct horse"))

    assert (read.status, made.status) == (200, 201)
    assert Session.objects.count() == 0
    assert AuditEntry.objects.get(action="job.create").actor == "edda"


def test_wrong_passwords_are_refused_alike_and_throttled(editor: User, viewer: User) -> None:
    caller = Caller()
    garbage = caller.get("/jobs", Authorization="Basic %%%")
    unknown = caller.get("/jobs", **basic("nobody", "wrong"))
    wrong = [caller.get("/jobs", **basic("edda", "wrong")) for _ in range(7)]
    caller.get("/jobs", **basic("edda", "wrong"))

    locked = caller.get("/jobs", **basic("edda", "correct horse"))
    other = caller.get("/jobs", **basic("vera", "correct horse"))

    assert {one.status for one in (garbage, unknown, *wrong)} == {401}
    assert {one.content for one in (garbage, unknown, *wrong)} == {unknown.content}
    assert (locked.status, locked.json["code"]) == (429, "too_many")
    assert int(locked.headers["Retry-After"]) > 60
    assert other.status == 200
    assert AuditEntry.objects.filter(action="session.refused", actor="edda").exists()


def test_who_calls_too_often_is_told_when_to_go_on(
    editor: User, settings: SettingsWrapper, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.JOBDECK = {**settings.JOBDECK, "API_RATE": 3}
    monkeypatch.setattr("jobs.api.auth.RATES", Rates())
    first, second = (Caller(tokens.create(editor, name)[1]) for name in "ab")

    statuses = [first.get("/jobs").status for _ in range(3)]
    refused = first.get("/jobs")

    assert statuses == [200] * 3
    assert (refused.status, refused.json["code"]) == (429, "too_many")
    assert 1 <= int(refused.headers["Retry-After"]) <= 20
    assert second.get("/jobs").status == 200


def test_a_bucket_fills_evenly_and_full_ones_are_forgotten() -> None:
    rates = Rates()
    assert [rates.wait_for("a", 60, now=0.0) for _ in range(60)] == [0.0] * 60
    assert rates.wait_for("a", 60, now=0.0) == pytest.approx(1.0)
    assert rates.wait_for("a", 60, now=1.0) == 0.0
    assert rates.wait_for("a", 60, now=1.25) == pytest.approx(0.75)
    assert rates.wait_for("a", 0, now=1.25) == 0.0
