"""The samples of the cron system: the list of jobs loads, and its Python jobs do their work."""

from __future__ import annotations

import importlib.util
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from jobs.domain.states import ExecutionState
from jobs.models import Job
from jobs.registry import REGISTRY, JobContext
from jobs.services import cron_jobs, rendering, running
from jobs.services.stored_definitions import definition_of
from tests.executors.http_servers import Caller, serving
from tests.factories import make_execution, make_variable

EXAMPLES = Path(__file__).parents[2] / "docs/examples"
DAY = "2026-11-22"


def load() -> Any:
    """Return the example as a module."""
    spec = importlib.util.spec_from_file_location("air_quality", EXAMPLES / "air_quality.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


air = load()


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a directory with the measurements of three locations."""
    monkeypatch.setenv("AIR_DATA", str(tmp_path))
    for name, values in (("paris", [40, 60]), ("lyon", [20]), ("nice", [10, 20, 30])):
        (tmp_path / name).mkdir()
        lines = [json.dumps({"aqi": value}) for value in values]
        (tmp_path / name / f"{DAY}.jsonl").write_text("\n".join(lines))
    return tmp_path


def made(kind: Any) -> Any:
    job = kind()
    job.context = JobContext(scheduled_for=datetime(2026, 11, 22, 23, 59, tzinfo=UTC))
    return job


@pytest.mark.django_db
def test_the_three_jobs_of_the_guide_are_there_as_a_sample(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S4-01, S4-02, S4-03: zones, priorities, categories, duplicate prevention and breakers."""
    monkeypatch.setattr(REGISTRY, "_entries", {})
    for kind in (air.HourlyAggregations, air.FinalizeDailyStats):
        REGISTRY.register(kind)
    settings.JOBDECK = {**settings.JOBDECK, "CRON_JOBS_FILE": EXAMPLES / "cron.jobs.json"}

    outcome = cron_jobs.sync()

    assert outcome.faults == {}
    jobs = {job.name: job for job in Job.objects.select_related("breaker")}
    facts = {
        name: (
            *[(one["expression"], one["timezone"]) for one in definition_of(job)["schedules"]],
            (job.type, job.category, job.priority, job.overlap, job.state),
        )
        for name, job in jobs.items()
    }
    assert facts == {
        "fetch-paris-data": (
            ("* * * * *", "Europe/Paris"),
            ("http", "data", 0, "skip", "active"),
        ),
        "hourly-aggregations": (
            ("0 * * * *", "UTC"),
            ("python", "analytics", 0, "skip", "active"),
        ),
        "finalize-daily-stats": (
            ("59 23 * * *", "UTC"),
            ("python", "analytics", 10, "skip", "active"),
        ),
    }
    assert all(job.breaker and job.breaker.threshold == 5 for job in jobs.values())
    assert jobs["fetch-paris-data"].spec["url"].endswith("token={{air_quality_key}}")


@pytest.mark.django_db
def test_the_key_of_the_air_quality_api_comes_from_the_store_of_secrets(
    settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S4-01, S4-10: the sample asks a stub with the key; neither job, list nor log shows it."""
    monkeypatch.setattr(REGISTRY, "_entries", {})
    settings.DATA_DIR = tmp_path
    listed = tmp_path / "cron.jobs.json"
    settings.JOBDECK = {**settings.JOBDECK, "CRON_JOBS_FILE": listed}
    make_variable(name="air_quality_key", value="key-5f3a91", secret=True)
    with serving(lambda talk: talk.answer(b'{"aqi": 41}')) as stub:
        text = (EXAMPLES / "cron.jobs.json").read_text()
        listed.write_text(text.replace("https://api.example.org/", stub.url))
        cron_jobs.sync()
        job = Job.objects.get(name="fetch-paris-data")
        execution = make_execution(
            job, state="running", started_at=datetime.now(UTC), token="t", attempt=1
        )
        given = rendering.render(running.load(execution.pk))
        done = Caller(tmp_path, "test")(secret="key-5f3a91", **given.spec)

    [asked] = stub.requests
    assert asked.startswith(b"GET /air/paris?token=key-5f3a91 HTTP/1.1")
    assert done.result.state == ExecutionState.SUCCEEDED
    assert '{"aqi": 41}' in done.text()
    assert "key-5f3a91" not in done.text()
    assert "key-5f3a91" not in json.dumps(definition_of(job))
    assert "key-5f3a91" not in (EXAMPLES / "cron.jobs.json").read_text()


def test_each_location_is_a_sub_task_and_one_that_fails_keeps_no_other_from_its_end(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """S4-02: a list of three is three sub-tasks."""
    good = made(air.HourlyAggregations).execute(["paris", "lyon", "nice"])
    bad = made(air.HourlyAggregations).execute(["nowhere", "paris"])

    assert (good["success"], good["message"]) == (True, "3 of 3 locations aggregated")
    assert good["data"]["paris"] == {"count": 2, "mean": 50.0, "max": 60.0}
    assert json.loads((data / "nice" / f"{DAY}.json").read_text())["count"] == 3
    assert (bad["success"], bad["message"]) == (False, "1 of 2 locations aggregated")
    printed = capsys.readouterr().out
    assert "::progress 33" in printed
    assert "::warning nowhere: FileNotFoundError" in printed


def test_the_end_of_the_day_keeps_a_report_and_tells_of_bad_air(data: Path) -> None:
    """S4-03: the report is cached, a high AQI fails the run, which alerts."""
    good = made(air.FinalizeDailyStats).execute()
    (data / "lyon" / f"{DAY}.jsonl").write_text('{"aqi": 151}')
    bad = made(air.FinalizeDailyStats).execute()

    assert (good["success"], good["message"]) == (True, "3 locations")
    assert (bad["success"], bad["message"]) == (False, "High AQI: lyon 151")
    report = json.loads((data / f"report-{DAY}.json").read_text())
    assert sorted(report["locations"]) == ["lyon", "nice", "paris"]
