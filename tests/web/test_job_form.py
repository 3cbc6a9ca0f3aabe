"""The job form: what it refuses and where it says so, its preview, and what it keeps."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from jobs.domain.states import JobState
from jobs.domain.strategies import strategy
from jobs.models import Calendar, Job
from jobs.queries.jobs import get_job
from jobs.services.stored_definitions import definition_of
from jobs.web.kind_words import short_spec
from tests.factories import cron, every, make_calendar, make_freeze, make_job
from tests.web.browserform import sent

HTMX = {"HX-Request": "true"}
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def filled(**fields: str) -> dict[str, str]:
    """Return the form as a browser sends it, with some fields changed."""
    return {
        "type": "command",
        "name": "report",
        "tags": "data, paris",
        "description": "",
        "owner": "",
        "command": "date",
        "script": "#!/bin/bash\r\n",
        "working_dir": "",
        "timeout_seconds": "30m",
        "grace_seconds": "10s",
        "overlap": "skip",
        "misfire": "fire_once",
        "retry_kind": "fixed",
        "retry_max_attempts": "3",
        "retry_base_seconds": "1m",
        "auto_disable_after": "",
        "queue": "default",
        "priority": "0",
        "do": "save",
        **schedule(0),
        **fields,
    }


def schedule(number: int, **fields: str) -> dict[str, str]:
    """Return one schedule row."""
    values = {
        "kind": "cron",
        "expression": "*/5 * * * *",
        "seconds": "",
        "anchor": "completion",
        "at": "",
        "timezone": "Europe/Paris",
        "rest": "",
        **fields,
    }
    return {f"schedule-{number}-{name}": value for name, value in values.items()}


def post(client: Client, **fields: str) -> Any:
    return client.post(reverse("job_new"), filled(**fields))


def test_a_job_is_made_and_shown(editor_client: Client) -> None:
    answer = editor_client.post(
        reverse("job_new"),
        filled(**{"variable-0-name": "CITY", "variable-0-value": "Paris\n2"}),
        follow=True,
    )

    job = Job.objects.get()
    definition = definition_of(job)
    assert answer.redirect_chain == [(reverse("job", args=[job.pk]), 303)]
    assert "Created report." in answer.content.decode()
    assert definition["spec"] == {"command": "date"}
    assert definition["tags"] == ["data", "paris"]
    assert definition["environment"] == {"CITY": "Paris\n2"}
    assert definition["timeout_seconds"] == 1800
    assert definition["retry"]["max_attempts"] == 3
    assert definition["schedules"][0]["timezone"] == "Europe/Paris"
    assert job.created_by == "edda"


def test_s4_72_a_strategy_is_chosen_by_its_name(editor_client: Client) -> None:
    page = editor_client.get(reverse("job_new")).content.decode()
    assert '<option value="notifications">notifications: 5 attempts' in page

    post(editor_client, retry_kind="notifications", retry_on_exit_codes="75")

    retry = definition_of(Job.objects.get())["retry"]
    assert retry.items() >= strategy("notifications").items()
    assert retry["on_exit_codes"] == [75]
    page = editor_client.get(reverse("job_edit", args=[Job.objects.get().pk])).content.decode()
    assert '<option value="exponential" selected>' in page


def test_a_refusal_leads_to_all_that_is_wrong_and_stays_until_it_is_mended(
    editor_client: Client,
) -> None:
    make_job(name="report")
    fields = {"timeout_seconds": "-5m", "calendars": "gone", "alert_channel": "pager"}
    doubled = {"variable-0-name": "A", "variable-1-name": "A"}
    asked = {"id_name", "id_timeout_seconds", "id_alert_channel"}

    refused = post(editor_client, **fields)
    doubly = post(editor_client, **fields, **doubled)
    typing = editor_client.post(reverse("p_job_preview"), filled(refused="1", **fields))
    mended = editor_client.post(reverse("p_job_preview"), filled(refused="1", name="other"))

    assert (refused.status_code, doubly.status_code) == (422, 422)
    for answer in (refused, doubly, typing):
        html = answer.content.decode()
        assert asked <= set(re.findall(r'<a href="#([^"]+)">', html))
        assert "Calendar gone does not exist." in html
    assert "A is named twice" in doubly.content.decode()
    assert "exists already" not in mended.content.decode()


def test_a_job_can_be_made_paused(editor_client: Client) -> None:
    post(editor_client, do="save_paused")

    assert Job.objects.get().state == JobState.PAUSED


def test_several_schedules_of_every_kind(editor_client: Client) -> None:
    post(
        editor_client,
        **schedule(1, kind="interval", seconds="90s", anchor="start", expression=""),
        **schedule(2, kind="once", at="2030-07-01T09:00", expression=""),
    )

    first, second, third = definition_of(Job.objects.get())["schedules"]
    assert first["expression"] == "*/5 * * * *"
    assert (second["seconds"], second["anchor"]) == (90.0, "start")
    assert third["at"] == "2030-07-01T07:00:00Z"


@pytest.mark.parametrize(
    ("fields", "field_id", "words"),
    [
        ({"name": "a b"}, "id_name", "&#x27;a b&#x27; is not allowed"),
        ({"command": ""}, "id_command", "command is required"),
        ({"timeout_seconds": "-5m"}, "id_timeout_seconds", "-5m is negative"),
        ({"timeout_seconds": "soon"}, "id_timeout_seconds", "soon"),
        ({"retry_max_attempts": "many"}, "id_retry_max_attempts", "many"),
        ({"retry_max_attempts": "0"}, "id_retry_max_attempts", "too small"),
        ({"overlap": "perhaps"}, "id_overlap", "perhaps"),
        ({"tags": "data, <b>"}, "id_tags", "&lt;b&gt;"),
        ({"queue": "a b"}, "id_queue", "a b"),
        ({"auto_disable_after": "-1"}, "id_auto_disable_after", "too small"),
        (schedule(0, expression="0 14 * * 8"), "id_schedule-0-expression", "8"),
        (schedule(0, timezone="Europe/Pari"), "id_schedule-0-timezone", "Europe/Paris"),
        (schedule(0, kind="interval", seconds="0"), "id_schedule-0-seconds", "too small"),
        (schedule(0, kind="once", at="tomorrow"), "id_schedule-0-at", "tomorrow"),
        (
            {"variable-0-name": "1A", "variable-0-value": ""},
            "id_variable-0-name",
            "invalid name",
        ),
        (
            {
                "variable-0-name": "A",
                "variable-0-value": "1",
                "variable-1-name": "A",
                "variable-1-value": "2",
            },
            "id_variable-0-name",
            "A is named twice",
        ),
    ],
)
def test_a_wrong_value_is_told_at_its_field(
    fields: dict[str, str], field_id: str, words: str, editor_client: Client
) -> None:
    answer = post(editor_client, **fields)

    html = answer.content.decode()
    assert answer.status_code == 422
    assert Job.objects.count() == 0
    link = re.search(rf'<a href="#{re.escape(field_id)}">([^<]*)</a>', html)
    assert link
    assert words in link[1]
    assert f'id="{field_id}_error"' in html
    assert re.search(rf'<[^>]*aria-invalid="true"[^>]*id="{re.escape(field_id)}"', html)


def test_an_unknown_type_is_refused(editor_client: Client) -> None:
    answer = post(editor_client, type="rocket")

    assert answer.status_code == 422
    assert "invalid job type: rocket" in answer.content.decode()


def test_a_taken_name_is_told(editor_client: Client) -> None:
    make_job(name="Report")

    answer = post(editor_client)

    assert answer.status_code == 422
    assert "A job named report exists already" in answer.content.decode()


def test_what_was_typed_stays(editor_client: Client) -> None:
    html = post(editor_client, name="bad name", command="echo '<b>'").content.decode()

    assert "echo &#x27;&lt;b&gt;&#x27;" in html
    assert 'value="bad name"' in html


@pytest.mark.parametrize(
    ("verb", "rows"),
    [
        ("add_schedule", 3),
        ("remove_schedule:0", 1),
        ("remove_schedule:9", 2),
        ("remove_schedule:x", 2),
    ],
)
def test_schedules_come_and_go_without_script(verb: str, rows: int, editor_client: Client) -> None:
    answer = post(editor_client, do=verb, **schedule(1, expression="0 9 * * *"))

    html = answer.content.decode()
    assert answer.status_code == 200
    assert len(re.findall(r'name="schedule-\d-kind"', html)) == rows
    assert "0 9 * * *" in html
    assert Job.objects.count() == 0


def test_variables_come_and_go_without_script(editor_client: Client) -> None:
    given = {"variable-0-name": "A", "variable-0-value": "1"}

    more = post(editor_client, do="add_variable", **given).content.decode()
    less = post(editor_client, do="remove_variable:0", **given).content.decode()

    assert more.count('name="variable-') == 4
    assert less.count('name="variable-') == 0


def test_preview_without_script(editor_client: Client) -> None:
    html = post(editor_client, do="preview", name="").content.decode()

    assert "Every 5 min" in html
    assert html.count("<li><span><time") == 5
    assert 'href="#id_name"' in html
    assert Job.objects.count() == 0


def test_the_preview_while_typing(editor_client: Client) -> None:
    """S1-120."""
    rows = {**schedule(0, expression="30 2 * * *"), **schedule(1, expression="0 14 * * 8")}

    answer = editor_client.post(reverse("p_job_preview"), filled(**rows), headers=HTMX)

    html = answer.content.decode()
    assert answer.status_code == 200
    assert 'hx-target="#words-0"' in html
    assert "Daily at 02:30" in html
    assert "Schedule 2 is left out until it is valid." in html
    assert "A time that does not exist" in html
    assert "A time that comes twice" in html
    assert html.count("<li><span><time") == 5


def test_words_are_taken_for_the_expression_they_mean(editor_client: Client) -> None:
    said = schedule(0, expression="Weekdays at 9", timezone="Europe/Paris")

    shown = editor_client.post(reverse("p_job_preview"), filled(**said)).content.decode()
    post(editor_client, **said)

    assert "Weekdays at 09:00" in shown
    definition = definition_of(Job.objects.get())
    assert [one["expression"] for one in definition["schedules"]] == ["0 9 * * 1-5"]


def test_words_may_name_the_clock_that_counts(editor_client: Client) -> None:
    said = schedule(0, expression="Weekdays at 9 in Paris", timezone="Asia/Jakarta")

    shown = editor_client.post(reverse("p_job_preview"), filled(**said)).content.decode()
    post(editor_client, **said)

    assert "Weekdays at 09:00, in Europe/Paris" in shown
    saved = definition_of(Job.objects.get())["schedules"]
    assert [(one["expression"], one["timezone"]) for one in saved] == [
        ("0 9 * * 1-5", "Europe/Paris")
    ]


def test_words_that_nobody_understands_are_answered_with_words(editor_client: Client) -> None:
    said = schedule(0, expression="weekdys at 9")

    shown = editor_client.post(reverse("p_job_preview"), filled(**said)).content.decode()
    refused = post(editor_client, **said)

    for html in (shown, refused.content.decode()):
        assert "“weekdys at 9” is not understood. Use words such as" in html
    assert refused.status_code == 422


def test_a_job_without_a_schedule_needs_no_row_removed(editor_client: Client) -> None:
    empty = schedule(0, expression="")

    shown = editor_client.post(reverse("p_job_preview"), filled(**empty)).content.decode()
    saved = post(editor_client, **empty)
    refused = post(editor_client, name="other", **empty, **schedule(1, expression="0 9 * * 1"))

    assert "The job runs by hand only." in shown
    assert saved.status_code == 303
    assert definition_of(Job.objects.get())["schedules"] == []
    assert refused.status_code == 422
    assert 'href="#id_schedule-0-expression"' in refused.content.decode()


@pytest.mark.parametrize(
    "typed",
    [{"kind": "interval"}, {"max_executions": "3"}, {"rest": "{}"}],
    ids=["kind chosen", "limited", "stored and emptied"],
)
def test_a_schedule_that_lacks_its_times_is_refused_not_left_out(
    typed: dict[str, str], editor_client: Client
) -> None:
    answer = post(editor_client, **schedule(0, expression="", **typed))

    assert answer.status_code == 422
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    ("kind", "typed", "spec"),
    [
        ("http", "https://example.org/health", {"url": "https://example.org/health"}),
        ("http", "post http://example.org", {"url": "http://example.org", "method": "POST"}),
        ("http", '{"url": "https://example.org"}', {"url": "https://example.org"}),
        (
            "management_command",
            "clearsessions --verbosity 2",
            {"command": "clearsessions", "args": ["--verbosity", "2"]},
        ),
    ],
)
def test_settings_may_be_typed_short(
    kind: str, typed: str, spec: dict[str, object], editor_client: Client
) -> None:
    page = editor_client.post(reverse("p_job_preview"), filled(type=kind)).content.decode()
    answer = post(editor_client, type=kind, spec=typed)

    assert "More that JSON may say" in page
    assert answer.status_code == 303, answer.content.decode()
    assert spec.items() <= definition_of(Job.objects.get())["spec"].items()


def test_only_what_is_one_name_or_one_line_is_short() -> None:
    assert short_spec("python", "nightly.report") == {"job": "nightly.report"}
    assert short_spec("template", "shop") == {"template": "shop"}
    for kind, typed in (
        ("python", '{"job": "x"}'),
        ("python", "null"),
        ("http", "ftp://example.org"),
        ("http", "https://example.org and more"),
        ("management_command", 'check "open'),
        ("management_command", "[1]"),
        ("command", "ls"),
    ):
        assert short_spec(kind, typed) is None


def test_fifty_runs_without_script_and_while_typing(editor_client: Client) -> None:
    page = post(editor_client, do="show:50").content.decode()
    typed = editor_client.post(
        reverse("p_job_preview"), filled(runs="50"), headers=HTMX
    ).content.decode()
    back = post(editor_client, do="show:5", runs="50").content.decode()

    assert page.count("<li><span><time") == typed.count("<li><span><time") == 50
    assert 'value="show:5"' in page
    assert back.count("<li><span><time") == 5
    assert Job.objects.count() == 0


def test_fifty_runs_by_address(rich: Job, editor_client: Client) -> None:
    html = editor_client.get(reverse("job_edit", args=[rich.pk]) + "?runs=50").content.decode()

    assert html.count("<li><span>") == 50


def test_both_zones_are_named(editor_client: Client) -> None:
    editor_client.cookies["tz"] = "Asia/Jakarta"

    html = post(editor_client, do="preview").content.decode()

    assert '<span class="end">Asia/Jakarta / Europe/Paris</span>' in html


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"expression": "0 * * * *"}, ["23 runs that day instead of 24", "25 runs that day"]),
        ({"expression": "0 9 * * *"}, ["No run is touched."]),
        ({"expression": "30 2 * * *", "gap": "skip"}, ["it does not run"]),
        ({"expression": "30 2 * * *", "fold": "both"}, ["it runs both times"]),
        (
            {"expression": "30 2 * * *", "timezone": "Asia/Jakarta"},
            ["The clocks of Asia/Jakarta do not change in the next two years."],
        ),
        ({"expression": "0 9 * * *", "jitter_seconds": "30s"}, ["Jitter and spread", "30 s"]),
        ({"expression": "0 9 * * *", "max_executions": "3"}, []),
    ],
)
def test_the_preview_says_what_the_choices_mean(
    fields: dict[str, str], words: list[str], editor_client: Client
) -> None:
    html = post(editor_client, do="preview", **schedule(0, **fields)).content.decode()

    assert all(text in html for text in words)
    expected = int(fields.get("max_executions", "5"))
    assert html.count("<li><span><time") == expected


def preview_of_edit(client: Client, job: Job, **fields: str) -> str:
    """Return the preview of an edit with some fields changed."""
    typed = {**edited(job, client), **fields}
    html = client.post(reverse("p_job_preview"), typed, headers=HTMX).content.decode()
    return html.split('id="preview-diff"')[1].split("</details></div>")[0]


# Between 09:30 and 09:45 in Paris one run would be added instead of moved.
@time_machine.travel(datetime(2026, 11, 22, 6, tzinfo=UTC), tick=False)
def test_an_edit_tells_what_it_changes(editor_client: Client) -> None:
    job = make_job(schedules=[cron("30 9 * * *", "Europe/Paris"), every(86_400)])

    same = preview_of_edit(editor_client, job)
    moved = preview_of_edit(editor_client, job, **{"schedule-0-expression": "45 9 * * *"})
    more = preview_of_edit(editor_client, job, **{"schedule-0-expression": "30 */3 * * *"})
    fewer = preview_of_edit(editor_client, job, **{"schedule-1-seconds": "2d"})

    assert "Nothing changes in the next 30 days." in same
    assert "60 runs stay as they are." in same
    assert "30 runs move within their day" in moved
    assert moved.count(" → ") == 30
    assert "30 runs stay as they are." in moved
    assert "runs are added" in more
    assert "runs are removed" not in more
    assert "15 runs are removed" in fewer


def test_an_edit_of_a_dense_schedule_says_how_far_it_looked(editor_client: Client) -> None:
    job = make_job(schedules=[cron("* * * * * *")])

    html = preview_of_edit(editor_client, job, **{"schedule-0-expression": "* * * * * */2"})

    assert "Too many runs to compare each of them." in html
    assert "2\u202f592\u202f000 before and 1\u202f296\u202f000 after" in html
    assert "and more" in html


def test_a_stopped_job_says_that_nothing_runs(editor_client: Client) -> None:
    job = make_job(schedules=[cron("30 9 * * *")], paused=True)

    assert "The job is stopped" in preview_of_edit(editor_client, job)


def test_a_new_job_has_no_difference_to_show(editor_client: Client) -> None:
    assert "preview-diff" not in post(editor_client, do="preview").content.decode()


def test_the_preview_of_an_interval_goes_on_by_guess(editor_client: Client) -> None:
    html = post(
        editor_client, do="preview", **schedule(0, kind="interval", seconds="1h", expression="")
    ).content.decode()

    assert html.count("<li><span>~<time") == 4


def test_all_choices_of_a_schedule_are_saved(editor_client: Client) -> None:
    Calendar.objects.create(
        name="office", mode="block", timezone="UTC", created_at=NOW, updated_at=NOW
    )
    post(
        editor_client,
        run_on_create="on",
        calendars="office",
        **schedule(
            0,
            gap="skip",
            fold="second",
            day_match="all",
            seconds_position="first",
            expression="30 */5 * * * *",
            jitter_seconds="30s",
            spread_seconds="2m",
            starts_at="2030-01-01T00:00",
            ends_at="2031-07-01T00:00",
            max_executions="10",
        ),
        **schedule(1, kind="event", event="@reboot", expression=""),
    )

    definition = definition_of(Job.objects.get())
    first, second = definition["schedules"]
    assert (first["gap"], first["fold"], first["day_match"]) == ("skip", "second", "all")
    assert (first["seconds_position"], first["max_executions"]) == ("first", 10)
    assert (first["jitter_seconds"], first["spread_seconds"]) == (30, 120)
    assert first["starts_at"] == "2029-12-31T23:00:00Z"
    assert first["ends_at"] == "2031-06-30T22:00:00Z"
    assert (second["kind"], second["event"]) == ("event", "@reboot")
    assert (definition["run_on_create"], definition["calendars"]) == (True, ["office"])


def test_calendars_are_offered_and_kept(editor_client: Client) -> None:
    for name in ("holidays", "office"):
        Calendar.objects.create(
            name=name, mode="block", timezone="UTC", created_at=NOW, updated_at=NOW
        )
    job = make_job(schedules=[cron("0 9 * * *")], calendars=["office"])

    html = editor_client.get(reverse("job_edit", args=[job.pk])).content.decode()

    assert re.search(r'name="calendars" value="office" checked', html)
    assert re.search(r'name="calendars" value="holidays">', html)


def test_a_wrong_choice_opens_what_hides_it(editor_client: Client) -> None:
    html = post(editor_client, **schedule(0, jitter_seconds="soon")).content.decode()

    assert 'id="id_schedule-0-jitter_seconds_error"' in html
    assert re.search(r'<details class="more-when" id="more-0" open', html)


def test_a_moment_keeps_its_seconds_and_its_pass(editor_client: Client) -> None:
    """02:30 for the second time in Paris, and a time with seconds: no field can show either."""
    moments = ["2030-10-27T01:30:00Z", "2030-07-01T07:00:30.500000Z"]
    job = make_job(
        schedules=[
            {
                "kind": "once",
                "at": at,
                "timezone": "Europe/Paris",
                "starts_at": "2026-01-01T00:00:01Z",
            }
            for at in moments
        ]
    )
    before = definition_of(job)

    editor_client.post(reverse("job_edit", args=[job.pk]), edited(job, editor_client))

    job.refresh_from_db()
    assert definition_of(job) == before
    assert job.version == 1


def test_the_preview_of_nothing(editor_client: Client) -> None:
    answer = editor_client.post(
        reverse("p_job_preview"), filled(**schedule(0, expression="")), headers=HTMX
    )

    assert "No schedule yet." in answer.content.decode()


def edited(job: Job, client: Client) -> dict[str, Any]:
    """Return the edit form's fields as a browser would send them unchanged."""
    html = client.get(reverse("job_edit", args=[job.pk])).content.decode()
    return {**sent(html, "job-form"), "do": "save"}


