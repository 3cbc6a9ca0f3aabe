"""Alerts from their opening to their end, told once to each channel."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db.models import F

from jobs.domain.addresses import parse_allowed
from jobs.domain.alerts import Condition, Rule, Severity
from jobs.domain.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    StateError,
    UnknownError,
)
from jobs.domain.permissions import SYSTEM, Actor, Role
from jobs.domain.states import BreakerState, ExecutionState, OmissionReason
from jobs.engine import alerter
from jobs.models import (
    Alert,
    AlertJob,
    AlertSignal,
    AuditEntry,
    Channel,
    Delivery,
    Execution,
    Job,
    Omission,
    Stat,
    Worker,
    WorkerKind,
)
from jobs.queries import alert_facts
from jobs.services import (
    alert_jobs,
    alerting,
    alerts,
    channels,
    leases,
    outbox,
    reminders,
    ways_out,
)
from jobs.services import jobs as job_services
from jobs.services.endings import Ending, count_ending
from tests.factories import every, make_breaker, make_execution, make_job
from tests.receiver import Receiver, receiver

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
GOOD, BAD = ExecutionState.SUCCEEDED, ExecutionState.FAILED
SECOND = timedelta(seconds=1)
OPERATOR = Actor(name="otto", role=Role.OPERATOR)
VIEWER = Actor(name="vera", role=Role.VIEWER)


@pytest.fixture
def hook(settings: Any) -> Iterator[Receiver]:
    """Return a receiver that channels may reach."""
    allowed = parse_allowed(["127.0.0.1"])
    settings.JOBDECK = {**settings.JOBDECK, "HTTP_ALLOWED": allowed}
    with receiver() as kept:
        yield kept


def end(
    job: Job,
    state: ExecutionState = BAD,
    error: str = "connection refused db1",
    *,
    at: datetime = NOW,
    seconds: float = 1,
) -> Execution:
    """End one execution of a job as its worker would."""
    started = at - timedelta(seconds=seconds)
    job.refresh_from_db()
    run = make_execution(
        job, state=state.value, started_at=started, finished_at=at, queued_at=started, error=error
    )
    ending = Ending(
        execution_id=run.pk,
        state=state,
        queue="default",
        queued_at=started,
        started_at=started,
        finished_at=at,
        error=error if state == BAD else "",
    )
    count_ending(job.pk, ending)
    return run


def fail(job: Job, number: int, error: str) -> None:
    """Count a failure whose row nobody looks at."""
    Job.objects.filter(pk=job.pk).update(execution_count=F("execution_count") + 1)
    ending = Ending(
        execution_id=number,
        state=BAD,
        queue="default",
        queued_at=NOW,
        started_at=NOW,
        finished_at=NOW,
        error=error,
    )
    count_ending(job.pk, ending)


def look(now: datetime = NOW) -> None:
    """Serve signals and look at the jobs of alerts again."""
    given = alerting.rule_settings()
    while alert_jobs.serve_signals(given, now):
        pass
    alert_jobs.recheck(given, now)


def webhook(url: str, **fields: Any) -> Channel:
    """Return a channel that posts to ``url``."""
    settings = {"url": url, "secret": "s3cret"}
    given = {"name": "ops", "kind": "webhook", "settings": settings, **fields}
    return channels.create(given, actor=SYSTEM)


def send(now: datetime) -> int:
    """Let the outbox send what is due."""
    return outbox.send_due(ways_out.ports(), now=now)


def present() -> list[Alert]:
    """Return the open alerts."""
    return list(Alert.objects.filter(resolved_at=None).order_by("pk"))


def test_five_failures_in_a_row_are_one_critical_alert_and_recovery_is_told(hook: Receiver) -> None:
    """S1-116.

    S0-119, S0-131, S0-132, S0-134, S0-137, S0-138: opened, escalated, resolved, each told once.
    """
    job = make_job(auto_disable_after=5, schedules=[every(3600)])
    webhook(hook.url, severity="critical")

    for number in range(5):
        end(job, error=f"connection refused db1 after {number} s")
        look(NOW + number * SECOND)
        if number == 2:
            assert [one.severity for one in present()] == ["warning"]
    look(NOW + 5 * SECOND)
    sent = [send(NOW + 20 * SECOND), send(NOW + 21 * SECOND)]

    (alert,) = present()
    job.refresh_from_db()
    assert job.state == "auto_disabled"
    assert (alert.severity, alert.job_count, alert.execution_count) == ("critical", 1, 5)
    assert alert.title.startswith(f"{job.name}: disabled after 5 failures in a row: connection")
    assert sent == [1, 0]
    told = json.loads(hook.came[0].body)
    assert told["alert"]["jobs"][0]["why"] == "disabled after 5 failures in a row"

    job_services.resume(job.pk, actor=SYSTEM)
    end(job, GOOD, at=NOW + 60 * SECOND)
    look(NOW + 61 * SECOND)
    look(NOW + 70 * SECOND)
    send(NOW + 90 * SECOND)

    # Five of six failed: by the formula that is a warning of its own, which this channel is spared.
    assert [(one.severity, one.title.partition(": ")[2]) for one in present()] == [
        ("warning", "5 of 6 runs failed: connection refused db1 after 4 s")
    ]
    assert [one.headers["jobdeck-event"] for one in hook.came] == ["escalated", "resolved"]


def test_a_tenth_of_all_runs_is_no_alert_and_more_is_one_until_it_is_a_tenth_again() -> None:
    """S0-135: failureCount / executionCount > 0.1, strictly, for as long as it holds."""
    job, new = make_job(), make_job()
    for _ in range(9):
        end(job, GOOD)
    end(job)
    look()
    assert present() == []
    for number in range(9):
        end(job, GOOD)
        if number == 7:
            end(job)  # 2 of 19
            look(NOW + 10 * SECOND)
            assert [one.severity for one in present()] == ["warning"]
    look(NOW + 20 * SECOND)
    assert present() == []  # 2 of 20

    for number in range(5):
        end(new, BAD if number == 4 else GOOD)
    look(NOW + 30 * SECOND)
    (alert,) = present()
    end(new, GOOD)
    look(NOW + 40 * SECOND)
    assert present() == [alert]
    alerts.set_rule("failures", actor=SYSTEM, limits={"failure_rate": 0.5})
    look(NOW + 50 * SECOND)
    assert present() == []


def test_the_failures_of_a_day_are_an_alert_although_the_counters_are_large() -> None:
    """C-ALERT: a second rule looks at the last 24 h, out of the hourly sums."""
    often, seldom = make_job(name="often"), make_job(name="seldom")
    Job.objects.update(execution_count=10_000, success_count=10_000)
    for number in range(30):
        end(often, BAD if number % 5 == 0 else GOOD)
        end(seldom, BAD if number % 10 == 0 else GOOD)
    given = alerting.rule_settings()
    rule = (Rule.FAILURE_RATE,)

    alerting.observe(alert_facts.day_rates(NOW, given.limits), rule, given=given, now=NOW)

    (alert,) = present()
    assert alert.title == "often: 6 of 30 runs failed in 24 h"
    assert [one.job_id for one in alert.members.all()] == [often.pk]
    assert alert_facts.day_rates(NOW + timedelta(hours=25), given.limits) == []
    limits = alerting.rule_settings().limits.changed({"day_failure_rate": 0.05})
    assert alert_facts.day_rates(NOW, limits)[0].title.startswith("2 jobs failed too often")
    assert alert_facts.day_rates(NOW, limits.changed({"day_failures": 7})) == []


@pytest.mark.long
def test_a_storm_of_four_causes_is_four_alerts() -> None:
    """S0-135: 500 failures of 4 causes; each alert names its cause and counts its jobs."""
    jobs = [make_job() for _ in range(12)]
    causes = ("connection refused db1", "disk full", "no such host api", "out of memory")
    Job.objects.update(execution_count=1000, success_count=1000)
    for number in range(500):
        job = jobs[number % 12]
        fail(job, number, f"{causes[number % 4]} at 10.0.0.{number % 250}:{number}")
        if number % 97 == 0:
            look()
    look()

    found = present()
    assert sorted(one.cause.split(" at ")[0] for one in found) == sorted(causes)
    assert {one.job_count for one in found} == {3}
    assert sum(one.execution_count for one in found) == 500
    assert all(one.title.startswith("3 jobs: ") for one in found)
    assert AlertJob.objects.filter(left_at=None).count() == 12


def test_one_failure_each_of_many_jobs_is_one_alert_by_their_cause() -> None:
    """S4-57: jobs that are not failing in a row, and all at once."""
    jobs = [make_job() for _ in range(17)]
    Job.objects.update(execution_count=1000, success_count=1000)
    for number, job in enumerate(jobs):
        end(job, error=f"connection refused db1 after {number} ms")
        if number == 8:
            look()
            assert present() == []
    look()

    assert [one.title for one in present()] == ["17 jobs: connection refused db1 after <n> ms"]

    for job in jobs:
        end(job, GOOD)
    look(NOW + 10 * SECOND)

    assert present() == []


def test_a_job_moves_to_the_alert_of_its_new_cause() -> None:
    """S4-57: an alert without jobs ends."""
    job = make_job()
    for _ in range(3):
        end(job, error="one thing")
    look()
    end(job, error="another thing")
    look(NOW + SECOND)

    assert [one.cause for one in present()] == ["another thing"]
    assert Alert.objects.exclude(resolved_at=None).get().cause == "one thing"


def test_signals_survive_a_crash_and_are_served_once() -> None:
    """I-29: an ending and its signal are one transaction; a repetition changes nothing."""
    job = make_job()
    for _ in range(3):
        end(job)
    assert AlertSignal.objects.filter(served_at=None).count() == 3

    look()
    look(NOW + 60 * SECOND)

    (alert,) = present()
    assert alert.execution_count == 3
    assert AlertSignal.objects.filter(served_at=None).count() == 0


def test_conditions_open_once_stay_and_end() -> None:
    """S4-57: three looks at the same condition are one alert; its end settles."""
    given = alerting.rule_settings()
    low = Condition(
        key="disk:data", rule=Rule.DISK, severity=Severity.WARNING, title="The disk is nearly full"
    )
    for number in range(3):
        alerting.observe([low], [Rule.DISK], given=given, now=NOW + number * 15 * SECOND)
    (alert,) = present()
    assert alert.opened_at == NOW
    alerting.observe([], [Rule.DISK], given=given, now=NOW + 60 * SECOND)
    assert present() == [alert]
    alerting.observe([], [Rule.DISK], given=given, now=NOW + 100 * SECOND)

    assert present() == []
    assert alerting.open_alert(low, severity=Severity.WARNING, now=NOW) is not None
    assert alerting.open_alert(low, severity=Severity.WARNING, now=NOW) is None


def test_every_rule_is_asked(settings: Any) -> None:
    """S0-108, S0-133, S0-136, S4-49, S4-55: long, late, overdue, unserved, breaker, queue health."""
    job = make_job(schedules=[every(60)], timeout_seconds=60)
    long = make_execution(job, state="running", started_at=NOW - timedelta(minutes=31))
    make_execution(job, queue="far", queued_at=NOW - timedelta(minutes=10))
    Job.objects.filter(pk=job.pk).update(next_fire_at=NOW - timedelta(minutes=2))
    row = make_breaker("shared")
    row.state, row.reason = BreakerState.OPEN.value, "2 failures in a row"
    row.open_until = NOW + timedelta(minutes=5)
    row.save()
    Worker.objects.create(
        kind=WorkerKind.DISPATCHER.value,
        name="d",
        host="h",
        pid=1,
        started_at=NOW,
        beat_at=NOW,
        tick_at=NOW - timedelta(seconds=90),
    )
    for _ in range(20):
        end(make_job(), at=NOW)
    crawling = make_job(queue="crawling")
    Stat.objects.create(
        hour=NOW - timedelta(hours=1), queue="crawling", shard=0, succeeded=10, run_seconds=310
    )

    given = alerting.rule_settings()
    asked = alert_facts.conditions(given.limits, NOW, alert_facts.Baselines())
    for rules, ask in asked.items():
        alerting.observe(ask(), rules, given=given, now=NOW)
    health = alert_facts.queue_conditions(NOW)

    found = {one.key: one.severity for one in present()}
    assert found == {
        f"long_run:{long.pk}": "critical",
        f"stuck:{long.pk}": "critical",
        "overdue:jobs": "warning",
        "no_worker:far:": "critical",
        f"breaker:{row.pk}": "critical",
        "dispatcher:dead": "critical",
    }
    alerting.observe(health, (Rule.QUEUE_HEALTH, Rule.BOTTLENECK), given=given, now=NOW)
    opened = {one.key: one.severity for one in present()}
    assert crawling.queue == "crawling"
    assert (
        opened.items()
        >= {
            "queue_health:default": "critical",
            "bottleneck:default:high_failure_rate": "critical",
            "bottleneck:crawling:slow_processing": "warning",
        }.items()
    )


def test_a_run_is_too_long_by_its_own_past_before_it_ends() -> None:
    """S4-99: raised while it runs, and not below the minimum sample."""
    job, new = make_job(), make_job()
    for number in range(25):
        started = NOW - timedelta(hours=number + 1)
        for one in (job, new) if number < 10 else (job,):
            make_execution(
                one,
                state="succeeded",
                started_at=started,
                finished_at=started + timedelta(seconds=40 + number % 3),
            )
    for one in (job, new):
        make_execution(one, state="running", started_at=NOW - timedelta(seconds=120))

    runs = alert_facts.runs(NOW, alert_facts.Baselines())

    found = {one.job: one.slow_after for one in runs}
    assert found == {job.pk: pytest.approx(71, abs=2), new.pk: None}


def test_a_suspiciously_fast_success_is_an_alert_until_a_usual_one() -> None:
    """S4-99: ten minutes of work done in a second."""
    job = make_job()
    for number in range(25):
        end(job, GOOD, at=NOW - timedelta(hours=25 - number), seconds=600)
    end(job, GOOD, at=NOW, seconds=1)
    look()

    (alert,) = present()
    assert alert.title.startswith(f"{job.name} ended suspiciously fast: 1.0 s, usually 10 min")

    end(job, GOOD, at=NOW + 700 * SECOND, seconds=600)
    look(NOW + 701 * SECOND)

    assert present() == []


def test_missed_due_times_are_one_alert_until_their_jobs_succeed() -> None:
    """S0-136: what was due while nobody dispatched."""
    job = make_job()
    Omission.objects.create(
        job=job,
        reason=OmissionReason.NO_DISPATCHER.value,
        count=7,
        decided_at=NOW,
        first_due_at=NOW - timedelta(hours=1),
        last_due_at=NOW - timedelta(minutes=1),
    )
    given = alerting.rule_settings()
    alert_jobs.serve_missed(alert_facts.missed_since(0), given, NOW)

    assert [one.title for one in present()] == ["7 due times were missed: nothing dispatched them"]

    end(job, GOOD, at=NOW + SECOND)
    look(NOW + 10 * SECOND)

    assert present() == []


def test_a_receiver_that_is_down_for_a_day_is_told_once_after(hook: Receiver) -> None:
    """I-29: kept for a day, one message after it, with the same token at every try."""
    channel = webhook(hook.url)
    given = alerting.rule_settings()
    full = Condition(key="disk:data", rule=Rule.DISK, severity=Severity.CRITICAL, title="Disk full")
    alerting.observe([full], [Rule.DISK], given=given, now=NOW)
    hook.status, now = 503, NOW
    while now < NOW + timedelta(hours=24):
        now += timedelta(minutes=30)
        alerting.observe([full], [Rule.DISK], given=given, now=now)
        reminders.remind(now)
        send(now)
    down = len(hook.came)
    hook.status = 200
    for _ in range(3):
        now += timedelta(minutes=30)
        send(now)

    assert down > 15
    assert len(hook.came) == down + 1
    assert len({one.headers["idempotency-key"] for one in hook.came}) == 1
    row = Delivery.objects.get()
    assert (row.channel, row.event, row.next_try_at) == (channel, "opened", None)
    assert row.delivered_at is not None

    reminders.remind(now + timedelta(hours=5))
    send(now + timedelta(hours=6))
    assert hook.came[-1].headers["jobdeck-event"] == "reminder"


def test_a_try_that_was_cut_off_is_made_again(hook: Receiver) -> None:
    """I-29: a kill between sending and recording sends it again with its token."""
    webhook(hook.url)
    disk = Condition(key="disk:data", rule=Rule.DISK, severity=Severity.WARNING, title="Low")
    alerting.observe([disk], [Rule.DISK], given=alerting.rule_settings(), now=NOW)
    later = NOW + outbox.gather()
    Delivery.objects.update(tries=1, next_try_at=later + outbox.CLAIM)  # as the dead one left it

    assert send(later) == 0
    assert send(later + outbox.CLAIM) == 1
    assert len(hook.came) == 1
    assert Delivery.objects.get().tries == 2


def test_slow_receivers_leave_each_message_its_whole_claim(
    hook: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Issue 7: the last of many messages is no prey of other dispatchers while it is sent."""
    webhook(hook.url)
    given = alerting.rule_settings()
    found = [
        Condition(key=f"disk:{n}", rule=Rule.DISK, severity=Severity.WARNING, title=f"Low {n}")
        for n in range(3)
    ]
    alerting.observe(found, [Rule.DISK], given=given, now=NOW)
    clock = iter(range(0, 1000, 100))
    claims: list[timedelta] = []
    monkeypatch.setattr(outbox, "time", SimpleNamespace(monotonic=lambda: next(clock)))

    def tried(row: Delivery, _ports: object, now: datetime) -> int:
        claims.append(now - NOW - outbox.gather())
        return 1

    monkeypatch.setattr(outbox, "_try", tried)

    assert send(NOW + outbox.gather()) == 3
    assert claims == [timedelta(seconds=100), timedelta(seconds=200), timedelta(seconds=300)]


