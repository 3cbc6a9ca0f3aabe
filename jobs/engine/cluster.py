"""The cluster process: owns a pool of workers, cleans up after those that die, drains, stops.

It is a subreaper: whatever a killed worker leaves running becomes its child, is ended within
milliseconds, and the worker's execution is marked lost.
"""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Sequence
from datetime import timedelta
from types import FrameType

from django.db import DatabaseError, connection

from jobs import broker, conf
from jobs.broker.pool import ORPHANED, Pool
from jobs.engine.heartbeat import Presence
from jobs.engine.loop import StopFlag
from jobs.engine.remains import end_adopted, reap, rescue_dead_neighbours
from jobs.engine.runner import Context
from jobs.engine.supply import Supply
from jobs.executors.proctree import become_subreaper
from jobs.lineage import on_death_of_parent
from jobs.models import WorkerKind, WorkerState
from jobs.polling import ready
from jobs.queries.supply import in_hand_of
from jobs.services import artifacts, claims, leftovers, rescue

log = logging.getLogger("scheduler.cluster")

# Claimed and not started for so long: the process that should have passed it on hangs.
WEDGED = timedelta(seconds=5)
# So many such finds with no quiet minute between them, and the pool itself is replaced.
WEDGED_TIMES = 2
QUIET_SECONDS = 60.0
ERROR_PAUSE_SECONDS = 0.5
# How the supervisor passes on that somebody asked to stop again.
INSIST = signal.SIGUSR2
# After the drain limit cancelled jobs get this much of their own grace, then all is killed: a stop
# must not take much longer than the limit says.
CANCEL_SECONDS = 4.0