@pytest.fixture
def rich(db: None) -> Job:
    """Make a job with settings that the form has no field for."""
    return make_job(
        name="rich",
        type="script",
        spec={"script": "#!/bin/sh\necho hi\n", "limits": {"nice": 5}},
        schedules=[
            cron("0 9 1 * 1", "Europe/Paris", day_match="all", starts_at="2026-01-01T00:00:00Z"),
            cron("0 * * * *", "Europe/Paris", jitter_seconds=30, spread_seconds=1.5, gap="skip"),
            cron("0 0 * * * *", seconds_position="first", fold="both", max_executions=12),
            {**every(90, "completion"), "ends_at": "2090-01-01T00:00:00Z"},
            {"kind": "once", "at": "2030-07-01T07:00:00Z", "timezone": "Europe/Paris"},
            {"kind": "event", "event": "@manually"},
        ],
        environment={"A": "1\n2"},
        tags=["x"],
        category="reports",
        external_id="ext-1",
        misfire_limit=7,
        retry={"max_attempts": 2, "kind": "exponential", "cap_seconds": 99, "lost": True},
        timeout_seconds=None,
        auto_disable_after=5,
    )


def test_saving_an_unchanged_form_changes_nothing(rich: Job, editor_client: Client) -> None:
    before = definition_of(rich)

    answer = editor_client.post(
        reverse("job_edit", args=[rich.pk]), edited(rich, editor_client), follow=True
    )

    rich.refresh_from_db()
    assert definition_of(rich) == before
    assert rich.version == 1
    assert "rich has no change to save." in answer.content.decode()


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        ("http", {"url": "https://example.org/", "method": "POST", "headers": {"X-A": '"1"'}}),
        ("management_command", {"command": "clearsessions"}),
    ],
)
def test_a_kind_without_a_field_of_its_own_is_edited_as_json(
    editor_client: Client, kind: str, spec: dict[str, Any]
) -> None:
    job = make_job(name="other", type=kind, spec=spec)
    before = definition_of(job)

    typed = edited(job, editor_client) | {"description": "more"}
    editor_client.post(reverse("job_edit", args=[job.pk]), typed)

    assert definition_of(get_job(job.pk)) == {**before, "description": "more"}


