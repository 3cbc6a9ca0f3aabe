"""People, tokens and the audit log over the API."""

from __future__ import annotations

import csv
from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from jobs.domain.permissions import SYSTEM, Permission, Role
from jobs.models import AuditEntry, RequestKey, Token
from jobs.services import audit, tokens
from tests.api.callers import Caller, caller
from tests.conftest import signed_in
from tests.factories import definition, make_job, make_user


def test_a_token_is_made_shown_once_used_and_revoked(as_editor: Caller) -> None:
    """S3-57."""
    asked = {"name": "deploy", "role": "operator", "expires_at": "90d", "tags": ["deploy"]}
    asked["permissions"] = ["scheduled_job.execute"]

    made = as_editor.post("/tokens", asked, Idempotency_Key="k")
    again = as_editor.post("/tokens", asked, Idempotency_Key="k")
    listed = as_editor.get("/tokens?live=true").json["items"]
    value = made.json["value"]
    mine, other = make_job(tags=["deploy"]), make_job()
    script = Caller(value)

    assert (made.status, again.status) == (201, 201)
    assert (made.json["role"], made.json["tags"], made.json["workspaces"]) == (
        "operator",
        ["deploy"],
        [],
    )
    assert made.json["permissions"] == ["scheduled_job.read", "scheduled_job.execute"]
    assert again.json == {**made.json, "value": None}
    assert value not in str(list(RequestKey.objects.values()) + list(Token.objects.values()))
    assert [one["name"] for one in listed] == ["deploy", "test"]
    assert all("value" not in one for one in listed)
    assert script.post(f"/jobs/{mine.pk}/trigger").status == 202
    assert script.post(f"/jobs/{mine.pk}/pause").status == 403
    assert script.get(f"/jobs/{other.pk}").status == 404

    revoked = as_editor.call("DELETE", f"/tokens/{made.json['id']}")

    assert (revoked.status, bool(revoked.json["revoked_at"])) == (200, True)
    assert script.get("/jobs").status == 401


def test_tokens_of_others_exist_for_administrators_only(
    as_editor: Caller, as_viewer: Caller
) -> None:
    made = as_editor.post("/tokens", {"name": "hers"}).json
    admin = caller(Role.ADMINISTRATOR)
    path = f"/tokens/{made['id']}"

    assert as_viewer.get(path).status == as_viewer.call("DELETE", path).status == 404
    assert as_viewer.post("/tokens", {"name": "x", "user": "caller-editor"}).status == 403
    assert {one["user"] for one in as_viewer.get("/tokens").json["items"]} == {"caller-viewer"}
    assert admin.get("/tokens?user=caller-editor").json["items"][0]["name"] == "hers"
    assert admin.post("/tokens", {"name": "x", "user": "caller-editor"}).status == 201
    assert admin.call("DELETE", path).status == 200


@pytest.mark.parametrize(
    "narrow",
    [
        {"role": Role.VIEWER},
        {"permissions": [Permission.READ]},
        {"limits": {"workspaces": [], "tags": ["a"]}},
    ],
)
def test_a_limited_token_makes_no_other(editor: User, narrow: dict[str, object]) -> None:
    _, value = tokens.create(editor, "narrow", **narrow)  # type: ignore[arg-type]

    answer = Caller(value).post("/tokens", {"name": "wide"})

    assert (answer.status, Token.objects.count()) == (403, 1)


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({}, "name"),
        ({"name": " "}, "name"),
        ({"name": "x", "role": "emperor"}, "role"),
        ({"name": "x", "permissions": ["fly"]}, "permissions.0"),
        ({"name": "x", "workspaces": ["nowhere"]}, "workspaces"),
        ({"name": "x", "expires_at": "soon"}, "expires_at"),
        ({"name": "x", "expires_at": "2001-01-01T00:00:00Z"}, "expires_at"),
        ({"name": "x", "value": "mine"}, "value"),
    ],
)
def test_a_wrong_token_names_the_field(
    as_viewer: Caller, asked: dict[str, object], field: str
) -> None:
    answer = as_viewer.post("/tokens", asked)

    assert (answer.status, list(answer.json["fields"])) == (400, [field])


