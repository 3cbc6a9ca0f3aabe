"""Make the examples: workspaces and jobs that show what there is."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from jobs.domain.errors import JobdeckError
from jobs.domain.permissions import SYSTEM
from jobs.services import example_set


class Command(BaseCommand):
    """`manage.py load_examples`."""

    help = "Make workspaces and jobs that show what there is; they need no other service."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take whether other jobs may be there already."""
        parser.add_argument(
            "--force", action="store_true", help="add them although there are other jobs"
        )

    def handle(self, *args: Any, force: bool = False, **options: Any) -> None:
        """Make what is missing, and name it."""
        try:
            made = example_set.load(actor=SYSTEM, force=force)
        except JobdeckError as error:
            raise CommandError(f"{error.message} Use --force to add them.") from error
        for name in made:
            self.stdout.write(f"made {name}")
        self.stdout.write(f"{len(made)} jobs made, tagged {example_set.TAG}")