@pytest.mark.parametrize("typed", ['{"url": ', "[1]", '{"url": "ftp://x"}'])
def test_wrong_json_is_told_at_its_field(editor_client: Client, typed: str) -> None:
    answer = post(editor_client, type="http", spec=typed)

    assert answer.status_code == 422
    assert 'id="id_spec_error"' in answer.content.decode()


def test_a_change_makes_a_version(rich: Job, editor_client: Client) -> None:
    fields = {**edited(rich, editor_client), "timeout_seconds": "5m"}

    editor_client.post(reverse("job_edit", args=[rich.pk]), fields)

    rich.refresh_from_db()
    assert (rich.version, rich.timeout_seconds, rich.category) == (2, 300, "reports")


def test_somebody_else_saved_meanwhile(rich: Job, editor_client: Client) -> None:
    first = {**edited(rich, editor_client), "owner": "first"}
    second = {**first, "owner": "second"}
    address = reverse("job_edit", args=[rich.pk])

    editor_client.post(address, first)
    answer = editor_client.post(address, second)

    rich.refresh_from_db()
    assert answer.status_code == 409
    assert "was changed meanwhile" in answer.content.decode()
    assert 'value="second"' in answer.content.decode()
    assert rich.owner == "first"


def test_a_copy_starts_with_a_name_of_its_own(rich: Job, editor_client: Client) -> None:
    html = editor_client.get(reverse("job_new") + f"?copy={rich.pk}").content.decode()

    assert "echo hi" in html
    # The list of jobs it may run after offers the original's name.
    assert not re.search(r'<input[^>]*value="rich"', html)


