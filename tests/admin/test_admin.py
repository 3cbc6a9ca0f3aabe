"""The admin shows everything to whom the pages do, changes nothing by itself, and hides secrets."""

from __future__ import annotations

import re

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from jobs.domain.permissions import SYSTEM, Role
from jobs.domain.states import JobState
from jobs.models import AuditEntry, Execution, Job, Omission
from jobs.services import access, tokens, workspaces
from tests.conftest import signed_in
from tests.factories import (
    every,
    make_backfill,
    make_breaker,
    make_calendar,
    make_execution,
    make_freeze,
    make_job,
    make_user,
    make_variable,
    make_worker,
)

pytestmark = pytest.mark.django_db

HIDDEN = ("hush-value", "hush-spec", "hush-environment")


def staff(name: str, role: Role | None) -> Client:
    """Return the browser of somebody who may open the admin, in a role of the product."""
    return signed_in(make_user(name, role, is_staff=True))


@pytest.fixture
def root() -> Client:
    """Return a superuser's browser."""
    return signed_in(User.objects.create_superuser("root", password="correct horse"))


@pytest.fixture
def world() -> dict[str, int]:
    """Make one row of everything; return the numbers by the name of the model."""
    job = make_job(
        name="report",
        schedules=[every(60)],
        spec={"command": "echo hush-spec"},
        environment={"KEY": "hush-environment"},
    )
    now = timezone.now()
    omission = Omission.objects.create(
        job=job, reason="paused", first_due_at=now, last_due_at=now, count=1, decided_at=now
    )
    room = workspaces.create(workspaces.parse_workspace({"name": "data"}), actor=SYSTEM)
    person = make_user("somebody")
    return {
        "job": job.pk,
        "execution": make_execution(job).pk,
        "omission": omission.pk,
        "worker": make_worker().pk,
        "auditentry": AuditEntry.objects.latest("pk").pk,
        "token": tokens.create(person, "script")[0].pk,
        "access": access.grant(person, Role.VIEWER, tag="a", actor=SYSTEM).pk,
        "breaker": make_breaker("paris").pk,
        "freeze": make_freeze(reason="deploy").pk,
        "calendar": make_calendar().pk,
        "variable": make_variable(name="pass", value="hush-value", secret=False).pk,
        "backfill": make_backfill().pk,
        "workspace": room.pk,
    }


def test_each_list_and_row_opens_and_tells_no_value(root: Client, world: dict[str, int]) -> None:
    index = root.get("/admin/").content.decode()
    registered = {
        model._meta.model_name for model in admin.site._registry if model._meta.app_label == "jobs"
    }
    assert registered == {*world, "queue"}
    for name, pk in world.items():
        for path in (f"/admin/jobs/{name}/", f"/admin/jobs/{name}/{pk}/change/"):
            answer = root.get(path)
            assert answer.status_code == 200, path
            assert not [word for word in HIDDEN if word in answer.content.decode()], path
        assert f'href="/admin/jobs/{name}/"' in index
        for path in (f"/admin/jobs/{name}/add/", f"/admin/jobs/{name}/{pk}/delete/"):
            assert root.post(path, {"post": "yes"}).status_code == 403, path
        changed = root.post(f"/admin/jobs/{name}/{pk}/change/", {"name": "x"})
        assert changed.status_code == 403, name


def test_search_filters_and_links_to_the_pages(root: Client, world: dict[str, int]) -> None:
    make_job(name="other")

    jobs = root.get("/admin/jobs/job/?q=report").content.decode()
    paused = root.get("/admin/jobs/job/?state=paused").content.decode()
    runs = root.get(f"/admin/jobs/execution/?q={world['execution']}").content.decode()
    row = root.get(f"/admin/jobs/execution/{world['execution']}/change/").content.decode()

    assert (">report<" in jobs, ">other<" in jobs) == (True, False)
    assert f'href="/jobs/{world["job"]}/"' in jobs
    assert ">report<" not in paused
    assert f'href="/executions/{world["execution"]}/"' in runs
    assert f'href="/executions/{world["execution"]}/"' in row
    for name in world:
        assert root.get(f"/admin/jobs/{name}/?q=1").status_code == 200, name


def test_actions_go_through_the_services(root: Client) -> None:
    jobs = [make_job(schedules=[every(60)]), make_job()]

    def act(model: str, action: str, *rows: int) -> str:
        values = {"action": action, "_selected_action": [str(pk) for pk in rows]}
        answer = root.post(f"/admin/jobs/{model}/", values, follow=True)
        return re.sub(r"<[^>]+>", " ", answer.content.decode())

    said = act("job", "pause", *(job.pk for job in jobs))
    assert "Done for 2." in said
    assert set(Job.objects.values_list("state", flat=True)) == {JobState.PAUSED}
    assert AuditEntry.objects.filter(action="job.pause", actor="root").count() == 2
    act("job", "resume", jobs[0].pk)
    assert Job.objects.get(pk=jobs[0].pk).state == JobState.ACTIVE
    act("job", "run_now", jobs[0].pk)
    run = Execution.objects.get()
    assert (run.job_id, run.actor) == (jobs[0].pk, "root")
    act("execution", "kill", run.pk)
    run.refresh_from_db()
    assert run.state == "cancelled"
    assert "Done" not in act("execution", "kill", run.pk), "a refusal is told, not a success"
    assert "delete_selected" not in root.get("/admin/jobs/job/").content.decode()


@pytest.mark.long
def test_roles_hold_as_on_the_pages(world: dict[str, int]) -> None:
    viewer, operator = staff("vic", Role.VIEWER), staff("opal", Role.OPERATOR)
    partial = make_user("part", is_staff=True)
    access.grant(partial, Role.EDITOR, tag="mine", actor=SYSTEM)
    clients = {"viewer": viewer, "operator": operator, "nobody": staff("nob", None)}
    clients |= {"partial": signed_in(partial), "admin": staff("adam", Role.ADMINISTRATOR)}

    def sees(who: str) -> set[str]:
        return {
            name for name in world if clients[who].get(f"/admin/jobs/{name}/").status_code == 200
        }

    everything = set(world)
    own = {"auditentry", "token", "access", "variable"}
    assert sees("viewer") == sees("operator") == everything - own
    assert sees("admin") == everything
    assert sees("nobody") == sees("partial") == set()
    page = viewer.get("/admin/jobs/job/").content.decode()
    assert 'value="run_now"' not in page
    assert 'value="pause"' in operator.get("/admin/jobs/job/").content.decode()
    values = {"action": "run_now", "_selected_action": [str(world["job"])]}
    viewer.post("/admin/jobs/job/", values)
    assert Execution.objects.filter(job=world["job"], trigger="manual", actor="vic").count() == 0


def test_people_are_changed_on_their_page_only(root: Client) -> None:
    person = make_user("vera", Role.VIEWER)

    assert root.get("/admin/auth/user/").status_code == 200
    row = root.get(f"/admin/auth/user/{person.pk}/change/").content.decode()
    assert f'href="/people/{person.pk}/"' in row
    assert person.password not in row
    path = f"/admin/auth/user/{person.pk}/change/"
    assert root.post(path, {"is_superuser": "on"}).status_code == 403
    assert root.get("/admin/auth/group/").status_code == 404


def test_the_tables_of_the_pool_are_not_there() -> None:
    labels = {model._meta.app_label for model in admin.site._registry}

    assert "django_q" not in labels


def test_an_operator_who_is_no_staff_does_not_get_in(operator_client: Client) -> None:
    response = operator_client.get("/admin/jobs/job/")

    assert response.status_code == 302
    assert "/admin/login/" in response["Location"]
