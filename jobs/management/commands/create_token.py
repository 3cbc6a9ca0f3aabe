"""Make an API token from the command line."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from jobs.domain.durations import parse_duration
from jobs.domain.errors import JobdeckError
from jobs.domain.permissions import Role
from jobs.services import tokens
from jobs.services.wording import either


class Command(BaseCommand):
    """``manage.py create_token``."""

    help = "Makes a token for a person and prints it, once and alone, so that a script can read it."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take whose token, its name, and what limits it."""
        parser.add_argument("--user", required=True, help="the person who owns it")
        parser.add_argument("--name", required=True, help="tells this person's tokens apart")
        parser.add_argument("--role", help="at most this role; by default the person's own")
        parser.add_argument("--expires", metavar="DURATION", help="such as 90d; by default never")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the token; every refusal goes to standard error and ends with 1."""
        user = User.objects.filter(username=options["user"]).first()
        if user is None:
            raise CommandError(f"User {options['user']!r} does not exist.")
        name = options["name"].strip()
        if not 1 <= len(name) <= 100:
            raise CommandError("--name needs 1 to 100 characters.")
        try:
            _, value = tokens.create(
                user, name, role=_role(options["role"]), expires_at=_expiry(options["expires"])
            )
        except JobdeckError as error:
            raise CommandError(error.message) from error
        self.stdout.write(value)


def _role(text: str | None) -> Role | None:
    if text is None:
        return None
    if text in set(Role):
        return Role(text)
    raise CommandError(f"Role {text!r} does not exist. Use {either(list(Role))}.")


def _expiry(text: str | None) -> Any:
    return None if text is None else timezone.now() + parse_duration(text)
