"""The list of cron jobs in a file: what it makes, what wins, what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jobs.domain.permissions import Actor, Role
from jobs.domain.states import JobState
from jobs.models import Job
from jobs.registry import REGISTRY, scheduled_job
from jobs.registry.base import entry_of_function
from jobs.services import claims, cron_jobs, triggers
from jobs.services import jobs as job_services
from jobs.services.definitions import parse_definition
from jobs.services.registered import Outcome
from jobs.services.stored_definitions import definition_of
from tests.factories import definition, make_worker

pytestmark = pytest.mark.django_db
SEED = Path(__file__).resolve().parents[1] / "compat/seed4/cron.config.json"
ANNA = Actor(name="anna", role=Role.ADMINISTRATOR)
FETCH = {"name": "fetch", "cron": "* * * * *", "command": "true"}


@pytest.fixture
def listed(
    tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Outcome]:
    """Return what writes a list and synchronises with it."""
    monkeypatch.setattr(REGISTRY, "_entries", {})
    path = tmp_path / "cron.json"

    def sync(*entries: Any, text: str = "", **more: Any) -> Any:
        path.write_text(text or json.dumps({"jobs": entries}))
        settings.JOBDECK = {**settings.JOBDECK, "CRON_JOBS_FILE": path, **more}
        return cron_jobs.sync()

    return sync


def only() -> Job:
    return Job.objects.get()


def test_s4_07_the_entry_of_the_guide_loads(listed: Any) -> None:
    outcome = listed(text=SEED.read_text())

    assert (outcome.created, outcome.faults) == (["fetch-paris-data"], {})
    job = only()
    says = definition_of(job)
    assert (job.category, job.priority, job.queue) == ("data", 0, "default")
    assert job.description == "Fetch air quality data for Paris every minute"
    (schedule,) = says["schedules"]
    assert (schedule["expression"], schedule["timezone"]) == ("* * * * *", "Europe/Paris")
    assert (says["overlap"], says["misfire"]) == ("skip", "skip")
    # It names nothing to run, so it waits for somebody to say what.
    assert job.state == JobState.PAUSED
    assert "does not say yet what it runs" in job.spec["command"]


def test_s4_50_52_69_each_job_has_its_strategy_and_a_breaker_of_its_own(listed: Any) -> None:
    data = {**FETCH, "category": "data"}
    listed(data, {**FETCH, "name": "sum", "category": "analytics", "priority": "high"})

    fetch, other = Job.objects.order_by("name")

    assert (fetch.retry_max_attempts, fetch.retry_kind) == (3, "exponential")
    assert (other.retry_max_attempts, other.retry_kind, other.priority) == (2, "fixed", 10)
    assert fetch.breaker_id != other.breaker_id
    assert fetch.breaker is not None
    assert fetch.breaker.threshold == 5
    assert (fetch.breaker.open_seconds, fetch.breaker.window_seconds) == (300.0, 60.0)
    assert definition_of(fetch)["breaker"]["half_open_probes"] == 1
    assert {fetch.state, other.state} == {"active"}


def test_s4_53_60_62_63_the_switches_change_what_is_made(listed: Any, settings: Any) -> None:
    features = {
        **settings.JOBDECK["CRON_FEATURES"],
        "duplicate_prevention": False,
        "automatic_recovery": False,
    }
    breaker = {"threshold": 3, "open_seconds": 1.0, "window_seconds": 5.0}

    listed(FETCH, CRON_FEATURES=features, CRON_BREAKER=breaker)

    job = only()
    assert (job.overlap, job.max_parallel) == ("allow", cron_jobs.MANY)
    assert len({triggers.trigger(job.pk, actor=ANNA).pk for _ in range(2)}) == 2
    worker = make_worker().pk
    assert len(claims.claim(worker_id=worker, queues=["default"], free=3)) == 2, "both at a time"
    assert job.breaker is not None
    assert (job.breaker.threshold, job.breaker.window_seconds) == (3, 5)
    assert job.breaker.open_seconds >= 365 * 86400, "until somebody closes it"


def test_the_list_is_followed_but_people_win(listed: Any) -> None:
    listed(FETCH)
    assert listed(FETCH).unchanged == ["fetch"]
    assert listed({**FETCH, "cron": "0 * * * *"}).updated == ["fetch"]
    job_services.update(only().pk, {"description": "mine"}, actor=ANNA)

    listed({**FETCH, "cron": "5 * * * *", "description": "theirs"})

    assert only().description == "mine"
    assert definition_of(only())["schedules"][0]["expression"] == "5 * * * *"
    listed({**FETCH, "enabled": False})
    assert only().state == JobState.PAUSED
    listed(FETCH)
    assert only().state == JobState.ACTIVE
    assert listed().vanished == ["fetch"]
    assert only().state == JobState.PAUSED


def test_one_wrong_entry_leaves_the_others_alone_and_its_job_as_it_is(listed: Any) -> None:
    listed(FETCH)

    outcome = listed(
        {**FETCH, "cron": "nonsense"},
        {**FETCH, "name": "two"},
        {**FETCH, "name": "two"},
        {"name": "three", "cron": "* * * * *", "schedule": "?"},
        {**FETCH, "name": "four", "enabled": "yes"},
        {**FETCH, "name": "five", "retry": "often"},
        "six",
    )

    assert outcome.created == ["two"]
    assert set(outcome.faults) == {"fetch", "two", "three", "four", "five", "#7"}
    assert "Use none, data-fetch, analytics, notifications" in outcome.faults["five"]
    assert Job.objects.get(name="fetch").state == JobState.ACTIVE


@pytest.mark.parametrize("text", ["{", "5", '{"jobs": 5}'])
def test_a_file_that_cannot_be_read_pauses_nothing(listed: Any, text: str) -> None:
    listed(FETCH)

    outcome = listed(text=text)

    assert len(outcome.faults) == 1
    assert only().state == JobState.ACTIVE


def test_the_list_says_when_a_job_of_the_code_runs(listed: Any) -> None:
    @scheduled_job(job_id="health", cron="*/5 * * * *", description="Looks", timezone="UTC")
    def health() -> None:
        """Look."""

    REGISTRY.add(entry_of_function(health))
    listed()

    outcome = listed({"name": "health", "cron": "*/7 * * * *", "priority": "high"})

    assert (outcome.updated, outcome.faults) == (["health"], {})
    job = only()
    assert (job.type, job.spec["job"], job.priority) == ("python", "health", 10)
    assert definition_of(job)["schedules"][0]["expression"] == "*/7 * * * *"
    listed()
    assert definition_of(only())["schedules"][0]["expression"] == "*/5 * * * *"


@pytest.mark.parametrize(
    ("name", "attempts", "kind", "base", "cap"),
    [
        ("data-fetch", 3, "exponential", 1, 60),
        ("analytics", 2, "fixed", 30, 30),
        ("notifications", 5, "exponential", 5, 300),
    ],
)
def test_s4_69_to_73_a_definition_may_name_a_strategy(
    name: str, attempts: int, kind: str, base: float, cap: float
) -> None:
    retry = parse_definition(definition(retry=name)).retry

    assert (retry.max_attempts, retry.kind.value) == (attempts, kind)
    assert (retry.base_seconds, retry.cap_seconds) == (base, cap)
