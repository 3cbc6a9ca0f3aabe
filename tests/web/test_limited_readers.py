"""A role for some jobs: nothing on its pages is refused, and its own workspace can be frozen."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import Resolver404, resolve
from django.utils import timezone

from jobs.domain.errors import ForbiddenError, InvalidError, UnknownError
from jobs.domain.permissions import SYSTEM, Role
from jobs.models import AlertJob, AuditEntry, Freeze, Job, Workspace
from jobs.services import access, freezes, people, tokens, workspaces
from jobs.services.freeze_requests import FreezeRequest, parse_freeze
from tests.conftest import signed_in
from tests.doors import undone
from tests.factories import (
    cron,
    make_alert,
    make_execution,
    make_freeze,
    make_job,
    make_user,
)

pytestmark = pytest.mark.django_db

_LINK = re.compile(r'\s(?P<how>href|hx-get|action|formaction|hx-post)="(?P<to>/[^"]*)"')
_POSTS = {"action", "formaction", "hx-post"}
_AWAY = {"logout", "login"}


def made_room(name: str) -> Workspace:
    return workspaces.create(workspaces.parse_workspace({"name": name}), actor=SYSTEM)


@pytest.fixture
def room() -> Workspace:
    return made_room("shop")


@pytest.fixture
def keeper(room: Workspace) -> User:
    """Return who operates the jobs of the workspace, and edits those with a tag."""
    user = make_user("keeper")
    access.grant(user, Role.OPERATOR, workspace=room, actor=SYSTEM)
    access.grant(user, Role.EDITOR, tag="mine", actor=SYSTEM)
    return user


def in_room(room: Workspace, name: str) -> Job:
    """Return a job of the workspace with something to see, in an alert."""
    job = make_job(name=name, workspace=room.name, schedules=[cron("0 * * * *")])
    make_execution(job, state="failed", finished_at=timezone.now())
    Job.objects.filter(pk=job.pk).update(failure_count=1)
    join(job)
    return job


def join(*jobs: Job) -> int:
    """Return the number of an alert about jobs."""
    alert = make_alert(job_count=len(jobs), evidence={"error": "secret of all"})
    now = timezone.now()
    for job in jobs:
        AlertJob.objects.create(
            alert=alert, job=job, severity="warning", joined_at=now, checked_at=now
        )
    return alert.pk


def links(page: str) -> Iterator[tuple[str, str]]:
    """Yield method and address of what a page offers; forms that only look are read."""
    for tag in re.findall(r"<[a-z][^>]*>", page):
        for found in _LINK.finditer(tag):
            looks = found["how"] == "action" and 'method="post"' not in tag
            yield ("POST" if found["how"] in _POSTS and not looks else "GET"), unescape(found["to"])


@pytest.mark.long
def test_nothing_that_a_page_offers_is_refused(room: Workspace, keeper: User) -> None:
    in_room(room, "night")
    make_job(name="tagged", tags=["mine"], schedules=[cron("0 * * * *")])
    join(make_job(name="foreign"))
    make_freeze(scope="workspace", target=room.name)
    make_freeze(scope="tag", target="theirs", reason="not told")
    browser = signed_in(keeper)

    refused, seen = crawl(browser)

    assert refused == []
    assert {"overview", "jobs", "job", "execution", "freezes", "freeze_lift", "alerts"} <= seen
    assert not seen & {"queues", "calendars", "health", "breakers", "variables", "about"}
    page = browser.get("/freezes/").content.decode()
    assert "not told" not in page
    assert "deploy" in page


def crawl(browser: Client) -> tuple[list[str], set[str]]:
    """Follow one link of each kind; return what was refused, and the names of what was asked."""
    waiting, asked, refused = [("GET", "/")], set(), []
    while waiting:
        method, to = waiting.pop()
        try:
            name = resolve(urlsplit(to).path).url_name or ""
        except Resolver404:
            continue
        if name in _AWAY or (method, name) in asked or to.startswith(("/api/", "/static/")):
            continue
        asked.add((method, name))
        with undone():
            answer = browser.get(to) if method == "GET" else browser.post(to)
        if answer.status_code == 403:
            refused.append(f"{method} {to}")
        if method == "GET" and not answer.streaming:
            waiting += links(answer.content.decode(errors="replace"))
    return refused, {name for _, name in asked}


def test_a_workspace_is_frozen_by_who_operates_it(room: Workspace, keeper: User) -> None:
    actor = people.actor_of(keeper)
    everything = make_freeze()
    theirs = make_freeze(scope="tag", target="theirs")

    made = freezes.freeze(wanted(scope="workspace", target="SHOP"), actor=actor)
    tagged = freezes.freeze(wanted(scope="tag", target="mine"), actor=actor)
    lifted = freezes.lift(made.pk, actor=actor)

    assert (made.target, made.created_by) == ("shop", "keeper")
    assert lifted.lifted_by == "keeper"
    assert AuditEntry.objects.filter(action="freeze.lift", object_id=made.pk).exists()
    made_room("others")
    for request in ({"scope": "everything"}, {"scope": "tag", "target": "theirs"}):
        with pytest.raises(ForbiddenError, match="You may freeze only what your role is for"):
            freezes.freeze(wanted(**request), actor=actor)
    with pytest.raises(InvalidError, match="'others' does not exist"):
        freezes.freeze(wanted(scope="workspace", target="others"), actor=actor)
    with pytest.raises(ForbiddenError):
        freezes.lift(everything.pk, actor=actor)  # seen, since it holds back his jobs
    with pytest.raises(UnknownError):
        freezes.lift(theirs.pk, actor=actor)
    assert Freeze.objects.filter(lifted_at=None).count() == 3
    assert tagged.lifted_at is None


def wanted(**fields: str) -> FreezeRequest:
    return parse_freeze({"reason": "deploy", **fields})


def test_programs_get_freezes_and_alerts_cut_to_their_jobs(room: Workspace, keeper: User) -> None:
    mine, theirs = in_room(room, "night"), make_job(name="foreign")
    both, foreign = join(mine, theirs), join(theirs)
    make_freeze(scope="tag", target="theirs")
    make_freeze(scope="workspace", target=room.name)
    headers = {"Authorization": f"Bearer {tokens.create(keeper, 'test')[1]}"}
    program = Client(headers=headers)

    alerts = program.get("/api/v1/alerts").json()["items"]
    held = program.get("/api/v1/freezes").json()["items"]

    assert foreign not in {one["id"] for one in alerts}
    told = {one["id"]: one["evidence"] for one in alerts}
    assert (len(told), told[both]) == (2, {})
    assert [one["target"] for one in held] == [room.name]
    one = program.get(f"/api/v1/freezes/{held[0]['id']}").json()
    assert one["jobs"] == 1


def test_what_waits_for_a_job_is_counted_and_not_named_to_whom_it_is_hidden(keeper: User) -> None:
    """The defect: the question before a deletion named jobs that no other page shows."""
    job = make_job(name="tagged", tags=["mine"])
    for name, tags in (("hidden", []), ("known", ["mine"])):
        make_job(name=name, tags=tags, depends_on=[{"job": "tagged", "on": "success"}])
    browser = signed_in(keeper)

    pages = [
        browser.get(address).content.decode()
        for address in (f"/jobs/{job.pk}/delete/", f"/jobs/change/?do=delete&id={job.pk}")
    ]

    for page in pages:
        assert "known, 1 job that you may not see wait for it" in page
        assert "hidden wait" not in page
        assert ">hidden" not in page
