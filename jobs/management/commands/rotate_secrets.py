"""Seal all secrets anew by the first key."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from jobs.domain.errors import JobdeckError
from jobs.domain.permissions import SYSTEM
from jobs.services import secret_box, variables


class Command(BaseCommand):
    """`manage.py rotate_secrets`."""

    help = "Seal all secrets anew by the first key, so that older keys can be removed."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take whether to make a key first."""
        parser.add_argument(
            "--new-key", action="store_true", help="put a new key before the others in the key file"
        )

    def handle(self, *args: Any, new_key: bool = False, **options: Any) -> None:
        """Rotate, and say what could not be opened."""
        try:
            if new_key:
                self.stdout.write(f"New key in {secret_box.add_key()}")
            resealed, closed = variables.rotate(actor=SYSTEM)
        except JobdeckError as error:
            raise CommandError(error.message) from error
        noun = "secret" if resealed == 1 else "secrets"
        self.stdout.write(f"{resealed} {noun} sealed by the first key")
        if closed:
            names = ", ".join(closed)
            raise CommandError(f"No present key opens {names}. {secret_box.HINT}")
        self.stdout.write("Older keys open nothing any more; backups of before still need them.")