def test_a_refusal_is_given_up_and_can_be_tried_again(hook: Receiver) -> None:
    """S0-137: a wrong address is not asked for a day."""
    webhook(hook.url)
    hook.status = 404
    disk = Condition(key="disk:data", rule=Rule.DISK, severity=Severity.WARNING, title="Low")
    alerting.observe([disk], [Rule.DISK], given=alerting.rule_settings(), now=NOW)
    send(NOW + outbox.gather())

    row = Delivery.objects.get()
    assert (row.next_try_at, row.error) == (None, "The server answered 404")

    hook.status = 200
    assert outbox.try_again(row.pk, now=NOW + 60 * SECOND)
    assert send(NOW + 60 * SECOND) == 1


def test_notifications_can_be_switched_off_and_routed(hook: Receiver, settings: Any) -> None:
    """S4-56, S0-178: the flag, the routes of a channel, a muted rule; the alerts are still shown."""
    job, other = make_job(tags=["billing"]), make_job()
    webhook(hook.url, routes={"tags": ["billing"]})
    given = alerting.rule_settings()

    def told(key: str, jobs: tuple[int, ...]) -> int:
        one = Condition(
            key=key, rule=Rule.OVERDUE, severity=Severity.WARNING, title="Late", jobs=jobs
        )
        before = Delivery.objects.count()
        alerting.open_alert(one, severity=given.judged(one), now=NOW)
        return Delivery.objects.count() - before

    assert told("a", (other.pk,)) == 0
    assert told("b", (job.pk,)) == 1
    alerts.set_rule("overdue", actor=SYSTEM, mute_seconds=3600)
    Alert.objects.filter(key="c").delete()
    assert Alert.objects.count() == 2
    flags = {**settings.JOBDECK["CRON_FEATURES"], "alert_notifications": False}
    settings.JOBDECK = {**settings.JOBDECK, "CRON_FEATURES": flags}
    assert told("c", (job.pk,)) == 0
    assert Alert.objects.filter(key="c").exists()


