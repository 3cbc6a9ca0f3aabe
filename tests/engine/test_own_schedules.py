"""A schedule that only tells the next start: asked once, started once, whatever else happens."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jobs.domain.permissions import Actor, Role
from jobs.domain.states import JobState
from jobs.engine.own_schedules import ERROR_PAUSE, NextStart, OwnSchedules
from jobs.models import Execution, Job
from jobs.services import triggers
from tests.factories import make_job

pytestmark = pytest.mark.django_db
PROGRAM = Actor(name="scheduler scanner", role=Role.ADMINISTRATOR)
START = datetime(2026, 3, 1, 10, tzinfo=UTC)


class Growing:
    """Due a minute later, then two, then three."""

    def __init__(self) -> None:
        """Begin with a minute."""
        self.asked: list[datetime] = []

    def next(self, after: datetime) -> datetime:
        """Return a later start each time."""
        self.asked.append(after)
        return after + timedelta(minutes=len(self.asked))


class Odd:
    """Gives back or raises something."""

    def __init__(self, answer: Any) -> None:
        """Take it."""
        self.answer = answer

    def next(self, after: datetime) -> Any:
        """Give it."""
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def program(**schedules: NextStart) -> OwnSchedules:
    """Return the loop of a program that has just begun; it makes the jobs that it lacks."""
    for name in schedules:
        if not Job.objects.filter(external_id=name).exists():
            pk = make_job(name=name, schedules=[]).pk
            Job.objects.filter(pk=pk).update(external_id=name, created_by=PROGRAM.name)
    return OwnSchedules(actor=PROGRAM, schedules=schedules)


def end_all(at: datetime) -> None:
    """Let everything that is live succeed."""
    for row in Execution.objects.filter(finished_at=None):
        Execution.objects.filter(pk=row.pk).update(state="succeeded", finished_at=at)
        Job.objects.filter(pk=row.job_id).update(success_count=row.job.success_count + 1)


def test_s2_26_each_start_follows_from_the_end_before(time_machine: Any) -> None:
    time_machine.move_to(START, tick=False)
    schedule = Growing()
    loop = program(scan=schedule)

    def at(minutes: float) -> int:
        time_machine.move_to(START + timedelta(minutes=minutes), tick=False)
        loop.step()
        return Execution.objects.count()

    assert [at(0), at(0.9), at(1), at(5)] == [0, 0, 1, 1]  # it runs
    end_all(START + timedelta(minutes=6))
    assert [at(6), at(7.9), at(8), at(8)] == [1, 1, 2, 2]
    assert schedule.asked == [START, START + timedelta(minutes=6)]
    first = Execution.objects.earliest("pk")
    assert (first.trigger, first.actor) == ("api", PROGRAM.name)


def test_two_programs_with_the_same_code_start_it_once(time_machine: Any) -> None:
    time_machine.move_to(START, tick=False)
    loops = [program(scan=Growing()), program(scan=Growing())]

    time_machine.move_to(START + timedelta(minutes=1), tick=False)
    for loop in loops:
        loop.step()
        end_all(START + timedelta(seconds=30))

    assert Execution.objects.count() == 1


def test_s2_20_31_a_disabled_job_waits_and_a_start_by_hand_shifts_nothing(
    time_machine: Any,
) -> None:
    time_machine.move_to(START, tick=False)
    schedule = Growing()
    loop = program(scan=schedule)
    Job.objects.update(state=JobState.PAUSED.value)
    time_machine.move_to(START + timedelta(minutes=10), tick=False)
    loop.step()
    assert not schedule.asked
    resumed = START + timedelta(minutes=10)
    Job.objects.update(state=JobState.ACTIVE.value, state_changed_at=resumed)
    loop.step()

    triggers.trigger(Job.objects.get().pk, actor=PROGRAM)
    end_all(resumed + timedelta(seconds=30))
    time_machine.move_to(resumed + timedelta(minutes=1), tick=False)
    loop.step()

    assert schedule.asked == [resumed]
    assert Execution.objects.count() == 2


@pytest.mark.parametrize("answer", [ValueError("no idea"), datetime(2026, 1, 1), "soon"])  # noqa: DTZ001
def test_a_schedule_that_fails_stops_its_own_job_only_and_is_asked_again(
    answer: Any, time_machine: Any, caplog: pytest.LogCaptureFixture
) -> None:
    time_machine.move_to(START, tick=False)
    odd, never = Odd(answer), Odd(None)
    loop = program(odd=odd, scan=Growing(), never=never)
    time_machine.move_to(START + timedelta(minutes=1), tick=False)

    with caplog.at_level(logging.ERROR):
        loop.step()
        loop.step()
    odd.answer = START + timedelta(minutes=2)
    time_machine.move_to(START + timedelta(minutes=1) + ERROR_PAUSE, tick=False)
    loop.step()

    assert [record.getMessage() for record in caplog.records] == ["The schedule of odd failed."]
    started = Execution.objects.values_list("job__name", flat=True)
    assert sorted(started) == ["odd", "scan"]
