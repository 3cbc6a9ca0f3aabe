"""What retention removes, what it keeps, and that the rest still adds up."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from jobs.domain.backfill import Basis
from jobs.domain.errors import ForbiddenError, InvalidError
from jobs.domain.permissions import SYSTEM, Actor, Role
from jobs.domain.states import TERMINAL, BackfillChoice
from jobs.models import (
    Artifact,
    Attempt,
    AuditEntry,
    Dependency,
    Execution,
    Job,
    LogChunk,
    Occurrence,
    Omission,
)
from jobs.python_api import cleanup_old_logs
from jobs.services import artifacts, retention, retention_rules
from jobs.services.backfill_due import list_due
from jobs.services.explaining import explain
from jobs.services.proof import prove_ledger
from jobs.web.views import retention as retention_page
from tests.factories import cron, make_artifact, make_backfill, make_execution, make_job

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 6, 1, tzinfo=UTC)
KEPT = 5


@pytest.fixture(autouse=True)
def few_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep five of each job and take small batches, so that a test needs few rows."""
    monkeypatch.setitem(settings.JOBDECK, "KEEP_OF_EACH_JOB", KEPT)
    monkeypatch.setattr(retention, "BATCH", 3)


@pytest.fixture
def job(db: None) -> Job:
    """Return a daily job with forty days of history, each seventh execution failed."""
    with time_machine.travel(NOW - timedelta(days=40, hours=1), tick=False):
        job = make_job(name="daily", schedules=[cron("0 0 * * *")])
    for day in range(40, -1, -1):
        state = "failed" if day % 7 == 0 else "succeeded"
        add(job, NOW - timedelta(days=day), state=state, trigger="schedule")
    Job.objects.filter(pk=job.pk).update(
        success_count=35, failure_count=6, decided_until=NOW, last_execution_id=newest(job).pk
    )
    return Job.objects.get(pk=job.pk)


def add(job: Job, at: datetime, **fields: Any) -> Execution:
    """Return an execution that ended at once, with a log and an attempt."""
    ended = {"started_at": at, "finished_at": at} if fields["state"] in set(TERMINAL) else {}
    row = make_execution(job, due_at=at, queued_at=at, **ended, **fields)
    LogChunk.objects.create(
        execution=row, seq=0, attempt=1, stream="stdout", offset=0, data=b"x", written_at=at
    )
    Attempt.objects.create(execution=row, number=1, state="failed", finished_at=at)
    return row


def newest(job: Job) -> Execution:
    return Execution.objects.filter(job=job).latest("pk")


def prune(days: int = 30, **options: Any) -> retention.Pruned:
    return retention.prune(days, actor=SYSTEM, now=NOW, **options)


def states_of(job: Job) -> Counter[str]:
    return Counter(Execution.objects.filter(job=job).values_list("state", flat=True))


def test_s3_86_what_is_older_goes_with_its_logs_and_files(job: Job) -> None:
    old = Execution.objects.filter(job=job).earliest("pk")
    make_artifact(old)
    assert prune(dry_run=True).executions == 10
    assert Execution.objects.count() == 41

    done = prune()

    assert (done.executions, done.jobs) == (10, 1)
    assert done.states == {"succeeded": 9, "failed": 1}
    assert min(Execution.objects.values_list("due_at", flat=True)) == NOW - timedelta(days=30)
    assert LogChunk.objects.count() == Attempt.objects.count() == 31
    assert not Artifact.objects.exists()
    entry = AuditEntry.objects.get(action="history.prune")
    assert entry.note == "10 executions that ended more than 30 days ago"
    assert prune().executions == 0


@pytest.mark.django_db(transaction=True)
def test_files_go_when_their_rows_have_gone(job: Job) -> None:
    old = Execution.objects.filter(job=job).earliest("pk")
    gone, kept = (
        artifacts.path_of(make_artifact(old)),
        artifacts.path_of(make_artifact(newest(job))),
    )

    prune()

    assert (gone.exists(), kept.exists()) == (False, True)


def test_i_27_the_counters_are_what_is_there_and_what_was_removed(job: Job) -> None:
    prune()
    prune(days=20)

    job.refresh_from_db()
    there = states_of(job) + Counter(job.pruned)
    assert job.pruned == {"succeeded": 17, "failed": 3}
    assert (there["succeeded"], there["failed"]) == (job.success_count, job.failure_count)
    assert there.total() == job.execution_count