def test_what_is_not_critical_waits_for_the_end_of_quiet_hours(hook: Receiver) -> None:
    """S0-137: at night only what is critical is told; the rest comes in the morning, none lost."""
    quiet = {"from": "11:00", "to": "14:00", "timezone": "UTC"}
    channel = webhook(hook.url, quiet=quiet)
    low = Condition(key="disk:a", rule=Rule.DISK, severity=Severity.WARNING, title="Low")
    high = Condition(key="disk:b", rule=Rule.DISK, severity=Severity.CRITICAL, title="Full")
    for one in (low, high):
        alerting.open_alert(one, severity=one.severity, now=NOW)
    send(NOW + 30 * SECOND)
    assert [json.loads(one.body)["alert"]["title"] for one in hook.came] == ["Full"]

    send(NOW + timedelta(hours=2))
    assert len(hook.came) == 2
    assert json.loads(hook.came[1].body)["alert"]["title"] == "Low"

    third = Condition(key="disk:c", rule=Rule.DISK, severity=Severity.WARNING, title="Third")
    row = alerting.open_alert(third, severity=Severity.WARNING, now=NOW)
    assert row is not None
    send(NOW + 30 * SECOND)
    worse = replace(third, severity=Severity.CRITICAL)
    alerting.refresh(row, worse, severity=Severity.CRITICAL, now=NOW + 60 * SECOND)
    send(NOW + 120 * SECOND)
    assert len(hook.came) == 3
    assert not Delivery.objects.filter(next_try_at__isnull=False).exists()
    assert channels.shown(channel)["quiet"] == quiet
    with pytest.raises(InvalidError, match="no time of day"):
        channels.update(channel.pk, {"quiet": {**quiet, "to": "25:00"}}, actor=SYSTEM)
    with pytest.raises(InvalidError, match="time zone Mars does not exist"):
        channels.update(channel.pk, {"quiet": {**quiet, "timezone": "Mars"}}, actor=SYSTEM)


