"""The six topics of the seed's own tests, and what else it promises, against the real engine."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import psutil
import pytest

from jobs.domain.errors import CronError, DuplicateError, InvalidError
from jobs.python_api import CronSchedule, IntervalSchedule, JobContext, Scheduler
from jobs.registry import REGISTRY
from tests.e2e.harness import ROOT, Product, wait_until

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Doing:
    """A job that does nothing."""

    name = "nothing"

    def run(self, context: JobContext) -> None:
        """Do nothing."""


def begin(folder: Path, case: str, product: Product | None = None) -> subprocess.Popen[str]:
    """Start a program on an installation of its own, or on a given one."""
    product = product or Product(folder)
    return subprocess.Popen(
        [sys.executable, "-m", "tests.python_api.program", case, str(folder)],
        cwd=ROOT,
        env=product.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def seen(program: subprocess.Popen[str]) -> dict[str, Any]:
    """Return what a program saw."""
    out, errors = program.communicate(timeout=60)
    assert out, errors
    answer: dict[str, Any] = json.loads(out.splitlines()[-1])
    return answer


def test_jobs_run_at_their_interval_whatever_others_do(tmp_path: Path) -> None:
    """S2-01, S2-02, S2-16, S2-17, S2-20, S2-22, S2-23, S2-25, S2-27, S2-28, S2-35, S2-36, S2-47: a program's jobs run."""
    saw = seen(begin(tmp_path, "basic"))

    assert saw["first"] >= 1.0  # after one interval, not at once
    assert all(gap >= 1.0 for gap in saw["gaps"])
    assert len(saw["ends"]) >= 3
    assert min(saw["own"]) >= 0.5  # S2-26: counted from the start, then from the end of the run
    # Its next start may wait or run already.
    assert "failed" in saw["bad"]
    assert not {"succeeded", "lost", "timed_out"} & set(saw["bad"])
    assert saw["bad_message"] == "ValueError: always fails"
    assert saw["off"] == [[], "paused"]
    assert saw["again"] == "StateError: The scheduler is started already."
    assert saw["late"].startswith("StateError: The scheduler is started already. Add jobs before")
    assert saw["running"] is False


@pytest.mark.long
def test_jitter_spreads_the_starts(tmp_path: Path) -> None:
    """S2-04, S2-05, S2-19, S2-48: jitter is drawn for each job and cycle."""
    saw = seen(begin(tmp_path, "jitter"))

    assert max(saw["firsts"]) - min(saw["firsts"]) > 0.5
    assert all(gap >= 2.0 for gap in saw["gaps"])
    assert max(saw["gaps"]) - min(saw["gaps"]) > 0.2


@pytest.mark.long
def test_a_time_limit_ends_a_run_and_none_does_not(tmp_path: Path) -> None:
    """S2-10, S2-11, S2-32, S2-49: also of a start by hand."""
    saw = seen(begin(tmp_path, "timeout"))

    assert (saw["state"], saw["message"]) == ("timed_out", "Timed out after 1 s")
    assert 1.0 <= saw["seconds"] < 8
    assert saw["patient"] == "succeeded"


@pytest.mark.long
def test_a_job_is_started_by_hand_without_waiting_and_never_twice(tmp_path: Path) -> None:
    """S2-12, S2-29, S2-30, S2-33, S2-50: a start by hand."""
    saw = seen(begin(tmp_path, "manual"))

    assert saw["early"].startswith("StateError: The scheduler was not started yet")
    assert saw["took"] < 0.5
    assert saw["twice"].startswith("StateError: slow was not started: execution #1 is still")
    assert saw["unknown"] == "UnknownError: Job non-existent is not known to this scheduler."
    assert saw["execution"] == [True, "manual", "succeeded"]


@pytest.mark.long
def test_a_stop_lets_running_jobs_end_and_starts_nothing_new(tmp_path: Path) -> None:
    """S2-07, S2-08, S2-51: a stop drains."""
    saw = seen(begin(tmp_path, "graceful"))

    assert saw["busy"] == ["succeeded"]
    assert 0.5 < saw["took"] < 15
    assert saw["started_late"] == []
    assert saw["after"] == 0


@pytest.mark.long
def test_a_stop_is_bounded_and_cancels_what_runs_on(tmp_path: Path) -> None:
    """S2-09, S2-13, S2-52: a stop has an upper bound."""
    saw = seen(begin(tmp_path, "bounded"))

    assert 1.0 <= saw["took"] < 15
    assert saw["cancelled"] == 1
    assert saw["states"] == [["cancelled"], ["cancelled"]]
    assert saw["message"] == "Cancelled by the server, which is stopping"