def test_the_ledger_is_proved_from_where_its_history_begins(job: Job) -> None:
    start, end = NOW - timedelta(days=40), NOW
    before = prove_ledger(job.pk, start, end, now=NOW)
    assert (before.account.due, before.balanced, before.shortened) == (41, True, False)

    prune()

    after = prove_ledger(job.pk, start, end, now=NOW)
    assert (after.account.due, after.balanced, after.shortened) == (31, True, True)
    assert after.sentence.endswith("0 unexplained, history begins after 2026-05-01 00:00:00 UTC")
    later = prove_ledger(job.pk, NOW - timedelta(days=10), end, now=NOW)
    assert (later.account.due, later.shortened) == (11, False)
    Execution.objects.filter(job=job, due_at=NOW - timedelta(days=15)).delete()
    assert not prove_ledger(job.pk, start, end, now=NOW).balanced


def test_what_was_removed_was_not_missed(job: Job) -> None:
    prune()
    job.refresh_from_db()
    gone = NOW - timedelta(days=35)

    missed = list_due(
        job,
        start=NOW - timedelta(days=40),
        end=NOW,
        only=BackfillChoice.MISSED,
        basis=Basis.HISTORY,
    )
    answer = explain(job.pk, gone, now=NOW)

    assert missed.items == []
    assert "retention has removed it" in answer.summary


def test_i_28_what_somebody_still_counts_on_is_kept(job: Job) -> None:
    rows = list(Execution.objects.filter(job=job).order_by("pk")[:4])
    backfill = make_backfill(job)
    backfill.items.create(due_at=rows[0].due_at, execution=rows[0])
    finished = make_backfill(make_job(schedules=[cron("0 * * * *")]))
    type(finished).objects.filter(pk=finished.pk).update(state="finished")
    finished.items.create(due_at=rows[1].due_at, execution=rows[1])
    Dependency.objects.create(
        job=make_job(), upstream=job, outcome="done", met_by_execution_id=rows[2].pk
    )
    Execution.objects.filter(pk=rows[3].pk).update(state="running", finished_at=None)
    rare = make_job(name="rare")
    for year in range(KEPT + 1):
        add(rare, NOW - timedelta(days=400 * (KEPT - year) + 40), state="succeeded")

    prune()

    left = set(Execution.objects.filter(job=job).values_list("pk", flat=True))
    assert {rows[0].pk, rows[2].pk, rows[3].pk} <= left
    assert rows[1].pk not in left
    assert len(left) == 31 + 3
    assert Execution.objects.filter(job=rare).count() == KEPT


