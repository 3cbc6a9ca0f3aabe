"""Who may use the interfaces of other schedulers: credentials, or this very host."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from jobs.domain.permissions import Role
from jobs.models import Job
from jobs.services import tokens
from tests.factories import make_user

pytestmark = pytest.mark.django_db
WHERE = "/tumblebug/registerCspResources/schedule"
BODY = b'{"jobType": "registerCspResources", "nsId": "default", "intervalSeconds": 60}'


def post(client: Any = None, **headers: Any) -> Any:
    """Create a job as curl does; ``headers`` are named with underscores."""
    client = client or Client(SERVER_NAME="localhost")
    address = headers.pop("address", "127.0.0.1")
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.generic(
        "POST",
        WHERE,
        BODY,
        content_type="application/x-www-form-urlencoded",
        headers=sent,
        REMOTE_ADDR=address,
    )


def basic(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Host": "127.0.0.1:1323"},
        {"Host": "[::1]:1323", "address": "::1"},
        {"Host": "localhost:1323", "Origin": "http://localhost:1323"},
        {"Sec_Fetch_Site": "same-origin"},
        {"Sec_Fetch_Site": "none"},
    ],
)
def test_s0_04_this_host_needs_no_credentials(headers: dict[str, str]) -> None:
    assert post(**headers).status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://localhost:9999", "Host": "localhost:1323"}, 403),
        ({"Sec_Fetch_Site": "cross-site"}, 403),
        ({"Sec_Fetch_Site": "same-site"}, 403),
        ({"Host": "testserver"}, 403),
        ({"Host": "evil.example"}, 400),
        ({"address": "192.0.2.7"}, 401),
        ({"address": ""}, 401),
        ({"X_Forwarded_For": "192.0.2.7"}, 401),
        ({"Forwarded": "for=192.0.2.7"}, 401),
        ({"Via": "1.1 proxy"}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": basic("nobody", "wrong")}, 401),
        ({"Authorization": "Basic !"}, 401),
        ({"Authorization": "Digest x"}, 401),
    ],
)
def test_c_auth_other_sites_other_hosts_and_wrong_credentials_are_refused(
    headers: dict[str, str], status: int
) -> None:
    answer = post(**headers)

    assert answer.status_code == status
    assert not Job.objects.exists()
    if status != 400:  # the frame's own, before anything of ours
        assert list(answer.json()) == ["message"]


def test_s0_05_with_the_open_mode_off_everybody_needs_credentials(settings: Any) -> None:
    settings.OPEN_LOOPBACK = False
    editor = make_user("edda", Role.EDITOR)
    _, token = tokens.create(editor, "script")

    refused = post()

    assert (refused.status_code, list(refused.json())) == (401, ["message"])
    assert refused["WWW-Authenticate"].startswith("Basic ")
    assert post(Authorization=f"Bearer {token}", Host="testserver").status_code == 200
    assert post(Authorization=basic("edda", "correct horse")).status_code == 409
    assert post(Authorization=basic("edda", "wrong")).status_code == 401
    assert Job.objects.get().created_by == "edda"


@pytest.mark.parametrize("role", [None, Role.VIEWER, Role.OPERATOR])
def test_credentials_that_may_not_create_are_refused_on_this_host_too(role: Role | None) -> None:
    user = make_user("someone", role)
    _, token = tokens.create(user, "script")

    answer = post(Authorization=f"Bearer {token}")

    assert (answer.status_code, Job.objects.count()) == (403, 0)


def test_a_signed_in_browser_acts_as_itself_and_needs_its_csrf_token(
    viewer: User, editor: User
) -> None:
    def browser(user: User) -> Client:
        client = Client(SERVER_NAME="localhost", enforce_csrf_checks=True)
        client.force_login(user, backend="jobs.web.sign_in.PersonBackend")
        return client

    signed_in = browser(editor)

    assert post(signed_in).status_code == 403
    signed_in.get("/tumblebug/api")
    token = signed_in.cookies["csrftoken"].value
    assert post(signed_in, X_CSRFToken=token).status_code == 200
    looking = browser(viewer)
    looking.get("/tumblebug/api")
    assert post(looking, X_CSRFToken=looking.cookies["csrftoken"].value).status_code == 403
    assert looking.get(WHERE).status_code == 200


@pytest.mark.parametrize(
    ("environment", "is_open"),
    [
        ({}, True),
        ({"OPEN_LOOPBACK": "0"}, False),
        ({"HOST": "0.0.0.0"}, False),
        ({"HOST": "192.0.2.7"}, False),
        ({"TRUST_PROXY": "1"}, False),
        ({"HTTPS": "1"}, False),
    ],
)
def test_the_open_mode_is_on_only_where_nobody_else_can_look_like_this_host(
    environment: dict[str, str], is_open: bool, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import importlib

    import scheduler_site.settings as settings

    for name in ("OPEN_LOOPBACK", "HOST", "TRUST_PROXY", "HTTPS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    try:
        assert importlib.reload(settings).OPEN_LOOPBACK is is_open
    finally:
        monkeypatch.undo()
        importlib.reload(settings)


def test_every_page_says_that_the_open_mode_is_on(viewer_client: Client, settings: Any) -> None:
    settings.OPEN_LOOPBACK = True
    assert b'id="open-loopback"' in viewer_client.get("/").content

    settings.OPEN_LOOPBACK = False
    assert b'id="open-loopback"' not in viewer_client.get("/").content
