"""Who sees and does what: a login for everything, and a role for every deed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import get_resolver, reverse

from jobs.domain.permissions import SYSTEM, Role
from jobs.models import Execution, Job, SavedFilter
from jobs.services import access, tokens, workspaces
from jobs.services.workspaces import WorkspaceDefinition
from tests.factories import (
    every,
    make_alert,
    make_artifact,
    make_backfill,
    make_breaker,
    make_calendar,
    make_channel,
    make_check_in,
    make_execution,
    make_freeze,
    make_job,
    make_rule,
    make_user,
    make_variable,
    make_worker,
)
from tests.support.repository import make_template

# A ping has no login: the key in its address is the secret.
PUBLIC = {
    "alert_link",
    "language",
    "login",
    "logout",
    "healthz",
    "readyz",
    "password_set",
    "ping",
    "ping_signal",
}
PAGES = ["overview", "jobs", "executions"]


def page_names() -> list[str]:
    """Return the names of the pages' own routes."""
    from jobs.web.urls import urlpatterns

    return sorted(str(route.name) for route in urlpatterns)


@pytest.fixture
def job(db: None) -> Job:
    return make_job(name="report", schedules=[every(3600)])


@pytest.fixture
def execution(job: Job) -> Execution:
    return make_execution(job)


def person() -> User:
    """Return somebody."""
    return User.objects.filter(username="somebody").first() or make_user("somebody")


def path_of(
    name: str, job: Job, execution: Execution, made: dict[str, object] | None = None
) -> str:
    """Return the address of a route, filled with what exists; ``made`` keeps it for the next."""
    things = {} if made is None else made
    known: dict[str, Callable[[], object]] = {
        "job_id": lambda: job.pk,
        "execution_id": lambda: execution.pk,
        "artifact_id": lambda: make_artifact(execution).pk,
        "freeze_id": lambda: make_freeze().pk,
        "breaker_id": lambda: make_breaker("paris").pk,
        "alert_id": lambda: make_alert().pk,
        "rule_id": lambda: make_rule().pk,
        "channel_id": lambda: make_channel().pk,
        "check_in_id": lambda: make_check_in().pk,
        "template": lambda: make_template("site").name,
        "calendar_id": lambda: make_calendar().pk,
        "backfill_id": lambda: make_backfill().pk,
        "variable_id": lambda: make_variable().pk,
        "worker_id": lambda: make_worker().pk,
        "version": lambda: 1,
        "user_id": lambda: person().pk,
        "token_id": lambda: tokens.create(person(), "script")[0].pk,
        "access_id": lambda: access.grant(person(), Role.VIEWER, actor=SYSTEM, tag="a").pk,
        "filter_id": lambda: SavedFilter.objects.create(user=person(), page="jobs", name="a").pk,
        "name": lambda: workspaces.create(WorkspaceDefinition(name="default"), actor=SYSTEM).name,
    }
    names = get_resolver().reverse_dict.getlist(name)[0][0][0][1]
    for argument in names:
        if argument not in things:
            things[argument] = known[argument]()
    return reverse(name, kwargs={argument: things[argument] for argument in names})


@pytest.fixture
def addresses(job: Job, execution: Execution) -> dict[str, str]:
    """Return the address of each page that asks for a login, by its name."""
    made: dict[str, object] = {}
    shut = [name for name in page_names() if name not in PUBLIC]
    return {name: path_of(name, job, execution, made) for name in shut}


def test_a_stranger_is_sent_to_the_login(addresses: dict[str, str], client: Client) -> None:
    for name, path in addresses.items():
        answers = [client.get(path), client.post(path)]

        shown = [answer for answer in answers if answer.status_code != 405]
        assert shown, name
        assert all(answer.status_code == 302 for answer in shown), name
        assert all(answer["Location"].startswith("/login/") for answer in shown), name


def test_a_fragment_sends_a_stranger_s_whole_page_to_the_login(
    addresses: dict[str, str], client: Client
) -> None:
    here = {"HX-Request": "true", "HX-Current-URL": "http://testserver/jobs/?q=a"}

    answers = {name: client.get(path, headers=here) for name, path in addresses.items()}

    found = {
        name: (answer.headers.get("HX-Redirect"), answer.content)
        for name, answer in answers.items()
        if answer.status_code != 405
    }
    assert len(found) > 100
    assert set(found.values()) == {("/login/?next=%2Fjobs%2F%3Fq%3Da", b"")}, found


def test_every_page_answers_an_administrator(
    addresses: dict[str, str], admin_client: Client
) -> None:
    for name, path in addresses.items():
        answer = admin_client.get(path)
        if answer.streaming:  # a download holds its file open until it was read
            b"".join(answer)

        assert answer.status_code in (200, 204, 405), name
        assert "no-store" in answer["Cache-Control"], name
        assert "unsafe" not in answer["Content-Security-Policy"], name