def test_i_28_a_removal_that_is_killed_has_done_less(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[object] = []

    def dies(ids: object) -> int:
        calls.append(ids)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return 0

    monkeypatch.setattr(artifacts, "remove_of", dies)
    with pytest.raises(KeyboardInterrupt):
        prune()
    monkeypatch.undo()

    half = Job.objects.get(pk=job.pk)
    assert half.pruned is not None
    assert (states_of(half) + Counter(half.pruned)).total() == half.execution_count
    assert sum(half.pruned.values()) == 6
    proof = prove_ledger(job.pk, NOW - timedelta(days=40), NOW, now=NOW)
    assert (proof.balanced, proof.account.due) == (True, 35)
    monkeypatch.setitem(settings.JOBDECK, "KEEP_OF_EACH_JOB", KEPT)
    assert prune().executions == 4


def test_only_an_administrator_may_and_only_for_days_that_make_sense(job: Job) -> None:
    with pytest.raises(ForbiddenError):
        retention.prune(30, actor=Actor(name="edda", role=Role.EDITOR), now=NOW)
    for days in (0, -1, 10**6):
        with pytest.raises(InvalidError, match="Use 1 to"):
            prune(days=days)
    assert Execution.objects.count() == 41


@time_machine.travel(NOW, tick=False)
def test_the_command_and_a_job_of_ones_own_say_how_many(job: Job) -> None:
    out = StringIO()
    call_command("prune", days=30, dry_run=True, stdout=out)
    removed = cleanup_old_logs(days=35)
    call_command("prune", stdout=out)

    assert out.getvalue().splitlines() == [
        "10 executions of 1 jobs would be removed (1 failed, 9 succeeded)",
        "5 executions of 1 jobs removed (1 failed, 4 succeeded)",
    ]
    assert removed == 5
    with pytest.raises(CommandError, match="0 days make no sense"):
        call_command("prune", days=0)


def test_moments_that_only_gone_starts_had_go_with_them(job: Job) -> None:
    event = f"@after {job.pk}"
    for number, days in enumerate((50, 40, 35, 10, 2)):
        Occurrence.objects.create(
            event=event, at=NOW - timedelta(days=days), key=str(number), served_until=None
        )
    Occurrence.objects.create(event="@after 999999", at=NOW - timedelta(days=50), served_until=None)
    at = NOW - timedelta(days=40)
    Omission.objects.create(
        job=job, first_due_at=at, last_due_at=at, count=1, reason="paused", decided_at=NOW
    )

    prune()

    left = Occurrence.objects.filter(event=event).order_by("at").values_list("at", flat=True)
    assert [(NOW - moment).days for moment in left] == [40, 10, 2]
    assert Occurrence.objects.exclude(event=event).count() == 1


@pytest.mark.usefixtures("given_contexts")
@time_machine.travel(NOW, tick=False)
def test_s1_109_what_goes_is_shown_first_and_the_settings_say_what_stays(
    job: Job, admin_client: Client, editor_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S1-109, S4-98: the numbers of the page are those that the button and the command remove."""
    Execution.objects.update(log_bytes=1)
    kept: Any = settings.JOBDECK["KEEP"]
    rules = {**kept, "failed_count": 3, "log_days": 1}
    monkeypatch.setitem(settings.JOBDECK, "KEEP", rules)
    page = admin_client.get(reverse("retention"))
    shown = [one.count for one in page.context["rules"]]
    html = page.content.decode()
    out = StringIO()
    call_command("prune", rules=True, dry_run=True, stdout=out)
    before = Execution.objects.count()

    # The page looks at a bounded number, and time may be over before the work: nothing is half
    # removed, and the rest is left.
    monkeypatch.setattr(retention_page, "LOOKED_AT", 4)
    monkeypatch.setattr(retention_page, "ACT_SECONDS", 0.0)
    part = admin_client.get(reverse("retention"))
    assert "there may be more" in part.content.decode()
    assert sum(one.count for one in part.context["rules"][:2]) == 4
    refused = editor_client.post(reverse("retention_run"))
    assert (refused.status_code, Execution.objects.count()) == (303, before)
    assert admin_client.post(reverse("retention_run"))["Location"] == reverse("retention")
    half = before - Execution.objects.count()
    call_command("prune", rules=True, stdout=(rest := StringIO()))

    assert 0 < half < sum(shown[:2])
    assert "KEEP_FAILED_COUNT" in html
    assert "3 of all jobs together at most" in html
    assert shown[:3] == [29, 3, 7]
    words = ("completed", "failed", "logs")
    assert out.getvalue().splitlines()[:3] == [
        f"{word}: {count} would be removed" for word, count in zip(words, shown, strict=False)
    ]
    assert before - Execution.objects.count() == shown[0] + shown[1]
    assert "logs: 7 removed" in rest.getvalue()
    job.refresh_from_db()
    assert (states_of(job) + Counter(job.pruned)).total() == job.execution_count


@time_machine.travel(NOW, tick=False)
def test_the_preview_asks_as_often_for_many_jobs_and_counts_what_goes(
    job: Job, django_assert_num_queries: Any
) -> None:
    """Six ask for the newest of a state, others for counters, floors, counts, logs and sums."""
    rows = list(Execution.objects.filter(job=job).order_by("pk"))
    held = make_backfill(make_job(name="again", schedules=[cron("0 * * * *")]))
    held.items.create(due_at=rows[0].due_at, execution=rows[0])
    Dependency.objects.create(
        job=held.job, upstream=job, outcome="done", met_by_execution_id=rows[1].pk
    )
    others = [make_job(name=f"daily-{n}", schedules=[cron("0 0 * * *")]) for n in range(6)]
    for place, other in enumerate(others):
        for day in range(40, 34 - place, -1):
            add(other, NOW - timedelta(days=day), state="succeeded", trigger="schedule")
    Execution.objects.update(log_bytes=1)
    Job.objects.filter(pk=others[2].pk).update(last_execution_id=first_of(others[2]))

    with django_assert_num_queries(13):
        seen = retention_rules.preview(actor=SYSTEM, now=NOW, most=1000)
    with django_assert_num_queries(12):  # not the logs: it is not known which of them go anyway
        part = retention_rules.preview(actor=SYSTEM, now=NOW, most=7)
    everything = retention_rules.preview(actor=SYSTEM, now=NOW)
    gone = retention_rules.clean(actor=SYSTEM, now=NOW)

    assert (part.complete, 0 < part.completed + part.failed <= 7) == (False, True)
    assert seen == everything == gone
    assert (gone.complete, gone.completed > 25, gone.failed, gone.logs > 0) == (True, True, 1, True)
    kept = {rows[0].pk, rows[1].pk, first_of(others[2])}
    assert set(Execution.objects.filter(pk__in=kept).values_list("pk", flat=True)) == kept
    assert retention_rules.clean(actor=SYSTEM, now=NOW).counts() == dict.fromkeys(gone.counts(), 0)


def first_of(job: Job) -> int:
    return Execution.objects.filter(job=job).earliest("pk").pk