def test_quiet_hours_of_a_zone_that_is_gone_hold_nothing_up(hook: Receiver) -> None:
    """Otherwise one channel would keep the messages of all."""
    channel = webhook(hook.url)
    Channel.objects.filter(pk=channel.pk).update(
        quiet={"from": "11:00", "to": "14:00", "timezone": "Mars/Olympus"}
    )
    low = Condition(key="disk:a", rule=Rule.DISK, severity=Severity.WARNING, title="Low")
    alerting.observe([low], [Rule.DISK], given=alerting.rule_settings(), now=NOW)

    assert send(NOW + outbox.gather()) == 1
    assert len(hook.came) == 1


def test_a_job_s_own_channel_is_told_of_its_alerts(hook: Receiver) -> None:
    """S0-177, S0-178: whatever the channel's routes; also when the job joins later."""
    own = webhook(hook.url, routes={"tags": ["nobody"]})
    tagged = webhook(hook.url, name="tagged", routes={"tags": ["billing"]})
    job, other = make_job(alert_channel="OPS"), make_job()
    third = make_job(tags=["billing"])
    assert job.alert_channel == "ops"

    for _ in range(3):
        end(other)
    look()
    assert not Delivery.objects.exists()
    for one in (job, third):
        for _ in range(3):
            end(one)
        look(NOW + SECOND)
    (alert,) = present()
    assert alert.job_count == 3
    told = list(Delivery.objects.order_by("pk").values_list("channel", "event"))
    assert told == [(own.pk, "opened"), (tagged.pk, "opened")]

    channels.update(own.pk, {"name": "pager"}, actor=SYSTEM)
    job.refresh_from_db()
    assert job.alert_channel == "pager"
    with pytest.raises(InvalidError, match="Use pager, tagged"):
        job_services.update(job.pk, {"alert_channel": "nowhere"}, actor=SYSTEM)
    channels.delete(own.pk, actor=SYSTEM)
    job.refresh_from_db()
    assert job.alert_channel == ""


