"""What a Python job knows about its run, and how it talks back."""

from __future__ import annotations

import logging
import math
import os
import select
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path


class Cancelled(BaseException):
    """The run is asked to end: by a person, its time limit or a stop of the server.

    Raised where the job just is, unless it looks at ``context.cancelled`` by itself. Not an
    Exception, so that ``except Exception`` lets it pass and ``finally`` tidies up.
    """


class _Stop:
    """Whether the run is to end: a flag, and a pipe that wakes who waits for it.

    Not a threading.Event: its lock may be held by the very code that a signal interrupts.
    """

    def __init__(self) -> None:
        self.raised = False
        self.watched = False
        self._pipe: tuple[int, int] | None = None

    def set(self) -> None:
        self.raised = True
        if self._pipe is not None:
            os.write(self._pipe[1], b"x")

    def wait(self, seconds: float) -> bool:
        if self._pipe is None:
            self._pipe = os.pipe()
        if not self.raised:
            select.select([self._pipe[0]], [], [], seconds)
        return self.raised


@dataclass(kw_only=True)
class JobContext:
    """One attempt, seen from inside. ``execution_id`` stays the same over all its attempts.

    Made without arguments it serves a test of a job.
    """

    execution_id: int = 0
    job_id: int = 0
    job_name: str = ""
    attempt: int = 1
    scheduled_for: datetime = field(default_factory=lambda: datetime.now(UTC))
    trigger: str = "manual"
    # What its start was given, by name: a text, a number, true or false; a date is an ISO text.
    parameters: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    # Files that the run leaves here are kept and can be fetched; None in a test of a job.
    artifacts_dir: Path | None = None
    deadline: datetime | None = None  # when the time limit ends the run; None: no limit
    # Writes a line to the log of the run.
    say: Callable[[str], None] = field(default=lambda line: print(line, flush=True))  # noqa: T201
    _stop: _Stop = field(default_factory=_Stop, init=False, repr=False)

    @property
    def cancelled(self) -> bool:
        """Say whether the run is asked to end.

        A job that has looked once ends by itself: it is not interrupted any more, only killed when
        the grace period is over.
        """
        self._stop.watched = True
        return self._stop.raised

    def wait(self, seconds: float) -> bool:
        """Sleep; return True, at once, when the run is asked to end."""
        self._stop.watched = True
        return self._stop.wait(max(seconds, 0.0))

    def raise_if_cancelled(self) -> None:
        """Raise `Cancelled` when the run is asked to end: a safe point to stop at."""
        if self.cancelled:
            raise Cancelled

    @property
    def time_left(self) -> timedelta | None:
        """Return how long until the deadline, at least nothing; None without one."""
        if self.deadline is None:
            return None
        return max(self.deadline - datetime.now(UTC), timedelta())

    def progress(self, percent: float) -> None:
        """Show how far the run is, 0 to 100; values beyond are taken as the nearest bound."""
        if math.isnan(percent):
            raise ValueError("progress is a number from 0 to 100, not nan")
        self.say(f"::progress {min(max(percent, 0.0), 100.0):.0f}")

    def metric(self, name: str, value: float) -> None:
        """Keep a figure of this run, such as the number of rows."""
        self.say(f"::metric {name}={value}")

    def warning(self, text: str) -> None:
        """Report what is wrong without failing: it is counted and shown beside the result."""
        self.say(f"::warning {' '.join(text.split())}")

    def log(self, message: str, *, level: int = logging.INFO) -> None:
        """Write a line to the log of the run, in the name of the job."""
        logging.getLogger(f"job.{self.job_name or 'test'}").log(level, "%s", message)

    def cancel(self) -> bool:
        """Ask the run to end; say whether the job looks for that by itself."""
        self._stop.set()
        return self._stop.watched


def new_line(line: str) -> None:
    """Print a line of its own, also after text without an end of line."""
    start = "" if getattr(sys.stdout, "at_line_start", True) else "\n"
    sys.stdout.write(f"{start}{line}\n")
    sys.stdout.flush()
