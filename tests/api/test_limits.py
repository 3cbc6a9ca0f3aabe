"""What no request may be, at each face: too large, too deep, too often, or with a number that is none."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings as SettingsWrapper

from jobs import conf
from jobs.domain.permissions import Role
from jobs.models import Job
from jobs.services import tokens
from jobs.services.rates import Rates
from tests.conftest import signed_in
from tests.factories import make_job, make_user

pytestmark = pytest.mark.django_db


class Face(NamedTuple):
    """A door that takes a body: its address, and where in the body a value goes."""

    path: str
    before: bytes
    after: bytes


FACES = {
    "native": Face("/api/v1/jobs", b'{"name": "a", "type": "command", "priority": ', b"}"),
    "tumblebug": Face(
        "/tumblebug/registerCspResources/schedule", b'{"nsId": "a", "intervalSeconds": ', b"}"
    ),
    "cron": Face("/api/v1/cron/maintenance/cleanup", b'{"keep": ', b"}"),
    "scheduled-jobs": Face("/api/v1/scheduled-jobs/{job}/trigger", b'{"a": ', b"}"),
    "form": Face("/jobs/new/", b"do=save&name=a&type=http&spec=", b""),
}
# What is put there -> the answers that are right; no face may fail on it.
VALUES: dict[str, tuple[bytes, set[int]]] = {
    "NaN": (b"NaN", {400, 422}),
    "infinity": (b"1e400", {400, 422}),
    "minus infinity": (b"-Infinity", {400, 422}),
    "5000 digits": (b"9" * 5000, {400, 422}),
    "deep": (b"[" * 60 + b"]" * 60, {400, 422}),
    "endless": (b"[" * 100_000, {400, 422}),
    "large": (b"9" * 6_000_000, {413}),
}
# These read no body: what it says changes nothing. Its size is judged all the same.
BODILESS = {"cron", "scheduled-jobs"}


@pytest.mark.parametrize("face", FACES)
def test_no_face_takes_what_nobody_can_mean(
    face: str, settings: SettingsWrapper, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.OPEN_LOOPBACK = False
    monkeypatch.setattr(conf, "sync_wait_seconds", lambda: 0.0)  # no run is waited for
    job, user = make_job(name="known"), make_user("edda", Role.EDITOR)
    door = FACES[face]
    client = signed_in(user) if face == "form" else holder(user, "one")
    kind = "application/x-www-form-urlencoded" if face == "form" else "application/json"

    answers = {
        name: client.generic(
            "POST", door.path.format(job=job.name), door.before + value + door.after, kind
        )
        for name, (value, _) in VALUES.items()
    }

    wrong = {
        name: (answer.status_code, answer.content[:200])
        for name, answer in answers.items()
        if answer.status_code not in VALUES[name][1]
        and not (face in BODILESS and answer.status_code < 300)
    }
    assert wrong == {}
    assert Job.objects.count() == 1
    assert answers["large"].status_code == 413
    assert not any(b"Traceback" in one.content for one in answers.values())


def holder(user: User, name: str) -> Client:
    """Return a program with a token of its own."""
    value = tokens.create(user, name)[1]
    return Client(headers={"Authorization": f"Bearer {value}"})


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/jobs",
        "/tumblebug/registerCspResources/schedule",
        "/api/v1/scheduled-jobs/",
        "/api/v1/cron/jobs/stats",
        "/cron/status/overview",
    ],
)
def test_each_face_counts_the_requests_of_a_token(
    path: str, settings: SettingsWrapper, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.OPEN_LOOPBACK = False
    settings.JOBDECK = {**settings.JOBDECK, "API_RATE": 2}
    monkeypatch.setattr("jobs.api.auth.RATES", Rates())
    user = make_user("vera", Role.VIEWER)
    program, other = holder(user, "one"), holder(user, "other")

    statuses = [program.get(path).status_code for _ in range(3)]
    refused = program.get(path)

    assert (statuses, refused.status_code) == ([200, 200, 429], 429)
    assert 1 <= int(refused["Retry-After"]) <= 30
    assert other.get(path).status_code == 200
