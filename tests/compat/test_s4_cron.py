"""The cron API: fields, codes, sentences, queue health, breakers, cleanup, who may."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from jobs import scheduled_jobs
from jobs.api.compat import cron
from jobs.domain.permissions import SYSTEM, Role
from jobs.domain.states import ExecutionState
from jobs.models import AuditEntry, Breaker, Execution, Job, Stat, WorkerKind
from jobs.models.stat import FORGOTTEN
from jobs.queries import alert_facts
from jobs.services import breakers, tokens
from jobs.services.retention_rules import Keep, clean
from tests.factories import cron as cron_schedule
from tests.factories import make_breaker, make_execution, make_job, make_user, make_worker

pytestmark = pytest.mark.django_db
STATS = [
    "jobName",
    "lastExecution",
    "nextExecution",
    "executionCount",
    "failureCount",
    "lastExecutionDuration",
    "isEnabled",
    "lastError",
]
QUEUE = [
    "queueName",
    "healthScore",
    "totalJobs",
    "waitingJobs",
    "activeJobs",
    "completedJobs",
    "failedJobs",
    "averageProcessingTime",
    "processingRate",
    "failureRate",
    "lastUpdated",
    "issues",
]
BREAKER = ["failureCount", "lastFailureTime", "state", "threshold", "timeout"]


def ask(method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
    """Send a request as curl does from this host."""
    client = Client(SERVER_NAME="localhost")
    data = body if isinstance(body, str) else "" if body is None else json.dumps(body)
    kind = "application/x-www-form-urlencoded"
    answer = client.generic(method, f"/cron/{path}", data, content_type=kind, headers=headers)
    return answer.status_code, json.loads(answer.content)


def hour(ago: int = 0) -> datetime:
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    return now - timedelta(hours=ago)


def ended(queue: str = "default", ago: int = 0, **sums: float) -> None:
    """Write what ended in an hour."""
    Stat.objects.create(hour=hour(ago), queue=queue, shard=0, **sums)


def queue(name: str = "default") -> dict[str, Any]:
    status, found = ask("GET", f"health/queues/{name}")
    assert status == 200, found
    return dict(found)


def wait_in(name: str, many: int) -> Job:
    job = make_job(queue=name)
    row = make_execution(job, queue=name)
    now = row.queued_at
    rest = [
        Execution(job=job, version=1, due_at=now, queued_at=now, trigger="manual", queue=name)
        for _ in range(many - 1)
    ]
    Execution.objects.bulk_create(rest)
    Job.objects.filter(pk=job.pk).update(execution_count=many)
    return job


def iso(text: str) -> bool:
    return re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", text) is not None


# --- Jobs -----------------------------------------------------------------------------------------


def test_s4_12_13_statistics_are_an_array_with_every_field() -> None:
    """S4-09."""
    job = make_job(name="hourly", schedules=[cron_schedule("0 * * * *")], category="analytics")
    make_job(name="other")
    Job.objects.filter(pk=job.pk).update(
        execution_count=3,
        success_count=1,
        failure_count=1,
        last_state="failed",
        last_error="boom\n",
        last_started_at=hour(1),
        last_duration_seconds=1.25,
    )

    status, found = ask("GET", "jobs/stats")

    assert (status, [one["jobName"] for one in found]) == (200, ["hourly", "other"])
    shown = found[0]
    assert list(shown)[: len(STATS)] == STATS
    assert (shown["executionCount"], shown["failureCount"]) == (2, 1)  # the third goes on
    assert (shown["lastExecutionDuration"], shown["lastError"]) == (1250, "boom")
    assert iso(shown["lastExecution"])
    assert iso(shown["nextExecution"])
    assert shown["nextExecution"] == hour(-1).strftime("%Y-%m-%dT%H:00:00.000Z")
    assert found[1]["lastExecution"] is found[1]["nextExecution"] is found[1]["lastError"] is None
    assert [one["jobName"] for one in ask("GET", "jobs/stats?category=analytics")[1]] == ["hourly"]


@pytest.mark.parametrize("body", ['{"enabled": false}', "enabled=false"])
def test_s4_14_15_toggle_switches_a_job(body: str) -> None:
    job = make_job(name="fetch", schedules=[cron_schedule("* * * * *")])

    off = ask("POST", "jobs/fetch/toggle", body)

    message = "CRON job fetch disabled successfully"
    assert off == (200, {"message": message, "jobName": "fetch", "enabled": False})
    assert ask("GET", "jobs/stats")[1][0]["isEnabled"] is False
    job.refresh_from_db()
    assert job.next_fire_at is None
    assert ask("POST", "jobs/fetch/toggle", {"enabled": True})[1]["message"] == (
        "CRON job fetch enabled successfully"
    )
    assert Job.objects.get().next_fire_at is not None
    assert set(AuditEntry.objects.values_list("action", "actor")) >= {
        ("job.pause", "loopback"),
        ("job.resume", "loopback"),
    }


@pytest.mark.parametrize("body", ["", "{}", '{"enabled": "maybe"}', '{"enabled": 1}', "{"])
def test_s4_16_toggle_refuses_a_bad_body(body: str) -> None:
    make_job(name="fetch")

    status, answer = ask("POST", "jobs/fetch/toggle", body)

    assert (status, list(answer)) == (400, ["statusCode", "message", "error"])
    assert (answer["statusCode"], answer["error"]) == (400, "Bad Request")


def test_s4_16_18_an_unknown_job_is_404() -> None:
    expected = {"statusCode": 404, "message": "Unknown job: nope", "error": "Not Found"}

    assert ask("POST", "jobs/nope/execute") == (404, expected)
    assert ask("POST", "jobs/nope/toggle", {"enabled": True}) == (404, expected)
    status, answer = ask("GET", "nothing/here")
    assert (status, answer["message"]) == (404, "Cannot GET /cron/nothing/here")
    assert ask("GET", "jobs/nope/execute")[0] == 405


def test_s4_17_execute_queues_a_run_and_does_not_wait_without_end() -> None:
    """S4-93."""
    job = make_job(name="fetch")

    status, answer = ask("POST", "jobs/fetch/execute?wait=0")

    assert (status, answer["message"]) == (202, "CRON job fetch is running")
    assert (answer["jobName"], answer["success"]) == ("fetch", None)
    run = Execution.objects.get(pk=answer["executionId"])
    assert (run.job_id, run.state, run.trigger) == (job.pk, "queued", "api")
    assert ask("POST", "jobs/fetch/execute")[0] == 409, "never two at a time"
    # S4-93: who started it is on record.
    entry = AuditEntry.objects.get(action="job.trigger")
    assert (entry.actor, entry.object_name) == ("loopback", "fetch")


@pytest.mark.parametrize("state", [ExecutionState.SUCCEEDED, ExecutionState.FAILED])
def test_s4_17_execute_answers_how_a_run_ended(
    state: ExecutionState, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_job(name="fetch")

    def end(execution_id: int, seconds: float) -> bool:
        Execution.objects.filter(pk=execution_id).update(state=state.value, message="exit code 3")
        return True

    monkeypatch.setattr(cron, "wait_for_end", end)

    status, answer = ask("POST", "jobs/fetch/execute")

    good = state == ExecutionState.SUCCEEDED
    words = "executed successfully" if good else "failed: exit code 3"
    assert (status, answer["message"]) == (200, f"CRON job fetch {words}")
    assert answer["success"] is good


# --- Queue health ---------------------------------------------------------------------------------


def test_s4_19_21_23_an_empty_install_has_one_healthy_queue() -> None:
    status, found = ask("GET", "health/queues")

    assert (status, [one["queueName"] for one in found]) == (200, ["default"])
    one = found[0]
    assert list(one)[: len(QUEUE)] == QUEUE
    assert (one["healthScore"], one["issues"], one["totalJobs"]) == (1.0, [], 0)
    assert iso(one["lastUpdated"])
    assert [part["cost"] for part in one["scoreParts"]] == [0, 0, 0, 0]
    assert ask("GET", "health/bottlenecks") == (200, [])
    status, advice = ask("GET", "health/recommendations/default")
    assert status == 200
    assert "no immediate action" in advice[0]


def test_s4_20_88_each_queue_has_its_own_figures_and_an_unknown_one_is_404() -> None:
    """S4-80."""
    for name in ("air-quality", "analytics", "notifications"):
        make_job(queue=name)
    ended("analytics", succeeded=8, failed=2, run_seconds=20, wait_seconds=5)

    names = [one["queueName"] for one in ask("GET", "health/queues")[1]]

    assert names == ["air-quality", "analytics", "default", "notifications"]
    one = queue("analytics")
    assert (one["completedJobs"], one["failedJobs"], one["failureRate"]) == (8, 2, 0.2)
    assert (one["averageProcessingTime"], one["averageWaitTime"]) == (2000, 500)
    assert 0 < one["processingRate"] <= 10 / 60
    for path in ("queues", "recommendations", "trends"):
        status, answer = ask("GET", f"health/{path}/nope")
        assert (status, answer["statusCode"]) == (404, 404), path


def test_s4_22_four_troubles_each_lower_the_score() -> None:
    make_worker(queues=["default"])
    for name in ("good", "failing", "slow", "crowded", "lagging"):
        make_job(queue=name)
    ended("good", succeeded=100, run_seconds=100)
    ended("failing", succeeded=90, failed=10, run_seconds=100)
    ended("slow", succeeded=100, run_seconds=2500)
    ended("crowded", succeeded=100, run_seconds=100)
    wait_in("crowded", 60)
    ended("lagging", succeeded=5, run_seconds=5)
    ended("lagging", ago=48, succeeded=100_000, run_seconds=5)
    wait_in("lagging", 1)

    score = {one["queueName"]: one["healthScore"] for one in ask("GET", "health/queues")[1]}

    assert score["good"] == pytest.approx(1, abs=0.01)
    for name, least in (("failing", 0.3), ("slow", 0.2), ("crowded", 0.1), ("lagging", 0.1)):
        assert score[name] < score["good"] - least, name


def test_s4_24_25_26_bottlenecks_come_sorted_with_advice() -> None:
    wait_in("backlog", 101)
    ended("failing", succeeded=6, failed=4, run_seconds=1)
    ended("slow", succeeded=10, run_seconds=700)
    ended("late", succeeded=10, run_seconds=1, wait_seconds=10 * 61)

    status, found = ask("GET", "health/bottlenecks")

    assert status == 200
    keys = ["queueName", "severity", "type", "description", "metrics", "recommendations"]
    assert all(list(one) == keys for one in found)
    assert [(one["severity"], one["type"], one["queueName"]) for one in found] == [
        ("critical", "high_failure_rate", "failing"),
        ("high", "slow_processing", "slow"),
        ("medium", "high_wait_time", "late"),
        ("medium", "queue_backlog", "backlog"),
    ]
    assert found[3]["metrics"]["waitingJobs"] == 101
    assert "Increase worker concurrency" in " ".join(found[3]["recommendations"])
    assert "Check external API availability" in found[0]["recommendations"]
    assert queue("backlog")["issues"] == ["101 runs wait in queue backlog"]


def test_s4_27_54_a_hundred_waiting_are_no_alert_and_one_more_is() -> None:
    job = wait_in("busy", 100)
    assert queue("busy")["issues"] == []

    make_execution(job, queue="busy")

    assert queue("busy")["issues"] == ["101 runs wait in queue busy"]


def test_s4_54_a_score_of_a_half_is_no_alert_and_below_it_is() -> None:
    make_job()
    ended(succeeded=90, failed=10, run_seconds=1800)  # costs 0.35 and 0.15

    def alerts() -> set[str]:
        return {one.key for one in alert_facts.queue_conditions(datetime.now(UTC))}

    assert queue()["healthScore"] == 0.5
    assert alerts() == set()
    Stat.objects.update(run_seconds=1920)
    assert queue()["healthScore"] == 0.49
    assert alerts() == {"queue_health:default"}
    # The shares and times of the other thresholds: not at them, but above.
    for sums, key in (
        ({"failed": 11, "succeeded": 89, "run_seconds": 0}, "high_failure_rate"),
        ({"failed": 0, "succeeded": 100, "run_seconds": 3000.1}, "slow_processing"),
    ):
        Stat.objects.update(**sums)
        assert alerts() == {f"bottleneck:default:{key}"}
    Stat.objects.update(run_seconds=3000)
    assert alerts() == set()


def test_s4_35_55_nine_failures_call_nobody_and_ten_do() -> None:
    make_job()
    ended(failed=9)

    def told() -> tuple[set[str], str]:
        raised = {one.key for one in alert_facts.queue_conditions(datetime.now(UTC))}
        return raised, str(ask("GET", "status/overview")[1]["systemHealth"])

    assert told() == (set(), "warning")
    assert queue()["healthScore"] == 0.125
    assert queue()["issues"] == ["9 of 9 runs of queue default failed (100.0%)"]
    Stat.objects.update(failed=10)
    both = {"queue_health:default", "bottleneck:default:high_failure_rate"}
    assert told() == (both, "critical")


def test_s4_32_33_a_trend_moves_with_what_happened() -> None:
    ended(ago=3, succeeded=100, run_seconds=100)
    assert ask("GET", "health/trends/default")[1]["trend"] == "stable"
    ended(ago=0, succeeded=50, failed=50, run_seconds=1000)

    status, worse = ask("GET", "health/trends/default")

    assert (status, worse["trend"]) == (200, "degrading")
    assert worse["healthScoreChange"] < -0.5
    assert worse["processingTimeChange"] == 9000
    assert worse["throughputChange"] > 0
    assert len(worse["history"]) == 1
    assert worse["history"][0]["failureRate"] == 0.5
    Stat.objects.filter(hour=hour(3)).update(succeeded=0, failed=100)
    Stat.objects.filter(hour=hour(0)).update(succeeded=100, failed=0)
    assert ask("GET", "health/trends/default")[1]["trend"] == "improving"
    assert ask("GET", "health/trends/default?hours=169")[0] == 400


# --- Overview, breakers ---------------------------------------------------------------------------


def test_s4_34_36_83_the_overview_has_everything() -> None:
    """S4-81."""
    make_job(name="fetch")

    status, found = ask("GET", "status/overview")

    assert status == 200
    five = ["cronJobs", "queueHealth", "circuitBreaker", "bottlenecks", "systemHealth"]
    assert set(five) <= set(found)
    assert found["systemHealth"] == "healthy"
    assert list(found["circuitBreaker"])[:5] == BREAKER
    closed = {"failureCount": 0, "state": "CLOSED", "threshold": 5, "timeout": 300_000}
    assert closed.items() <= found["circuitBreaker"].items()
    resources = found["resources"]
    assert resources["processors"] >= 1
    assert resources["loadAverage"] >= 0
    assert 0 < resources["memoryFree"] <= resources["memoryTotal"]
    assert 0 < resources["diskFree"] <= resources["diskTotal"]
    assert (found["errorRate"], found["uptime"]) == (0, 0)
    assert found["features"]["duplicate_prevention"] is True

    began = datetime.now(UTC) - timedelta(hours=2)
    make_worker(kind=WorkerKind.DISPATCHER.value, name="d", slots=0, started_at=began)
    ended(succeeded=37, failed=3)
    later = ask("GET", "status/overview")[1]
    assert later["errorRate"] == 0.075
    assert 7200 <= later["uptime"] < 7500
    assert later["queueHealth"][0]["failureRate"] == 0.075


def test_s4_35_the_system_is_critical_warning_or_healthy() -> None:
    def word() -> str:
        return str(ask("GET", "status/overview")[1]["systemHealth"])

    job = make_job()
    assert word() == "healthy"
    Job.objects.filter(pk=job.pk).update(last_state="failed")
    assert word() == "warning"
    ended(succeeded=5, failed=5)
    assert word() == "critical"
    Stat.objects.all().delete()
    Job.objects.filter(pk=job.pk).update(last_state="succeeded")
    row = make_breaker(name="db")
    Job.objects.filter(pk=job.pk).update(breaker=row)
    breakers.trip(row.pk, actor=SYSTEM)
    assert word() == "critical"


def test_s4_39_48_51_a_breaker_is_shown_and_reset() -> None:
    """S4-103."""
    mine = make_job(name="fetch", breaker={"threshold": 2, "open_seconds": 2})
    assert mine.breaker_id is not None
    breakers.trip(mine.breaker_id, actor=SYSTEM)

    status, shown = ask("GET", "circuit-breaker/status")

    assert (status, shown["state"], shown["timeout"]) == (200, "OPEN", 2000)
    assert [(one["name"], one["state"]) for one in shown["circuitBreakers"]] == [("fetch", "OPEN")]
    past = datetime.now(UTC) - timedelta(seconds=1)
    Breaker.objects.filter(pk=mine.breaker_id).update(open_until=past)
    assert ask("GET", "circuit-breaker/status")[1]["state"] == "HALF_OPEN"
    status, reset = ask("POST", "circuit-breaker/reset", {"name": "fetch"})
    assert (status, reset["circuitBreaker"]["state"]) == (200, "CLOSED")
    assert AuditEntry.objects.filter(action="breaker.close", actor="loopback").exists()
    assert ask("POST", "circuit-breaker/reset", {"name": "nope"})[0] == 404
    make_breaker(name="default", threshold=7)
    assert ask("GET", "status/overview")[1]["circuitBreaker"]["threshold"] == 7


# --- Maintenance ----------------------------------------------------------------------------------


def history(job: Job, states: list[str], finished_at: datetime) -> None:
    rows = [
        Execution(
            job=job,
            version=1,
            due_at=finished_at,
            queued_at=finished_at,
            finished_at=finished_at,
            trigger="manual",
            state=state,
        )
        for state in states
    ]
    Execution.objects.bulk_create(rows)
    counts = {"execution_count": job.execution_count + len(states)}
    counts["success_count"] = job.success_count + states.count("succeeded")
    counts["failure_count"] = job.failure_count + states.count("failed")
    Job.objects.filter(pk=job.pk).update(**counts)
    job.refresh_from_db()


def test_s4_37_74_75_77_a_cleanup_deletes_by_age_and_keeps_some_of_each_job() -> None:
    now = datetime.now(UTC)
    job, rare = make_job(name="often"), make_job(name="rare")
    history(job, ["succeeded"] * 5 + ["failed"] * 5, now - timedelta(days=31))
    history(job, ["succeeded"] * 5 + ["failed"] * 5, now - timedelta(days=8))
    history(job, ["succeeded"] * 50, now)
    history(rare, ["succeeded"], now - timedelta(days=300))
    # Longer than the guide's 90 days, which a period of 90 is compared with; KEEP_METRIC_DAYS says 90.
    ended(ago=24 * 401, succeeded=1)
    ended(ago=24 * 399, succeeded=1)

    status, answer = ask("POST", "maintenance/cleanup")

    assert (status, answer["message"]) == (200, "System cleanup triggered successfully")
    assert iso(answer["timestamp"])
    assert answer["deleted"] == {"completed": 10, "failed": 5, "logs": 0, "metrics": 1}
    assert answer["complete"] is True
    left = Execution.objects.filter(job=job)
    assert left.filter(state="failed").count() == 5
    assert left.count() == 55
    assert Execution.objects.filter(job=rare).count() == 1
    # What an hour forgotten had counted stays in one row: /metrics must never fall.
    hours = Stat.objects.order_by("hour").values_list("hour", "succeeded")
    assert [(at > FORGOTTEN, ended) for at, ended in hours] == [(False, 1), (True, 1)]
    job.refresh_from_db()
    assert (job.execution_count, job.pruned) == (70, {"succeeded": 10, "failed": 5})
    assert AuditEntry.objects.filter(action="history.clean", actor="loopback").count() == 1


def test_s4_04_05_what_the_product_s_own_jobs_do_is_in_their_results() -> None:
    """The cleanup deletes by the policy and counts by kind; the check names what is wrong."""
    now = datetime.now(UTC)
    job = make_job(name="often")
    history(job, ["succeeded"] * 4 + ["failed"] * 3, now - timedelta(days=31))
    history(job, ["succeeded"] * 50, now)
    ended(ago=24 * 401, succeeded=1)
    breakers.trip(make_breaker(name="db").pk, actor=SYSTEM)
    Job.objects.filter(pk=job.pk).update(breaker=Breaker.objects.get(name="db"))

    cleaned = scheduled_jobs.weekly_cleanup()
    again = scheduled_jobs.weekly_cleanup()
    checked = scheduled_jobs.health_check()

    counts = {"completed": 4, "failed": 3, "logs": 0, "metrics": 1}
    assert cleaned == {"success": True, "message": "Deleted 8 rows", "data": counts}
    assert again["data"] == dict.fromkeys(counts, 0)
    assert Execution.objects.filter(job=job).count() == 50
    assert (checked["success"], checked["data"]["system"]) == (True, "critical")
    assert checked["message"].startswith("System is critical, 1 queue looked at")
    assert checked["data"]["queues"]["default"]["score"] == 1
    assert len(checked["data"]["open_breakers"]) == 1
    assert "db" in checked["data"]["open_breakers"][0]


def test_s4_74_75_a_cleanup_keeps_the_newest_of_all_jobs_together() -> None:
    now = datetime.now(UTC)
    job, other = make_job(), make_job()
    history(job, ["succeeded"] * 30 + ["failed"] * 8, now)
    history(job, ["succeeded"] * 60, now)
    history(other, ["succeeded"] * 10 + ["failed"] * 3, now)

    done = clean(actor=SYSTEM, now=now, keep=Keep(completed_count=75, failed_count=5))

    assert (done.completed, done.failed) == (25, 6)  # 30 + 60 + 10 - 75, 8 + 3 - 5
    assert Execution.objects.filter(job=other).count() == 13
    assert (
        clean(actor=SYSTEM, now=now, keep=Keep(completed_count=75, failed_count=5)).completed == 0
    )


def test_s4_76_a_cleanup_forgets_old_output_of_what_stays() -> None:
    now = datetime.now(UTC)
    old, new = make_execution(), make_execution()
    for row, days in ((old, 31), (new, 29)):
        row.log_chunks.create(
            seq=1, attempt=1, stream="stdout", offset=0, data=b"x", written_at=now
        )
        at = now - timedelta(days=days)
        Execution.objects.filter(pk=row.pk).update(state="succeeded", finished_at=at, log_bytes=1)

    done = clean(actor=SYSTEM, now=now)

    assert done.logs == 1
    assert (old.log_chunks.count(), new.log_chunks.count()) == (0, 1)


def test_a_cleanup_stops_when_its_time_is_over() -> None:
    now = datetime.now(UTC)
    job = make_job()
    history(job, ["succeeded"] * 500, now - timedelta(days=9))

    done = clean(actor=SYSTEM, now=now, seconds=0)

    assert not done.complete
    assert 0 < done.completed < 450


def test_s4_38_59_a_health_check_notes_the_figures(settings: Any) -> None:
    ended(succeeded=5, failed=5)

    status, answer = ask("POST", "monitoring/health-check")

    assert (status, answer["message"]) == (200, "Health check triggered successfully")
    assert (iso(answer["timestamp"]), answer["systemHealth"]) == (True, "critical")
    noted = AuditEntry.objects.get(action="health.check")
    assert noted.after is not None
    assert noted.after["queues"]["default"]["failure_rate"] == 0.5
    features = {**settings.JOBDECK["CRON_FEATURES"], "performance_monitoring": False}
    settings.JOBDECK = {**settings.JOBDECK, "CRON_FEATURES": features}
    ask("POST", "monitoring/health-check")
    assert AuditEntry.objects.filter(action="health.check").latest("pk").after is None


def test_s4_66_the_alert_threshold_is_a_setting(settings: Any) -> None:
    from jobs.queries.queue_health import health_of

    ended(succeeded=9, failed=1)  # costs 0.35
    assert not health_of("default", datetime.now(UTC)).alerts

    settings.JOBDECK = {**settings.JOBDECK, "HEALTH_ALERT_SCORE": 0.9}

    assert health_of("default", datetime.now(UTC)).alerts


# --- Who may --------------------------------------------------------------------------------------

UNSAFE = [
    ("jobs/fetch/toggle", {"enabled": False}, Role.OPERATOR),
    ("jobs/fetch/execute?wait=0", None, Role.OPERATOR),
    ("circuit-breaker/reset", {"name": "db"}, Role.OPERATOR),
    ("monitoring/health-check", None, Role.OPERATOR),
    ("maintenance/cleanup", None, Role.EDITOR),
]
SAFE = [
    "jobs/stats",
    "health/queues",
    "health/queues/default",
    "health/bottlenecks",
    "health/recommendations/default",
    "health/trends/default",
    "status/overview",
    "circuit-breaker/status",
]


@pytest.mark.parametrize("role", [None, *Role])
def test_s4_91_92_each_role_may_what_it_may(role: Role | None, settings: Any) -> None:
    settings.OPEN_LOOPBACK = False
    make_job(name="fetch")
    make_breaker(name="db")
    _, token = tokens.create(make_user("someone", role), "script")
    order = [None, *Role]

    for path, body, least in UNSAFE:
        status, _ = ask("POST", path, body, Authorization=f"Bearer {token}")
        allowed = order.index(role) >= order.index(least)
        assert (status < 300) == allowed, path
        assert allowed or status == 403, path
        assert ask("POST", path, body)[0] == 401, path
    for path in SAFE:
        status, _ = ask("GET", path, Authorization=f"Bearer {token}")
        assert status == (200 if role else 403), path
        assert ask("GET", path)[0] == 401, path
    settings.OPEN_LOOPBACK = True
    stranger = Client(SERVER_NAME="localhost", REMOTE_ADDR="203.0.113.9")
    assert stranger.get("/cron/jobs/stats").status_code == 401, "from another host"


def test_s4_11_the_address_with_a_prefix_serves_the_same(viewer: User) -> None:
    client = Client(SERVER_NAME="localhost")

    assert client.get("/api/v1/cron/jobs/stats").json() == []
    assert client.get("/api/v1/cron/health/queues").json()[0]["queueName"] == "default"


def test_health_costs_the_same_whatever_the_history(django_assert_num_queries: Any) -> None:
    from jobs.queries.queue_health import healths

    for number in range(30):
        ended(f"q{number % 3}", ago=number, succeeded=10, run_seconds=10)

    with django_assert_num_queries(8):
        healths(datetime.now(UTC))


def test_figures_reach_back_as_far_as_the_setting_says(settings: Any) -> None:
    """S4-67: seven days where nothing else is set."""
    ended(ago=1, succeeded=3)
    ended(ago=8 * 24, succeeded=50)

    week = queue()["completedJobs"]
    settings.JOBDECK = {**settings.JOBDECK, "HEALTH_RETENTION_SECONDS": 30 * 86400}

    assert (week, queue()["completedJobs"]) == (3, 53)
