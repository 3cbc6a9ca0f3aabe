"""Fill the database with a past: for page benchmarks and demonstrations."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from jobs.domain.durations import parse_duration
from jobs.domain.errors import JobdeckError
from jobs.management.history import History
from jobs.queries.pulse import pulse

MOST_JOBS, MOST_EXECUTIONS = 100_000, 100_000_000
SHORTEST = timedelta(minutes=1)  # so that the latest executions have ended and none is due yet


class Command(BaseCommand):
    """``manage.py make_history``."""

    help = (
        "Makes jobs with executions, omissions, counters, strips, hourly sums and some logs that "
        "agree with each other. Stop the product first."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take how much of a past."""
        parser.add_argument("--jobs", type=int, required=True, help="how many jobs")
        parser.add_argument("--executions", type=int, required=True, help="how many in all")
        parser.add_argument("--every", default="5m", help="interval of the jobs, at least 1m")
        parser.add_argument("--prefix", default="demo", help="names are PREFIX-00001 and so on")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write it and say how fast."""
        jobs, executions = options["jobs"], options["executions"]
        _check("--jobs", jobs, MOST_JOBS)
        _check("--executions", executions, MOST_EXECUTIONS)
        if not pulse(timezone.now()).down:
            raise CommandError("A dispatcher is running. Stop the product, then make the history.")
        try:
            every = parse_duration(options["every"])
            if every < SHORTEST:
                raise CommandError(f"--every {options['every']} is too short. Use 1m or more.")
            history = History(
                jobs=jobs, executions=executions, every=every, prefix=options["prefix"]
            )
            self._write(history, executions)
        except JobdeckError as error:
            raise CommandError(error.message) from error

    def _write(self, history: History, executions: int) -> None:
        began = time.monotonic()
        for written in history.run():
            rate = written / (time.monotonic() - began)
            self.stdout.write(f"{written} of {executions} executions, {rate:,.0f} a second")


def _check(name: str, value: int, most: int) -> None:
    if not 1 <= value <= most:
        raise CommandError(f"{name} {value} is out of range. Use 1 to {most}.")