@pytest.mark.parametrize("copy", ["x", "999", "-1", "9" * 30])
def test_a_copy_of_nothing(copy: str, editor_client: Client) -> None:
    answer = editor_client.get(reverse("job_new") + f"?copy={copy}")

    assert answer.status_code == (404 if copy == "999" else 200)


def test_the_new_job_form_uses_the_reader_s_zone(editor_client: Client) -> None:
    editor_client.cookies["tz"] = "Asia/Jakarta"

    html = editor_client.get(reverse("job_new")).content.decode()

    assert 'name="schedule-0-timezone" value="Asia/Jakarta"' in html


def test_enter_in_a_field_saves(editor_client: Client) -> None:
    html = editor_client.get(reverse("job_new")).content.decode()

    form = html.split('<form id="job-form"')[1]
    assert re.search(r"<button[^>]*>", form)[0].count('value="save"') == 1  # type: ignore[index]


def panel(client: Client, *, calendars: str = "", **fields: str) -> str:
    """Return the preview as it is answered while somebody types."""
    data = {**filled(**fields), "calendars": calendars} if calendars else filled(**fields)
    return client.post(reverse("p_job_preview"), data, headers=HTMX).content.decode()


def test_what_a_calendar_holds_back_stays_in_the_list_with_its_reason(
    editor_client: Client,
) -> None:
    make_calendar(name="holidays")
    christmas = schedule(0, expression="0 9 24-26 12 *")

    html = panel(editor_client, calendars="holidays", **christmas)

    assert "held back: calendar holidays: Christmas" in html
    assert html.count("<li><span><time") == 5
    assert "held back" not in panel(editor_client, **christmas)
    assert "not taken out here" not in html


