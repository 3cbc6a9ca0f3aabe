"""Jobs of what another scheduler runs: recognised, judged, made paused, taken back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.utils import timezone

from jobs.domain.errors import ForbiddenError, InvalidError
from jobs.domain.permissions import SYSTEM, Actor, Role
from jobs.importers.candidates import Kind, recognised
from jobs.models import Job
from jobs.services import access, imports, people, workspaces
from jobs.services import jobs as job_services
from jobs.services.import_requests import MOST, parse_apply, parse_import
from jobs.services.imports import Deed, Preview
from jobs.services.stored_definitions import definition_of
from jobs.services.workspaces import parse_workspace
from tests.factories import make_calendar, make_job, make_user

pytestmark = pytest.mark.django_db

CRONTAB = """MAILTO=ops@example.org
# Nightly copy
10 2 * * * /opt/copy.sh --all
@reboot /opt/start.sh
61 * * * * date
@often x
"""
SYSTEM_CRONTAB = """SHELL=/bin/sh
17 * * * * root cd / && run-parts --report /etc/cron.hourly
25 6 * * * www-data /opt/sweep
"""
NATIVE = """jobs:
  - name: load
    type: command
    spec: {command: echo load}
    schedules: [{kind: cron, expression: "0 2 * * *", timezone: Europe/Paris}]
    depends_on: [fetch, outside]
  - name: fetch
    type: command
    spec: {command: echo fetch}
    paused: true
  - name: broken
    type: command
    spec: {command: echo}
    schedules:
      - kind: cron
        expression: "99 * * * *"
  - name: Fetch
    type: command
    spec: {command: echo again}