@pytest.mark.long
def test_cancelling_the_parent_stops_the_scheduler(tmp_path: Path) -> None:
    """S2-24, S2-52: no further run begins."""
    saw = seen(begin(tmp_path, "context"))

    assert saw == {"running": False, "cancelled": 1, "states": ["cancelled"]}


@pytest.mark.long
def test_a_killed_program_leaves_nothing_running(tmp_path: Path) -> None:
    engine = psutil.Process(seen(begin(tmp_path, "killed"))["engine"])

    wait_until(lambda: not engine.is_running() or engine.status() == "zombie", what="its end")
    words = (tmp_path / "orphan").read_text().split()
    assert "cancelled" in words


@pytest.mark.long
def test_two_programs_of_the_same_code_never_run_a_job_twice_at_a_time(tmp_path: Path) -> None:
    """S2-55: more than one replica is safe."""
    product = Product(tmp_path)

    programs = [begin(tmp_path, "replica", product) for _ in range(2)]
    for program in programs:
        seen(program)

    lines = [line.split() for line in (tmp_path / "shared").read_text().splitlines()]
    assert [word for word, _ in lines] == ["start", "end"] * (len(lines) // 2)
    with sqlite3.connect(product.data / "jobdeck.sqlite3") as database:
        assert database.execute("SELECT count(*) FROM jobs_job").fetchone() == (1,)
    database.close()


# --- Without waiting ------------------------------------------------------------------------------


def test_computed_starts_lie_within_the_jitter_and_differ() -> None:
    """S2-03, S2-05, S2-15, S2-48: without waiting for them."""
    schedule = IntervalSchedule.with_jitter(timedelta(minutes=5), "2m")
    rng = Random(7)

    starts = [schedule.next(NOON, rng) - NOON for _ in range(200)]

    assert min(starts) >= timedelta(minutes=5)
    assert max(starts) <= timedelta(minutes=7)
    assert len(set(starts)) > 150


@pytest.mark.parametrize("interval", [300, 300.0, "5m", timedelta(minutes=5)])
def test_an_interval_is_given_in_any_form_and_is_exact_without_jitter(interval: Any) -> None:
    """S2-06, S2-18: seconds, a duration or a text."""
    schedule = IntervalSchedule(interval)

    assert schedule.next(NOON) == NOON + timedelta(minutes=5)
    assert schedule.definitions() == [
        {"kind": "interval", "seconds": 300.0, "anchor": "completion", "jitter_seconds": 0.0}
    ]


@pytest.mark.parametrize("interval", [0, -1, 0.5, "0s", "nonsense", None, True])
def test_an_interval_that_makes_no_schedule_is_refused(interval: Any) -> None:
    with pytest.raises(InvalidError):
        IntervalSchedule(interval)


def test_a_cron_schedule_names_its_next_time() -> None:
    """S2-57: times of day for the jobs of a program."""
    assert CronSchedule("0 2 * * *", "Asia/Jakarta").next(NOON) == NOON + timedelta(hours=7)
    with pytest.raises(CronError):
        CronSchedule("99 * * * *")


def test_a_name_can_be_added_once_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """S2-21: the second is refused."""
    monkeypatch.setattr(REGISTRY, "_entries", {})
    scheduler = Scheduler()
    scheduler.add_job(Doing(), IntervalSchedule(60))

    with pytest.raises(DuplicateError, match="Job nothing is added already"):
        scheduler.add_job(Doing(), IntervalSchedule(60))


def test_an_own_schedule_may_combine_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    """S2-26: a schedule of one's own."""

    class Opening:
        def definitions(self) -> list[dict[str, Any]]:
            return [*CronSchedule("0 8 * * 1-5").definitions(), *IntervalSchedule(60).definitions()]

    monkeypatch.setattr(REGISTRY, "_entries", {})
    scheduler = Scheduler()

    scheduler.add_job(Doing(), Opening())

    kinds = [rule["kind"] for rule in REGISTRY.find("nothing").definition["schedules"]]
    assert kinds == ["cron", "interval"]


def test_s2_26_what_is_no_schedule_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(REGISTRY, "_entries", {})
    with pytest.raises(InvalidError, match=r"'5m' is no schedule. Give it definitions\(\) or next"):
        Scheduler().add_job(Doing(), "5m")  # type: ignore[arg-type]


def test_a_job_without_a_name_is_refused() -> None:
    class Nameless:
        def run(self, context: JobContext) -> None:
            """Do nothing."""

    with pytest.raises(InvalidError, match="Nameless has no name"):
        Scheduler().add_job(Nameless(), IntervalSchedule(60))
