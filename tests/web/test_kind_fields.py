"""The fields of the kinds of jobs in the job form: what they say, keep and refuse."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from jobs.models import Job, Preference
from jobs.services.stored_definitions import definition_of
from jobs.web import kind_settings, kind_words
from tests.factories import make_job
from tests.web.browserform import SentForm, sent
from tests.web.test_job_form import filled

URL = "https://example.org/health"
HTTP = {
    "http_url": URL,
    "http_method": "POST",
    "http_headers": "Accept: text/plain\r\n\r\nX-Key: {{ KEY }}:1",
    "http_body": '{"a": [1]}',
    "http_expected_status": "200-299, 404",
    "http_follow_redirects": "on",
    "http_any_certificate": "on",
}


def page_of(client: Client, job: Job) -> str:
    return client.get(reverse("job_edit", args=[job.pk])).content.decode()


def test_a_request_is_made_of_its_fields_and_shown_in_them(editor_client: Client) -> None:
    more = '{"connect_timeout_seconds": 3, "headers": {"X-B": "2"}}'
    answer = editor_client.post(reverse("job_new"), filled(type="http", spec=more, **HTTP))

    assert answer.status_code == 303, answer.content.decode()
    job = Job.objects.get()
    spec = definition_of(job)["spec"]
    assert (
        spec.items()
        >= {
            "url": URL,
            "method": "POST",
            "headers": {"X-B": "2", "Accept": "text/plain", "X-Key": "{{ KEY }}:1"},
            "body": {"a": [1]},
            "expected_status": ["200-299", 404],
            "follow_redirects": True,
            "verify_tls": False,
            "connect_timeout_seconds": 3,
        }.items()
    )
    fields = SentForm(page_of(editor_client, job), "job-form").fields
    assert json.loads(fields["spec"][0]) == {"connect_timeout_seconds": 3}
    assert fields["http_expected_status"] == ["200-299, 404"]
    assert fields["http_any_certificate"] == fields["http_follow_redirects"] == ["on"]


def test_an_address_alone_checks_the_certificate(editor_client: Client) -> None:
    editor_client.post(reverse("job_new"), filled(type="http", http_url=URL))

    spec = definition_of(Job.objects.get())["spec"]
    assert (spec["url"], spec["method"], spec["verify_tls"]) == (URL, "GET", True)


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        (
            "http",
            {"url": URL, "json_condition": {"path": "ok", "equals": True}, "verify_tls": False},
        ),
        ("http", {"url": URL, "headers": {"A": " b ", "C": ""}, "body": '{"a": 1}'}),
        ("http", {"url": URL, "body": "\n a\n", "expected_status": ["404", 200]}),
        ("http", {"url": URL, "body": "a\r\nb", "expected_status": [200, "300-399"]}),
        ("http", {"url": URL, "body": {"b": 1.0, "é": [None]}, "headers": {"A": "b:c"}}),
        ("http", {"url": URL, "body": 5, "max_response_bytes": 10}),
        ("http", {"url": URL, "body": " "}),
        ("management_command", {"command": "clearsessions", "args": ["-v", "2"]}),
        ("management_command", {"command": "clearsessions", "options": {"verbosity": 2}}),
        ("template", {"template": "shop", "operation": "plan", "mode": "small"}),
    ],
)
def test_an_unchanged_form_keeps_every_setting(
    kind: str, spec: dict[str, Any], editor_client: Client
) -> None:
    job = make_job(type=kind, spec=spec)
    before = definition_of(job)

    changes = {"do": "save", "owner": "else"}
    fields = sent(page_of(editor_client, job), "job-form", **changes)
    answer = editor_client.post(reverse("job_edit", args=[job.pk]), fields)

    assert answer.status_code == 303, answer.content.decode()
    assert definition_of(Job.objects.get()) == {**before, "owner": "else"}


@pytest.mark.parametrize(
    ("typed", "field_id", "words"),
    [
        ({"type": "http"}, "http_url", "url is required"),
        ({"type": "http", "http_url": "ftp://x"}, "http_url", "must begin with http"),
        ({**HTTP, "http_method": "POKE"}, "http_method", "POKE"),
        ({**HTTP, "http_expected_status": "fine"}, "http_expected_status", "fine"),
        ({**HTTP, "http_headers": "a b: c"}, "http_headers", "is not a name of a header"),
        ({**HTTP, "http_headers": "hidden-word"}, "http_headers", "A line has no colon"),
        ({**HTTP, "http_headers": "A: 1\nA: 2"}, "http_headers", "A is named twice"),
        ({**HTTP, "spec": '{"max_response_bytes": 0}'}, "spec", "max_response_bytes"),
        ({"type": "management_command"}, "management_name", "command is required"),
        ({"type": "python", "python_job": "no.such"}, "python_job", "no.such"),
        ({"type": "python", "python_kwargs": "{days"}, "python_kwargs", "{days"),
        ({"type": "template", "template_named": "a b"}, "template_named", "a b"),
        (
            {"type": "management_command", "management_name": "check", "management_args": "'a"},
            "management_args",
            "valid list",
        ),
    ],
)
def test_a_wrong_setting_is_told_at_its_field_and_kept(
    typed: dict[str, str], field_id: str, words: str, editor_client: Client
) -> None:
    given = filled(**{"type": "http", **typed})

    answer = editor_client.post(reverse("job_new"), given)

    html = answer.content.decode()
    assert answer.status_code == 422
    assert f'id="id_{field_id}_error"' in html
    told = html.split(f'<a href="#id_{field_id}">')[1].split("</a>")[0]
    assert words in told
    assert "hidden-word" not in told
    fields = SentForm(html, "job-form").fields
    for name in set(typed) - {"type", "http_method"}:
        assert fields[name] == [given[name].replace("\r\n", "\n").replace("\n", "\r\n")]


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ({"spec": '{"url": "https://other.example"}'}, ["url", "Address"]),
        ({"spec": "DELETE https://example.org/health"}, ["method", "Method"]),
        ({"spec": '{"headers": {"Accept": "hidden-word"}}'}, ["headers", "Headers"]),
        ({"spec": '{"verify_tls": true}'}, ["verify_tls", "Accept any TLS certificate, unchecked"]),
        (
            {"type": "script", "script": "date", "spec": '{"script": "hidden-word"}'},
            ["script", "Script"],
        ),
    ],
)
def test_a_setting_that_json_and_its_field_say_differently_is_refused(
    typed: dict[str, str], names: list[str], editor_client: Client
) -> None:
    answer = editor_client.post(reverse("job_new"), filled(**{"type": "http", **HTTP, **typed}))

    html = answer.content.decode()
    assert answer.status_code == 422
    assert not Job.objects.exists()
    told = html.split('<a href="#id_spec">')[1].split("</a>")[0]
    setting, field = names
    assert f"{setting} is given in the field “{field}” too, and differs." in told
    assert "hidden-word" not in told


def test_json_may_repeat_what_a_field_says_and_speak_where_it_is_blank(
    editor_client: Client,
) -> None:
    same = json.dumps({"url": URL, "headers": {"Accept": "text/plain"}, "verify_tls": False})
    for name, typed in (
        ("same", {"type": "http", **HTTP, "spec": same}),
        ("alone", {"type": "http", "spec": json.dumps({"url": URL, "method": "PUT"})}),
        ("script", {"type": "script", "script": "", "spec": '{"script": "date"}'}),
    ):
        answer = editor_client.post(reverse("job_new"), filled(**{**typed, "name": name}))
        assert answer.status_code == 303, answer.content.decode()

    alone = definition_of(Job.objects.get(name="alone"))["spec"]
    assert (alone["url"], alone["method"]) == (URL, "PUT")
    assert definition_of(Job.objects.get(name="script"))["spec"]["script"] == "date"
    fields = SentForm(page_of(editor_client, Job.objects.get(name="script")), "job-form").fields
    assert (fields["script"], fields["spec"]) == (["date"], [""])


def test_other_kinds_are_said_by_their_fields(editor_client: Client) -> None:
    editor_client.post(
        reverse("job_new"),
        filled(
            type="management_command",
            management_name="clearsessions",
            management_args="--verbosity '2'",
            template_named="not asked",
        ),
    )
    page = editor_client.get(reverse("job_new")).content.decode()

    spec = definition_of(Job.objects.get())["spec"]
    assert (spec["command"], spec["args"]) == ("clearsessions", ["--verbosity", "2"])
    assert '<datalist id="registered">' in page
    said = {"python_job": "nightly", "python_kwargs": '{"days": 7}'}
    assert kind_settings.put_in("python", {}, said) == {"job": "nightly", "kwargs": {"days": 7}}
    texts, rest = kind_settings.taken_out("python", {"job": "nightly", "kwargs": {"days": 7}})
    assert kind_settings.put_in("python", rest, texts)["kwargs"] == {"days": 7}
    assert texts["python_job"] == "nightly"


@pytest.mark.parametrize(
    ("kind", "fields", "words"),
    [
        ("http", {"http_url": "ftp://x"}, "url harus diawali http:// atau https://"),
        (
            "http",
            {"http_url": URL, "spec": '{"max_response_bytes": 0, "colour": "red"}'},
            "Masukan harus lebih besar dari atau sama dengan 1, bukan 0",
        ),
        (
            "http",
            {"http_url": URL, "spec": '{"method": "GIVE"}'},
            "&#x27;DELETE&#x27; atau &#x27;OPTIONS&#x27;, bukan &#x27;GIVE&#x27;",
        ),
        (
            "command",
            {"command": "true", "spec": '{"limits": {"memory_bytes": 5}}'},
            "lebih besar dari atau sama dengan 16777216, bukan 5",
        ),
        ("command", {"command": " "}, "command wajib diisi untuk tugas command"),
        (
            "management_command",
            {"spec": '{"command": "flush"}'},
            "&#x27;flush&#x27; ditolak: perintah ini mengosongkan basis data",
        ),
        ("python", {"spec": '{"job": "none.such"}'}, "&#x27;none.such&#x27; tidak terdaftar."),
        ("template", {"spec": '{"template": "../x"}'}, "&#x27;../x&#x27; tidak diizinkan. Pakai 1"),
    ],
)
def test_what_a_kind_refuses_is_told_in_the_readers_language(
    kind: str, fields: dict[str, str], words: str, editor: User, editor_client: Client
) -> None:
    Preference.objects.create(user=editor, language="id")

    answer = editor_client.post(reverse("job_new"), filled(**{"type": kind, **fields}))

    assert answer.status_code == 422
    assert words in answer.content.decode()


def test_the_example_of_a_condition_on_json_is_one(editor_client: Client) -> None:
    example = next(name for name, __ in kind_words.fields_of("http") if "json_condition" in name)

    answer = editor_client.post(reverse("job_new"), filled(type="http", http_url=URL, spec=example))

    assert answer.status_code == 303, answer.content.decode()
    condition = definition_of(Job.objects.get())["spec"]["json_condition"]
    assert condition == {"path": "status", "equals": "ok"}
