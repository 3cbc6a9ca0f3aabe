"""A small Git repository with a template in it, made once for all tests of a process."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from django.utils import timezone

from jobs.models import Template

_WHO = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in {"NAME": "Test", "EMAIL": "test@example.com"}.items()
}


def git(place: Path, *words: str) -> str:
    """Run git in a directory, as nobody's commit hook or identity would have it."""
    # A clone of the working copy must not see the repository that the tests themselves live in.
    own = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return subprocess.run(
        ["git", "-C", str(place), *words],
        env={**own, **_WHO},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()


def commit(place: Path) -> str:
    """Commit everything; return the commit."""
    git(place, "add", ".")
    git(place, "commit", "--quiet", "-m", "Change")
    return git(place, "rev-parse", "HEAD")


@cache
def small_repository() -> str:
    """Return the path of a repository that is a template, and holds no job."""
    place = Path(tempfile.mkdtemp(prefix="jobdeck-repository-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    (place / "main.tf").write_text('resource "terraform_data" "site" {\n}\n')
    git(place, "init", "--quiet", "--initial-branch", "main")
    commit(place)
    return str(place)


def make_template(name: str) -> Template:
    """Return a registered template whose files nobody has fetched yet."""
    now = timezone.now()
    return Template.objects.create(
        name=name, source_url=small_repository(), created_at=now, updated_at=now
    )
