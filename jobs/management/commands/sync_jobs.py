"""Register the jobs of the project's code without a restart, and show what came of it."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from jobs.registry import REGISTRY
from jobs.services import cron_jobs


class Command(BaseCommand):
    """``manage.py sync_jobs``."""

    help = (
        "Creates and updates the jobs that the installed apps' scheduled_jobs.py define, and those "
        "of the file that CRON_JOBS_FILE names. Each dispatcher does the same when it starts. What people changed wins; --reset JOB_ID gives "
        "a job back to the code."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the jobs to give back to the code."""
        parser.add_argument("--reset", action="append", default=[], metavar="JOB_ID")

    def handle(self, *args: Any, **options: Any) -> None:
        """Synchronise; fail when a job could not be registered."""
        unknown = sorted(set(options["reset"]) - {entry.job_id for entry in REGISTRY})
        if unknown:
            known = ", ".join(entry.job_id for entry in REGISTRY) or "none"
            raise CommandError(f"{unknown[0]} is not registered. Registered: {known}.")
        outcome = cron_jobs.sync(reset=options["reset"])
        for word in ("created", "updated", "unchanged", "vanished", "deleted"):
            for job_id in getattr(outcome, word):
                self.stdout.write(f"{word:10} {job_id}")
        faults = [*REGISTRY.faults, *outcome.faults.values()]
        for fault in faults:
            self.stderr.write(fault)
        if faults:
            raise CommandError(f"{len(faults)} of the jobs could not be registered.")
