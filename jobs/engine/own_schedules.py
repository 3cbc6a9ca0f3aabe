"""Start jobs whose schedule is an object of the program: it names a start after a moment, no more.

Such a start is asked for under the moment from which it was computed. However often it is asked for,
by this program or by another one with the same code, it makes one execution.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from django.utils import timezone

from jobs.domain.errors import InvalidError, StateError
from jobs.domain.permissions import Actor
from jobs.domain.states import JobState, Trigger
from jobs.engine.loop import Loop, StopFlag
from jobs.models import Job
from jobs.services import triggers

log = logging.getLogger("scheduler.own_schedules")

LOOK_SECONDS = 0.2
# A schedule that raises is asked again after so long.
ERROR_PAUSE = timedelta(seconds=60)
_KEY = "next after "


class NextStart(Protocol):
    """When a job is due, told from one start to the next."""

    def next(self, after: datetime) -> datetime | None:
        """Return the start that follows ``after``, both with a zone; None for no more."""


@dataclass(kw_only=True)
class OwnSchedules:
    """The loop that starts the jobs of one program, by their names."""

    actor: Actor
    schedules: Mapping[str, NextStart]
    # Nothing that was due while no program ran is made up for.
    began_at: datetime = field(default_factory=timezone.now)
    # The start that each job waits for, and the moment it was computed from.
    _planned: dict[str, tuple[datetime, datetime | None]] = field(default_factory=dict)
    _ask_again_at: dict[str, datetime] = field(default_factory=dict)

    def run(self) -> int:
        """Go on until asked to stop."""
        stop = StopFlag()
        stop.install()
        Loop("Own schedules", self.step, wait=lambda flag: flag.wait(LOOK_SECONDS), stop=stop).run()
        return 0

    def step(self) -> bool:
        """Start what is due; say that there is nothing more to do at once."""
        rows = Job.objects.present().filter(
            created_by=self.actor.name, external_id__in=self.schedules, state=JobState.ACTIVE.value
        )
        for job in rows:
            if not job.live_count:
                self._look(job)
        return False

    def _look(self, job: Job) -> None:
        after = self._after(job)
        due_at = self._due_at(job.external_id, after)
        if due_at is None or due_at > timezone.now():
            return
        try:
            triggers.trigger(
                job.pk,
                actor=self.actor,
                kind=Trigger.API,
                idempotency_key=f"{_KEY}{after.isoformat()}",
            )
        except StateError as error:  # somebody started it by hand meanwhile, or its breaker is open
            log.debug("%s", error)

    def _due_at(self, name: str, after: datetime) -> datetime | None:
        """Return the planned start; a schedule is asked once, since it may draw lots."""
        again_at = self._ask_again_at.get(name)
        if again_at is not None and again_at <= timezone.now():
            del self._ask_again_at[name]
            self._planned.pop(name, None)
        planned = self._planned.get(name)
        if planned is None or planned[0] != after:
            planned = self._planned[name] = after, self._next(name, after)
        return planned[1]

    def _after(self, job: Job) -> datetime:
        """Return from when the next start counts: the last end, or when the job began to be active."""
        own = job.executions.filter(idempotency_key__startswith=_KEY).order_by("-pk")
        ended = own.values_list("finished_at", flat=True).first()
        moments = [self.began_at, job.created_at, job.state_changed_at, ended]
        return max(moment for moment in moments if moment is not None)

    def _next(self, name: str, after: datetime) -> datetime | None:
        """Ask the schedule; one that raises stops its own job only, and is asked again later."""
        try:
            due_at = self.schedules[name].next(after)
            if due_at is not None and due_at.tzinfo is None:
                raise InvalidError(f"{due_at} has no time zone. Return a moment with one.")
        except Exception:  # code of the program; the other jobs go on
            log.exception("The schedule of %s failed.", name)
            self._ask_again_at[name] = timezone.now() + ERROR_PAUSE
            return None
        return due_at
