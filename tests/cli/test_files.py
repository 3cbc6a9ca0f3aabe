"""`jobctl validate`, `diff`, `apply`, `export`, `create` with files; `import crontab`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jobs.domain.errors import InvalidError
from jobs.importers.jobfiles import Broken, Entry, read
from jobs.importers.positions import composed
from jobs.models import Job
from jobs.services.stored_definitions import definition_of
from tests.cli.conftest import Jobctl
from tests.factories import cron, definition, make_job

YAML = """\
jobs:
  - name: first
    type: command
    spec: {command: "true"}
    schedules:
      - {kind: cron, expression: "0 5 * * *"}
    retry: {max_attempts: 3, on: [exit_code]}
  - name: wrong
    type: command
    spec: {command: "true"}
    schedules:
      - kind: cron
        expression: "61 * * * *"
  - name: last
    type: command
    spec: {command: "true"}
    depends_on: [{job: later, on: done}]
  - name: later
    type: command
    spec: {command: "true"}
    working_dir: 010
"""


@pytest.mark.django_db
def test_apply_tells_file_and_line_of_the_broken_and_makes_the_rest(
    jobctl: Jobctl, tmp_path: Path
) -> None:
    (tmp_path / "a.yaml").write_text(YAML)
    (tmp_path / "b.json").write_text('{"name": "x",\n"type": }')
    (tmp_path / "notes.txt").write_text("no job file")

    judged = jobctl("validate", str(tmp_path))
    assert (judged.code, judged.out) == (1, "3 valid, 2 broken\n")
    assert not Job.objects.exists()

    ended = jobctl("apply", str(tmp_path))

    assert ended.code == 1
    assert f"{tmp_path}/a.yaml:13: wrong: schedules.0.expression: " in ended.err
    assert f"{tmp_path}/b.json: This is not JSON: Expecting value at line 2 column 9." in ended.err
    assert ended.lines[-1] == "3 created, 0 changed, 0 unchanged, 0 deleted, 2 broken"
    assert set(Job.objects.values_list("name", flat=True)) == {"first", "last", "later"}
    assert definition_of(Job.objects.get(name="first"))["retry"]["on"] == ["exit_code"]
    assert Job.objects.get(name="later").working_dir == "010"


@pytest.mark.django_db
@pytest.mark.parametrize("form", ["--json", "--yaml"])
def test_what_is_exported_changes_nothing_when_applied(
    jobctl: Jobctl, tmp_path: Path, form: str
) -> None:
    """S0-125."""
    make_job(name="up", schedules=[cron("*/5 * * * *")], environment={"A": "on", "B": "1e5"})
    make_job(
        name="down", paused=True, depends_on=["up"], retry={"on": ["exit_code"]}, tags=["no", "10"]
    )
    file = tmp_path / f"jobs.{form[2:]}"
    before = list(Job.objects.values_list("name", "version"))

    written = jobctl("export", form, "-o", str(file))
    ended = jobctl("apply", str(file), "--prune")

    assert (written.code, ended.code, ended.err) == (0, 0, "")
    assert ended.out == "0 created, 0 changed, 2 unchanged, 0 deleted, 0 broken\n"
    assert list(Job.objects.values_list("name", "version")) == before
    assert jobctl("diff", str(file)).code == 0

    assert jobctl("delete", "down", "--yes").code == 0
    again = jobctl("apply", str(file), "--json").json
    assert (again["create"], again["keep"]) == (1, 1)
    assert Job.objects.get(name="down", deleted_at=None).state == "paused"


@pytest.mark.django_db
def test_apply_changes_only_what_differs_and_prunes_on_request(
    jobctl: Jobctl, tmp_path: Path
) -> None:
    kept = make_job(name="kept", timeout_seconds=60)
    make_job(name="other")
    file = tmp_path / "jobs.json"
    file.write_text(json.dumps([definition(name="KEPT", timeout_seconds="2m")]))

    shown = jobctl("diff", str(file))
    planned = jobctl("apply", str(file), "--dry-run")
    assert (shown.code, planned.code) == (1, 0)
    assert shown.lines[:2] == ["~ KEPT", "    timeout_seconds: 60.0 -> 120.0"]
    assert planned.lines[-1].startswith("0 to be created, 1 to be changed")
    kept.refresh_from_db()
    assert (kept.timeout_seconds, kept.version) == (60, 1)

    assert jobctl("apply", str(file)).code == 0
    kept.refresh_from_db()
    assert (kept.name, kept.timeout_seconds, kept.version) == ("kept", 120, 2)
    assert Job.objects.present().count() == 2

    assert "- other" in jobctl("apply", str(file), "--prune").lines
    assert list(Job.objects.present().values_list("name", flat=True)) == ["kept"]

    file.write_text(json.dumps([definition(name="new"), {"name": "x"}]))
    refused = jobctl("apply", str(file), "--prune")
    assert refused.code == 1
    assert "Nothing is deleted while a definition is broken" in refused.err
    assert Job.objects.present().count() == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: &a [x]\nb: *a\nname: &r {r: *r}", "itself"),
        ("\n".join(["a0: &a0 [x,x,x,x,x,x,x,x,x]"]
                   + [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]), "values"),
        ("[" * 60 + "]" * 60 + "x", "levels"),
        ("name: x\nname: y", "twice"),
        ("name: !!python/object/apply:os.system [id]", "could not determine a constructor"),
        ("name: [x", "line 1"),
        ("", "empty"),
    ],
)  # fmt: skip
def test_a_hostile_yaml_file_is_refused_in_words(text: str, words: str) -> None:
    found = list(read(text.encode(), "jobs.yaml"))

    assert len(found) == 1
    assert isinstance(found[0], Broken)
    assert words in found[0].reason


def test_yaml_means_what_it_says() -> None:
    (entry,) = read(b"on: off\nat: 2026-01-31\nt: 12:30\nn: 010\ni: 10\nf: 1.5\nx: ~\nb: true", "-")

    assert isinstance(entry, Entry)
    assert entry.value == {
        "on": "off", "at": "2026-01-31", "t": "12:30", "n": "010", "i": 10, "f": 1.5, "x": None,
        "b": True,
    }  # fmt: skip
    assert entry.place("t") == "-:3"
    with pytest.raises(InvalidError, match="twice"):
        list(composed("{a: 1, a: 2}"))


CRONTAB = """\
# m h dom mon dow command
MAILTO=ops@example.org
PATH = "/usr/local/bin:/usr/bin:/bin"
# Nightly copy
0 2 * * *  /opt/copy.sh --all > /dev/null 2>&1
CRON_TZ=Asia/Jakarta
@Daily mail -s "100\\% done" root%Dear root,%it is done.
@reboot /opt/copy.sh
61 * * * * date
"""


@pytest.mark.django_db
def test_a_crontab_is_explained_proposed_and_applied(jobctl: Jobctl, tmp_path: Path) -> None:
    file = tmp_path / "tab"
    file.write_text(f"{CRONTAB}@often x\n")
    args = ("import", "crontab", str(file), "--zone", "Europe/Paris", "--home", "")

    explained = jobctl(*args)
    jobs = jobctl(*args, "--json").json["jobs"]
    assert not Job.objects.exists()
    made = jobctl(*args, "--apply")

    assert (explained.code, made.code) == (1, 1)
    assert f"{file}:10: @often is no nickname" in explained.err
    assert "note: No mail is sent: the output is kept with each run." in explained.out.replace(
        "  ", ""
    )
    assert [one["name"] for one in jobs] == ["copy.sh", "mail", "copy.sh-2", "date"]
    assert jobs[0]["description"] == "Nightly copy"
    assert jobs[0]["environment"] == {"PATH": "/usr/local/bin:/usr/bin:/bin"}
    assert jobs[0]["schedules"][0]["timezone"] == "Europe/Paris"
    assert jobs[1]["schedules"][0]["timezone"] == "Asia/Jakarta"
    assert "Dear root,\nit is done.\n" in jobs[1]["spec"]["script"]
    assert '"100% done"' in jobs[1]["spec"]["script"]
    assert jobs[2]["schedules"] == [{"kind": "event", "event": "@reboot"}]
    assert set(Job.objects.values_list("name", flat=True)) == {"copy.sh", "mail", "copy.sh-2"}
    assert "61" in made.err


def test_a_system_crontab_names_users(jobctl: Jobctl, tmp_path: Path) -> None:
    file = tmp_path / "tab"
    file.write_text("17 * * * * root cd / && run-parts --report /etc/cron.hourly\n")

    (job,) = jobctl("import", "crontab", str(file), "--system", "--json").json["jobs"]

    assert job["spec"] == {
        "command": "cd / && run-parts --report /etc/cron.hourly",
        "run_as": "root",
    }