def test_a_freeze_says_how_far_it_was_looked(editor_client: Client) -> None:
    make_freeze(reason="deploy <1>")

    html = panel(editor_client)

    assert "due times are held back: freeze: deploy &lt;1&gt;" in html
    assert html.count("<li><span><time") == 0
    assert re.search(
        r"All due times until <time.* are held back by freeze: deploy &lt;1&gt;\.", html
    )


def test_a_calendar_of_an_edit_is_in_its_difference(editor_client: Client) -> None:
    never = {"kind": "date", "date": "2020-01-01"}
    job = make_job(schedules=[cron("0 9 * * *", "Europe/Paris")])
    same = preview_of_edit(editor_client, job)
    make_calendar(name="closed", mode="allow", windows=[never])

    less = preview_of_edit(editor_client, job, calendars="closed")

    assert "30 runs are removed" in less
    assert "What freezes and calendars hold back is no run here" in less
    assert "no run here" not in same


def test_the_load_is_told_while_typing(editor_client: Client) -> None:
    for _ in range(2):
        make_job(schedules=[cron("0 2 * * *", "Europe/Paris")])
    nightly = schedule(0, expression="0 2 * * *")

    html = panel(editor_client, **nightly)
    apart = panel(editor_client, **schedule(0, expression="0 2 * * *", spread_seconds="5m"))

    assert "About 1 run a day. How long one takes is not known before the job has run." in html
    assert re.search(r"02:00(:00)? \(Europe/Paris\) at least 2 other jobs are due", html)
    assert "A spread would move this job apart from them." in html
    assert "The spread moves this job apart from them." in apart


