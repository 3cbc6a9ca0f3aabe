"""`manage.py setup` and `create_token`: what a fresh machine runs first."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.contrib.staticfiles import finders
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from pytest_django.fixtures import Settings

from jobs.domain.permissions import Role
from jobs.management.commands import setup
from jobs.models import AuditEntry, Token
from jobs.services import people, setting_up, tokens
from jobs.services.people import role_of
from tests.factories import make_user

pytestmark = pytest.mark.django_db

collect_static = setup.collect_static  # the fixture below replaces it


@pytest.fixture(autouse=True)
def no_static(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the static files out: one test is about them."""
    monkeypatch.setattr(setup, "collect_static", lambda: False)
    for name in ("JOBDECK_ADMIN_USER", "JOBDECK_ADMIN_PASSWORD"):
        monkeypatch.delenv(name, raising=False)


def run(*args: str) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    call_command(*args, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_the_first_administrator_gets_a_password_that_works() -> None:
    out, _ = run("setup")

    password = out.split("Password:")[1].split()[0]
    admin = User.objects.get(username="admin")
    assert len(password) >= 16
    assert admin.check_password(password)
    assert role_of(admin) is Role.ADMINISTRATOR
    assert AuditEntry.objects.filter(action="user.create", object_name="admin").exists()


def test_a_second_run_changes_and_says_nothing() -> None:
    run("setup")
    before = User.objects.get().password

    out, err = run("setup")

    assert (out, err) == ("", "")
    assert User.objects.get().password == before


def test_the_roles_are_there_afterwards() -> None:
    run("setup")

    assert set(Group.objects.values_list("name", flat=True)) == set(Role)


def test_an_unattended_start_names_the_administrator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOBDECK_ADMIN_USER", "ada")
    monkeypatch.setenv("JOBDECK_ADMIN_PASSWORD", "correct horse battery 9")

    out, err = run("setup")

    assert User.objects.get().check_password("correct horse battery 9")
    assert "correct horse" not in out + err
    assert User.objects.get().username == "ada"


def test_a_password_that_exists_is_never_overwritten(monkeypatch: pytest.MonkeyPatch) -> None:
    run("setup")
    before = User.objects.get().password
    monkeypatch.setenv("JOBDECK_ADMIN_USER", "admin")
    monkeypatch.setenv("JOBDECK_ADMIN_PASSWORD", "another one entirely")

    run("setup")

    assert User.objects.get().password == before


def test_a_weak_password_is_taken_with_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOBDECK_ADMIN_PASSWORD", "123")

    _, err = run("setup")

    assert "JOBDECK_ADMIN_PASSWORD is weak" in err
    assert User.objects.get().check_password("123")


def test_an_account_that_is_no_administrator_is_not_taken_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_user("vera", Role.VIEWER)
    monkeypatch.setenv("JOBDECK_ADMIN_USER", "vera")

    with pytest.raises(CommandError, match="'vera' exists and is no administrator"):
        run("setup")


def held_elsewhere() -> Callable[[], None] | None:
    """Take the lock of set-ups as another process would; return what lets go, None if it is held."""
    if connection.vendor == "postgresql":
        other = connection.copy("default")

        def asked(function: str) -> bool:
            with other.cursor() as cursor:
                cursor.execute(f"SELECT {function}(%s)", [setting_up._LOCK])
                row = cursor.fetchone()
            return row is not None and bool(row[0])

        def let_go() -> None:
            asked("pg_advisory_unlock")  # closing alone would let go a moment later
            other.close()

        if asked("pg_try_advisory_lock"):
            return let_go
        other.close()
        return None
    setting_up.lock_file().parent.mkdir(exist_ok=True)
    file = setting_up.lock_file().open("w")
    if setting_up._locked(file.fileno()):
        return file.close
    file.close()
    return None


@pytest.mark.parametrize("command", ["setup", "migrate"])
def test_a_second_set_up_waits_for_the_first(monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    let_go = held_elsewhere()
    assert let_go
    seen: list[object] = []
    started, ensure = MigrationExecutor.__init__, people.ensure_roles

    def pause(_seconds: float) -> None:
        seen.append("waits")
        if len(seen) == 53:
            let_go()

    def start(*given: Any) -> None:
        seen.append(held_elsewhere())
        started(*given)

    def roles() -> None:
        call_command("migrate", verbosity=0)  # it holds the lock itself, and must not wait for it
        seen.append(held_elsewhere())
        ensure()

    monkeypatch.setattr("time.sleep", pause)
    monkeypatch.setattr(MigrationExecutor, "__init__", start)
    monkeypatch.setattr(people, "ensure_roles", roles)

    _, err = run(command, *(["--verbosity=0"] if command == "migrate" else []))

    assert err.startswith("Another set-up of this database is running")
    assert err.count("Another set-up") == err.count("Still waiting") == 1, "each told once"
    server = r"database session \d+ from .* with SELECT pg_terminate_backend\(\d+\)\."
    assert re.search(
        server if connection.vendor == "postgresql" else r"lock is on /.*\.lock\.", err
    )
    assert seen[:53] == ["waits"] * 53
    assert set(seen[53:]) == {None}, "nobody else gets the lock while it works"
    after = held_elsewhere()
    assert after, "it is free afterwards"
    after()


def test_static_files_are_collected_once(settings: Settings, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "app.css").write_text("body { color: red }")
    settings.STATICFILES_DIRS = [source]
    settings.STATIC_ROOT = tmp_path / "root"
    settings.DATA_DIR = tmp_path
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]

    finders.get_finder.cache_clear()  # type: ignore[attr-defined]  # an lru_cache
    try:
        first, second = collect_static(), collect_static()
        (source / "app.css").write_text("body { color: blue }")
        third = collect_static()
    finally:
        finders.get_finder.cache_clear()  # type: ignore[attr-defined]  # an lru_cache

    assert (first, second, third) == (True, False, True)
    assert (tmp_path / "root" / "staticfiles.json").exists()
    assert len(list((tmp_path / "root").glob("app.*.css"))) == 2  # old pages still find theirs


def test_create_token_prints_just_the_token() -> None:
    make_user("ed", Role.EDITOR)

    out, err = run("create_token", "--user", "ed", "--name", "ci", "--role", "operator")

    token = tokens.authenticate(out.strip())
    assert (out.count("\n"), err) == (1, "")
    assert token is not None
    assert (token.user.username, token.role, token.expires_at) == ("ed", "operator", None)
    assert out.strip() not in str(Token.objects.values().get())


def test_create_token_can_limit_the_time() -> None:
    make_user("ed", Role.EDITOR)

    run("create_token", "--user", "ed", "--name", "ci", "--expires", "90d")

    token = Token.objects.get()
    assert token.expires_at is not None
    assert (token.expires_at - token.created_at).days in {89, 90}


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--user", "nobody", "--name", "t"], "User 'nobody' does not exist"),
        (["--user", "vera", "--name", "t", "--role", "king"], "'king' does not exist. Use viewer"),
        (["--user", "vera", "--name", "t", "--role", "editor"], "above the role of vera"),
        (["--user", "vera", "--name", " "], "1 to 100 characters"),
        (["--user", "vera", "--name", "taken"], "taken already"),
        (["--user", "vera", "--name", "t", "--expires", "soon"], "soon is not a duration"),
    ],
)
def test_create_token_refuses_what_makes_no_sense(args: list[str], words: str) -> None:
    tokens.create(make_user("vera", Role.VIEWER), "taken")

    with pytest.raises(CommandError, match=words):
        run("create_token", *args)
    assert Token.objects.count() == 1
