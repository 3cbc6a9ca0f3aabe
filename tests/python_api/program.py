"""Programs with a scheduler in them; each does one thing and prints what it saw as JSON."""

from __future__ import annotations

import itertools
import json
import os
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import django

django.setup()

from jobs.domain.errors import JobdeckError  # noqa: E402 - Django is set up first
from jobs.models import Execution, Job  # noqa: E402
from jobs.python_api import (  # noqa: E402
    CancelContext,
    IntervalSchedule,
    JobConfig,
    JobContext,
    Scheduler,
)

PATIENCE = 20.0
FOLDER = Path(sys.argv[2])


class Stamp:
    """Write a line at each start, then work for a while: ``job`` of the seed's quick start."""

    def __init__(self, name: str, *, works: float = 0, fails: bool = False) -> None:
        """Take what it depends on."""
        self.name = name
        self.works = works
        self.fails = fails

    def run(self, context: JobContext) -> None:
        """Do the work, respecting a cancel."""
        with self.file.open("a") as file:
            file.write(f"start {time.time()}\n")
        if self.fails:
            raise ValueError("always fails")
        if context.wait(self.works):
            with self.file.open("a") as file:
                file.write(f"cancelled {time.time()}\n")
            context.raise_if_cancelled()
        with self.file.open("a") as file:
            file.write(f"end {time.time()}\n")

    @property
    def file(self) -> Path:
        """Return where it writes."""
        return FOLDER / self.name

    def lines(self, word: str) -> list[float]:
        """Return the times of its lines."""
        text = self.file.read_text() if self.file.exists() else ""
        return [float(line.split()[1]) for line in text.splitlines() if line.startswith(word)]

    def wait_for(self, word: str, count: int = 1) -> list[float]:
        """Wait for lines."""
        wait_for(lambda: len(self.lines(word)) >= count)
        return self.lines(word)


class HalfASecondLater:
    """A schedule of one's own: all it tells is the next start."""

    def next(self, after: datetime) -> datetime:
        """Return half a second later."""
        return after + timedelta(seconds=0.5)


class Endless:
    """Never looks whether it is to end; its name is a method."""

    def name(self) -> str:
        """Return the name."""
        return "endless"

    def run(self, _context: JobContext) -> None:
        """Sleep."""
        time.sleep(300)


def wait_for(condition: Callable[[], Any]) -> Any:
    """Return the first true answer; fail when there is none in time."""
    give_up = time.monotonic() + PATIENCE
    while not (answer := condition()):
        if time.monotonic() > give_up:
            raise AssertionError("waited in vain")
        time.sleep(0.02)
    return answer


def states(name: str) -> list[str]:
    """Return the states of a job's executions, oldest first."""
    rows = Execution.objects.filter(job__name=name).order_by("pk")
    return list(rows.values_list("state", flat=True))


def ended(name: str, count: int = 1) -> list[Execution]:
    """Wait until so many executions of a job have ended."""

    def found() -> list[Execution] | None:
        rows = Execution.objects.filter(job__name=name, finished_at__isnull=False).order_by("pk")
        return list(rows) if len(rows) >= count else None

    answer: list[Execution] = wait_for(found)
    return answer


def refusal(act: Callable[[], object]) -> str:
    """Return what an act is refused with."""
    try:
        act()
    except JobdeckError as error:
        return f"{type(error).__name__}: {error}"
    return "not refused"


def basic() -> dict[str, Any]:
    """Run at an interval, beside jobs that fail or are disabled."""
    good, bad, off = Stamp("good"), Stamp("bad", fails=True), Stamp("off")
    scheduler = Scheduler()
    scheduler.add_job(good, IntervalSchedule(1))
    scheduler.add_job(bad, IntervalSchedule("1s"), JobConfig(timeout="30s"))
    scheduler.add_job(off, IntervalSchedule("1s"), enabled=False)
    own = Stamp("own")
    scheduler.add_job(own, HalfASecondLater())
    started = time.time()
    scheduler.start()
    starts = good.wait_for("start", 3)
    bad.wait_for("start", 2)
    own_starts = own.wait_for("start", 2)
    again = refusal(scheduler.start)
    late = refusal(lambda: scheduler.add_job(Stamp("late"), IntervalSchedule(1)))
    scheduler.stop()
    scheduler.stop()
    return {
        "first": starts[0] - started,
        "gaps": [b - a for a, b in itertools.pairwise(starts)],
        "ends": good.lines("end"),
        "own": [own_starts[0] - started, own_starts[1] - own.lines("end")[0]],
        "bad": sorted(set(states("bad"))),
        "bad_message": ended("bad")[0].message,
        "off": [off.lines("start"), Job.objects.get(name="off").state],
        "again": again,
        "late": late,
        "running": scheduler.is_running,
    }