def test_a_person_is_made_sets_a_password_gets_a_role_and_is_deactivated(db: None) -> None:
    admin = caller(Role.ADMINISTRATOR)
    made = admin.post("/users", {"username": "otto", "role": "viewer"})
    path = f"/users/{made.json['id']}"
    link = admin.post(f"{path}/password-link").json["url"]
    browser = Client()

    form = browser.get(link, follow=True)
    address = form.redirect_chain[-1][0]
    password = {"new_password1": "correct horse 9", "new_password2": "correct horse 9"}
    browser.post(address, password)
    used = Client().get(link, follow=True)
    otto = User.objects.get(username="otto")

    assert (made.status, made.json["role"], made.json["has_password"]) == (201, "viewer", False)
    assert otto.check_password("correct horse 9")
    assert "This link is over" in used.content.decode()

    session = signed_in(otto)
    _, value = tokens.create(otto, "t")
    raised = admin.call("PATCH", path, {"role": "editor"})
    assert raised.json["role"] == "editor"
    assert Caller(value).post("/jobs", definition()).status == 201

    ended = admin.call("PATCH", path, {"active": False})
    assert (ended.json["active"], ended.json["role"]) == (False, "editor")
    assert Caller(value).get("/jobs").status == 401
    assert session.get("/").status_code == 302
    assert [one["username"] for one in admin.get("/users?active=false").json["items"]] == ["otto"]
    acts = AuditEntry.objects.filter(object_name="otto").values_list("action", flat=True)
    assert list(acts.order_by("pk")) == [
        "user.create",
        "user.password_link",
        "user.password",
        "user.update",
        "user.update",
    ]


def test_the_last_administrator_stays_one(db: None) -> None:
    admin = caller(Role.ADMINISTRATOR)
    path = f"/users/{User.objects.get().pk}"

    for changes in ({"role": "viewer"}, {"active": False}, {"role": None}):
        assert admin.call("PATCH", path, changes).status == 409
    make_user("second", Role.ADMINISTRATOR)
    assert admin.call("PATCH", path, {"role": "viewer"}).status == 200


def test_wrong_people_name_the_field(db: None) -> None:
    admin = caller(Role.ADMINISTRATOR, "anna")

    wrong = [
        {},
        {"username": "a b"},
        {"username": "x", "email": "no"},
        {"username": "x", "role": 1},
    ]
    fields = [list(admin.post("/users", one).json["fields"]) for one in wrong]

    assert fields == [["username"], ["username"], ["email"], ["role"]]
    assert admin.post("/users", {"username": "ANNA"}).status == 409
    assert admin.call("PATCH", "/users/999", {"active": False}).status == 404


def test_the_audit_log_is_listed_filtered_and_exported(db: None) -> None:
    admin = caller(Role.ADMINISTRATOR, "anna")
    AuditEntry.objects.all().delete()
    audit.record(SYSTEM, "job.update", object_type="job", object_id=7, object_name="=cmd()",
                 before={"description": "x", "environment": {"DB_PASSWORD": "hunter2"}},
                 after={"description": "y"})  # fmt: skip
    audit.record(SYSTEM, "queue.pause", object_type="queue", object_name="q")
    later = (timezone.now() + timedelta(hours=1)).isoformat()

    def names(query: str) -> list[str]:
        return [one["action"] for one in admin.get(f"/audit?{query}").json["items"]]

    page = admin.get("/audit?limit=1").json
    assert page["items"][0]["action"] == "queue.pause"
    assert names(f"cursor={page['next_cursor']}") == ["job.update"]
    assert names("actor=SYSTEM&action=job") == names("action=job.update") == ["job.update"]
    assert names("object_type=job&object_id=7") == names("object_name=cmd") == ["job.update"]
    assert names(f"since={later.replace('+', '%2B')}") == []
    assert names("actor=nobody") == []

    lines = admin.get("/audit/export?action=job").lines
    rows = list(csv.DictReader(StringIO(admin.get("/audit/export?format=csv").content.decode())))
    assert [one["object_id"] for one in lines] == [7]
    assert [one["object_name"] for one in rows] == ["q", "'=cmd()"]
    assert "hunter2" not in str(lines) + str(rows)
