"""The job form drops nothing: what is saved unchanged, or copied, is the same definition."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.domain.permissions import SYSTEM
from jobs.domain.states import RetryCause
from jobs.models import Job
from jobs.services import workspaces
from jobs.services.definitions import JobDefinition, parse_definition
from jobs.services.stored_definitions import definition_of
from jobs.services.workspaces import WorkspaceDefinition
from tests.factories import cron, every, make_breaker, make_calendar, make_channel, make_job
from tests.web.browserform import sent

pytestmark = pytest.mark.django_db

# Every field of a definition, each with a value that nobody gets by leaving it out: a field that is
# new fails `test_the_job_that_uses_every_field_does` until it stands here.
EVERY: dict[str, Any] = {
    "type": "script",
    "spec": {"script": "#!/bin/sh\necho one\n\necho two", "interpreter": "/bin/dash", "limits": {"nice": 5}},
    "schedules": [
        cron("0 30 2 * * 1", "Europe/Paris", seconds_position="first", day_match="all",
             gap="skip", fold="both", jitter_seconds=1.5, max_executions=7,
             starts_at="2030-01-01T00:00:30Z", ends_at="2031-10-26T00:30:15Z"),
        {**every(90), "spread_seconds": 45},
        {"kind": "once", "at": "2030-10-27T00:30:00Z", "timezone": "Europe/Paris"},
        {"kind": "event", "event": "@deployment"},
    ],
    "description": "\nOne line,\n\nand another ",
    "category": "reports",
    "owner": "data team",
    "external_id": "ext-7",
    "tags": ["paris", "data"],
    "environment": {"CITY": "Paris\n\nLondon\n", "EMPTY": "", "BLANK": "  x "},
    "working_dir": "reports",
    "queue": "slow",
    "mutex": "database",
    "requires": ["gpu", "region=eu"],
    "priority": -7,
    "timeout_seconds": 90.0625,
    "soft_timeout_seconds": 60.5,
    "grace_seconds": 2.5,
    "output_limit_bytes": 12_345,
    "overlap": "allow",
    "max_parallel": 3,
    "misfire": "fire_all",
    "misfire_grace_seconds": 61.25,
    "misfire_limit": 9,
    "retry": {
        "max_attempts": 4,
        "kind": "exponential",
        "base_seconds": 0.001,
        "cap_seconds": 7200,
        "jitter_seconds": 3,
        "lost": True,
        "on": ["exit_code", "timeout"],
        "on_exit_codes": [1, 75],
    },
    "auto_disable_after": 6,
    "breaker": {"threshold": 3, "window_seconds": 90, "open_seconds": 0.5, "half_open_probes": 2},
    "run_on_create": True,
    "calendars": ["Quiet", "Shut"],
    "workspace": "room",
    "alert_channel": "oncall",
    "depends_on": [{"job": "upstream", "on": "failure"}],
    "parameters": [{"name": "day", "type": "choice", "default": "monday", "choices": ["monday", "friday"]}],
}  # fmt: skip


def make_full(name: str = "original", **fields: Any) -> Job:
    for calendar in ("Quiet", "Shut"):
        make_calendar(name=calendar)
    make_job(name="upstream")
    make_channel(name="oncall")
    workspaces.create(WorkspaceDefinition(name="room"), actor=SYSTEM)
    return make_job(name=name, **{**EVERY, **fields})


def edit(client: Client, job: Job, **changes: str) -> Any:
    path = reverse("job_edit", args=[job.pk])
    html = client.get(path).content.decode()
    return client.post(path, sent(html, "job-form", **{"do": "save", **changes}))


def copy(client: Client, job: Job, name: str) -> Job:
    html = client.get(reverse("job_new"), {"copy": job.pk}).content.decode()
    answer = client.post(reverse("job_new"), sent(html, "job-form", name=name, do="save"))
    assert answer.status_code == 303, answer.content.decode()
    return Job.objects.get(name=name)


def differing(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    return {
        name: (before.get(name), after.get(name))
        for name in {*before, *after}
        if before.get(name) != after.get(name)
    }


def test_the_job_that_uses_every_field_does() -> None:
    definition = definition_of(make_full())
    plain = parse_definition({"name": "plain", "type": "script", "spec": {"script": "x"}})
    untouched = plain.model_dump(mode="json")

    used = {name for name in definition if definition[name] != untouched[name]}
    retry = {n for n, v in definition["retry"].items() if v != untouched["retry"][n]}
    rows = definition["schedules"]
    usual = parse_definition({**EVERY, "name": "x", "schedules": [every(60)]}).model_dump(
        mode="json"
    )["schedules"][0]
    scheduled = {n for n in usual if any(row[n] != usual[n] for row in rows)}

    assert set(JobDefinition.model_fields) - used == {"type"}
    assert set(untouched["retry"]) - retry == set()
    assert set(usual) - scheduled == set()


@pytest.mark.parametrize("fields", [{}, {"breaker": "db"}, {"breaker": None}])
def test_saving_the_unchanged_form_changes_nothing(
    fields: dict[str, Any], editor_client: Client
) -> None:
    make_breaker("db")
    job = make_full(**fields)
    before = definition_of(job)

    answer = edit(editor_client, job)

    job = Job.objects.get(pk=job.pk)
    assert answer.status_code == 303, answer.content.decode()
    assert differing(before, definition_of(job)) == {}
    assert job.version == 1


def test_a_change_changes_that_field_alone(editor_client: Client) -> None:
    job = make_full()
    before = definition_of(job)

    edit(editor_client, job, owner="somebody else")

    after = definition_of(Job.objects.get(pk=job.pk))
    assert differing(before, after) == {"owner": ("data team", "somebody else")}


@pytest.mark.parametrize("fields", [{}, {"breaker": "db"}])
def test_a_copy_differs_in_its_name_alone(fields: dict[str, Any], editor_client: Client) -> None:
    make_breaker("db")
    job = make_full(**fields)

    made = copy(editor_client, job, "copied")

    assert differing(definition_of(job), definition_of(made)) == {"name": ("original", "copied")}
    # A breaker of its own is its own again: the copy's failures are not the original's.
    assert (made.breaker_id == job.breaker_id) == bool(fields)


def test_line_ends_that_nobody_changed_stay(editor_client: Client) -> None:
    job = make_job(environment={"LIST": "a\r\nb"}, description="c\r\nd")
    before = definition_of(job)

    edit(editor_client, job)
    made = copy(editor_client, job, "copied")

    assert definition_of(Job.objects.get(pk=job.pk)) == before
    assert definition_of(made)["environment"] == {"LIST": "a\r\nb"}


@pytest.mark.long
def test_as_many_variables_as_a_form_can_hold(editor_client: Client) -> None:
    job = make_job(environment={f"V{n}": str(n) for n in range(400)})
    many = make_job(environment={f"V{n}": str(n) for n in range(1000)})

    answer = edit(editor_client, job, owner="me")
    refused = editor_client.get(reverse("job_edit", args=[many.pk]))

    assert answer.status_code == 303
    assert len(definition_of(Job.objects.get(pk=job.pk))["environment"]) == 400
    assert refused.status_code == 409
    assert "more than 999 environment variables" in refused.content.decode()


@pytest.mark.long
def test_conditions_of_retries_are_refused_at_their_fields(editor_client: Client) -> None:
    job = make_full()

    codes = edit(editor_client, job, retry_on_exit_codes="1, 300").content.decode()
    words = edit(editor_client, job, retry_on_exit_codes="1, many").content.decode()
    name = edit(editor_client, job, breaker_kind="shared", breaker_name="a b").content.decode()
    empty = edit(editor_client, job, breaker_kind="shared", breaker_name="").content.decode()

    assert 'href="#id_retry_on_exit_codes"' in codes
    assert "300" in codes
    assert 'href="#id_retry_on_exit_codes"' in words
    assert 'href="#id_breaker_name"' in name
    assert 'href="#id_breaker_name"' in empty


def test_a_breaker_is_chosen_shared_and_taken_away(editor_client: Client) -> None:
    job = make_full()
    shared = make_breaker("db", threshold=9)

    edit(editor_client, job, breaker_kind="shared", breaker_name="DB", breaker_threshold="2")
    as_shared = definition_of(Job.objects.get(pk=job.pk))["breaker"]
    edit(editor_client, job, breaker_kind="shared", breaker_name="new", breaker_threshold="2",
         version="2")  # fmt: skip
    as_new = Job.objects.get(pk=job.pk).breaker
    edit(editor_client, job, breaker_kind="", version="3")

    assert as_shared == "db"
    assert (shared.threshold, as_new.threshold) == (9, 2)  # type: ignore[union-attr]
    assert definition_of(Job.objects.get(pk=job.pk))["breaker"] is None


SECONDS = st.decimals("0.001", "1000000", places=3).map(float)
LINE = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], include_characters=" \t"), max_size=30
)
LINES = st.lists(LINE, max_size=4).map("\n".join)
DEFINITIONS = st.fixed_dictionaries(
    {},
    optional={
        "description": LINES,
        "environment": st.dictionaries(
            st.from_regex(r"[A-Z_][A-Z0-9_]{0,9}", fullmatch=True),
            LINES.filter(lambda text: "{{" not in text),
            max_size=3,
        ),
        "timeout_seconds": st.none() | SECONDS,
        "priority": st.integers(-100, 100),
        "misfire_limit": st.integers(1, 100),
        "retry": st.fixed_dictionaries(
            {},
            optional={
                "max_attempts": st.integers(1, 100),
                "base_seconds": SECONDS,
                "cap_seconds": SECONDS,
                "lost": st.booleans(),
                "on": st.none() | st.lists(st.sampled_from(list(RetryCause)), min_size=1),
            },
        ),
        "breaker": st.none()
        | st.fixed_dictionaries(
            {"threshold": st.integers(1, 1000), "window_seconds": SECONDS, "open_seconds": SECONDS}
        ),
        "schedules": st.lists(
            st.builds(
                every,
                SECONDS.map(lambda s: round(1 + s, 3)),
                st.sampled_from(["start", "completion"]),
            ),
            max_size=3,
        ),
    },
)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(fields=DEFINITIONS)
@pytest.mark.long
def test_any_definition_comes_back_as_it_was(fields: dict[str, Any], editor_client: Client) -> None:
    job = make_job(**fields)
    before = definition_of(job)

    edit(editor_client, job)

    assert differing(before, definition_of(Job.objects.get(pk=job.pk))) == {}
