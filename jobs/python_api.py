"""A scheduler inside a Python program: jobs as objects, started and stopped with the program.

    scheduler = Scheduler()
    scheduler.add_job(RefreshImages(), IntervalSchedule("5m"), JobConfig(timeout="2m"))
    scheduler.start()
    scheduler.run_job_now("refresh-images")
    scheduler.stop()

Behind it is the product's engine: jobs, runs and logs are rows of the database, pages and the API
show them, and any number of such programs may share them. `start` forks the engine; each run is a
child process of it, so that it can be ended.
"""

from __future__ import annotations

import inspect
import os
import random
import select
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NoReturn, Protocol, runtime_checkable

from django.conf import settings
from django.db import connections

from jobs.domain.errors import DuplicateError, InvalidError, StateError, UnknownError
from jobs.domain.permissions import Actor, Role
from jobs.domain.schedule import Schedule as Rule
from jobs.domain.states import Anchor, Misfire, Overlap, ScheduleKind
from jobs.engine.cluster import CANCEL_SECONDS, Cluster
from jobs.engine.dispatching import DispatchProcess
from jobs.engine.own_schedules import NextStart, OwnSchedules
from jobs.engine.supervisor import CLUSTER, Supervisor
from jobs.lineage import on_death_of_parent
from jobs.models import Job as JobRow
from jobs.registry import REGISTRY, Cancelled, JobContext, RegisteredJob
from jobs.registry.entry import seconds_of
from jobs.services import registered, retention, triggers

__all__ = [
    "CancelContext",
    "Cancelled",
    "CronSchedule",
    "IntervalSchedule",
    "Job",
    "JobConfig",
    "JobContext",
    "NextStart",
    "Schedule",
    "Scheduler",
    "cleanup_old_logs",
]

Duration = float | str | timedelta
STOP_SECONDS = 30.0
WORKERS = 4
# After a cancel: what the cluster allows itself, and a moment for the processes around it.
END_SECONDS = CANCEL_SECONDS + 8.0
LOOK_SECONDS = 0.05


class Job(Protocol):
    """What can be scheduled: a name of its own, as an attribute or a method, and ``run``."""

    def run(self, context: JobContext) -> Any:
        """Do the work; a returned or raised exception is a failure. May be ``async``."""


@runtime_checkable
class Schedule(Protocol):
    """When a job is due. One's own may combine rules of every kind the API knows."""

    def definitions(self) -> list[dict[str, Any]]:
        """Return the rules, as the ``schedules`` of a job definition."""


@dataclass(frozen=True)
class IntervalSchedule:
    """Due an interval after the end of the run before, first an interval after the start.

    Each start is put off by a random time up to ``jitter``, drawn anew for each run, so that many
    jobs do not start at once. Durations are seconds, a timedelta, or a text like ``5m``.
    """

    interval: Duration
    jitter: Duration = 0

    def __post_init__(self) -> None:
        """Refuse what makes no schedule."""
        Rule(kind=ScheduleKind.INTERVAL, seconds=self._seconds, jitter_seconds=self._jitter_seconds)
        if self._seconds < 1:
            raise InvalidError(f"interval {self.interval!r} is too short. Use 1 s or more.")

    @classmethod
    def with_jitter(cls, interval: Duration, jitter: Duration) -> IntervalSchedule:
        """Return an interval whose starts are spread."""
        return cls(interval, jitter)

    @property
    def _seconds(self) -> float:
        return seconds_of(self.interval, "interval")

    @property
    def _jitter_seconds(self) -> float:
        return seconds_of(self.jitter, "jitter")

    def definitions(self) -> list[dict[str, Any]]:
        """Return the rule."""
        return [
            {
                "kind": ScheduleKind.INTERVAL.value,
                "seconds": self._seconds,
                "anchor": Anchor.COMPLETION.value,
                "jitter_seconds": self._jitter_seconds,
            }
        ]

    def next(self, after: datetime, rng: random.Random | None = None) -> datetime:
        """Return a start that may follow a run that ended at ``after``: for tests, without waiting.

        Which of the possible ones the engine takes is its own draw.
        """
        spread = (rng or random.Random()).random() * self._jitter_seconds  # noqa: S311 - jitter only
        return after + timedelta(seconds=self._seconds + spread)


@dataclass(frozen=True)
class CronSchedule:
    """Due at the times of a cron expression, in a zone; the server's zone without one."""

    expression: str
    timezone: str = ""

    def __post_init__(self) -> None:
        """Refuse what makes no schedule."""
        self._rule()

    def _rule(self) -> Rule:
        return Rule(
            kind=ScheduleKind.CRON,
            expression=self.expression,
            timezone=self.timezone or settings.TIME_ZONE,
        )

    def definitions(self) -> list[dict[str, Any]]:
        """Return the rule."""
        zone = self.timezone or settings.TIME_ZONE
        return [{"kind": ScheduleKind.CRON.value, "expression": self.expression, "timezone": zone}]

    def next(self, after: datetime) -> datetime | None:
        """Return the first due time after ``after``."""
        return self._rule().next_after(after)


