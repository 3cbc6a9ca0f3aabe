"""What an outage left out, over all jobs: seen, told, run by one button, called off, made up for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs.domain.permissions import SYSTEM, Actor, Grant, Role
from jobs.domain.states import ExecutionState, OmissionReason, Trigger
from jobs.models import Alert, AuditEntry, Backfill, BackfillItem, Execution, Job, Omission
from jobs.queries import alert_facts
from jobs.services import alert_jobs, alerting, backfills, missed
from jobs.services import jobs as job_services
from jobs.services.missed_requests import parse_missed
from tests.factories import cron, make_execution, make_job, make_worker

pytestmark = pytest.mark.django_db

# An outage from nine to noon, a while ago.
NINE = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=6)
NOON = NINE + timedelta(hours=3)
WINDOW = {"from": NINE.isoformat(), "to": NOON.isoformat()}
HOUR = timedelta(hours=1)


def job_since(moment: datetime, **fields: Any) -> Job:
    """Return a job that was there before the outage."""
    job = make_job(**{"schedules": [cron("0 * * * *")], **fields})
    Job.objects.filter(pk=job.pk).update(created_at=moment, decided_until=datetime.now(UTC))
    job.versions.update(created_at=moment)
    job.refresh_from_db()
    return job


def left_out(
    job: Job, first: datetime, last: datetime, count: int, reason: str = "misfire"
) -> Omission:
    return Omission.objects.create(
        job=job,
        reason=reason,
        first_due_at=first,
        last_due_at=last,
        count=count,
        decided_at=datetime.now(UTC),
    )


def outage(name: str = "hourly", **fields: Any) -> Job:
    """Return a job whose four hourly due times were missed."""
    job = job_since(NINE - 24 * HOUR, name=name, **fields)
    left_out(job, NINE, NOON, 4)
    return job


def test_one_call_runs_what_all_jobs_missed_and_another_calls_it_off() -> None:
    first, second = outage("first"), outage("second", overlap="allow", max_parallel=3)
    paused = job_since(NINE - 24 * HOUR, name="paused")
    left_out(paused, NINE, NOON, 4, OmissionReason.PAUSED.value)
    partly = job_since(NINE - 24 * HOUR, name="partly")
    left_out(partly, NINE - 2 * HOUR, NINE, 3)
    crashed = job_since(NINE - 24 * HOUR, name="crashed")
    make_execution(
        crashed,
        due_at=NINE + HOUR,
        trigger=Trigger.SCHEDULE.value,
        state=ExecutionState.LOST.value,
    )
    asked = parse_missed(WINDOW)

    seen = missed.preview(asked, actor=SYSTEM)
    made = missed.run(asked, actor=SYSTEM)
    again = missed.run(asked, actor=SYSTEM)
    after = missed.preview(asked, actor=SYSTEM)

    assert [(one.job.name, one.missed, one.runs) for one in seen.jobs] == [
        ("first", 4, 4),
        ("second", 4, 4),
        ("partly", 1, 1),
        ("crashed", 1, 1),
    ]
    assert (seen.runs, made.runs, seen.all_jobs, again.runs) == (10, 10, 4, 0)
    assert [row.job.name for row in made.backfills] == ["first", "second", "partly", "crashed"]
    assert list(
        BackfillItem.objects.filter(backfill__job=first)
        .order_by("due_at")
        .values_list("due_at", flat=True)
    ) == [NINE, NINE + HOUR, NINE + 2 * HOUR, NOON]
    assert (after.runs, after.running) == (0, 10)
    assert AuditEntry.objects.filter(action="backfill.create").count() == 4

    off = missed.cancel(NINE, NOON, actor=SYSTEM)

    assert len(off) == 4
    assert missed.preview(asked, actor=SYSTEM).runs == 10
    assert not Execution.objects.filter(job__in=[first, second]).exists()


def test_only_the_latest_of_each_job_and_batches_that_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    jobs = [outage(f"job-{number}") for number in range(5)]
    monkeypatch.setattr(missed, "JOBS_AT_A_TIME", 2)
    asked, names, runs, left = {**WINDOW, "each": "latest"}, [], 0, []

    for _batch in range(3):
        made = missed.run(parse_missed(asked), actor=SYSTEM)
        names += [row.job.name for row in made.backfills]
        runs += made.runs
        left.append(made.next_after)
        asked["cursor"] = str(made.next_after)

    assert left == [jobs[1].pk, jobs[3].pk, None]
    assert names == [job.name for job in jobs]
    assert runs == 5
    assert set(BackfillItem.objects.values_list("due_at", flat=True)) == {NOON}
    later = missed.preview(parse_missed({**WINDOW, "each": "latest"}), actor=SYSTEM)
    assert (later.runs, later.jobs[0].older) == (0, 3)


@pytest.mark.parametrize(("jobs", "told"), [(1, ": 1 job at once."), (2, "; up to 2 jobs side by")])
def test_no_more_jobs_are_told_to_run_at_once_than_there_are(
    jobs: int, told: str, operator_client: Client
) -> None:
    """The defect: "4 job at once" for one job and four places of workers."""
    make_worker(slots=4)
    for place in range(jobs):
        outage(f"job-{place}")

    page = operator_client.get(reverse("missed"), WINDOW).content.decode()

    assert f"oldest first{told}" in page


@pytest.mark.parametrize(
    ("lengths", "told"),
    [((0.01, 0.02), ""), ((90, 0.02), "about 6 min"), ((90, None), "6 min or more")],
)
def test_the_time_it_takes_is_told_where_it_is_known_and_matters(
    lengths: tuple[float | None, ...], told: str, operator_client: Client
) -> None:
    """The defect: "about 0 s" for jobs that had never run."""
    for place, seconds in enumerate(lengths):
        job = outage(f"job-{place}")
        Job.objects.filter(pk=job.pk).update(last_duration_seconds=seconds)

    page = operator_client.get(reverse("missed"), WINDOW).content.decode()

    assert ("It will take" in page) == bool(told)
    assert told in page


def test_all_that_follow_start_in_bounded_batches(
    operator_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = [outage(f"job-{number}") for number in range(7)]
    monkeypatch.setattr(missed, "JOBS_AT_A_TIME", 2)
    monkeypatch.setattr(missed, "JOBS_AT_ONCE", 4)
    page = operator_client.get(reverse("missed"), WINDOW).content.decode()
    assert "Run these and all that follow" in page

    url, said = reverse("missed_run"), []
    for after in ("", str(jobs[3].pk), str(jobs[5].pk)):
        asked = {**WINDOW, "all": "1", "after": after}
        answer = operator_client.post(url, asked, follow=True).content.decode()
        said.append("More jobs are left: run them, too." in answer)
        started = set(BackfillItem.objects.values_list("backfill__job__name", flat=True))
        assert len(started) == (7 if after else 4)

    assert said == [True, False, False]
    assert BackfillItem.objects.count() == 28
    last = operator_client.get(reverse("missed"), {**WINDOW, "after": str(jobs[5].pk)})
    assert "Run these and all that follow" not in last.content.decode()


def test_what_may_not_be_run_is_shown_and_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    shop = outage("shop", tags=["shop"])
    outage("secret")
    reader = Actor(name="vera", role=Role.VIEWER, grants=(Grant(role=Role.OPERATOR, tag="shop"),))

    made = missed.run(parse_missed(WINDOW), actor=reader)

    assert [row.job.pk for row in made.backfills] == [shop.pk]
    assert made.refused == {"secret": "You may not run it."}
    second = missed.preview(parse_missed(WINDOW), actor=reader).jobs[1]
    assert (second.runs, second.missed) == (0, 4)


def serve(now: datetime) -> Alert:
    """Tell of what was missed, as the alerter does."""
    alert_jobs.serve_missed(alert_facts.missed_since(0), alerting.rule_settings(), now)
    return Alert.objects.get(rule="missed", resolved_at=None)


def look(now: datetime) -> set[str]:
    """Look again; return the jobs that are still in an alert of missed due times."""
    alert_jobs.recheck(alerting.rule_settings(), now)
    rows = Alert.objects.filter(rule="missed", resolved_at=None, members__left_at=None)
    return set(rows.values_list("members__job__name", flat=True))


def test_a_missed_alert_ends_with_the_next_dispatch_on_time_or_a_rerun() -> None:
    """The defect: it ended only with a success, so a job that fails kept it for a day."""
    now = datetime.now(UTC)
    on_time, late, rerun, by_hand = (outage(name) for name in ("on", "late", "rerun", "by-hand"))
    row = serve(now)
    assert row.evidence["due_times"] == 16
    assert look(now + timedelta(seconds=5)) == {"on", "late", "rerun", "by-hand"}

    soon = now + timedelta(minutes=1)
    failed = {"state": ExecutionState.FAILED.value, "due_at": soon}
    make_execution(on_time, trigger=Trigger.SCHEDULE.value, **failed)
    make_execution(late, trigger=Trigger.MISFIRE.value, **failed)
    make_execution(by_hand, trigger=Trigger.MANUAL.value, **failed)

    assert look(now + timedelta(seconds=10)) == {"late", "rerun", "by-hand"}

    made = missed.run(parse_missed(WINDOW), actor=SYSTEM)
    for backfill in made.backfills:
        if backfill.job_id != rerun.pk:
            backfills.cancel(backfill.pk, actor=SYSTEM)

    assert look(now + timedelta(seconds=20)) == {"late", "by-hand"}

    left_out(late, NOON + HOUR, NOON + HOUR, 1)
    alert_jobs.serve_missed(
        [Omission.objects.latest("pk")], alerting.rule_settings(), now + timedelta(seconds=21)
    )
    row.refresh_from_db()
    assert row.evidence["due_times"] == 17
    assert row.evidence["last_due_at"] == (NOON + HOUR).isoformat()
    assert row.title.startswith("17 due times")


def test_an_operator_runs_what_was_missed_from_the_overview_in_two_clicks(
    operator_client: Client, viewer_client: Client
) -> None:
    """Overview -> what was missed -> Run what was missed; the way back stands in the answer."""
    job = outage("nightly")
    outage("stopped")
    serve(datetime.now(UTC))
    overview = operator_client.get(reverse("overview")).content.decode()
    page = f"{reverse('missed')}?{urlencode(WINDOW)}"
    assert page.replace("&", "&amp;") in overview

    html = operator_client.get(page).content.decode()
    seen = viewer_client.get(page).content.decode()
    assert "Run what was missed: 8 runs" in html
    assert "nightly" in seen
    assert reverse("missed_run") not in seen
    refused = viewer_client.post(reverse("missed_run"), WINDOW, headers={"HX-Request": "true"})
    assert refused.status_code == 403
    answer = operator_client.post(reverse("missed_run"), WINDOW, follow=True).content.decode()

    assert "Started 8 runs of 2 jobs." in answer
    assert reverse("missed_cancel") in answer
    assert Backfill.objects.filter(state="running").count() == 2
    ledger = reverse("ledger", args=[job.pk]) + f"?{urlencode(WINDOW)}"
    assert "Run what was missed" in operator_client.get(ledger).content.decode()
    for item in BackfillItem.objects.filter(backfill__job=job):
        item.execution = make_execution(
            job, due_at=item.due_at, trigger=Trigger.BACKFILL.value, state="succeeded"
        )
        item.save()
    served = operator_client.get(ledger).content.decode()
    assert "Made up for" in served
    assert "Run what was missed" not in served

    undone = operator_client.post(f"{reverse('missed_cancel')}?{urlencode(WINDOW)}", follow=True)

    assert "Called off for 2 jobs." in undone.content.decode()
    assert not Backfill.objects.filter(state="running").exists()
    wrong = operator_client.get(f"{reverse('missed')}?from=soon")
    assert wrong.status_code == 422
    ahead = operator_client.get(f"{reverse('missed')}?to=2990-01-01T00:00:00Z")
    assert "has not passed yet" in ahead.content.decode()
    empty = operator_client.get(f"{reverse('missed')}?from=2020-01-01T00:00&to=2020-01-02T00:00")
    assert "Nothing was missed in this window" in empty.content.decode()


def test_a_job_with_too_many_missed_due_times_says_so_and_the_others_run() -> None:
    begin = timezone.now() - timedelta(days=3)
    many = job_since(begin - HOUR, name="each-second", schedules=[cron("* * * * * *")])
    left_out(many, begin, begin + timedelta(days=2), 172_801)
    few = outage()

    made = missed.run(parse_missed({"from": begin.isoformat()}), actor=SYSTEM)

    assert [row.job.pk for row in made.backfills] == [few.pk]
    assert "Choose a shorter window" in made.refused["each-second"]


def test_a_job_that_is_deleted_meanwhile_keeps_no_other_from_being_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gone, stays = outage("gone"), outage("stays")
    look = missed.preview

    def and_then_deleted(*asked: Any, **told: Any) -> missed.Missed:
        found = look(*asked, **told)
        job_services.delete(gone.pk, actor=SYSTEM)
        return found

    monkeypatch.setattr(missed, "preview", and_then_deleted)
    made = missed.run(parse_missed(WINDOW), actor=SYSTEM)

    assert [row.job_id for row in made.backfills] == [stays.pk]
    assert list(made.refused) == ["gone"]


def test_a_lost_run_that_somebody_started_is_told_and_not_made_up_for(
    operator_client: Client,
) -> None:
    job = job_since(NINE - 24 * HOUR, name="by-hand")
    rows = [
        make_execution(
            job, state="lost", trigger=trigger.value, due_at=NINE + HOUR, finished_at=NOON
        )
        for trigger in (Trigger.MANUAL, Trigger.DEPENDENCY)
    ]

    found = missed.preview(parse_missed(WINDOW), actor=SYSTEM)
    html = operator_client.get(f"{reverse('missed')}?{urlencode(WINDOW)}").content.decode()

    assert [(one.missed, one.runs, one.without_due_time) for one in found.jobs] == [
        (0, 0, len(rows))
    ]
    assert "1 job missed due times or lost runs" in html
    assert (
        f'<a href="{reverse("executions")}?job={job.pk}&amp;result=failed">2 lost runs</a> started by hand'
        in html
    )
    assert "Nothing is left to run" in html


def test_a_lost_run_beyond_the_window_is_not_made_up_for() -> None:
    job = outage()
    at = NINE + 2 * HOUR
    make_execution(job, state="lost", trigger="schedule", due_at=at, finished_at=at)
    window = {"from": NINE.isoformat(), "to": (NINE + HOUR).isoformat()}

    found = missed.preview(parse_missed(window), actor=SYSTEM)

    assert [one.runs for one in found.jobs] == [2]
