"""Check-ins: what reports move, when silence becomes an alert, and what ends it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.utils import translation

from jobs.domain.alerts import Rule
from jobs.domain.check_ins import CheckInState, Expectation, Signal, Standing, signal_of
from jobs.domain.errors import ForbiddenError, InvalidError
from jobs.domain.permissions import SYSTEM, Role
from jobs.models import Alert, AuditEntry, CheckIn, CheckInReport, Delivery
from jobs.queries.check_ins import check_ins_in_trouble
from jobs.services import alerting, check_ins, reports, secret_box, variables
from jobs.services.people import actor_of
from jobs.services.reports import Heard
from jobs.web.alert_evidence import shown_evidence
from jobs.web.alert_titles import title_of
from tests.factories import make_channel, make_check_in, make_user

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def say(row: CheckIn, signal: Signal = Signal.SUCCESS, **fields: Any) -> CheckIn:
    """Let a check-in report; return its row as it is then."""
    reports.take(row, Heard(signal=signal, **fields))
    row.refresh_from_db()
    return row


def look(now: datetime) -> list[str]:
    """Do what the alerter does; return the titles of the open alerts of the rule."""
    given = alerting.rule_settings()
    alerting.observe(check_ins_in_trouble(now), (Rule.CHECK_IN,), given=given, now=now)
    rows = Alert.objects.filter(rule=Rule.CHECK_IN, resolved_at__isnull=True)
    return list(rows.order_by("pk").values_list("title", flat=True))


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("", (Signal.SUCCESS, None)),
        ("start", (Signal.START, None)),
        ("fail", (Signal.FAIL, None)),
        ("log", (Signal.LOG, None)),
        ("0", (Signal.SUCCESS, 0)),
        ("255", (Signal.FAIL, 255)),
        ("256", None),
        ("-1", None),
        ("²", None),
        ("begin", None),
    ],
)
def test_words_of_addresses_are_those_of_healthchecks(
    word: str, found: tuple[Signal, int | None] | None
) -> None:
    assert signal_of(word) == found


def test_a_run_that_started_must_end_within_the_grace_period() -> None:
    hourly = Expectation(period=HOUR, grace=timedelta(minutes=5))
    begun = Standing().after(Signal.START, hourly, NOON)
    assert begun.state(NOON) == CheckInState.NEW
    assert begun.state(NOON + timedelta(minutes=5)) == CheckInState.LATE

    again = begun.after(Signal.START, hourly, NOON + timedelta(minutes=9))
    ended = again.after(Signal.SUCCESS, hourly, NOON + timedelta(minutes=10))

    assert again.state(NOON + timedelta(minutes=9)) == CheckInState.NEW
    assert ended.state(NOON + timedelta(minutes=74)) == CheckInState.UP
    assert ended.state(NOON + timedelta(minutes=75)) == CheckInState.LATE
    assert ended.after(Signal.LOG, hourly, NOON + HOUR) == ended


def test_a_cron_expression_is_awaited_in_its_zone_across_the_clock_change() -> None:
    daily = Expectation(expression="30 2 * * *", timezone="Europe/Paris", grace=HOUR)
    before = datetime(2026, 3, 28, 1, 31, tzinfo=UTC)  # the night before the gap

    reported = Standing().after(Signal.SUCCESS, daily, before)

    assert reported.due_at == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)  # 02:30 does not exist: 03:00
    assert reported.late_at == datetime(2026, 3, 29, 2, 0, tzinfo=UTC)


def test_silence_and_failure_open_one_alert_and_a_report_ends_it() -> None:
    """S4-108: a job that runs elsewhere and stays silent is an alert, told once, with its end."""
    make_channel()
    with time_machine.travel(NOON, tick=False) as clock:
        row, other = make_check_in(name="backup"), make_check_in(name="never called")
        assert look(NOON + 99 * HOUR) == []  # nothing is awaited before the first report
        say(row)
        assert look(NOON + HOUR) == []  # its time has come, its grace not gone

        late = NOON + HOUR + timedelta(minutes=5)
        assert look(late) == look(late + HOUR) == ["backup has not reported in time"]
        clock.move_to(late + HOUR)
        say(row)
        assert look(late + HOUR) == []
        say(row, Signal.FAIL, exit_code=3, body=b"no space\0left\xff")
        assert look(late + HOUR) == ["backup reported a failure"]
        with translation.override("id"):
            told_alert = Alert.objects.get(resolved_at=None)
            words = [one.text for one in shown_evidence(told_alert.evidence)]
            assert title_of(told_alert) == "backup melaporkan kegagalan"
        assert {"backup", "Gagal"} <= set(words)
        check_ins.pause(row.pk, actor=SYSTEM)
        assert look(late + HOUR) == []
        say(row, Signal.START)
        assert CheckIn.objects.get(pk=row.pk).standing.state(late + 9 * HOUR) == "paused"
        resumed = check_ins.resume(row.pk, actor=SYSTEM)

    assert resumed.due_at == late + 2 * HOUR
    assert [one.event for one in Delivery.objects.order_by("pk")] == ["opened", "resolved"] * 2
    told = CheckInReport.objects.get(signal="fail")
    assert (told.exit_code, told.body) == (3, "no space\ufffdleft\ufffd")
    assert other.standing.state(late) == CheckInState.NEW
    for state in CheckInState:  # the filter says what the domain says
        found = CheckIn.objects.in_state(state, late + 9 * HOUR)
        assert all(one.standing.state(late + 9 * HOUR) == state for one in found)
    assert CheckIn.objects.in_state(CheckInState.LATE, late + 9 * HOUR).get() == resumed


def test_a_report_keeps_how_long_it_took_and_only_the_newest_stay(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reports, "KEPT", 3)
    row = make_check_in()
    with time_machine.travel(NOON, tick=False) as clock:
        say(row, Signal.START)
        clock.shift(90)
        say(row, body=b"x" * 20_000)

    for _ in range(3):
        say(row, Signal.LOG)

    assert row.last_seconds == 90
    assert row.last_start_at == NOON
    assert CheckInReport.objects.count() == 3
    row.reports.all().delete()
    say(row, body=b"y" * 20_000)
    assert len(row.reports.get().body) == reports.BODY_BYTES


def test_definitions_are_judged_and_a_change_counts_from_the_last_report() -> None:
    with time_machine.travel(NOON, tick=False):
        row = say(make_check_in(period_seconds="2h", grace_seconds="10m"))
    assert row.due_at == NOON + 2 * HOUR

    changed = check_ins.update(row.pk, {"expression": "0 18 * * *"}, actor=SYSTEM)

    assert (changed.period_seconds, changed.due_at) == (None, NOON + 6 * HOUR)
    for wrong, field in (
        ({"period_seconds": 60, "expression": "* * * * *"}, "__all__"),
        ({"period_seconds": None}, "__all__"),
        ({"period_seconds": 1}, "period_seconds"),
        ({"period_seconds": "soon"}, "period_seconds"),
        ({"period_seconds": None, "expression": "61 * * * *"}, "expression"),
        ({"timezone": "Mars/Base"}, "timezone"),
        ({"name": " "}, "name"),
        ({"key": "mine"}, "key"),
    ):
        with pytest.raises(InvalidError) as refused:
            check_ins.create({"name": "x", "period_seconds": 60, **wrong}, actor=SYSTEM)
        assert field in refused.value.fields, wrong


def test_the_key_is_sealed_rotated_and_never_written_down() -> None:
    row, key = check_ins.create({"name": "sealed", "period_seconds": 60}, actor=SYSTEM)
    assert reports.find(key.upper()) == row
    assert check_ins.key_of(row, actor=SYSTEM) == key
    with pytest.raises(ForbiddenError):
        check_ins.key_of(row, actor=actor_of(make_user("otto", Role.OPERATOR)))

    new = check_ins.rotate_key(row.pk, actor=SYSTEM)

    assert reports.find(key) is None
    assert reports.find(new) == row
    row.refresh_from_db()
    stored = " ".join(str(value) for value in CheckIn.objects.values().get(pk=row.pk).values())
    entries = " ".join(f"{one.before}{one.after}{one.note}" for one in AuditEntry.objects.all())
    assert key not in stored + entries
    assert new not in stored + entries
    channel = make_channel(kind="slack", settings={"url": "https://example.com/T0"})
    old = row.sealed_key, channel.sealed
    secret_box.add_key()
    _, closed = variables.rotate(actor=SYSTEM)
    row.refresh_from_db()
    channel.refresh_from_db()
    assert closed == []
    assert row.sealed_key != old[0]
    assert channel.sealed != old[1]
    assert check_ins.key_of(row, actor=SYSTEM) == new
