"""`jobctl list`, `status`, `show`, `logs`, `next NAME`: lines as the seed shows them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from jobs.domain.permissions import SYSTEM
from jobs.domain.states import Stream
from jobs.executors.base import Chunk
from jobs.models import Job
from jobs.services import jobs as job_services
from jobs.services import logs
from tests.cli.conftest import Jobctl
from tests.factories import cron, every, make_execution, make_job

pytestmark = pytest.mark.django_db

STAMP = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def lived(**fields: object) -> Job:
    """Return a job with 14 successes and a failure; its last execution succeeded."""
    job = make_job(name="system-health", schedules=[cron("0 */6 * * *")])
    failed = make_execution(
        job,
        state="failed",
        message="Command failed: exit status 1",
        error="df: no such disk",
        exit_code=1,
    )
    values = {
        "execution_count": 15,
        "success_count": 14,
        "failure_count": 1,
        "last_execution_id": failed.pk,
        "last_state": "succeeded",
        "last_started_at": NOON,
        "last_finished_at": NOON,
        "last_success_at": NOON,
        "last_failure_at": NOON - timedelta(hours=18),
        "last_error": "df: no such disk",
        **fields,
    }
    Job.objects.filter(pk=job.pk).update(**values)
    return Job.objects.get(pk=job.pk)


def test_status_of_a_job_has_the_labelled_lines(jobctl: Jobctl) -> None:
    """S1-61."""
    lived()

    ended = jobctl("status", "system-health")

    patterns = [
        "Job: system-health",
        "Type: standalone",
        "Status: success",
        "Run Count: 15",
        "Success Count: 14",
        "Failure Count: 1",
        f"Last Run: {STAMP}",
        f"Last Success: {STAMP}",
        f"Last Failure: {STAMP}",
        "Last Error: Command failed: exit status 1",
        f"Next Run: {STAMP}",
    ]
    assert ended.code == 0
    assert len(ended.lines) == len(patterns)
    for pattern, line in zip(patterns, ended.lines, strict=True):
        assert re.fullmatch(pattern, line), line


def test_status_stamps_are_local_time(jobctl: Jobctl) -> None:
    """S1-59."""
    lived()

    local = NOON.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    assert f"Last Run: {local}" in jobctl("status", "system-health").lines


def test_status_of_a_job_that_never_ran(jobctl: Jobctl) -> None:
    """S1-60."""
    make_job(name="fresh")

    lines = jobctl("status", "fresh").lines

    assert lines[2:] == [
        "Status: pending",
        "Run Count: 0",
        "Success Count: 0",
        "Failure Count: 0",
        "Last Run: Never",
        "Last Success: Never",
        "Last Failure: Never",
        "Next Run: Never",
    ]


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"last_state": "failed"}, "failed"),
        ({"last_state": "timed_out"}, "timeout"),
        ({"last_state": "lost"}, "failed"),
        ({"execution_count": 16}, "running"),
        ({"state": "auto_disabled", "last_state": "failed"}, "disabled"),
    ],
)
def test_status_words_are_the_seeds(jobctl: Jobctl, fields: dict[str, object], word: str) -> None:
    lived(**fields)

    assert f"Status: {word}" in jobctl("status", "system-health").lines


def test_a_paused_job_says_that_it_is_not_enabled(jobctl: Jobctl) -> None:
    job = make_job(name="calm", schedules=[every(60)])
    assert "Enabled: false" not in jobctl("status", "calm").lines

    job_services.pause(job.pk, actor=SYSTEM)

    lines = jobctl("status", "calm").lines
    assert "Enabled: false" in lines
    assert "Next Run: Never" in lines


def test_status_lists_all_jobs(jobctl: Jobctl) -> None:
    lived()
    make_job(name="fresh")

    lines = jobctl("status").lines

    assert lines[0] == "Standalone jobs:"
    assert lines[1].split() == ["JOB", "NAME", "STATUS", "SUCCESS", "FAILED", "LAST", "RUN"]
    assert lines[2].split()[:4] == ["system-health", "success", "14", "1"]
    assert lines[3].split() == ["fresh", "pending", "0", "0", "Never"]


def test_list_has_a_line_for_each_job(jobctl: Jobctl) -> None:
    make_job(name="one", description="Short\nsecond line")
    make_job(name="two", description="A description that is far too long for its column")
    make_job(name="three", paused=True)

    lines = jobctl("list").lines

    assert lines[0].split() == ["JOB", "NAME", "TYPE", "ENABLED", "DESCRIPTION"]
    assert lines[1].split() == ["one", "command", "true", "Short"]
    assert lines[2].endswith("A description that is far t...")
    assert lines[3].split() == ["three", "command", "false"]


def test_list_walks_through_every_page(jobctl: Jobctl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.cli.client._PAGE", 2)
    names = [make_job().name for _ in range(5)]

    assert [item["name"] for item in jobctl("list", "--json").json["items"]] == names


def test_an_empty_list_says_so(jobctl: Jobctl) -> None:
    assert jobctl("list").out == "No standalone jobs configured\n"


def test_show_and_list_name_print_the_definition(jobctl: Jobctl) -> None:
    """S1-72."""
    make_job(name="one", schedules=[cron("0 6 * * 0", "Asia/Jakarta")])

    shown = jobctl("show", "one").json

    assert shown["schedules"][0]["expression"] == "0 6 * * 0"
    assert shown["schedules"][0]["timezone"] == "Asia/Jakarta"
    assert jobctl("list", "one").json == jobctl("status", "one", "--json").json == shown


@pytest.mark.parametrize(
    "command", ["status", "run", "kill", "logs", "next", "pause", "resume", "show", "delete"]
)
def test_an_unknown_job_is_an_error(jobctl: Jobctl, command: str) -> None:
    """S1-66."""
    ended = jobctl(command, "nobody")

    assert (ended.code, ended.out) == (1, "")
    assert ended.err == "Error: standalone job 'nobody' not found\n"


def test_an_unknown_workspace_is_an_error(jobctl: Jobctl) -> None:
    for command in (["list"], ["status"], ["status", "x"], ["run", "x"], ["kill", "x"]):
        ended = jobctl("--workspace", "my-app", *command)
        assert (ended.code, ended.err) == (1, "Error: workspace 'my-app' not found\n")


def test_logs_of_a_job_are_those_of_its_latest_execution(jobctl: Jobctl) -> None:
    job = make_job(name="talker")
    old, execution = (make_execution(job, state="succeeded") for _ in range(2))
    logs.append(old.pk, 1, [Chunk(Stream.STDOUT, b"old\n")])
    logs.append(execution.pk, 1, [Chunk(Stream.STDOUT, b"new \xc3\xa9\n")])

    assert jobctl("logs", "talker").out == "new é\n"
    assert jobctl("logs", str(execution.pk)).out == "new é\n"
    assert jobctl("logs", "talker", "-f").out == "new é\n"
    assert jobctl("logs", "talker", "--json").json == {
        "execution_id": execution.pk,
        "log": "new é\n",
    }


def test_logs_of_a_job_that_never_ran_are_an_error(jobctl: Jobctl) -> None:
    make_job(name="mute")

    ended = jobctl("logs", "mute")

    assert (ended.code, ended.err) == (1, "Error: job 'mute' has not run yet\n")


def test_following_a_log_goes_on_until_the_end(
    jobctl: Jobctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    execution = make_execution(make_job(name="talker"), state="running", started_at=timezone.now())
    pieces = [b"one\n", b"two\n", b""]

    def print_more(_seconds: float) -> None:
        """Stand for the worker: each pause of the reader brings a line, then the end."""
        words = pieces.pop(0)
        if words:
            logs.append(execution.pk, 1, [Chunk(Stream.STDOUT, words)])
        else:
            type(execution).objects.update(state="succeeded")

    monkeypatch.setattr("jobs.cli.client.time.sleep", print_more)

    assert jobctl("logs", "talker", "-f").out == "one\ntwo\n"
    assert pieces == []


def test_next_of_a_job_prints_its_due_times(jobctl: Jobctl) -> None:
    job = make_job(name="hourly", schedules=[cron("0 * * * *")])

    printed = jobctl("next", "hourly", "--count", "3")
    items = jobctl("next", "hourly", "--count", "3", "--json").json["items"]

    assert len(printed.lines) == len(items) == 3
    assert datetime.fromisoformat(items[0]) == job.next_fire_at
    assert [datetime.fromisoformat(line) for line in printed.lines] == [
        datetime.fromisoformat(item) for item in items
    ]
    assert jobctl("next", "hourly", "--zone", "UTC").code == 2
