"""Code-defined jobs: made, kept up to date, left to people where those decided, never deleted."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobs.domain.permissions import Actor, Role
from jobs.models import AuditEntry, Job, JobVersion
from jobs.registry import REGISTRY, BaseScheduledJob, RegisteredJob, scheduled_job
from jobs.registry.base import entry_of_class, entry_of_function
from jobs.services import jobs as job_services
from jobs.services.registered import DISABLED, GONE, overrides_of, sync
from jobs.services.stored_definitions import definition_of
from tests.factories import make_job

pytestmark = pytest.mark.django_db

PERSON = Actor(name="otto", role=Role.EDITOR)


@pytest.fixture(autouse=True)
def own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin with nothing registered."""
    monkeypatch.setattr(REGISTRY, "_entries", {})
    monkeypatch.setattr(REGISTRY, "faults", [])


def entry(**facts: Any) -> RegisteredJob:
    """Return the entry of a class with these attributes."""
    said = {"job_id": "report", "description": "A report", "cron": "0 9 * * *", **facts}
    said["execute"] = lambda self: None
    made = entry_of_class(type("Report", (BaseScheduledJob,), said))
    REGISTRY.remove(made.job_id)  # a start with other code
    REGISTRY.add(made)
    return made


def the_job() -> Job:
    """Return the one job there is."""
    return Job.objects.present().get()


def versions() -> int:
    """Return how many versions the job has."""
    return JobVersion.objects.filter(job=the_job()).count()


def test_a_registered_class_becomes_a_job_with_the_seeds_defaults() -> None:
    """S3-01, S3-05, S3-06, S3-07, S3-15: what the class leaves out."""
    outcome = sync([entry()])

    job = the_job()
    assert outcome.created == ["report"]
    assert (job.name, job.external_id, job.description) == ("report", "report", "A report")
    assert (job.type, job.spec) == ("python", {"job": "report", "kwargs": {}})
    assert (job.retry_max_attempts, job.retry_base_seconds, job.retry_kind) == (4, 60, "fixed")
    assert (job.overlap, job.misfire, job.timeout_seconds) == ("skip", "skip", None)
    assert (job.state, job.next_fire_at is not None) == ("active", True)
    assert job.schedules.get().expression == "0 9 * * *"


@pytest.mark.parametrize(("retries", "attempts"), [(0, 1), (1, 2), (3, 4), (99, 100)])
def test_n_retries_are_n_plus_one_attempts(retries: int, attempts: int) -> None:
    """S3-75, S3-76: 0 is no retry."""
    sync([entry(max_retries=retries, retry_delay_seconds=7200)])

    job = the_job()
    assert job.retry_max_attempts == attempts
    assert (job.retry_base_seconds, job.retry_cap_seconds) == (7200, 7200)


def test_every_fact_of_a_class_reaches_the_job() -> None:
    sync(
        [
            entry(
                cron=None,
                interval_seconds=3600,
                timeout="5m",
                queue="slow",
                priority=5,
                tags=["b", "a"],
                category="sales",
                overlap="queue",
                misfire="fire_once",
                retry_kind="exponential",
                soft_timeout="1m",
                mutex="warehouse",
                requires="gpu",
            )
        ]
    )

    job = the_job()
    assert (job.mutex, job.soft_timeout_seconds) == ("warehouse", 60)
    assert definition_of(job)["requires"] == ["gpu"]
    schedule = job.schedules.get()
    assert (schedule.kind, schedule.seconds, schedule.anchor) == ("interval", 3600, "start")
    assert (job.timeout_seconds, job.queue, job.priority) == (300, "slow", 5)
    assert (job.tags, job.category) == (["a", "b"], "sales")
    assert (job.overlap, job.misfire, job.retry_kind) == ("queue", "fire_once", "exponential")


def test_the_same_code_again_changes_nothing() -> None:
    sync([entry()])
    entries = AuditEntry.objects.count()

    outcome = sync([entry()])

    assert outcome.unchanged == ["report"]
    assert (versions(), the_job().version) == (1, 1)
    assert AuditEntry.objects.count() == entries


def test_a_start_without_code_defined_jobs_costs_one_query() -> None:
    make_job()

    with CaptureQueriesContext(
        connection,
    ) as queries:
        sync([])

    assert len(queries) == 1


def test_a_changed_definition_makes_one_version() -> None:
    sync([entry()])

    outcome = sync([entry(cron="0 10 * * *", timeout=30)])

    assert outcome.updated == ["report"]
    assert the_job().schedules.get().expression == "0 10 * * *"
    assert (versions(), the_job().timeout_seconds) == (2, 30)


def test_what_a_person_changed_stays_and_the_rest_follows_the_code() -> None:
    sync([entry()])
    own = [{"kind": "cron", "expression": "30 4 * * *"}]
    job_services.update(the_job().pk, {"schedules": own}, actor=PERSON)

    sync([entry(cron="0 10 * * *", description="A better report")])

    job = the_job()
    assert job.schedules.get().expression == "30 4 * * *"
    assert job.description == "A better report"
    assert overrides_of(job) == ["schedules"]