class Cluster:
    """One pool, or for a while two when a hanging one is replaced."""

    def __init__(
        self,
        *,
        name: str,
        workers: int,
        queues: Sequence[str],
        labels: Sequence[str] = (),
        supervisor: int | None = None,
    ) -> None:
        """Describe the cluster; it ends with the process ``supervisor``, which forked it."""
        self._supervisor = supervisor
        self._workers = workers
        self._queues = list(queues)
        self._labels = list(labels)
        self._presence = Presence(
            WorkerKind.CLUSTER,
            name=name,
            queues=self._queues,
            labels=self._labels,
            slots=workers,
        )
        self._stop = StopFlag()
        self._pool: Pool | None = None
        self._retired: list[Pool] = []
        self._dead_workers: set[int] = set()
        self._wedged = 0
        self._wedged_at = 0.0
        self._orphaned = False
        self._draining = False
        self._broken = False

    def run(self) -> int:
        """Run until asked to stop; return the exit code: 0 when asked, 1 when the pool broke."""
        self._stop.install(insisting=None if self._supervisor is None else INSIST)
        self._end_with_owner()
        become_subreaper()
        self._sign_in()
        if not self._stop.is_set():
            self._start_pool()
            log.info("Cluster ready: %d workers, queues %s.", self._workers, self._queues)
            while not self._stop.is_set() and not self._is_broken():
                self._watch(self._presence.due_in())
        self._drain()
        self._leave()
        return 1 if self._broken else 0

    def _end_with_owner(self) -> None:
        """End at once, jobs and all, when the process that started this one is killed."""
        if self._supervisor is not None:
            signal.signal(ORPHANED, self._on_orphaned)
            if not on_death_of_parent(ORPHANED, parent=self._supervisor):
                self._on_orphaned(ORPHANED, None)

    def _on_orphaned(self, _number: int, _frame: FrameType | None) -> None:
        self._orphaned = True
        self._stop.set()

    def _sign_in(self) -> None:
        """Sign in and settle what an earlier life left, however long the database takes."""
        while not self._stop.is_set():
            try:
                Context.worker_id = self._presence.worker_id
                Context.queues = self._queues
                Context.labels = self._labels
                rescue_dead_neighbours()
                leftovers.sweep()
            except DatabaseError as error:
                log.warning("Waiting for the database: %s", error)
                connection.close()
                self._stop.wait(ERROR_PAUSE_SECONDS)
            else:
                return

    def _start_pool(self) -> None:
        self._pool = Pool(workers=self._workers)
        broker.use_source(
            Supply(
                self._pool,
                worker_id=self._presence.worker_id,
                queues=self._queues,
                labels=self._labels,
            )
        )
        self._pool.start()

    def _pools(self) -> list[Pool]:
        return [pool for pool in (self._pool, *self._retired) if pool is not None]

    def _spared(self) -> set[int]:
        """Return the children that are no orphans: the living sentinels."""
        return {pool.sentinel_pid for pool in self._pools() if pool.is_alive()}

    def _is_broken(self) -> bool:
        """Say whether this cluster cannot go on: its supervisor starts another."""
        if self._pool is not None and not self._pool.is_alive():
            log.error("The sentinel of the pool is gone; the cluster must be started again.")
            self._broken = True
        return self._broken

    def _watch(self, seconds: float) -> None:
        """Sleep until something happens, at most so long; then look after everything."""
        handles = [os.pidfd_open(pid) for pid in self._spared()]
        try:
            reports = [pool.reports for pool in self._pools()]
            ready((self._stop, *reports, *handles), seconds)
        finally:
            for handle in handles:
                os.close(handle)
        self._retired = [pool for pool in self._retired if pool.is_alive()]
        try:
            self._settle_deaths()
            self._beat()
        except DatabaseError as error:
            log.warning("The database does not answer: %s", error)
            connection.close()
            time.sleep(ERROR_PAUSE_SECONDS)

    def _settle_deaths(self) -> None:
        """Clean up after processes of the pool that died."""
        for role, pid in [death for pool in self._pools() for death in pool.deaths()]:
            if role == "worker":
                self._dead_workers.add(pid)
            elif role == "pusher" and claims.give_back(self._presence.worker_id):
                log.warning("The pusher died; what it had claimed waits again.")
        for pid in sorted(self._dead_workers):
            # The worker's job first: an execution may be tried again as soon as it is lost.
            ended = end_adopted(spare=self._spared())
            lost = rescue.rescue_process(
                self._presence.worker_id, pid, end_process=artifacts.discard_remains
            )
            if ended or lost:
                log.warning("Worker %d died: %d processes ended, %d lost.", pid, ended, lost)
            self._dead_workers.discard(pid)
        reap(spare=self._spared())

    def _beat(self) -> None:
        """Renew the sign of life, and look for a hanging pool, when it is time."""
        if self._presence.due_in() > 0:
            return
        worker_id = self._presence.worker_id
        in_hand, drained = in_hand_of(worker_id)
        state = WorkerState.DRAINING if self._draining or drained else WorkerState.RUNNING
        if not self._presence.beat(state=state, busy=in_hand):
            # It slept so long that its executions were given to others; its workers bear its name.
            log.error("This cluster was taken for dead and must be started again.")
            self._broken = True
        if in_hand and claims.give_back(worker_id, older_than=WEDGED):
            self._note_wedge()

    def _note_wedge(self) -> None:
        """Count a find of claimed but unstarted work; replace the pool when they add up."""
        now = time.monotonic()
        self._wedged = self._wedged + 1 if now - self._wedged_at < QUIET_SECONDS else 1
        self._wedged_at = now
        log.warning("Work was claimed and not started for %s s; it waits again.", WEDGED.seconds)
        if self._wedged >= WEDGED_TIMES and self._pool is not None and not self._draining:
            log.error("The pool hangs. Its running jobs may end; a new pool takes over.")
            self._wedged = 0
            self._pool.stop()
            self._retired.append(self._pool)
            self._start_pool()

    def _drain(self) -> None:
        """Let running executions end within the limit, then cancel them, then kill.

        1. Nothing new starts; running ones go on for the drain time.
        2. Those left are cancelled like by a person: SIGTERM, grace, SIGKILL.
        3. Whatever is left after that is killed with its worker.
        A second request to stop goes on to 2 at once, a third to 3.
        """
        self._draining = True
        for pool in self._pools():
            pool.stop()
        if not self._orphaned:
            self._wait_for_pools(conf.drain_seconds(), until_asked=2)
            for pool in self._pools():
                pool.aborting.set()
            self._wait_for_pools(CANCEL_SECONDS, until_asked=3)
        for pool in self._pools():
            pool.kill()
        end_adopted(spare=())

    def _wait_for_pools(self, seconds: float, *, until_asked: int) -> None:
        """Look after the pools until all have ended, the time is over, or somebody insists."""
        give_up = time.monotonic() + seconds
        while any(pool.is_alive() for pool in self._pools()):
            rest = give_up - time.monotonic()
            if rest <= 0 or self._stop.times >= until_asked:
                return
            self._stop.clear()  # heard; what counts from now on is how often
            self._watch(min(rest, max(self._presence.due_in(), 0.1)))

    def _leave(self) -> None:
        """Settle what was in hand and sign off; without the database the rescuer does it later."""
        try:
            stopped = not (self._orphaned or self._broken)
            why = rescue.KILLED_BY_STOP if stopped else rescue.LOST
            rescue.rescue_worker(self._presence.worker_id, error=why)
            self._presence.sign_off()
        except DatabaseError as error:
            log.warning("Left without signing off: %s", error)
        connection.close()