def test_people_acknowledge_mute_and_end_alerts_and_it_is_written_down() -> None:
    """S4-57: an acknowledged alert reminds nobody; a worse one is news again."""
    given = alerting.rule_settings()
    low = Condition(key="disk:data", rule=Rule.DISK, severity=Severity.WARNING, title="Low")
    alerting.observe([low], [Rule.DISK], given=given, now=NOW)
    (row,) = present()

    with pytest.raises(ForbiddenError):
        alerts.acknowledge(row.pk, actor=VIEWER)
    alerts.acknowledge(row.pk, actor=OPERATOR, note="on it")
    with pytest.raises(StateError, match="by otto"):
        alerts.acknowledge(row.pk, actor=OPERATOR)
    with pytest.raises(ForbiddenError):
        alerts.unacknowledge(row.pk, actor=VIEWER)
    assert alerts.unacknowledge(row.pk, actor=OPERATOR).acknowledged_at is None
    with pytest.raises(StateError, match="is not acknowledged"):
        alerts.unacknowledge(row.pk, actor=OPERATOR)
    alerts.acknowledge(row.pk, actor=OPERATOR, note="on it")
    assert alerts.mute(row.pk, seconds=3600, actor=OPERATOR).muted_until is not None
    assert alerts.mute(row.pk, seconds=0, actor=OPERATOR).muted_until is None
    with pytest.raises(InvalidError):
        alerts.mute(row.pk, seconds=-1, actor=OPERATOR)
    with pytest.raises(UnknownError):
        alerts.mute(4711, seconds=1, actor=OPERATOR)

    full = Condition(key="disk:data", rule=Rule.DISK, severity=Severity.CRITICAL, title="Full")
    alerting.observe([full], [Rule.DISK], given=given, now=NOW + SECOND)
    (row,) = present()
    assert (row.severity, row.acknowledged_by) == ("critical", "")
    alerts.resolve(row.pk, actor=OPERATOR)
    with pytest.raises(StateError, match="has ended"):
        alerts.resolve(row.pk, actor=OPERATOR)
    assert list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))[-6:] == [
        "alert.acknowledge",
        "alert.unacknowledge",
        "alert.acknowledge",
        "alert.mute",
        "alert.unmute",
        "alert.resolve",
    ]


