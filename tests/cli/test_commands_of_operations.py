"""Commands for what the newer operations do, and one that calls any of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jobs.models import Alert, CheckIn, Job, Token
from tests.cli.conftest import Jobctl
from tests.factories import cron, make_alert, make_channel, make_job, make_rule

pytestmark = pytest.mark.django_db
RULE = {"name": "slow", "metric": "run_seconds", "threshold": 60, "count": 3}


def test_alerts_are_listed_acknowledged_muted_and_ended(jobctl: Jobctl) -> None:
    first, second = make_alert(title="The disk is full"), make_alert(title="Stuck")

    listed = jobctl("alerts")
    acknowledged = jobctl("alerts", "ack", str(first.pk), str(second.pk), "--note", "on it")
    again = jobctl("alerts", "ack", str(first.pk))
    muted = jobctl("alerts", "mute", str(first.pk), "--for", "60", "--json")
    ended = jobctl("alerts", "resolve", str(first.pk), str(second.pk))

    assert {"The disk is full", "Stuck"} <= {line.split("  ")[-1].strip() for line in listed.lines}
    assert (
        acknowledged.out == f"Alert {first.pk} is acknowledged\nAlert {second.pk} is acknowledged\n"
    )
    assert (again.code, "acknowledged already" in again.err) == (1, True)
    assert muted.json["items"] == [
        {"alert_id": first.pk, "status": 200, "code": "done", "detail": ""}
    ]
    assert (ended.code, jobctl("alerts", "list").out) == (0, "Nothing is wrong\n")
    assert set(Alert.objects.values_list("note", flat=True)) == {"on it"}


def test_check_ins_are_made_paused_and_deleted_by_name(jobctl: Jobctl) -> None:
    made = jobctl("check-ins", "create", "backup", "--every", "15m", "--grace", "5m")
    paused = jobctl("check-ins", "pause", "backup")
    listed = jobctl("check-ins")
    jobctl("check-ins", "resume", "backup")
    rotated = jobctl("check-ins", "rotate-key", "backup")
    jobctl("check-ins", "delete", "backup")

    assert "/ping/" in made.out
    assert (paused.out, listed.lines[1].split()[1:3]) == (
        "Check-in backup is paused\n",
        ["paused", "backup"],
    )
    assert rotated.out.split("/ping/")[1] != made.out.split("/ping/")[1]
    assert not CheckIn.objects.exists()
    assert "check-in 'backup' not found" in jobctl("check-ins", "show", "backup").err


def test_rules_are_tried_made_changed_and_deleted(jobctl: Jobctl, tmp_path: Path) -> None:
    file = tmp_path / "rule.json"
    file.write_text(json.dumps(RULE))

    tried = jobctl("rules", "try", str(file))
    made = jobctl("rules", "create", str(file), "--json").json
    file.write_text('{"enabled": false}')
    jobctl("rules", "edit", str(made["id"]), str(file))
    jobctl("rules", "set", "disk", "--off")
    listed = jobctl("rules")
    jobctl("rules", "delete", str(made["id"]))

    assert tried.out.startswith("It would have opened 0 alerts since ")
    rows = {line.split()[1]: line.split()[2] for line in listed.lines[1:]}
    assert (rows["slow"], rows["disk"]) == ("no", "no")
    assert "run_seconds above 60, 3 in a row, of all jobs" in listed.out
    assert "slow" not in jobctl("rules", "list").out.split()


def test_channels_are_listed_and_deleted(jobctl: Jobctl) -> None:
    channel = make_channel(name="ops")
    make_rule(name="mine")

    listed = jobctl("channels")
    jobctl("channels", "delete", str(channel.pk))

    assert listed.lines[1].split()[:2] == [str(channel.pk), "ops"]
    assert jobctl("channels").out == "No channel\n"


def test_many_jobs_are_changed_and_the_change_is_taken_back(jobctl: Jobctl) -> None:
    for name in ("first", "second"):
        make_job(name=name, tags=["nightly"], schedules=[cron("0 2 * * *")])
    edit = ("--tag", "nightly", "--add-tag", "late", "--shift", "30")

    shown = jobctl("change", *edit, "--dry-run")
    made = jobctl("change", *edit, "--yes")
    jobs = [jobctl("list", name).json for name in ("first", "second")]
    undone = jobctl("change", *made.lines[-1].split()[5:])

    assert "    schedules: 0 2 * * * -> 30 2 * * *" in shown.lines
    assert made.lines[-2] == "2 changed, 0 refused"
    assert [one["tags"] for one in jobs] == [["late", "nightly"]] * 2
    assert undone.out == "2 changed, 0 refused\n"
    assert jobctl("list", "first").json["tags"] == ["nightly"]
    assert set(Job.objects.values_list("version", flat=True)) == {3}


def test_figures_settings_and_people_are_shown(jobctl: Jobctl) -> None:
    make_job(name="first")

    assert "Success rate: - (before: -)" in jobctl("stats", "first").lines
    assert jobctl("stats", "--window", "30d", "--json").json["window"] == "30d"
    assert jobctl("health").lines[0].startswith("All in all: ")
    assert jobctl("selfcheck", "--json").json["items"][0]["part"] == "version"
    assert jobctl("settings").lines[0].split() == ["NAME", "SOURCE", "VALUE", "RISKS"]
    assert jobctl("retention").out.startswith("It would remove: 0 completed, 0 failed")
    assert jobctl("retention", "--run").out.startswith("Removed: 0 completed")
    assert "first" in jobctl("audit", "--action", "job", "--json").out or jobctl("audit").code == 0
    assert jobctl("search", "first").json is not None
    # Who works on the host is nobody of the installation.
    assert "is no person of this installation" in jobctl("preferences", "theme=dark").err
    assert jobctl("users").code == 0


def test_a_token_is_made_shown_once_and_revoked(jobctl: Jobctl, django_user_model: type) -> None:
    django_user_model.objects.create_user("olga")  # type: ignore[attr-defined]

    made = jobctl("tokens", "create", "deploy", "--user", "olga", "--role", "viewer", "--json").json
    jobctl("tokens", "revoke", str(made["id"]))

    assert len(made["value"]) > 20
    assert made["value"] not in jobctl("tokens", "list").out
    assert Token.objects.get().revoked_at is not None


def test_any_operation_can_be_called(jobctl: Jobctl, tmp_path: Path) -> None:
    job = make_job(name="first")
    body = tmp_path / "body.json"
    body.write_text('{"description": "new"}')

    read = jobctl("api", "GET", f"/jobs/{job.pk}?fields=id,name")
    changed = jobctl("api", "patch", f"/jobs/{job.pk}", "-d", f"@{body}", "-H", 'If-Match:"1"')
    stale = jobctl("api", "PATCH", f"/jobs/{job.pk}", "-d", "{}", "-H", "If-Match:1")

    assert read.out == f'{{"id":{job.pk},"name":"first"}}\n'
    assert changed.json["description"] == "new"
    assert (stale.code, stale.out) == (1, "")
    assert "is no path" in jobctl("api", "GET", "jobs").err