def test_the_load_of_a_job_that_has_run(editor_client: Client) -> None:
    job = make_job(schedules=[cron("0 * * * *")])
    recent = [[n, "succeeded", ms] for n, ms in enumerate((2000, 3000, 9000))]
    Job.objects.filter(pk=job.pk).update(recent=recent)

    html = editor_client.get(reverse("job_edit", args=[job.pk])).content.decode()

    assert "About 24 runs a day. Each takes about 3.0 s (median of its last 3 runs)." in html


def test_no_schedule_has_no_load(editor_client: Client) -> None:
    make_job(schedules=[cron("* * * * *")])

    assert 'id="preview-load"' not in panel(editor_client, **schedule(0, expression=""))


def test_a_limit_on_an_interval_from_the_end_is_the_same_here_and_in_the_api(
    editor_client: Client,
) -> None:
    html = panel(
        editor_client,
        **schedule(0, kind="interval", seconds="1h", expression="", max_executions="3"),
    )

    assert html.count("<li><span><time") + html.count("<li><span>~<time") == 3


def test_how_many_may_run_side_by_side_is_saved_and_shown(editor_client: Client) -> None:
    post(editor_client, overlap="allow", max_parallel="4")

    job = Job.objects.get()
    assert (job.overlap, job.max_parallel) == ("allow", 4)
    assert edited(job, editor_client)["max_parallel"] == ["4"]
    wrong = post(editor_client, name="other", overlap="allow", max_parallel="none")
    assert 'id="id_max_parallel_error"' in wrong.content.decode()