def test_rules_can_be_changed_and_switched_off() -> None:
    """S0-139: limits are configurable; a change moves the alert at the next look."""
    job = make_job()
    end(job)
    end(job, GOOD)
    end(job)
    alerts.set_rule("failures", actor=SYSTEM, limits={"warning_in_a_row": 1})
    look()
    assert len(present()) == 1

    alerts.set_rule("failures", actor=SYSTEM, enabled=False)
    look(NOW + 10 * SECOND)
    assert present() == []
    with pytest.raises(UnknownError):
        alerts.set_rule("nonsense", actor=SYSTEM)
    with pytest.raises(InvalidError):
        alerts.set_rule("failures", actor=SYSTEM, limits={"nonsense": 1})
    with pytest.raises(InvalidError):
        alerts.set_rule("failures", actor=SYSTEM, severity="dire")
    with pytest.raises(ForbiddenError):
        alerts.set_rule("failures", actor=OPERATOR, enabled=True)


def test_channels_keep_their_secrets() -> None:
    """S0-137: an address and a secret go in and never come out."""
    row = webhook("https://hooks.example.com/T0KEN")

    assert "T0KEN" not in json.dumps([row.settings, row.sealed, channels.shown(row)])
    assert channels.shown(row)["settings"] == {"secret": "(secret)", "url": "(secret)"}
    changed = channels.update(row.pk, {"severity": "critical"}, actor=SYSTEM)
    assert changed.severity == "critical"
    with pytest.raises(ConflictError):
        webhook("https://example.com/")
    with pytest.raises(InvalidError):
        channels.create({"name": "x", "kind": "pigeon"}, actor=SYSTEM)
    with pytest.raises(InvalidError):
        channels.create({"name": "x", "kind": "email", "settings": {"to": ["a\nb"]}}, actor=SYSTEM)
    with pytest.raises(ForbiddenError):
        channels.update(row.pk, {}, actor=OPERATOR)
    assert "T0KEN" not in json.dumps(
        list(AuditEntry.objects.values_list("before", "after", "note"))
    )
    channels.delete(row.pk, actor=SYSTEM)


