"""Make the examples: workspaces, a template and jobs that show what there is; or remove them."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from jobs.domain.errors import JobdeckError
from jobs.domain.permissions import SYSTEM
from jobs.services import example_set


class Command(BaseCommand):
    """`manage.py load_examples`."""

    help = (
        "Make workspaces, a template and jobs that show what there is; they need no other service."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take whether other jobs may be there already, and the way back."""
        parser.add_argument(
            "--force", action="store_true", help="add them although there are other jobs"
        )

        parser.add_argument("--remove", action="store_true", help="take them away again")

    def handle(self, *args: Any, force: bool = False, remove: bool = False, **options: Any) -> None:
        """Make what is missing, or remove what is there, and name it."""
        if remove:
            self._remove()
            return
        try:
            made = example_set.load(actor=SYSTEM, force=force)
        except JobdeckError as error:
            raise CommandError(f"{error.message} Use --force to add them.") from error
        for name in made:
            self.stdout.write(f"made {name}")
        self.stdout.write(f"{len(made)} jobs made, tagged {example_set.TAG}")

    def _remove(self) -> None:
        done = example_set.remove(actor=SYSTEM)
        for name in done.names:
            self.stdout.write(f"removed {name}")
        if done.kept:
            raise CommandError(" ".join(done.kept))
