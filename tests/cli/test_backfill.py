"""`jobctl backfill` and `jobctl backfills`: look first, start, wait, pause, resume, cancel."""

from __future__ import annotations

import pytest
from django.utils import timezone

from jobs.domain.states import ExecutionState
from jobs.models import Backfill, Execution, Job
from jobs.services import feeding
from jobs.services.endings import Ending, count_ending
from tests.cli.conftest import Jobctl
from tests.factories import cron, make_job

pytestmark = pytest.mark.django_db

WINDOW = ("--from", "2026-01-01T00:00:00Z", "--to", "2026-01-01T02:30:00Z")


@pytest.fixture
def job() -> Job:
    return make_job(name="report", schedules=[cron("0 * * * *")])


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> list[ExecutionState]:
    """Stand for dispatcher and worker: each pause feeds, and ends what waits as the list says."""
    verdicts: list[ExecutionState] = []

    def work(_seconds: float) -> None:
        Backfill.objects.filter(next_at__isnull=False).update(next_at=timezone.now())
        feeding.feed(timezone.now())
        for execution in Execution.objects.filter(state="queued"):
            now = timezone.now()
            state = verdicts.pop(0)
            Execution.objects.filter(pk=execution.pk).update(state=state.value, finished_at=now)
            count_ending(
                execution.job_id,
                Ending(
                    execution_id=execution.pk,
                    state=state,
                    queue=execution.queue,
                    queued_at=execution.queued_at,
                    started_at=now,
                    finished_at=now,
                ),
            )

    monkeypatch.setattr("jobs.cli.backfill.time.sleep", work)
    return verdicts


def test_a_dry_run_shows_the_due_times_and_makes_nothing(jobctl: Jobctl, job: Job) -> None:
    ended = jobctl("backfill", "report", *WINDOW, "--dry-run")
    document = jobctl("backfill", "report", *WINDOW, "--dry-run", "--json").json

    assert ended.code == 0
    assert ended.lines[0] == "3 of 3 due times would run"
    assert [line.endswith("no record") for line in ended.lines[1:]] == [True] * 3
    assert document["count"] == 3
    assert not Backfill.objects.exists()


def test_a_long_list_is_cut_and_says_so(jobctl: Jobctl) -> None:
    make_job(name="often", schedules=[cron("* * * * *")])

    ended = jobctl("backfill", "often", *WINDOW, "--dry-run")

    assert len(ended.lines) == 22
    assert ended.lines[-1].startswith("… and 131 more")


def test_it_is_started_once(jobctl: Jobctl, job: Job) -> None:
    first = jobctl("backfill", "report", *WINDOW, "--order", "newest_first", "--pace", "30s")
    again = jobctl("backfill", "report", *WINDOW, "--json")

    made = Backfill.objects.get()
    assert (first.code, first.err) == (0, "")
    assert first.lines == [f"Backfill #{made.pk} is running: 0 of 3 done, 0 succeeded, 0 failed"]
    assert again.json["id"] == made.pk
    assert (made.order, made.pace_seconds) == ("newest_first", 30)


def test_wait_ends_well_when_all_succeed(
    jobctl: Jobctl, job: Job, worker: list[ExecutionState]
) -> None:
    worker += [ExecutionState.SUCCEEDED] * 3

    ended = jobctl("backfill", "report", *WINDOW, "--wait")

    assert ended.code == 0
    assert ended.lines[-1].endswith("is finished: 3 of 3 done, 3 succeeded, 0 failed")


def test_wait_ends_with_1_when_one_fails(
    jobctl: Jobctl, job: Job, worker: list[ExecutionState]
) -> None:
    worker += [ExecutionState.SUCCEEDED, ExecutionState.FAILED, ExecutionState.SUCCEEDED]

    ended = jobctl("backfill", "report", *WINDOW, "--wait")

    assert ended.code == 1
    assert "2 succeeded, 1 failed" in ended.lines[-1]
    assert "did not succeed everywhere" in ended.err


def test_pause_resume_cancel_and_show(jobctl: Jobctl, job: Job) -> None:
    number = str(jobctl("backfill", "report", *WINDOW, "--json").json["id"])

    states = [
        jobctl("backfills", verb, number, "--json").json["state"]
        for verb in ("pause", "show", "resume", "cancel")
    ]
    listed = jobctl("backfills", "list", "report")
    late = jobctl("backfills", "pause", number)

    assert states == ["paused", "paused", "running", "cancelled"]
    assert listed.lines == [f"Backfill #{number} is cancelled: 3 of 3 done, 0 succeeded, 0 failed"]
    assert (late.code, "cancelled already" in late.err) == (1, True)


def test_cancel_can_kill(jobctl: Jobctl, job: Job) -> None:
    number = str(jobctl("backfill", "report", *WINDOW, "--json").json["id"])
    feeding.feed(timezone.now())

    jobctl("backfills", "cancel", number, "--kill")

    assert Execution.objects.get().state == "cancelled"


def test_an_empty_list_says_so(jobctl: Jobctl, job: Job) -> None:
    assert jobctl("backfills", "list", "report").lines == ["No backfill yet"]


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (["nobody", *WINDOW], 1, "not found"),
        (["report", "--from", "yesterday"], 1, "--from 'yesterday' is no moment"),
        (["report", "--from", "2026-01-01", "--to", "soon"], 1, "--to 'soon' is no moment"),
        (["report", "--from", "2999-01-01T00:00:00Z"], 1, "has not passed yet"),
        (["report", *WINDOW, "--only", "failed"], 1, "none is to be run as failed"),
        (["report", *WINDOW, "--parallel", "0"], 1, "1 or more"),
        (["report", *WINDOW, "--only", "some"], 2, "'some'"),
        (["report"], 2, "--from"),
    ],
)
def test_a_refusal_says_what_is_wrong(
    jobctl: Jobctl, job: Job, args: list[str], code: int, words: str
) -> None:
    ended = jobctl("backfill", *args)

    assert ended.code == code
    assert words in ended.err
    assert not Backfill.objects.exists()
