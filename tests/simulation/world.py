"""A scheduler's month in seconds: real services and database, a clock that jumps ahead."""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

import time_machine
from django.db import transaction
from django.utils import timezone

from jobs.domain.permissions import SYSTEM
from jobs.domain.states import ExecutionState
from jobs.engine.dispatcher import Dispatcher
from jobs.executors.base import ExecutionResult
from jobs.models import Execution
from jobs.queries.due import next_moment
from jobs.services import claims, executions, rescue
from jobs.services import jobs as job_services
from jobs.services.running import Running, load
from tests.factories import make_worker

KILL_TAKES = timedelta(seconds=5)


class CrashError(Exception):
    """The dispatcher died before it committed."""


@dataclass(slots=True)
class World:
    """Everything around the product: people, workers, crashes, and the clock."""

    clock: time_machine.Traveller
    chance: random.Random
    # How long an execution of a job runs, how often it fails, by the job's name.
    runs_for: dict[str, timedelta]
    fails: dict[str, float]
    dispatcher_down: list[tuple[datetime, datetime]] = field(default_factory=list)
    started: dict[int, datetime] = field(default_factory=dict)
    crashes: int = 0
    lost: int = 0
    _plans: list[tuple[datetime, int, Callable[[], None]]] = field(default_factory=list)
    _numbers: itertools.count[int] = field(default_factory=itertools.count)
    _worker_id: int = 0
    _dispatcher: Dispatcher = field(default_factory=Dispatcher)
    _killed: set[int] = field(default_factory=set)

    def plan(self, at: datetime, act: Callable[[], None]) -> None:
        """Do something at a moment."""
        heapq.heappush(self._plans, (at, next(self._numbers), act))

    def live_until(self, end: datetime) -> None:
        """Let everything happen in the order of time."""
        self._worker_id = make_worker(slots=1000).pk
        while (at := self._next_moment()) <= end:
            self.clock.move_to(max(at, timezone.now()))
            while self._plans and self._plans[0][0] <= timezone.now():
                heapq.heappop(self._plans)[2]()
            self._dispatch()
            self._work()
        self.clock.move_to(end)
        self._dispatch()

    def _next_moment(self) -> datetime:
        planned = self._plans[0][0] if self._plans else datetime.max.replace(tzinfo=UTC)
        due = next_moment()
        return planned if due is None else min(planned, self._awake(max(due, timezone.now())))

    def _awake(self, moment: datetime) -> datetime:
        """Return the first moment from then on at which a dispatcher runs."""
        return max([moment, *(end for start, end in self.dispatcher_down if start <= moment < end)])

    def _dispatch(self) -> None:
        if self._awake(timezone.now()) > timezone.now():
            return
        while True:
            try:
                with transaction.atomic():
                    busy = self._dispatcher.step()
                    if self.chance.random() < 0.03:
                        raise CrashError
            except CrashError:
                self.crashes += 1
                continue
            if not busy:
                return

    def _work(self) -> None:
        """Start what is ready, end what somebody asked to end."""
        for claim in claims.claim(worker_id=self._worker_id, queues=["default"], free=1000):
            running = executions.start(claim.execution_id, claim.token, pid=1)
            assert running is not None
            self.started.setdefault(running.execution_id, timezone.now())
            length = self.runs_for[running.job_name] * self.chance.uniform(0.5, 1.5)
            self.plan(timezone.now() + length, partial(self._end, running))
        asked = Execution.objects.filter(
            state=ExecutionState.RUNNING.value, cancel_requested_at__isnull=False
        ).exclude(pk__in=self._killed)
        for execution in asked:
            self._killed.add(execution.pk)
            running = load(execution.pk)
            killed = partial(self._finish, running, ExecutionState.CANCELLED)
            self.plan(timezone.now() + KILL_TAKES, killed)

    def _end(self, running: Running) -> None:
        fate = self.chance.random()
        if fate < 0.02 and rescue.mark_lost(running.execution_id, running.token):
            self.lost += 1
        elif fate < 0.02 + self.fails.get(running.job_name, 0.0):
            self._finish(running, ExecutionState.FAILED)
        else:
            self._finish(running, ExecutionState.SUCCEEDED)

    def _finish(self, running: Running, state: ExecutionState) -> None:
        now = timezone.now()
        result = ExecutionResult(state=state, started_at=running.started_at, finished_at=now)
        executions.finish(running, result)

    def pause(self, job_id: int, at: datetime, until: datetime) -> None:
        """Pause a job for a while."""
        self.plan(at, lambda: void(job_services.pause(job_id, actor=SYSTEM, reason="works")))
        self.plan(until, lambda: void(job_services.resume(job_id, actor=SYSTEM)))


def void(_: object) -> None:
    """Let a call's answer go."""