def jitter() -> dict[str, Any]:
    """Spread the starts of twenty jobs of the same interval."""
    jobs = [Stamp(f"job-{number}") for number in range(10)]
    scheduler = Scheduler()
    for job in jobs:
        scheduler.add_job(job, IntervalSchedule.with_jitter("2s", "2s"))
    scheduler.start()
    starts = [job.wait_for("start", 2) for job in jobs]
    ends = [job.lines("end") for job in jobs]
    scheduler.stop()
    return {
        "firsts": [first for first, *_ in starts],
        "gaps": [start[1] - end[0] for start, end in zip(starts, ends, strict=True)],
    }


def timeout() -> dict[str, Any]:
    """Exceed a time limit; another job has none."""
    scheduler = Scheduler()
    scheduler.add_job(Endless(), IntervalSchedule("1h"), timeout=1)
    patient = Stamp("patient", works=2.5)
    scheduler.add_job(patient, IntervalSchedule("1h"), timeout=0)
    scheduler.start()
    scheduler.run_job_now("endless")
    scheduler.run_job_now("patient")
    (execution,) = ended("endless")
    (other,) = ended("patient")
    scheduler.stop()
    return {
        "state": execution.state,
        "message": execution.message,
        "seconds": (execution.finished_at - execution.started_at).total_seconds(),  # type: ignore[operator]
        "patient": other.state,
    }


def manual() -> dict[str, Any]:
    """Start a job by hand."""
    job = Stamp("slow", works=1.0)
    scheduler = Scheduler()
    scheduler.add_job(job, IntervalSchedule("1h"))
    early = refusal(lambda: scheduler.run_job_now("slow"))
    scheduler.start()
    before = time.monotonic()
    number = scheduler.run_job_now("slow")
    took = time.monotonic() - before
    job.wait_for("start")
    twice = refusal(lambda: scheduler.run_job_now("slow"))
    unknown = refusal(lambda: scheduler.run_job_now("non-existent"))
    (execution,) = ended("slow")
    scheduler.stop()
    return {
        "early": early,
        "took": took,
        "twice": twice,
        "unknown": unknown,
        "execution": [execution.pk == number, execution.trigger, execution.state],
    }


def graceful() -> dict[str, Any]:
    """Stop while a job runs that ends in time, and one is due that must not start."""
    job, due = Stamp("busy", works=2.0), Stamp("due")
    scheduler = Scheduler()
    scheduler.add_job(job, IntervalSchedule("1h"))
    scheduler.add_job(due, IntervalSchedule("1s"))
    scheduler.start()
    due.wait_for("start")
    scheduler.run_job_now("busy")
    job.wait_for("start")
    asked = time.time()
    scheduler.stop()
    stopped = time.time()
    count = len(due.lines("start"))
    time.sleep(1.5)
    return {
        "took": stopped - asked,
        "busy": states("busy"),
        "started_late": [at for at in due.lines("start") if at > asked + 1],
        "after": len(due.lines("start")) - count,
    }


def bounded() -> dict[str, Any]:
    """Stop while a job runs that does not end in time, and one that never looks."""
    job = Stamp("long", works=100)
    scheduler = Scheduler(stop_timeout=1)
    scheduler.add_job(job, IntervalSchedule("1h"))
    scheduler.add_job(Endless(), IntervalSchedule("1h"))
    scheduler.start()
    scheduler.run_job_now("long")
    scheduler.run_job_now("endless")
    job.wait_for("start")
    wait_for(lambda: states("endless") == ["running"])
    asked = time.time()
    scheduler.stop()
    return {
        "took": time.time() - asked,
        "cancelled": len(job.lines("cancelled")),
        "states": [states("long"), states("endless")],
        "message": ended("long")[0].message,
    }


def context() -> dict[str, Any]:
    """Stop with a parent that is cancelled."""
    job = Stamp("child", works=100)
    scheduler = Scheduler(stop_timeout=0.5)
    scheduler.add_job(job, IntervalSchedule("1s"))
    parent = CancelContext()
    scheduler.start(parent)
    job.wait_for("start")
    parent.cancel()
    parent.cancel()
    return {
        "running": scheduler.is_running,
        "cancelled": len(job.lines("cancelled")),
        "states": states("child"),
    }


def killed() -> dict[str, Any]:
    """Die without a word, while a job runs."""
    job = Stamp("orphan", works=100)
    scheduler = Scheduler(stop_timeout=0.5)
    scheduler.add_job(job, IntervalSchedule("1h"))
    scheduler.start()
    scheduler.run_job_now("orphan")
    job.wait_for("start")
    print(json.dumps({"engine": scheduler._pid}), flush=True)  # noqa: T201
    os.kill(os.getpid(), 9)
    raise AssertionError("still here")


def replica() -> dict[str, Any]:
    """Share the work with another program of the same code, for a while."""
    job = Stamp("shared", works=0.3)
    scheduler = Scheduler()
    scheduler.add_job(job, IntervalSchedule(1))
    scheduler.start()
    job.wait_for("end", 4)
    scheduler.stop()
    return {"starts": job.lines("start"), "ends": job.lines("end")}


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]](), default=str), flush=True)  # noqa: T201
