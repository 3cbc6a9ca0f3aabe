"""Rules that people make: what they find, whom they tell, and what they would have found."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jobs.domain.alerts import Rule
from jobs.domain.errors import ConflictError, ForbiddenError, InvalidError, UnknownError
from jobs.domain.own_rules import Comparing, Comparison, Metric
from jobs.domain.permissions import SYSTEM, Actor, Role
from jobs.domain.states import ExecutionState
from jobs.models import Alert, AlertRule, Delivery, Job, JobStat
from jobs.queries import own_rules as found
from jobs.services import alerting, channels, own_rules, reminders
from tests.factories import make_channel, make_execution, make_job, make_rule

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 22, 12, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)


def look(now: datetime = NOW) -> None:
    """Let the rules look once."""
    given = alerting.rule_settings()
    alerting.observe(found.conditions(now), (Rule.OWN,), given=given, now=now)


def took(job: Job, *seconds: float) -> None:
    """Write the latest outcomes of a job."""
    strip = [[number, "succeeded", one * 1000] for number, one in enumerate(seconds)]
    Job.objects.filter(pk=job.pk).update(recent=strip)


def test_three_runs_of_more_than_five_seconds_are_an_alert_until_one_is_shorter() -> None:
    """S4-108: rule "duration > 5 s for 3 runs" fires."""
    rule = make_rule(name="slow", severity="critical", tag="etl")
    job, other = make_job(tags=["etl"]), make_job()
    took(job, 9, 5, 6, 7)
    took(other, 9, 9, 9)
    look()
    assert not Alert.objects.exists()

    took(job, 5, 6, 7, 5.1)
    look()
    look()

    alert = Alert.objects.get()
    assert (alert.title, alert.severity) == (f"slow: {job.name}", "critical")
    assert alert.evidence["values"] == [6, 7, 5.1]
    took(job, 6, 7, 5.1, 4)
    look()
    alert.refresh_from_db()
    assert alert.resolved_at is not None

    took(job, 6, 7, 8)
    look()
    assert own_rules.delete(rule.pk, actor=SYSTEM) == "slow"
    assert not Alert.objects.filter(resolved_at=None).exists()


def test_a_rule_tells_its_channel_and_passes_on_what_nobody_acknowledges() -> None:
    """S4-108: channel, escalation and the hours in which a rule is asleep."""
    here, there = make_channel(), make_channel()
    make_channel()
    mute = {"from": "01:00", "to": "02:00", "timezone": "UTC"}
    rule = make_rule(channel=here.name, escalate_to=there.name, escalate_minutes=10, mute=mute)
    job = make_job()
    took(job, 6, 7, 8)
    look(NOW.replace(hour=1))
    assert not Alert.objects.exists()

    look()
    reminders.escalate(NOW + timedelta(minutes=9))
    assert list(Delivery.objects.values_list("channel", "event")) == [(here.pk, "opened")]
    for _ in range(2):
        reminders.escalate(NOW + timedelta(minutes=10))

    told = Delivery.objects.order_by("pk").values_list("channel", "event")
    assert list(told) == [(here.pk, "opened"), (there.pk, "passed_on")]
    channels.update(here.pk, {"name": "renamed"}, actor=SYSTEM)
    rule.refresh_from_db()
    assert rule.settings["channel"] == "renamed"


def test_a_trial_says_what_would_have_been_opened() -> None:
    """S4-108: the last seven days, by the hourly sums; by runs, out of the latest ones."""
    job = make_job()
    Job.objects.update(created_at=NOW - timedelta(days=30))
    end = NOW.replace(minute=0)
    for back, bad in ((1, 3), (2, 3), (50, 4), (51, 4), (52, 4), (90, 9), (200, 9), (201, 9)):
        JobStat.objects.create(job=job, hour=end - back * HOUR, failed=bad, succeeded=1)
    for number in range(8):
        started = NOW - timedelta(hours=40 - number)
        seconds = 10 if number % 4 else 1
        make_execution(
            job,
            state=ExecutionState.SUCCEEDED.value,
            started_at=started,
            finished_at=started + timedelta(seconds=seconds),
        )

    def settings(**changes: Any) -> dict[str, Any]:
        given = {"name": "x", "metric": "failures", "threshold": 2, "count": 2, **changes}
        return own_rules.judged(given).model_dump(mode="json")

    hours = found.tried(settings(), NOW)
    runs = found.tried(settings(metric="run_seconds", threshold=5, count=3), NOW)
    quiet = found.tried(settings(metric="runs", comparison="below", threshold=1, count=24), NOW)

    assert hours.jobs == [(job, [end - 50 * HOUR, end])]
    assert (hours.count, hours.looked_at) == (2, 1)
    assert [len(moments) for _, moments in runs.jobs] == [2]
    assert quiet.count == 3


def test_what_a_rule_may_not_be_is_refused() -> None:
    """S4-108: with a sentence a field."""
    rule = make_rule()
    good: dict[str, Any] = {**own_rules.shown(rule)}
    wrong: list[dict[str, Any]] = [
        {"metric": "beauty"},
        {"threshold": -1},
        {"count": 0},
        {"count": 21},
        {"channel": "nowhere"},
        {"name": "disk"},
        {"mute": {"from": "1", "to": "2"}},
        {"mute": {"from": "01:00", "to": "01:00"}},
    ]
    for one in wrong:
        with pytest.raises(InvalidError):
            own_rules.save(rule.pk, {**good, **one}, actor=SYSTEM)
    with pytest.raises(ConflictError):
        make_rule(name=rule.name)
    with pytest.raises(UnknownError):
        own_rules.get(4711)
    with pytest.raises(ForbiddenError):
        own_rules.save(None, good, actor=Actor(name="otto", role=Role.OPERATOR))
    assert AlertRule.objects.count() == 1
    assert not Comparing(
        metric=Metric.RUNS, comparison=Comparison.BELOW, threshold=1, count=2
    ).holds([0])