@pytest.mark.parametrize(
    "name",
    ["job_run", "job_pause", "job_resume", "execution_rerun", "freeze_new", "freeze_lift"],
)
def test_a_viewer_may_not_act(
    name: str, job: Job, execution: Execution, viewer_client: Client
) -> None:
    path = path_of(name, job, execution)

    answer = viewer_client.post(path, headers={"HX-Request": "true"})

    assert answer.status_code == 403
    assert "Your role, viewer, may not" in answer.content.decode()
    assert job.executions.count() == 1


@pytest.mark.parametrize(
    "name",
    [
        "job_new",
        "job_edit",
        "job_delete",
        "p_job_delete",
        "calendar_new",
        "variable_new",
        "variable_edit",
        "variable_delete",
        "breaker_edit",
        "breaker_delete",
        "people",
        "person",
        "person_new",
        "audit",
        "calendar_edit",
        "calendar_delete",
    ],
)
def test_an_operator_may_not_edit(
    name: str, job: Job, execution: Execution, operator_client: Client
) -> None:
    answer = operator_client.get(path_of(name, job, execution))

    assert answer.status_code == 403
    assert "Your role, operator, may not" in answer.content.decode()


def test_a_person_without_a_role_sees_why(client: Client, db: None) -> None:
    client.force_login(make_user("nobody"), backend="jobs.web.sign_in.PersonBackend")

    answer = client.get("/")

    assert answer.status_code == 403
    assert "Your account has no role" in answer.content.decode()


def test_a_viewer_sees_no_buttons_in_the_list(job: Job, viewer_client: Client) -> None:
    html = viewer_client.get(reverse("jobs")).content.decode()

    assert job.name in html
    assert reverse("job_run", args=[job.pk]) not in html
    assert reverse("job_delete", args=[job.pk]) not in html
    assert reverse("job_new") not in html


def test_a_viewer_sees_the_job_s_own_actions_with_the_reason(
    job: Job, viewer_client: Client
) -> None:
    html = viewer_client.get(reverse("job", args=[job.pk])).content.decode()

    assert 'disabled title="Your role may not run jobs"' in html
    assert 'disabled title="Your role may not delete jobs"' in html


def test_an_operator_runs_but_does_not_edit(job: Job, operator_client: Client) -> None:
    html = operator_client.get(reverse("job", args=[job.pk])).content.decode()

    assert 'title="Your role may not run jobs"' not in html
    assert 'title="Your role may not edit jobs"' in html


def test_the_wrong_method_is_refused(job: Job, admin_client: Client) -> None:
    assert admin_client.get(reverse("job_run", args=[job.pk])).status_code == 405
    assert admin_client.post(reverse("jobs")).status_code == 405


def test_a_missing_job_is_a_page_of_its_own(admin_client: Client) -> None:
    answer = admin_client.get(reverse("job", args=[999]))

    assert answer.status_code == 404
    assert "Job 999 does not exist." in answer.content.decode()


def test_an_unknown_address_is_a_page_in_our_style(admin_client: Client) -> None:
    answer = admin_client.get("/nothing/")

    assert answer.status_code == 404
    assert "Nothing has this address" in answer.content.decode()


def test_a_form_without_its_token_is_refused(admin_client: Client, job: Job) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = admin_client.cookies

    answer = strict.post(reverse("job_run", args=[job.pk]))

    assert answer.status_code == 403
    assert "the page was open for too long" in answer.content.decode()
    assert job.executions.count() == 0


def test_the_login_page_lets_managers_fill_it(client: Client, db: None) -> None:
    html = client.get("/login/?next=/jobs/").content.decode()

    assert 'autocomplete="username"' in html
    assert 'autocomplete="current-password"' in html
    assert 'name="next" value="/jobs/"' in html


def test_a_wrong_password_says_so(client: Client, db: None) -> None:
    make_user("vera")

    answer = client.post("/login/", {"username": "vera", "password": "wrong"})

    assert answer.status_code == 200
    assert 'role="alert"' in answer.content.decode()


def test_health_needs_no_login(client: Client) -> None:
    assert client.get("/healthz").content == b"ok\n"


@pytest.mark.django_db
def test_readiness_needs_no_login_and_says_who_is_missing(client: Client) -> None:
    nobody = client.get("/readyz")
    make_worker(kind="dispatcher", slots=0, tick_at=datetime.now(UTC))
    no_worker = client.get("/readyz")
    make_worker(slots=2)
    both = client.get("/readyz")

    assert [one.status_code for one in (nobody, no_worker, both)] == [503, 503, 200]
    assert (nobody.content, no_worker.content) == (b"no dispatcher ticks\n", b"no worker runs\n")
