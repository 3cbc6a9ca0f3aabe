"""Run a command of the product that kills one of its processes at a named point of the work.

``python -m tests.e2e.killpoints DIRECTORY serve ...`` is ``manage.py serve ...`` with a hook around
each function of `POINTS`. A hook looks for the file of its point in the directory. The process that
removes the file kills the processes whose numbers it held, itself if it held none, right there:
between two statements of the product, inside a transaction or after its commit.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
TAKEN = ".taken"


class Point(NamedTuple):
    """A moment in the life of an execution, as a function that just ended or is about to begin."""

    module: str
    function: str  # dotted, below the module
    before: bool = False


# In the order in which an execution passes them. What is not committed yet is marked.
POINTS = {
    "insert": Point("jobs.services.dispatch", "_insert_executions"),  # not committed
    "inserted": Point("jobs.services.dispatch", "dispatch_due"),
    "hand over": Point("jobs.services.handover", "push", before=True),
    "handed over": Point("jobs.services.handover", "broker.push"),  # not marked as such
    "take": Point("jobs.engine.supply", "broker.take"),  # gone from Redis, not claimed
    "claim": Point("jobs.services.claims", "take"),  # not committed
    "claimed": Point("jobs.services.claims", "claim"),
    "claimed one": Point("jobs.services.claims", "claim_one"),
    "arrive": Point("jobs.services.executions", "start", before=True),
    "start": Point("jobs.services.executions", "start"),
    "spawn": Point("jobs.executors.process", "_start"),
    "first byte": Point("jobs.executors.output", "Collector.add"),
    "logged": Point("jobs.services.logs", "write"),
    "exit": Point("jobs.executors.spawn", "Child.reap"),
    "record": Point("jobs.services.executions", "_finish"),  # not committed
    "recorded": Point("jobs.engine.runner", "_record"),
}
TRANSPORT_ONLY = ("hand over", "handed over", "take", "claimed one")
TABLE_ONLY = ("claim", "claimed")


def main() -> None:
    """Put the hooks in place and become the product."""
    directory = Path(sys.argv.pop(1))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scheduler_site.settings")
    sys.path.insert(0, str(ROOT))
    import django

    django.setup()
    for name, point in POINTS.items():
        install(point, directory / name)
    _forget_back_off()
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


def install(point: Point, armed: Path) -> None:
    """Wrap the function of a point wherever the product finds it."""
    owner: Any = importlib.import_module(point.module)
    *way, name = point.function.split(".")
    for step in way:
        owner = getattr(owner, step)
    setattr(owner, name, hooked(getattr(owner, name), armed, before=point.before))


def hooked(function: Callable[..., Any], armed: Path, *, before: bool) -> Callable[..., Any]:
    """Return the function with a look at the file of its point; one that did nothing is no point."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if before:
            strike(armed, args)
        answer = function(*args, **kwargs)
        if not before and (answer or answer is None):
            strike(armed, args)
        return answer

    return wrapper


def strike(armed: Path, args: tuple[Any, ...]) -> None:
    """Kill if the point is armed; whoever moves its file away is the one to do it."""
    taken = armed.with_suffix(TAKEN)
    try:
        armed.rename(taken)
    except FileNotFoundError:
        return
    victims = [int(word) for word in taken.read_text().split()] or [os.getpid()]
    armed.with_suffix(".struck").write_text(str(args[0]) if args else "")
    for victim in sorted(victims, key=lambda pid: pid == os.getpid()):  # itself last
        with contextlib.suppress(ProcessLookupError):
            os.kill(victim, signal.SIGKILL)


def _forget_back_off() -> None:
    """Let the supervisor start again at once what the test kills again and again."""
    from jobs.engine import supervisor

    supervisor.GOOD_LIFE_SECONDS = 0.0


if __name__ == "__main__":
    main()
