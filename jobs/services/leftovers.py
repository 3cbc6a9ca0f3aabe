"""What a crash of the whole host has left of executions on it, looked for when a cluster signs in."""

from __future__ import annotations

from collections.abc import Collection

from jobs import conf
from jobs.domain.states import ExecutionState
from jobs.executors.passage import passage_of
from jobs.executors.script import remove_leftovers
from jobs.models import Execution
from jobs.services import artifacts


def sweep() -> int:
    """Remove directories for files and scripts of executions that do not run; return how many."""
    places = [conf.data_dir() / "run" / "scratch", passage_of(conf.instance_id())]
    return artifacts.sweep_work() + remove_leftovers(places, running=_running)


def _running(numbers: Collection[int]) -> set[int]:
    """Return which of these executions run, on this host or another."""
    running = Execution.objects.filter(pk__in=numbers, state=ExecutionState.RUNNING.value)
    return set(running.values_list("pk", flat=True)) if numbers else set()
