"""The word for a job and the order of the list say the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from jobs.models import Job
from jobs.queries.executions import ExecutionFilter, executions, history, sample
from jobs.queries.standing import Standing, by_trouble, standing
from tests.factories import every, make_execution, make_job

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.mark.django_db
def test_the_order_agrees_with_the_word() -> None:
    for state in ("active", "paused", "auto_disabled"):
        for failures in (0, 2):
            for due in (None, NOW - timedelta(minutes=5), NOW + timedelta(minutes=5)):
                for live in (0, 1):
                    job = make_job(schedules=[every(60)] if due else [])
                    Job.objects.filter(pk=job.pk).update(
                        state=state,
                        consecutive_failures=failures,
                        next_fire_at=due,
                        execution_count=live,
                    )

    make_job(depends_on=[make_job().name])

    found = [standing(job, NOW) for job in by_trouble(Job.objects.all(), NOW)]

    ranks = {Standing.BY_HAND: 6, Standing.ENDED: 6, Standing.AFTER_OTHERS: 6}
    order = [ranks.get(word, list(Standing).index(word)) for word in found]
    assert order == sorted(order)
    assert set(found) == set(Standing) - {Standing.ENDED}


@pytest.mark.django_db
def test_a_job_whose_schedules_are_over_has_no_more_runs() -> None:
    job = make_job(schedules=[every(60)])
    job.next_fire_at = None

    assert standing(job, NOW) == Standing.ENDED


@pytest.mark.django_db
def test_pages_follow_each_other_without_gap_or_double() -> None:
    job = make_job()
    ids = [make_execution(job, state=state).pk for state in ("succeeded", "failed", "lost") * 9]

    seen: list[int] = []
    before = None
    while True:
        page = executions(ExecutionFilter(before=before), size=5)
        seen += [row.pk for row in page.rows]
        before = page.older
        if before is None:
            break

    assert seen == ids[::-1]


@pytest.mark.django_db
@pytest.mark.parametrize("one_job", [True, False])
def test_several_states_come_newest_first(one_job: bool) -> None:
    job = make_job()
    for state in ("failed", "succeeded", "timed_out", "lost", "failed") * 3:
        make_execution(job, state=state)

    chosen = ExecutionFilter(result="failed", job=job.pk if one_job else None)
    page = executions(chosen, size=5)
    rest = executions(ExecutionFilter(result="failed", before=page.older), size=50)

    ids = [row.pk for row in page.rows + rest.rows]
    assert ids == sorted(ids, reverse=True)
    assert len(ids) == 12
    assert {row.state for row in page.rows} == {"failed", "timed_out", "lost"}


@pytest.mark.django_db
def test_history_shows_omissions_where_they_belong() -> None:
    job = make_job()
    for minute in range(10):
        make_execution(job, due_at=NOW + timedelta(minutes=minute), state="succeeded")
    for late in (2.5, 8.5, 20):
        at = NOW + timedelta(minutes=late)
        job.omissions.create(
            reason="paused", first_due_at=at, last_due_at=at, count=1, decided_at=at
        )

    first = history(job, ExecutionFilter(job=job.pk), size=5)
    second = history(job, ExecutionFilter(job=job.pk, before=first.older), size=5)

    def minutes(entries: object) -> list[float]:
        return [
            (getattr(entry, "last_due_at", None) or entry.due_at).timestamp() / 60
            - NOW.timestamp() / 60
            for entry in entries  # type: ignore[attr-defined]
        ]

    assert minutes(first.entries) == [20, 9, 8.5, 8, 7, 6, 5]
    assert minutes(second.entries) == [4, 3, 2.5, 2, 1, 0]


@pytest.mark.django_db
def test_only_failures_are_shown_without_omissions() -> None:
    job = make_job()
    make_execution(job, state="failed")
    job.omissions.create(
        reason="paused", first_due_at=NOW, last_due_at=NOW, count=1, decided_at=NOW
    )

    assert len(history(job, ExecutionFilter(job=job.pk, result="failed")).entries) == 1
    assert len(history(job, ExecutionFilter(job=job.pk, result="skipped")).entries) == 1


@pytest.mark.django_db
def test_usual_times_leave_failures_out() -> None:
    job = make_job()
    for seconds, state in (
        (1, "succeeded"),
        (3, "succeeded"),
        (2, "succeeded"),
        (500, "timed_out"),
    ):
        make_execution(
            job,
            state=state,
            queued_at=NOW,
            started_at=NOW + timedelta(seconds=0.5),
            finished_at=NOW + timedelta(seconds=0.5 + seconds),
        )
    make_execution(job, state="skipped")

    found = sample(job.pk)

    assert (found.median_seconds, found.p95_seconds, found.median_wait_seconds) == (2, 3, 0.5)
    assert len(found.rows) == 4
