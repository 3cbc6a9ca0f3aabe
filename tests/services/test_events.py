"""Events: every waiting job gets exactly one verdict, whatever stops half-way."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from jobs.domain.errors import ForbiddenError, InvalidError
from jobs.domain.permissions import SYSTEM, Actor, Role
from jobs.domain.states import OmissionReason, Trigger
from jobs.models import AuditEntry, Execution, Job, Occurrence, Omission
from jobs.services import bulk, events
from jobs.services import jobs as job_services
from jobs.services.definitions import parse_definition
from tests.factories import definition, make_execution, make_freeze, make_job

pytestmark = pytest.mark.django_db
DEPLOYMENT = "@deployment"
WAITING = {"kind": "event", "event": DEPLOYMENT}


def waiting_job(**fields: Any) -> Job:
    return make_job(schedules=[WAITING], **fields)


def report(**fields: Any) -> Occurrence:
    return events.report(DEPLOYMENT, actor=SYSTEM, **fields)


def serve() -> list[int]:
    """Serve until nothing is open; return how many jobs each batch had."""
    batches = []
    while served := events.serve_open(datetime.now(UTC)):
        batches.append(served)
    return batches


def verdicts(occurrence: Occurrence) -> dict[int, list[str]]:
    """Return each job's verdicts at the moment of the event."""
    found: dict[int, list[str]] = {}
    for job, trigger in Execution.objects.filter(due_at=occurrence.at).values_list(
        "job", "trigger"
    ):
        found.setdefault(job, []).append(trigger)
    for job, reason in Omission.objects.filter(first_due_at=occurrence.at).values_list(
        "job", "reason"
    ):
        found.setdefault(job, []).append(reason)
    return found


def test_a_job_that_waits_for_an_event_starts_once() -> None:
    mine = waiting_job()
    make_job(schedules=[{"kind": "event", "event": "@destroy"}])

    told = report(detail="shop 4.2")
    serve()

    execution = Execution.objects.get()
    assert (execution.job_id, execution.trigger) == (mine.pk, Trigger.EVENT)
    assert (execution.due_at, execution.actor) == (told.at, "system")
    assert Job.objects.get(pk=mine.pk).execution_count == 1
    told.refresh_from_db()
    assert told.served_until is None


def test_each_job_gets_one_verdict_with_its_reason() -> None:
    free, paused = waiting_job(), waiting_job(paused=True)
    frozen, busy = waiting_job(tags=["cold"]), waiting_job()
    make_execution(busy, state="running")
    make_freeze(scope="tag", target="cold", reason="ice")

    told = report()
    serve()

    assert verdicts(told) == {
        free.pk: ["event"],
        paused.pk: [OmissionReason.PAUSED],
        frozen.pk: [OmissionReason.FROZEN],
        busy.pk: [OmissionReason.OVERLAP],
    }
    assert frozen.omissions.get().detail == "tag cold: ice"


@pytest.mark.long
def test_more_than_a_batch_are_all_served() -> None:
    count = 2 * events.BATCH + 7
    made = [
        parse_definition(definition(name=f"waits-{number}", schedules=[WAITING]))
        for number in range(count)
    ]
    bulk.create_many(made, actor=SYSTEM)

    told = report()
    batches = serve()

    assert batches[:2] == [events.BATCH, events.BATCH]
    assert sum(len(found) for found in verdicts(told).values()) == count
    assert len(verdicts(told)) == count


def test_what_stops_half_way_is_taken_up_without_a_double(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(events, "BATCH", 2)
    jobs = [waiting_job() for _ in range(5)]
    told = report()
    events.serve_open(datetime.now(UTC))

    def broken(_decided: object) -> None:
        raise RuntimeError("the host died")

    with monkeypatch.context() as patch:
        patch.setattr(events, "write", broken)
        with pytest.raises(RuntimeError):
            events.serve_open(datetime.now(UTC))
    assert len(verdicts(told)) == 2
    serve()

    assert verdicts(told) == {job.pk: ["event"] for job in jobs}


def test_a_repeated_key_is_the_same_event() -> None:
    job = waiting_job(overlap="allow", max_parallel=9)

    first, again = report(key="shop-4.2"), report(key="shop-4.2")
    other = report(key="shop-4.3")
    serve()

    assert first.pk == again.pk != other.pk
    assert job.executions.count() == 2
    assert AuditEntry.objects.filter(action="event.report").count() == 2


def test_a_job_made_after_an_event_does_not_get_it() -> None:
    report()
    late = waiting_job()

    serve()

    assert not late.executions.exists()


@pytest.mark.parametrize("event", ["@manually", "@reboot", "@deploy", "", "deployment"])
def test_what_nobody_can_report_is_refused(event: str) -> None:
    with pytest.raises(InvalidError) as refusal:
        events.report(event, actor=SYSTEM)

    assert "@deployment, @deployment-failed" in refusal.value.fields["event"]
    assert not Occurrence.objects.exists()


def test_a_viewer_may_not_report() -> None:
    with pytest.raises(ForbiddenError):
        events.report(DEPLOYMENT, actor=Actor(name="vera", role=Role.VIEWER))


def test_a_boot_is_an_event_when_an_earlier_one_of_the_host_is_known() -> None:
    job = make_job(schedules=[{"kind": "event", "event": "@reboot"}], overlap="allow")

    answers = [
        events.report_boot("alpha", "one"),
        events.report_boot("alpha", "one"),
        events.report_boot("alpha", "two"),
        events.report_boot("alpha", "two"),
        events.report_boot("beta", "three"),
    ]
    serve()

    assert answers == [False, False, True, False, False]
    assert job.executions.count() == 1


def test_run_on_create_runs_once() -> None:
    job = make_job(run_on_create=True)

    execution = job.executions.get()
    assert (execution.trigger, execution.due_at) == (Trigger.EVENT, job.created_at)
    job_services.update(job.pk, {"description": "x"}, actor=SYSTEM)
    assert job.executions.count() == 1


def test_a_job_created_paused_does_not_run() -> None:
    job = make_job(run_on_create=True, paused=True)

    assert not job.executions.exists()


def test_a_job_created_under_a_freeze_is_left_out_with_the_reason() -> None:
    make_freeze(reason="ice")

    job = make_job(run_on_create=True)

    assert not job.executions.exists()
    omission = job.omissions.get()
    assert (omission.reason, omission.detail) == (OmissionReason.FROZEN, "ice")
    assert omission.first_due_at == job.created_at


@pytest.mark.parametrize("after", ["edited", "deleted", "edited away"])
def test_an_edit_between_report_and_service_leaves_no_event_without_a_verdict(after: str) -> None:
    mine, other = waiting_job(), waiting_job()
    told = report()

    if after == "deleted":
        job_services.delete(mine.pk, actor=SYSTEM)
    else:
        schedules = [] if after == "edited away" else [WAITING]
        changes = {"schedules": schedules, "description": "another"}
        job_services.update(mine.pk, changes, actor=SYSTEM)
    serve()

    assert verdicts(told) == {mine.pk: [Trigger.EVENT.value], other.pk: [Trigger.EVENT.value]}
    assert mine.executions.get().version == 1


def test_a_pause_takes_back_what_an_event_queued() -> None:
    job = waiting_job()
    report()
    serve()

    job_services.pause(job.pk, actor=SYSTEM)

    assert job.executions.get().state == "skipped"


def test_reports_with_a_long_key_are_the_same_event() -> None:
    assert report(key="k" * 300).pk == report(key="k" * 300).pk
