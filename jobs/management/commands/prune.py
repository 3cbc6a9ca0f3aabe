"""Remove executions that are older than anybody asks for."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from jobs.domain.errors import JobdeckError
from jobs.domain.permissions import SYSTEM
from jobs.services import retention, retention_rules, statistics


class Command(BaseCommand):
    """`manage.py prune`."""

    help = "Remove executions that ended long ago, with their logs and files."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the age, and whether to count only."""
        parser.add_argument(
            "--days", type=int, default=retention.DEFAULT_DAYS, help="older than so many days"
        )
        parser.add_argument(
            "--rules",
            action="store_true",
            help="by the KEEP_... settings, as the weekly cleanup does, instead of one age",
        )
        parser.add_argument("--dry-run", action="store_true", help="only say how many")

    def handle(
        self,
        *args: Any,
        days: int,
        rules: bool = False,
        dry_run: bool = False,
        **options: Any,
    ) -> None:
        """Remove, and say how many."""
        if rules:
            self._by_rules(dry_run=dry_run)
            return
        try:
            done = retention.prune(days, actor=SYSTEM, dry_run=dry_run)
        except JobdeckError as error:
            raise CommandError(error.message) from error
        if not dry_run:
            statistics.forget()
        verb = "would be removed" if dry_run else "removed"
        states = ", ".join(f"{number} {state}" for state, number in sorted(done.states.items()))
        more = f" ({states})" if states else ""
        self.stdout.write(f"{done.executions} executions of {done.jobs} jobs {verb}{more}")

    def _by_rules(self, *, dry_run: bool) -> None:
        """Remove what the settings do not keep; each step is a transaction of its own."""
        act = retention_rules.preview if dry_run else retention_rules.clean
        done = act(actor=SYSTEM, now=timezone.now())
        verb = "would be removed" if dry_run else "removed"
        for word, number in done.counts().items():
            self.stdout.write(f"{word}: {number} {verb}")