def test_a_stale_edit_shows_what_changed_and_is_laid_over_it(
    rich: Job, editor_client: Client
) -> None:
    first = {**edited(rich, editor_client), "owner": "first"}
    second = {**edited(rich, editor_client), "description": "second", "owner": "both"}
    address = reverse("job_edit", args=[rich.pk])
    editor_client.post(address, first)

    refused = editor_client.post(address, second)
    html = refused.content.decode()
    saved = editor_client.post(address, {**second, "do": "save_over:2"})
    again = editor_client.post(address, {**second, "do": "save_over:2"})

    rich.refresh_from_db()
    assert refused.status_code == 409
    assert 'value="save_over:2"' in html
    assert "<code>first</code>" in html
    assert "<code>both</code>" in html
    assert saved.status_code == 302 or saved.status_code == 303
    assert (rich.version, rich.owner, rich.description) == (3, "both", "second")
    assert again.status_code == 409


def test_a_correction_is_seen_before_the_next_save(editor_client: Client) -> None:
    """The defect: "1 field needs a change" stayed after the correction."""
    job = make_job(name="report", schedules=[cron("*/5 * * * *", "Europe/Paris")])
    url = reverse("job_edit", args=[job.pk])
    wrong = {"job": str(job.pk), "version": "1", **schedule(0, expression="99 * * * *")}
    refused = editor_client.post(url, filled(**wrong)).content.decode()
    asked = {**wrong, "refused": "1"}

    still = editor_client.post(reverse("p_job_preview"), filled(**asked), headers=HTMX)
    right = {**asked, **schedule(0)}
    corrected = editor_client.post(reverse("p_job_preview"), filled(**right), headers=HTMX)
    first = editor_client.post(reverse("p_job_preview"), filled(**schedule(0)), headers=HTMX)

    assert "1 field needs a change." in refused
    assert 'name="refused" value="1"' in refused
    # A schedule that is not valid yet removes no run.
    assert 'id="preview-diff"' not in refused + still.content.decode()
    assert "1 field needs a change." in still.content.decode()
    assert "autofocus" not in still.content.decode()
    assert "What was wrong is corrected." in corrected.content.decode()
    assert "needs a change" not in corrected.content.decode()
    assert "save-note" not in first.content.decode()
