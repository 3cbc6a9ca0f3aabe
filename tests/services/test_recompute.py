"""The hourly sums equal history: proved, put right, and left alone where history is gone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db.models import F

from jobs.domain.permissions import SYSTEM
from jobs.domain.states import ExecutionState
from jobs.models import Execution, Job, JobStat, Stat
from jobs.models.stat import DURATION_COLUMNS, FORGOTTEN
from jobs.services import recompute, retention, statistics
from jobs.services.cancelling import cancel_live
from jobs.services.endings import Ending, count_ending
from tests.factories import make_execution, make_job
from tests.support import figures

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC)


def end(job: Job, ago: timedelta, state: str = "succeeded", *, attempt: int = 1) -> None:
    at = NOW - ago
    started_at, queued_at = at - timedelta(seconds=3), at - timedelta(seconds=5)
    row = make_execution(
        job, state=state, attempt=attempt, queued_at=queued_at, started_at=started_at,
        finished_at=at, due_at=queued_at, queue=job.queue,
    )  # fmt: skip
    count_ending(
        job.pk,
        Ending(
            execution_id=row.pk,
            state=ExecutionState(state),
            queue=row.queue,
            queued_at=queued_at if attempt == 1 else started_at,
            started_at=started_at,
            finished_at=at,
        ),
    )


def check() -> str:
    out = StringIO()
    call_command("recompute_stats", "--check", stdout=out)
    return out.getvalue()


def test_what_ended_is_proved_and_a_wrong_figure_is_named_and_put_right() -> None:
    job, other = make_job(), make_job(queue="reports")
    for state in ("succeeded", "failed", "timed_out", "lost", "cancelled"):
        end(job, timedelta(hours=2), state)
        end(other, timedelta(minutes=1), state)
    end(job, timedelta(hours=30), attempt=2)
    make_execution(job)
    cancel_live(job, by="otto", now=NOW)
    assert "all equal to history" in check()

    JobStat.objects.filter(job=job, failed=1).update(failed=7)
    Stat.objects.filter(queue="default").update(run_seconds=F("run_seconds") + 9)
    JobStat.objects.filter(job=other).delete()
    JobStat.objects.create(job=other, hour=NOW.replace(minute=0, second=0, microsecond=0))
    with pytest.raises(CommandError, match="figures differ from history"):
        check()
    found = [str(one) for one in recompute.run(repair=False).differences]
    assert any(f"job {job.pk}" in one and "failed is 7, history says 1" in one for one in found)

    call_command("recompute_stats", stdout=StringIO())

    assert "all equal to history" in check()
    assert JobStat.objects.filter(job=other).count() == 1


def test_pruned_hours_keep_their_sums_and_are_not_judged() -> None:
    job = make_job()
    for number in range(60):
        end(job, timedelta(days=40, hours=number % 3))
    end(job, timedelta(hours=2))
    before = list(JobStat.objects.order_by("hour").values_list("hour", "succeeded"))

    assert retention.prune(30, actor=SYSTEM).executions == 11

    assert list(JobStat.objects.order_by("hour").values_list("hour", "succeeded")) == before
    assert JobStat.objects.filter(partial=True).count() == 3
    assert "left out" in check()
    Stat.objects.filter(hour__gt=NOW - timedelta(days=1)).update(succeeded=5)
    with pytest.raises(CommandError):
        check()
    call_command("recompute_stats", stdout=StringIO())
    assert sum(JobStat.objects.values_list("succeeded", flat=True)) == 61
    check()


def test_i_27_scores_and_counters_are_what_history_said_before_it_was_shortened() -> None:
    job, other = make_job(), make_job(queue="reports")
    for number in range(70):
        end(job, timedelta(days=2 + number % 4), "failed" if number % 7 else "succeeded")
    for state in ("succeeded", "failed", "lost"):
        end(job, timedelta(minutes=2), state)
        end(other, timedelta(minutes=1), "succeeded")
    make_execution(other, queue="reports")
    of_history = figures.scores_of_history(NOW)
    assert 0 < of_history["default"] < of_history["reports"] < 1
    assert (figures.wrong_scores(NOW), figures.wrong_standings()) == ([], [])

    assert retention.prune(1, actor=SYSTEM).executions == 23

    assert figures.scores(NOW) == pytest.approx(of_history)
    assert figures.wrong_standings() == []
    assert Job.objects.get(pk=job.pk).consecutive_failures == 2
    # The check itself: what is wrong is named.
    Job.objects.filter(pk=job.pk).update(
        consecutive_failures=1, success_count=F("success_count") - 1
    )
    Stat.objects.filter(queue="reports").update(failed=F("succeeded"))
    assert [one.split(":")[0] for one in figures.wrong_standings()] == [job.name, job.name]
    assert [one.split(":")[0] for one in figures.wrong_scores(NOW)][-1:] == ["reports"]


@pytest.mark.parametrize("by_hand", [False, True])
def test_what_was_pruned_before_hours_were_marked_is_never_lowered(by_hand: bool) -> None:
    job, other = make_job(), make_job()
    for _number in range(60):
        end(job, timedelta(days=40))
    end(job, timedelta(hours=2))
    end(other, timedelta(days=40))
    if by_hand:
        Execution.objects.filter(job=job).update(trigger="manual")
    assert retention.prune(30, actor=SYSTEM).executions == 11
    # As a version before the sums of jobs left it: no marks, no sums of jobs, no histograms.
    JobStat.objects.all().delete()
    old = Stat.objects.filter(hour__lt=NOW - timedelta(days=30))
    old.update(**dict.fromkeys(DURATION_COLUMNS), longest_seconds=0)
    Stat.objects.filter(hour__gt=NOW - timedelta(days=1)).update(succeeded=5)

    call_command("recompute_stats", stdout=StringIO())

    assert sum(old.values_list("succeeded", flat=True)) == 61, "not what is left in history"
    assert old.filter(longest_seconds=3).exists(), "what it still has is added"
    assert sum(Stat.objects.values_list("succeeded", flat=True)) == 62, "of today it is right"
    left = JobStat.objects.get(job=job, hour__lt=NOW - timedelta(days=30))
    assert left.succeeded == 60 - 11
    assert "all equal to history" in check()
    JobStat.objects.filter(pk=left.pk).update(succeeded=60)
    call_command("recompute_stats", stdout=StringIO())
    assert JobStat.objects.get(job=job, hour=left.hour).succeeded == 60


def test_old_figures_are_forgotten_and_their_totals_stay() -> None:
    job = make_job()
    end(job, timedelta(days=500), "failed")
    end(job, timedelta(days=450))
    end(job, timedelta(days=2))

    assert statistics.forget() == 4
    assert statistics.forget() == 0

    rest = Stat.objects.get(hour=FORGOTTEN)
    assert (rest.succeeded, rest.failed, rest.longest_seconds) == (1, 1, 3)
    assert sum(Stat.objects.values_list("succeeded", flat=True)) == 2
    assert JobStat.objects.count() == 1
    assert Execution.objects.count() == 3
    check()