def test_a_field_changed_back_follows_the_code_again() -> None:
    sync([entry()])
    job_services.update(the_job().pk, {"priority": 9}, actor=PERSON)
    job_services.update(the_job().pk, {"priority": 0}, actor=PERSON)

    sync([entry(priority=3)])

    assert the_job().priority == 3
    assert overrides_of(the_job()) == []


def test_a_person_may_rename_a_job_without_losing_its_code() -> None:
    sync([entry()])
    job_services.update(the_job().pk, {"name": "daily-report"}, actor=PERSON)

    outcome = sync([entry(priority=3)])

    assert outcome.updated == ["report"]
    assert (the_job().name, the_job().priority) == ("daily-report", 3)


def test_a_pause_by_a_person_stays() -> None:
    sync([entry()])
    job_services.pause(the_job().pk, actor=PERSON)

    sync([entry(priority=3)])

    assert (the_job().state, the_job().state_changed_by) == ("paused", "otto")


def test_a_disabled_class_is_created_paused_and_runs_when_the_code_enables_it() -> None:
    """S3-84: the attribute at start."""
    sync([entry(enabled=False)])
    assert (the_job().state, the_job().next_fire_at) == ("paused", None)

    sync([entry(enabled=True)])

    assert the_job().state == "active"


def test_a_person_may_resume_what_the_code_disables_until_the_code_says_so_anew() -> None:
    sync([entry(enabled=False)])
    job_services.resume(the_job().pk, actor=PERSON)

    sync([entry(enabled=False)])
    kept = the_job().state
    sync([entry(enabled=True)])
    sync([entry(enabled=False)])

    assert kept == "active"
    assert (the_job().state, the_job().state_reason) == ("paused", DISABLED)


def test_what_vanished_is_paused_with_a_reason_and_returns_with_its_code() -> None:
    sync([entry()])

    gone = sync([])
    paused = the_job()
    back = sync([entry()])

    assert gone.vanished == ["report"]
    assert (paused.state, paused.state_reason) == ("paused", GONE)
    assert back.updated == ["report"]
    assert the_job().state == "active"


def test_what_a_person_paused_stays_paused_when_its_code_returns() -> None:
    sync([entry()])
    job_services.pause(the_job().pk, actor=PERSON)

    sync([])
    sync([entry()])

    assert (the_job().state, the_job().state_changed_by) == ("paused", "otto")


def test_what_a_person_deleted_stays_deleted_until_it_is_reset() -> None:
    sync([entry()])
    job_services.delete(the_job().pk, actor=PERSON)

    outcome = sync([entry()])
    assert outcome.deleted == ["report"]
    assert not Job.objects.present().exists()

    sync([entry()], reset=["report"])
    assert the_job().name == "report"


def test_a_reset_gives_a_job_back_to_the_code() -> None:
    sync([entry()])
    job_services.update(the_job().pk, {"priority": 9, "description": "mine"}, actor=PERSON)
    job_services.pause(the_job().pk, actor=PERSON)

    sync([entry()], reset=["report"])

    job = the_job()
    assert (job.priority, job.description, job.state) == (0, "A report", "active")


def test_a_name_that_a_person_took_is_a_fault_and_stays_theirs() -> None:
    theirs = make_job(name="report")

    outcome = sync([entry(), entry(job_id="other")])

    assert outcome.created == ["other"]
    assert "A job named report exists already" in outcome.faults["report"]
    theirs.refresh_from_db()
    assert theirs.type == "command"


def test_a_value_that_no_job_may_have_is_a_fault_of_that_job_alone() -> None:
    outcome = sync([entry(overlap="perhaps"), entry(job_id="other")])

    assert "'perhaps' is not allowed" in outcome.faults["report"]
    assert outcome.created == ["other"]


def test_jobs_of_another_source_are_left_alone() -> None:
    other = Actor(name="scheduler of a test", role=Role.ADMINISTRATOR)
    sync([entry()], source=other)

    sync([])

    assert the_job().state == "active"


def test_the_command_says_what_it_did(monkeypatch: pytest.MonkeyPatch) -> None:
    @scheduled_job(job_id="listed", interval_seconds=60)
    def listed() -> None:
        """Do something."""

    monkeypatch.setattr(REGISTRY, "_entries", {"listed": entry_of_function(listed)})
    monkeypatch.setattr(REGISTRY, "faults", [])
    out = StringIO()

    call_command("sync_jobs", stdout=out)
    call_command("sync_jobs", "--reset", "listed", stdout=out)

    assert out.getvalue() == "created    listed\nunchanged  listed\n"
    with pytest.raises(CommandError, match=r"nope is not registered. Registered: listed."):
        call_command("sync_jobs", "--reset", "nope")


def test_the_command_fails_when_something_could_not_be_registered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(REGISTRY, "_entries", {})
    monkeypatch.setattr(REGISTRY, "faults", ["shop.scheduled_jobs could not be imported"])
    errors = StringIO()

    with pytest.raises(CommandError, match="1 of the jobs could not be registered"):
        call_command("sync_jobs", stderr=errors)

    assert "shop.scheduled_jobs could not be imported" in errors.getvalue()
