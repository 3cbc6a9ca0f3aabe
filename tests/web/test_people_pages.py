"""The pages of people, tokens, passwords and the audit log."""

from __future__ import annotations

import re

from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from jobs.domain.permissions import SYSTEM, Role
from jobs.models import Access, AuditEntry, Token
from jobs.services import audit, refusals, tokens
from tests.conftest import signed_in
from tests.factories import make_user


def html(client: Client, path: str) -> str:
    """Return a page's text."""
    return client.get(path).content.decode()


def test_a_token_is_made_on_the_page_and_shown_once(viewer: User, viewer_client: Client) -> None:
    fields = {"name": "deploy", "expires_at": "30d", "role": "viewer", "tags": "a, b"}

    made = viewer_client.post("/tokens/new/", fields)
    listed = html(viewer_client, "/tokens/")
    again = viewer_client.post("/tokens/new/", fields)

    value = re.search(r">(jd_[^<]+)</pre>", made.content.decode())
    token = Token.objects.get()
    assert value is not None
    assert tokens.authenticate(value[1]) == token
    assert (token.user, token.limits) == (viewer, {"workspaces": [], "tags": ["a", "b"]})
    assert value[1] not in listed
    assert token.prefix in listed
    assert again.status_code == 422
    assert "has a token named deploy already" in again.content.decode()


def test_tokens_are_revoked_after_a_question_and_others_are_not_seen(
    viewer: User, viewer_client: Client, admin_client: Client
) -> None:
    mine, _ = tokens.create(viewer, "mine")
    other, _ = tokens.create(make_user("otto", Role.VIEWER), "other")

    assert "Revoke mine?" in html(viewer_client, f"/tokens/{mine.pk}/revoke/")
    viewer_client.post(f"/tokens/{mine.pk}/revoke/")
    foreign = viewer_client.post(f"/tokens/{other.pk}/revoke/", headers={"HX-Request": "true"})
    assert foreign.status_code == 404

    mine.refresh_from_db()
    other.refresh_from_db()
    assert (mine.revoked_at is None, other.revoked_at) == (False, None)
    assert "other" not in html(viewer_client, "/tokens/").split('id="token-table"')[1]
    assert ">other<" in html(admin_client, "/tokens/?state=live")
    assert "No token matches" in html(admin_client, "/tokens/?state=live&user=vera")


def test_an_administrator_makes_people_and_gives_roles(admin_client: Client) -> None:
    made = admin_client.post("/people/new/", {"username": "otto", "role": "viewer"})
    otto = User.objects.get(username="otto")
    path = f"/people/{otto.pk}/"
    link = re.search(r">http://testserver(/password/set/[^<]+)</pre>", made.content.decode())

    admin_client.post(path, {"role": "editor", "email": "otto@example.org", "active": "on"})
    wrong = admin_client.post(path + "access/", {"role": "operator"})
    admin_client.post(path + "access/", {"role": "operator", "tag": "shop"})
    shown = html(admin_client, path)
    row = Access.objects.get()
    admin_client.post(f"{path}access/{row.pk}/revoke/")

    assert link is not None
    assert "Set a password" in Client().get(link[1], follow=True).content.decode()
    assert list(otto.groups.values_list("name", flat=True)) == ["editor"]
    assert wrong.status_code == 422
    assert "Name a workspace or a tag" in wrong.content.decode()
    assert "tag shop" in shown
    assert not Access.objects.exists()
    assert ">otto<" in html(admin_client, "/people/?q=OTTO&role=editor&state=active")
    assert "Nobody matches" in html(admin_client, "/people/?role=operator")


def test_the_last_administrator_cannot_be_shut_out(admin: User, admin_client: Client) -> None:
    answer = admin_client.post(f"/people/{admin.pk}/", {"role": "viewer", "active": "on"})

    assert answer.status_code == 422
    assert "the last administrator" in answer.content.decode()


def test_a_changed_password_ends_the_other_browsers(viewer: User, viewer_client: Client) -> None:
    other = signed_in(viewer)
    new = {"new_password1": "battery staple 7", "new_password2": "battery staple 7"}

    wrong = viewer_client.post("/password/", {**new, "old_password": "wrong"})
    done = viewer_client.post("/password/", {**new, "old_password": "correct horse"})

    viewer.refresh_from_db()
    assert (wrong.status_code, done.status_code) == (422, 303)
    assert viewer.check_password("battery staple 7")
    assert viewer_client.get("/").status_code == 200
    assert other.get("/").status_code == 302
    assert AuditEntry.objects.get(action="user.password").actor == "vera"


def test_the_audit_page_filters_pages_and_escapes(admin_client: Client) -> None:
    AuditEntry.objects.all().delete()
    for number in range(52):
        audit.record(SYSTEM, "job.update", object_type="job", object_id=1,
                     object_name=f"<b>job-{number}</b>", after={"x": number})  # fmt: skip
    audit.record(SYSTEM, "queue.pause", object_type="queue", object_name="mail")

    first = html(admin_client, "/audit/?action=job")
    older = re.search(r'href="\?([^"]+)" rel="next"', first)
    assert older is not None
    second = html(admin_client, "/audit/?" + older[1].replace("&amp;", "&"))

    assert "&lt;b&gt;job-51&lt;/b&gt;" in first
    assert "<b>job" not in first
    assert ">mail<" not in first
    assert "job-1&lt;" in second
    assert "action=job&amp;format=csv" in first
    assert ">mail<" in html(admin_client, "/audit/?object=MAIL&actor=system")
    assert "Nothing matches" in html(admin_client, "/audit/?to=2001-01-01T00:00")
    assert "is no moment" in html(admin_client, "/audit/?from=soon")


def test_logins_refusals_and_lockouts_are_recorded(viewer: User, client: Client) -> None:
    for _ in range(9):
        client.post("/login/", {"username": "vera", "password": "wrong"})
    Client(REMOTE_ADDR="10.0.0.9").post(
        "/login/", {"username": "vera", "password": "correct horse"}
    )

    acts = list(AuditEntry.objects.order_by("pk").values_list("action", "actor", "address"))
    assert acts[0] == ("session.refused", "vera", "127.0.0.1")
    assert acts.count(("session.locked", "vera", "127.0.0.1")) >= 1
    assert acts[-1] == ("session.login", "vera", "10.0.0.9")
    assert "wrong" not in str(list(AuditEntry.objects.values()))


def test_what_is_not_allowed_is_recorded_once_a_minute(viewer_client: Client) -> None:
    refusals.forget()
    for _ in range(3):
        viewer_client.get(reverse("audit"))
    viewer_client.post("/api/v1/freezes", {"reason": "x"}, content_type="application/json")

    refused = AuditEntry.objects.filter(action="access.refused").order_by("pk")
    notes = [one.note for one in refused]
    assert [note.partition(":")[0] for note in notes] == ["GET /audit/", "POST /api/v1/freezes"]
    assert "may not read the audit log" in notes[0]
    assert {one.actor for one in refused} == {"vera"}