def test_a_lease_is_one_process_s_at_a_time() -> None:
    """I-29: several dispatchers look in turn, and a dead one's turn ends."""
    span = timedelta(seconds=15)

    assert leases.take("alerter", "a", lasting=span, now=NOW)
    assert leases.take("alerter", "a", lasting=span, now=NOW)
    assert not leases.take("alerter", "b", lasting=span, now=NOW + 10 * SECOND)
    assert leases.take("alerter", "b", lasting=span, now=NOW + 16 * SECOND)
    # The clock is set back by an hour, and its holder dies: nobody waits for an hour.
    assert leases.take("alerter", "c", lasting=span, now=NOW - timedelta(hours=1))


def test_a_rule_that_fails_keeps_no_other_from_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Issue 7: one poisoned row never silences the alerter."""

    def stumble(*_args: object) -> bool:
        raise ValueError("poisoned")

    monkeypatch.setattr(alert_jobs, "serve_signals", stumble)
    kept: list[str] = []
    monkeypatch.setattr(alert_jobs, "recheck", lambda *_args: kept.append("recheck"))
    monkeypatch.setattr(reminders, "remind", lambda _now: kept.append("remind"))

    with pytest.raises(ValueError, match="poisoned"):
        alerter.Alerter().step()

    assert kept == ["recheck", "remind"]


def test_a_look_asks_the_same_whatever_the_number_of_jobs(
    django_assert_max_num_queries: Any,
) -> None:
    """S4-57: no history is searched, and no list of jobs."""
    make_job()
    one = alerter.Alerter()
    one.step()
    for _ in range(30):
        make_job()

    with django_assert_max_num_queries(29):
        one.step()


def test_old_alerts_are_forgotten() -> None:
    """I-28: what ended three months ago goes, in small batches."""
    disk = Condition(key="disk:data", rule=Rule.DISK, severity=Severity.WARNING, title="Low")
    row = alerting.open_alert(disk, severity=Severity.WARNING, now=NOW)
    assert row is not None
    alerting.resolve(row, now=NOW)

    assert alerter.prune(NOW + timedelta(days=89)) == 0
    assert alerter.prune(NOW + timedelta(days=91)) == 1
