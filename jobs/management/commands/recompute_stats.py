"""Prove that the hourly sums equal history, or put them right."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from jobs.services import recompute

_SHOWN = 50


class Command(BaseCommand):
    """`manage.py recompute_stats`."""

    help = (
        "Add up the hourly figures of jobs and queues from history and write what differs. "
        "With --check only say what differs, and fail if anything does."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take whether to look only."""
        parser.add_argument(
            "--check", action="store_true", help="change nothing; fail if it differs"
        )

    def handle(self, *args: Any, check: bool = False, **options: Any) -> None:
        """Compare, write or not, and say it."""
        report = recompute.run(repair=not check)
        for difference in report.differences[:_SHOWN]:
            self.stdout.write(str(difference))
        more = len(report.differences) - _SHOWN
        if more > 0:
            self.stdout.write(f"and {more} more")
        left_out = f", {report.left_out} left out" if report.left_out else ""
        looked = f"{report.hours} hours of {report.jobs} jobs and their queues compared{left_out}"
        if check and report.differences:
            raise CommandError(f"{looked}: {len(report.differences)} figures differ from history.")
        verb = "corrected" if report.differences else "equal to history"
        count = f"{len(report.differences)} figures " if report.differences else "all "
        self.stdout.write(f"{looked}: {count}{verb}.")
