"""Make an installation ready to start: tables, roles, the first administrator, static files."""

from __future__ import annotations

import hashlib
import secrets
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.contrib.staticfiles.finders import get_finders
from django.contrib.staticfiles.management.commands import collectstatic
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Q
from django.utils.module_loading import import_string

from jobs import conf
from jobs.domain.permissions import SYSTEM, Role
from jobs.services import audit, people, setting_up
from scheduler_site.env import Env

DEFAULT_ADMIN = "admin"
_PASSWORD_BYTES = 12  # 16 characters, 96 bits
_HASHED_STORAGE = "whitenoise.storage.CompressedManifestStaticFilesStorage"


class Command(BaseCommand):
    """``manage.py setup``."""

    help = (
        "Brings tables, roles and static files up to date and makes the first administrator. "
        "Running it again changes nothing that is there. JOBDECK_ADMIN_USER and "
        "JOBDECK_ADMIN_PASSWORD name the administrator for unattended starts; without, the "
        "password is generated and shown once."
    )
    # The tables that some checks read may not be there yet.
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Do each step that is still to do, one process at a time."""
        with setting_up.alone(self.stderr.write):
            self._set_up()

    def _set_up(self) -> None:
        if migrate():
            self.stdout.write("The database is up to date.")
        people.ensure_roles()
        if not settings.DEBUG and collect_static():
            self.stdout.write("The static files are collected.")
        self._first_administrator(Env())

    def _first_administrator(self, env: Env) -> None:
        if administrators().exists():
            return
        name = env.text("JOBDECK_ADMIN_USER").strip() or DEFAULT_ADMIN
        given = env.text("JOBDECK_ADMIN_PASSWORD")
        self._warn_about(name, given)
        password = given or secrets.token_urlsafe(_PASSWORD_BYTES)
        create_administrator(name, password)
        self.stdout.write(f"Administrator: {name}")
        if not given:
            self.stdout.write(f"Password:      {password}   (shown once; change it under Admin)")

    def _warn_about(self, name: str, password: str) -> None:
        """Say that a given password is weak.

        It is taken all the same: whoever starts the product unattended has decided, and an
        installation that refuses to start would be worse than one that says why it should not.
        """
        if not password:
            return
        try:
            validate_password(password, User(username=name))
        except ValidationError as error:
            reasons = " ".join(error.messages)
            self.stderr.write(f"JOBDECK_ADMIN_PASSWORD is weak: {reasons} Change it soon.")


def migrate() -> bool:
    """Apply the migrations that are missing; False when there are none (a fast look)."""
    executor = MigrationExecutor(connection)
    if not executor.migration_plan(executor.loader.graph.leaf_nodes()):
        return False
    call_command("migrate", verbosity=0, interactive=False)
    _make_private()
    return True


def _make_private() -> None:
    """Let nobody but the owner read the database file; SQLite's side files take its mode over."""
    if connection.vendor == "sqlite":
        path = Path(connection.settings_dict["NAME"])
        if path.is_file():
            path.chmod(0o600)


def administrators() -> Any:
    """Return the active people who may do everything."""
    rank = Q(is_superuser=True) | Q(groups__name=Role.ADMINISTRATOR.value)
    return User.objects.filter(rank, is_active=True)


def create_administrator(name: str, password: str) -> None:
    """Make the first administrator; an account of that name is never taken over."""
    if User.objects.filter(username=name).exists():
        raise CommandError(
            f"User {name!r} exists and is no administrator. Set JOBDECK_ADMIN_USER to another "
            "name, or make this user an administrator."
        )
    with transaction.atomic():
        user = User(username=name, is_staff=True, is_superuser=True)
        user.set_password(password)
        try:
            user.full_clean(exclude=["password"])
        except ValidationError as error:
            raise CommandError(
                f"JOBDECK_ADMIN_USER {name!r}: {' '.join(error.messages)}"
            ) from error
        user.save()
        audit.record(SYSTEM, "user.create", object_type="user", object_id=user.pk, object_name=name)


def collect_static() -> bool:
    """Copy the static files with their hashes to STATIC_ROOT; False when nothing changed.

    The settings use the hashed files once their manifest exists; this makes it.
    """
    root = Path(settings.STATIC_ROOT)
    stamp, wanted = conf.data_dir() / "static_sources", _fingerprint()
    if stamp.exists() and stamp.read_text() == wanted and (root / "staticfiles.json").exists():
        return False
    command = collectstatic.Command()
    command.storage = import_string(_HASHED_STORAGE)()
    # What is not needed any more stays: a page that was open before asks for it.
    call_command(command, interactive=False, verbosity=0)
    stamp.write_text(wanted)
    return True


def _fingerprint() -> str:
    """Return a text that changes with any static file: its path, size or time."""
    digest = hashlib.sha256()
    for finder in get_finders():
        for path, storage in finder.list(ignore_patterns=[]):
            status = Path(storage.path(path)).stat()
            digest.update(f"{path} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()