"""
ROOM = {
    "name": "shop",
    "template": "shop",
    "deploy_schedule": "0 8 * * *",
    "jobs": [
        {"name": "backup", "type": "script", "script": "echo one\necho two", "schedule": "0 1 * * *",
         "enabled": False, "colour": "red"},
        {"name": "report", "type": "command", "command": "echo", "schedule": ["0 2 * * *"],
         "depends_on": ["backup"]},
        {"name": "wrong", "type": "perl", "schedule": "0 1 * * *"},
    ],
}  # fmt: skip
EVENT = {
    "id": "e1", "title": "DB Reindex!", "enabled": 0, "plugin": "shellplug", "category": "general",
    "params": {"script": "#!/bin/sh\necho reindex", "annotate": 0}, "target": "db1.example.org",
    "timing": {"years": [2030], "days": [1, 15], "weekdays": [1, 2], "hours": [21],
               "minutes": [20, 40]},
    "timezone": "America/New_York", "timeout": 600, "retries": 2, "retry_delay": 30,
    "catch_up": 1, "max_children": 3, "chain": "e2", "notes": "Keeps it fast",
}  # fmt: skip
ASK = {
    "id": "e2", "title": "Ask", "enabled": 1, "plugin": "urlplug", "target": "allgrp", "queue": 1,
    "timing": {"minutes": list(range(60))}, "timeout": 0,
    "params": {"method": "POST", "url": "https://example.org/in", "data": "a=1", "follow": 1,
               "headers": "X-Key: 7\nUser-Agent: Cronicle/1.0"},
}  # fmt: skip
OWN_PLUGIN = {"id": "e3", "title": "Odd", "plugin": "pabc", "params": {}, "timing": False}
EXPORT = "\n".join(
    [
        "# Cronicle Data Export v1.0",
        "# Format: KEY - JSON",
        "",
        'global/users - {"page_size":100}',
        'global/schedule - {"page_size":50,"first_page":0,"last_page":0,"length":3,"type":"list"}',
        f"global/schedule/0 - {json.dumps({'type': 'list_page', 'items': [EVENT, OWN_PLUGIN]})}",
    ]
)
REGISTRATION = {
    "jobId": "register-1", "jobType": "registerCspResources", "nsId": "prod", "enabled": False,
    "connectionName": "aws-1", "mciNamePrefix": "web", "intervalSeconds": 7200,
    "executionTimeout": 900, "autoDisabled": True, "status": "Scheduled", "mciFlag": "n",
}  # fmt: skip


def look(text: str, actor: Actor = SYSTEM, **asked: object) -> Preview:
    return imports.preview(parse_import({"text": text, **asked}), actor=actor, now=timezone.now())


def make(text: str, actor: Actor = SYSTEM, **asked: object) -> list[Job]:
    return imports.make(parse_apply({"text": text, **asked}), actor=actor, now=timezone.now())


def notes(found: Preview, number: int) -> str:
    return " ".join(str(note) for note in found.items[number - 1].notes)


@pytest.mark.parametrize(
    ("text", "source", "kind"),
    [
        (CRONTAB, "", Kind.CRONTAB),
        ("@daily root /opt/x\n", "", Kind.SYSTEM_CRONTAB),
        ("0 5 * * * backup --all\n", "", Kind.CRONTAB),
        ("# m h dom mon dow user command\n0 5 * * * www-data /x\n", "", Kind.SYSTEM_CRONTAB),
        ("0 5 * * * ada /x\n", "crontab", Kind.SYSTEM_CRONTAB),
        ("MAILTO=x\n", "", Kind.CRONTAB),
        (SYSTEM_CRONTAB, "", Kind.SYSTEM_CRONTAB),
        (NATIVE, "", Kind.JOBS),
        ("0 5 * * * x", "jobs.yaml", Kind.JOBS),
        (json.dumps(ROOM), "config.json", Kind.JOBS),
        ('{"cut": ', "", Kind.JOBS),
        (EXPORT, "", Kind.CRONICLE),
        (json.dumps({"code": 0, "rows": [EVENT]}), "", Kind.CRONICLE),
        (json.dumps({"jobs": [REGISTRATION]}), "", Kind.TUMBLEBUG),
        ("just words", "", Kind.JOBS),
    ],
)  # fmt: skip
def test_what_a_text_is_can_be_told_from_it(text: str, source: str, kind: Kind) -> None:
    assert recognised(text, source) == kind


def test_a_crontab_is_explained_and_made_paused_once() -> None:
    found = look(CRONTAB, timezone="Europe/Paris", prefix="old-", tag="moved")

    assert [(one.line, one.name, one.deed) for one in found.items] == [
        (3, "old-copy.sh", Deed.CREATE),
        (4, "old-start.sh", Deed.CREATE),
        (5, "old-date", Deed.REFUSED),
        (6, "", Deed.REFUSED),
    ]
    first = found.items[0]
    assert (first.type, first.runs) == ("command", "/opt/copy.sh --all")
    assert first.next_at is not None
    assert first.next_at > timezone.now()
    assert "No mail is sent" in notes(found, 1)
    assert "Jobdeck's own directory" in notes(found, 1)
    assert "own directory" not in notes(look(CRONTAB, home="/home/ada"), 1)
    assert "61" in found.items[2].reason
    assert "@often is no nickname" in found.items[3].reason
    assert not Job.objects.exists()

    with pytest.raises(InvalidError, match=r"Nothing was made. old-date \(line 5\)"):
        make(CRONTAB, prefix="old-", chosen=[1, 3])
    with pytest.raises(InvalidError, match="no job number 5"):
        make(CRONTAB, chosen=[5])
    assert not Job.objects.exists()

    made = make(CRONTAB, timezone="Europe/Paris", prefix="old-", tag="moved")

    assert [(job.name, job.state, job.tags) for job in made] == [
        ("old-copy.sh", "paused", ["moved"]),
        ("old-start.sh", "paused", ["moved"]),
    ]
    assert made[0].next_fire_at is None
    assert made[0].schedules.get().timezone == "Europe/Paris"
    again = look(CRONTAB, prefix="OLD-")
    assert [one.deed for one in again.items[:2]] == [Deed.EXISTS, Deed.EXISTS]
    assert "exists already" in again.items[0].reason
    with pytest.raises(InvalidError, match="No job is chosen"):
        make(CRONTAB, prefix="old-")


def test_jobs_of_a_file_wait_for_each_other_and_keep_their_lines() -> None:
    make_job(name="outside")

    found = look(NATIVE, prefix="x-")

    assert [(one.line, one.name, one.deed) for one in found.items] == [
        (2, "x-load", Deed.CREATE),
        (7, "x-fetch", Deed.CREATE),
        (16, "x-broken", Deed.REFUSED),
        (17, "x-Fetch", Deed.REFUSED),
    ]
    assert found.items[3].reason == "The job is also at line 7."
    assert "disabled there" in notes(found, 2)
    # Without the one that it waits for it cannot be made, and then nothing is.
    with pytest.raises(InvalidError, match=r"x-load \(line 2\).*x-fetch"):
        make(NATIVE, prefix="x-", chosen=[1])

    load, fetch = make(NATIVE, prefix="x-")

    assert (load.name, fetch.name, load.pk > fetch.pk) == ("x-load", "x-fetch", True)
    assert [one["job"] for one in definition_of(load)["depends_on"]] == ["outside", "x-fetch"]
    gone = look(NATIVE.replace("outside", "nowhere"))
    assert (gone.items[0].deed, gone.items[0].line) == (Deed.REFUSED, 6)
    assert "nowhere" in gone.items[0].reason
    lost = look("name: a\ntype: command\nspec: {command: x}\ncalendars: [none]\n")
    assert lost.items[0].deed == Deed.REFUSED
    make_calendar(name="none")
    kept = look("name: a\ntype: command\nspec: {command: x}\ncalendars: [none]\n")
    assert kept.items[0].deed == Deed.CREATE


def test_a_config_of_a_workspace_gives_its_jobs() -> None:
    text = json.dumps(ROOM, indent=1)

    found = look(text, timezone="Asia/Jakarta")
    assert [one.deed for one in found.items] == [Deed.REFUSED] * 3
    assert "Workspace 'shop' does not exist" in found.items[0].reason
    workspaces.create(parse_workspace({"name": "shop"}), actor=SYSTEM)
    found = look(text, timezone="Asia/Jakarta")

    assert [one.deed for one in found.items] == [Deed.CREATE, Deed.CREATE, Deed.REFUSED]
    assert "invalid job type: perl" in found.items[2].reason
    for part in ("disabled there", "field colour is not known", "template, deploy_schedule belong"):
        assert part in notes(found, 1)
    backup, report = make(text, timezone="Asia/Jakarta")
    assert backup.workspace is not None
    assert (backup.workspace.name, backup.timeout_seconds) == ("shop", 1800)
    assert report.schedules.get().timezone == "Asia/Jakarta"
    named = look(
        '{"type": "command", "command": "x", "schedule": "0 1 * * *"}', source="sweep.json"
    )
    assert (named.items[0].name, named.items[0].deed) == ("sweep", Deed.CREATE)


def test_the_schedule_of_cronicle_is_read() -> None:
    found = look(EXPORT)

    assert found.kind == Kind.CRONICLE
    assert [(one.line, one.deed) for one in found.items] == [
        (6, Deed.CREATE),
        (6, Deed.REFUSED),
    ]
    assert "plugin 'pabc'" in found.items[1].reason
    for part in ("disabled there", "2030", "db1.example.org", "(e2)", "caught up"):
        assert part in notes(found, 1)
    (job,) = make(EXPORT)
    stored = definition_of(job)
    assert (job.name, job.type, stored["spec"]["script"]) == (
        "DB-Reindex", "script", "#!/bin/sh\necho reindex",
    )  # fmt: skip
    schedule = stored["schedules"][0]
    assert (schedule["expression"], schedule["day_match"]) == ("20,40 21 1,15 * 1,2", "all")
    assert schedule["timezone"] == "America/New_York"
    assert (stored["retry"]["max_attempts"], stored["retry"]["base_seconds"]) == (3, 30)
    assert (job.timeout_seconds, job.misfire, job.overlap, job.max_parallel) == (
        600, "fire_all", "allow", 3,
    )  # fmt: skip

    (asks,) = make(json.dumps({"code": 0, "rows": [ASK]}), timezone="Asia/Jakarta")
    spec = definition_of(asks)["spec"]
    assert (spec["url"], spec["method"], spec["body"]) == ("https://example.org/in", "POST", "a=1")
    assert spec["headers"] == {"X-Key": "7", "User-Agent": "Cronicle/1.0"}
    assert (asks.overlap, asks.timeout_seconds) == ("queue", None)
    assert asks.schedules.get().expression == "* * * * *"
    assert asks.schedules.get().timezone == "Asia/Jakarta"


def test_the_jobs_of_cb_tumblebug_are_read() -> None:
    other = {**REGISTRATION, "jobId": "two", "jobType": "other"}
    text = json.dumps({"jobs": [REGISTRATION, other]})

    found = look(text)

    assert [one.deed for one in found.items] == [Deed.CREATE, Deed.REFUSED]
    assert "failed too often there" in notes(found, 1)
    (job,) = make(text)
    assert (job.name, job.type, job.auto_disable_after) == ("register-1", "registerCspResources", 5)
    assert (job.spec["ns_id"], job.spec["mci_name_prefix"], job.spec["mci_flag"]) == (
        "prod", "web", "n",
    )  # fmt: skip
    assert (job.schedules.get().seconds, job.timeout_seconds) == (7200, 900)
    # Called otherwise, it would register the same twice.
    same = look(text, prefix="x-")
    assert same.items[0].deed == Deed.EXISTS
    assert "same configuration" in same.items[0].reason


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"text": ""}, "text"),
        ({"text": "x" * 500_001}, "500000 or fewer"),
        ({"text": "ä" * 250_001}, "500000 or fewer"),
        ({"text": "x", "kind": "excel"}, "crontab"),
        ({"text": "x", "timezone": "Mars"}, "Mars"),
        ({"text": "x", "tag": "?"}, "Tag '\\?'"),
        ({"text": "# nothing\n", "kind": "crontab"}, "holds no job"),
        ({"text": "0 1 * * * x\n" * (MOST + 1)}, f"{MOST} or fewer at a time"),
        ({"text": "x", "other": 1}, "other"),
    ],
)
def test_what_is_no_import_is_refused_in_words(asked: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidError, match=said):
        imports.preview(parse_import(asked), actor=SYSTEM, now=timezone.now())


@pytest.mark.parametrize(
    "text", ["just words", '{"cut": ', "a: [", '{"a": 1}', "- 1\n- {}\n", "[]"]
)
def test_a_text_that_is_nothing_tells_why(text: str) -> None:
    try:
        found = look(text)
    except InvalidError as error:
        assert "holds no job" in error.message or "empty" in error.message  # noqa: PT017
        return
    assert found.items
    assert all(one.deed == Deed.REFUSED and one.reason for one in found.items)


def test_who_edits_some_jobs_imports_them_where_they_may() -> None:
    lena = make_user("lena")
    access.grant(lena, Role.EDITOR, tag="mine", actor=SYSTEM)
    limited = people.actor_of(lena)
    viewer = people.actor_of(make_user("vera", Role.VIEWER))

    refused = look(CRONTAB, limited)
    allowed = look(CRONTAB, limited, tag="mine")

    assert [one.deed for one in refused.items[:2]] == [Deed.REFUSED, Deed.REFUSED]
    assert "Keep it in a workspace, or give it a tag" in refused.items[0].reason
    assert [one.deed for one in allowed.items[:2]] == [Deed.CREATE, Deed.CREATE]
    assert len(make(CRONTAB, limited, tag="mine")) == 2
    with pytest.raises(ForbiddenError):
        look(CRONTAB, viewer)
    with pytest.raises(ForbiddenError):
        make(CRONTAB, viewer)
    with pytest.raises(ForbiddenError):
        imports.undo({1: 1}, actor=viewer)


def test_undo_deletes_what_nobody_has_touched() -> None:
    made = make("0 1 * * * one\n0 1 * * * two\n0 1 * * * three\n0 1 * * * four\n")
    job_services.update(made[1].pk, {"description": "mine now"}, actor=SYSTEM)
    Job.objects.filter(pk=made[2].pk).update(execution_count=1)
    job_services.resume(made[3].pk, actor=SYSTEM)

    outcomes = imports.undo({job.pk: job.version for job in made}, actor=SYSTEM)

    assert [one.error is None for one in outcomes] == [True, False, False, False]
    assert "it stays" in str(outcomes[1].error)
    assert set(Job.objects.present()) == set(made[1:])
    assert imports.undo({made[0].pk: 1, 10**6: 1}, actor=SYSTEM)[1].error is not None


def test_a_file_that_merges_is_read_and_a_wrong_list_of_waits_is_refused_with_a_prefix_too() -> (
    None
):
    merged = "<<: {jobs: [{name: a}, {name: b}]}\nname: shop\njobs: [{name: mine}]\n"
    wrong = "name: a\ntype: command\nspec: {command: echo}\ndepends_on: other\n"

    found = imports.preview(parse_import({"text": merged}), actor=SYSTEM, now=timezone.now())
    refused = imports.preview(
        parse_import({"text": wrong, "prefix": "x-"}), actor=SYSTEM, now=timezone.now()
    )

    assert [one.name for one in found.items] == ["mine"]
    assert (refused.items[0].deed, "depends_on" in refused.items[0].reason) == (Deed.REFUSED, True)