@dataclass(frozen=True, kw_only=True)
class JobConfig:
    """How a job runs. No ``timeout`` (None or 0) means no limit."""

    enabled: bool = True
    timeout: Duration | None = None
    run_immediately: bool = False  # once at the first start, without waiting for its schedule
    max_retries: int = 0
    retry_delay: Duration = 60
    description: str = ""
    parameters: Sequence[Mapping[str, Any]] = ()  # declared as in a job definition

    def definition(self) -> dict[str, Any]:
        """Return the fields of a job definition that these say."""
        timeout = None if self.timeout is None else seconds_of(self.timeout, "timeout")
        declared = {"parameters": [dict(one) for one in self.parameters]}
        return {
            **(declared if self.parameters else {}),
            "description": self.description,
            "timeout_seconds": timeout or None,
            "run_on_create": self.run_immediately,
            "retry": {
                "max_attempts": self.max_retries + 1,
                "base_seconds": seconds_of(self.retry_delay, "retry_delay"),
            },
        }


class CancelContext:
    """A parent that can be cancelled: `Scheduler.start` stops with it."""

    def __init__(self) -> None:
        """Begin uncancelled."""
        self.cancelled = False
        self._callbacks: list[Callable[[], object]] = []

    def on_cancel(self, callback: Callable[[], object]) -> None:
        """Call ``callback`` when this is cancelled, at once if it is already."""
        if self.cancelled:
            callback()
        else:
            self._callbacks.append(callback)

    def cancel(self) -> None:
        """Cancel; again changes nothing."""
        self.cancelled = True
        while self._callbacks:
            self._callbacks.pop()()


@dataclass
class Scheduler:
    """Jobs of one program under one name, which is also the queue that only this program serves.

    Programs that run the same code on several hosts use the same name and share the work.
    """

    name: str = "scheduler"
    workers: int = WORKERS
    # How long running jobs may go on when it stops.
    stop_timeout: float = STOP_SECONDS
    _entries: dict[str, RegisteredJob] = field(default_factory=dict, init=False, repr=False)
    # Those that are no rules: they tell the next start only.
    _own: dict[str, NextStart] = field(default_factory=dict, init=False, repr=False)
    _pid: int | None = field(default=None, init=False, repr=False)

    def add_job(
        self,
        job: Job,
        schedule: Schedule | NextStart,
        config: JobConfig | None = None,
        **options: Any,
    ) -> None:
        """Add a job before the start; ``options`` are those of `JobConfig`, one by one.

        A schedule of one's own has ``definitions()`` with rules, or just ``next(after)``, which is
        asked by this program while it runs. DuplicateError when the job's name is taken.
        """
        if self.is_running:
            raise StateError("The scheduler is started already. Add jobs before start().")
        if config is not None and options:
            raise InvalidError("Give either a JobConfig or its options, not both.")
        name = _name_of(job)
        if name in self._entries:
            raise DuplicateError(f"Job {name} is added already. Choose another name.")
        rules = _rules_of(schedule)
        entry = self._entry(name, job, rules or [], config or JobConfig(**options))
        REGISTRY.add(entry)
        self._entries[name] = entry
        if rules is None and not isinstance(schedule, Schedule):
            self._own[name] = schedule

    def _entry(
        self, name: str, job: Job, rules: list[dict[str, Any]], config: JobConfig
    ) -> RegisteredJob:
        definition = {
            "name": name,
            "external_id": name,
            "type": "python",
            "spec": {"job": name},
            "schedules": rules,
            "queue": self.name,
            "overlap": Overlap.SKIP.value,
            "misfire": Misfire.SKIP.value,
            **config.definition(),
        }
        definition["description"] = config.description or _first_line(job)
        return RegisteredJob(
            job_id=name,
            path=f"{type(job).__module__}.{type(job).__qualname__}",
            call=partial(_call, job),
            definition=definition,
            enabled=config.enabled,
            signature=inspect.Signature(),
            source=self._actor.name,
        )

    @property
    def _actor(self) -> Actor:
        return Actor(name=f"scheduler {self.name}", role=Role.ADMINISTRATOR)

    @property
    def is_running(self) -> bool:
        """Say whether the engine runs."""
        if self._pid is not None and _wait(self._pid, 0):
            self._pid = None
        return self._pid is not None

    def start(self, context: CancelContext | None = None) -> None:
        """Write the jobs to the database, start the engine, and return; stop with ``context``.

        For the main thread, before others are started: the engine is forked from this process.
        StateError when it is started already, InvalidError when a job makes no definition.
        """
        if self.is_running:
            raise StateError("The scheduler is started already.")
        if threading.current_thread() is not threading.main_thread():
            raise StateError("A scheduler is started by the main thread.")
        outcome = registered.sync(self._entries.values(), source=self._actor)
        if outcome.faults:
            raise InvalidError("; ".join(outcome.faults.values()), fields=outcome.faults)
        connections.close_all()
        sys.stdout.flush()
        sys.stderr.flush()
        parent = os.getpid()
        self._pid = os.fork()
        if self._pid == 0:
            self._be_engine(parent)
        if context is not None:
            context.on_cancel(self.stop)

    def run_job_now(self, name: str, parameters: Mapping[str, Any] | None = None) -> int:
        """Queue a run of a job, also of a disabled one, and return its execution's id at once.

        ``parameters`` are values by name, of those that the job declares (`JobConfig.parameters`).

        UnknownError when there is no such job, StateError while it runs: nothing runs twice at a
        time.
        """
        if name not in self._entries:
            raise UnknownError(f"Job {name} is not known to this scheduler.")
        rows = JobRow.objects.present()
        row = rows.filter(created_by=self._actor.name, external_id=name).first()
        if row is None:
            raise StateError("The scheduler was not started yet. Call start() first.")
        return triggers.trigger(row.pk, actor=self._actor, parameters=parameters).pk

    def stop(self, timeout: float | None = None) -> None:
        """End: nothing new starts, what runs may end in time, then it is cancelled, then killed.

        ``timeout`` in seconds may shorten the scheduler's own. Returns when everything has ended;
        stopping what does not run changes nothing.
        """
        if not self.is_running or self._pid is None:
            return
        pid, self._pid = self._pid, None
        drain = self.stop_timeout if timeout is None else min(timeout, self.stop_timeout)
        os.kill(pid, signal.SIGTERM)
        if _wait(pid, drain):
            return
        os.kill(pid, signal.SIGTERM)  # asked again, the engine cancels what still runs
        if not _wait(pid, END_SECONDS):
            os.kill(pid, signal.SIGKILL)  # everything below dies with it
            _wait(pid, END_SECONDS)

    def _be_engine(self, parent: int) -> NoReturn:
        """Become the engine's supervisor; never return into the program that was forked."""
        code = 1
        try:
            os.setsid()
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
                signal.signal(number, signal.SIG_DFL)
            if on_death_of_parent(signal.SIGTERM, parent=parent):
                settings.JOBDECK = {**settings.JOBDECK, "DRAIN_SECONDS": self.stop_timeout}
                code = self._supervisor().run()
        except BaseException:  # noqa: BLE001 - the last frame of this process
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def _supervisor(self) -> Supervisor:
        place = f"{socket.gethostname()}-{self.name}"
        services: dict[str, Callable[[], int]] = {
            "dispatcher": partial(_dispatch, place),
            CLUSTER: partial(self._run_cluster, os.getpid(), place),
        }
        if self._own:
            services["schedules"] = OwnSchedules(actor=self._actor, schedules=self._own).run
        return Supervisor(services, drain_seconds=self.stop_timeout, host="", port=0)

    def _run_cluster(self, supervisor: int, place: str) -> int:
        return Cluster(
            name=place, workers=self.workers, queues=[self.name], supervisor=supervisor
        ).run()


