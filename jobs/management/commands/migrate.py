"""Bring the tables up to date, one process at a time."""

from __future__ import annotations

from typing import Any

from django.core.management.commands import migrate

from jobs.services import setting_up


class Command(migrate.Command):
    """``manage.py migrate``."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate as Django does when no other set-up of this database runs."""
        with setting_up.alone(self.stderr.write):
            super().handle(*args, **options)
