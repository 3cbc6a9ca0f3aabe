"""Variables on pages: list, what nobody defined, writing, secrets, deleting with consequences."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from jobs.models import AuditEntry, Job, Variable
from jobs.services import secret_box
from tests.factories import make_job, make_variable
from tests.web.browserform import sent

pytestmark = pytest.mark.django_db
CANARY = "canary-4711"


def html_of(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def naming(name: str, variable: str) -> Job:
    return make_job(name=name, spec={"command": f"echo {{{{{variable}}}}}"})


def test_the_list_says_who_set_what_and_which_jobs_name_it(viewer_client: Client) -> None:
    plain = make_variable(name="city", value="Paris", description="Where it is")
    job = naming("report", "city")
    make_variable(name="city", value="London", job_id=job.pk)
    for number in range(7):
        naming(f"user-{number}", "city")
    make_variable(name="pass_phrase", value=CANARY, secret=True)

    html = html_of(viewer_client, reverse("variables"))
    rows = html.split("<tr data-row")[1:]

    assert f'id="variable-{plain.pk}"' in rows[0]
    assert ["Paris" in rows[0], "all jobs" in rows[0], "by system" in rows[0]] == [True] * 3
    assert "user-0" in rows[0]
    assert "and 2 more" in rows[0]
    assert ">report<" in rows[1]
    assert "Secret" in rows[2]
    assert CANARY not in html
    assert reverse("variable_new") not in html


def test_the_list_is_filtered_and_paged(editor_client: Client) -> None:
    for number in range(60):
        make_variable(name=f"var_{number:02}", secret=number < 3)
    make_variable(name="own", job_id=make_job().pk)
    path = reverse("variables")

    first = html_of(editor_client, path)
    following = first.split('rel="next"')[0].rpartition('href="')[2].split('"')[0]

    assert first.count("<tr data-row") == 50
    assert (
        html_of(editor_client, path + following.replace("&amp;", "&")).count("<tr data-row") == 11
    )
    assert html_of(editor_client, path + "?q=var_07").count("<tr data-row") == 1
    assert html_of(editor_client, path + "?kind=secret").count("<tr data-row") == 3
    assert html_of(editor_client, path + "?scope=job").count("<tr data-row") == 1
    assert "No variable matches" in html_of(editor_client, path + "?q=zzz")


def test_an_empty_list_says_what_variables_are_for(
    editor_client: Client, viewer_client: Client
) -> None:
    assert "any number of jobs name them" in html_of(editor_client, reverse("variables"))
    assert "No variable yet" in html_of(viewer_client, reverse("variables"))


def test_names_that_nobody_defined_are_shown(editor_client: Client) -> None:
    for number in range(3):
        naming(f"job-{number}", "db_host")
    lonely = naming("lonely", "only_here")
    make_variable(name="only_here", job_id=naming("other", "x").pk)
    make_variable(name="x")

    html = html_of(editor_client, reverse("variables"))
    make_variable(name="only_here", job_id=lonely.pk)
    make_variable(name="db_host")
    after = html_of(editor_client, reverse("variables"))

    assert "3 jobs name <code>db_host</code>, and nobody has defined it" in html
    assert "1 job names <code>only_here</code>" in html
    assert reverse("variable_new") + "?name=db_host" in html
    assert 'id="undefined"' not in after


def test_the_list_costs_as_many_queries_for_many_as_for_few(editor_client: Client) -> None:
    make_variable(name="a")
    naming("one", "a")
    with CaptureQueriesContext(connection) as few:
        html_of(editor_client, reverse("variables"))
    for number in range(20):
        make_variable(name=f"b{number}")
        naming(f"more-{number}", f"b{number}")
    with CaptureQueriesContext(connection) as many:
        html_of(editor_client, reverse("variables"))

    assert len(many) <= len(few)


def test_a_variable_is_made_for_all_jobs_and_for_one(editor_client: Client) -> None:
    job = make_job(name="report")
    path = reverse("variable_new")

    form = sent(html_of(editor_client, path), "variable-form")
    made = editor_client.post(path, {**form, "name": "text", "value": "a\r\nb"})
    editor_client.post(path, {**form, "name": "text", "job": "REPORT", "value": CANARY,
                              "secret": "on"})  # fmt: skip

    shared, own = Variable.objects.order_by("pk")
    assert made.status_code == 303
    assert (shared.value, shared.scope, shared.changed_by) == ("a\nb", "global", "edda")
    assert (own.job, own.value, secret_box.unseal(own.sealed)) == (job, "", CANARY)


def test_what_is_wrong_stands_at_its_field(editor_client: Client) -> None:
    make_variable(name="taken")
    path = reverse("variable_new")

    taken = editor_client.post(path, {"name": "taken", "value": CANARY, "secret": "on"})
    wrong = editor_client.post(path, {"name": "1a", "value": "kept"})
    unknown = editor_client.post(path, {"name": "a", "job": "nobody", "value": "x"})

    assert [taken.status_code, wrong.status_code, unknown.status_code] == [422] * 3
    assert 'id="id_name_error"' in taken.content.decode()
    assert CANARY not in taken.content.decode()
    assert ">\nkept</textarea>" in wrong.content.decode()
    assert 'id="id_job_error"' in unknown.content.decode()


def test_a_secret_is_never_shown_and_stays_until_it_is_replaced(editor_client: Client) -> None:
    row = make_variable(name="token", value=CANARY, secret=True)
    path = reverse("variable_edit", args=[row.pk])
    html = html_of(editor_client, path)

    editor_client.post(path, sent(html, "variable-form", description="Of the bank"))
    row.refresh_from_db()
    kept = secret_box.unseal(row.sealed)
    editor_client.post(path, sent(html, "variable-form", value="another"))
    row.refresh_from_db()
    replaced = secret_box.unseal(row.sealed)
    plain = editor_client.post(path, {"value": "", "description": ""})
    editor_client.post(path, sent(html, "variable-form", replace="on"))
    row.refresh_from_db()

    assert CANARY not in html
    assert (kept, replaced, row.description) == (CANARY, "another", "")
    assert plain.status_code == 422
    assert "A secret is not shown again" in plain.content.decode()
    assert secret_box.unseal(row.sealed) == ""
    assert CANARY not in str(list(AuditEntry.objects.values_list("before", "after", "note")))


def test_saving_an_unchanged_form_sets_no_value(editor_client: Client) -> None:
    row = make_variable(name="text", value="a\r\nb", description="x")
    path = reverse("variable_edit", args=[row.pk])

    editor_client.post(path, sent(html_of(editor_client, path), "variable-form"))

    after = Variable.objects.get()
    assert (after.value, after.changed_at, after.changed_by) == (
        row.value,
        row.changed_at,
        row.changed_by,
    )


def test_deleting_names_the_jobs_that_would_fail(editor_client: Client) -> None:
    row = make_variable(name="host", secret=True)
    naming("report", "host")
    path = reverse("variable_delete", args=[row.pk])

    question = html_of(editor_client, path)
    answer = editor_client.post(path)

    assert "host is named by report: without it their runs would fail" in question
    assert "cannot be read back" in question
    assert answer.status_code == 303
    assert not Variable.objects.exists()