def cleanup_old_logs(days: int = retention.DEFAULT_DAYS) -> int:
    """Remove executions that ended more than ``days`` days ago, for a job of one's own; return how many.

    The newest of each job stay (`services.retention`).
    """
    return retention.cleanup_old_logs(days, actor=registered.CODE)


def _dispatch(place: str) -> int:
    DispatchProcess(name=place).run()
    return 0


def _call(job: Job, context: JobContext, _arguments: Mapping[str, Any]) -> Any:
    return job.run(context)


def _rules_of(schedule: Schedule | NextStart) -> list[dict[str, Any]] | None:
    """Return the rules of a schedule; None for one that tells the next start only."""
    if isinstance(schedule, Schedule):
        return schedule.definitions()
    if not callable(getattr(schedule, "next", None)):
        raise InvalidError(
            f"{schedule!r:.120} is no schedule. Give it definitions() or next(after)."
        )
    return None


def _name_of(job: Job) -> str:
    """Return a job's name, which is an attribute or a method."""
    name = getattr(job, "name", None)
    found = name() if callable(name) else name
    if not isinstance(found, str) or not found:
        raise InvalidError(f"{type(job).__qualname__} has no name. Give it an attribute name.")
    return found


def _first_line(job: Job) -> str:
    return (inspect.getdoc(type(job)) or "").partition("\n")[0]


def _wait(pid: int, seconds: float) -> bool:
    """Wait until a child has ended, at most so long; say whether it has."""
    give_up = time.monotonic() + seconds
    while True:
        try:
            if os.waitpid(pid, os.WNOHANG)[0]:
                return True
        except ChildProcessError:
            return True
        rest = give_up - time.monotonic()
        if rest <= 0:
            return False
        _sleep_until_end(pid, rest)


def _sleep_until_end(pid: int, seconds: float) -> None:
    if not hasattr(os, "pidfd_open"):
        time.sleep(min(seconds, LOOK_SECONDS))
        return
    handle = os.pidfd_open(pid)
    try:
        select.select([handle], [], [], seconds)
    finally:
        os.close(handle)
