"""The configuration directory as a checkout: pulled forward, told by commit, and never half."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from jobs.domain.errors import ConflictError, ForbiddenError, StateError, UnprocessableError
from jobs.domain.git_source import without_login
from jobs.domain.permissions import SYSTEM, Actor, Role
from jobs.engine.pulling import FilePuller, puller
from jobs.executors.environment import inherited_from
from jobs.models import AuditEntry, ConfigFile, ConfigPull, Job, JobVersion
from jobs.services import checkouts, files
from jobs.services import git as git_service
from scheduler_site.env import repository as repository_setting
from tests.executors.conftest import is_alive, wait_for
from tests.services.test_files import sample, write
from tests.support.repository import commit, git

pytestmark = pytest.mark.django_db


@pytest.fixture
def origin(tmp_path: Path, settings: Settings) -> Path:
    """Make a bare repository with one job, and name it as the configuration's."""
    work = tmp_path / "work"
    work.mkdir()
    git(work, "init", "--quiet", "--initial-branch", "main")
    write(work, "jobs/one.json", sample(description="first"))
    commit(work)
    git(tmp_path, "clone", "--quiet", "--bare", str(work), str(tmp_path / "origin.git"))
    git(work, "remote", "add", "origin", str(tmp_path / "origin.git"))
    named(settings, CONFIG_REPOSITORY=str(tmp_path / "origin.git"), CONFIG_DIR=tmp_path / "config")
    return work


def named(settings: Settings, **told: Any) -> None:
    settings.JOBDECK = {**settings.JOBDECK, **told}


def pushed(work: Path, *words: str) -> str:
    """Commit and push what was written; return the commit."""
    found = commit(work)
    git(work, "push", "--quiet", *words, "origin", "refs/heads/main")
    return found


def test_a_pull_moves_the_files_forward_and_every_version_knows_its_commit(
    origin: Path, tmp_path: Path
) -> None:
    """S1-03, issue 8: cloned at first, fast-forwarded later; a file changed by hand says so."""
    row, made = files.pull(actor=SYSTEM)
    first = git(origin, "rev-parse", "HEAD")
    write(origin, "jobs/one.json", sample(description="second"))
    write(origin, "jobs/two.json", sample(enabled=False))
    second = pushed(origin)
    actor = Actor(name="edda", role=Role.EDITOR)
    moved, outcome = files.pull(actor=actor)
    same, unchanged = files.pull(actor=actor)
    write(tmp_path / "config", "jobs/one.json", sample(description="by hand"))
    write(tmp_path / "config", "jobs/three.json", sample())
    files.apply()

    assert (made.applied, row.commit, row.branch) == (["jobs/one.json"], first, "main")
    assert sorted(outcome.applied) == ["jobs/one.json", "jobs/two.json"]
    assert (moved.commit, same.commit, unchanged.changed) == (second, second, False)
    job = Job.objects.get(name="one")
    versions = JobVersion.objects.filter(job=job).order_by("version")
    assert list(versions.values_list("commit", flat=True)) == [first, second, f"{second}+"]
    noted = AuditEntry.objects.filter(object_type="job", object_id=job.pk).order_by("pk")
    assert [one.note for one in noted] == [
        f"commit {first[:12]}",
        f"commit {second[:12]}",
        f"commit {second[:12]}+",
    ]
    of = dict(ConfigFile.objects.values_list("path", "commit"))
    assert of == {"jobs/one.json": f"{second}+", "jobs/two.json": second, "jobs/three.json": ""}
    pulled = AuditEntry.objects.filter(action="files.pull", actor="edda").get()
    assert (pulled.before, pulled.after) == ({"commit": first}, {"commit": second})


def test_a_tag_of_the_branch_s_name_is_not_pulled_for_the_branch(
    origin: Path, tmp_path: Path, settings: Settings
) -> None:
    files.pull(actor=SYSTEM)
    for place in (origin, tmp_path / "config"):
        git(place, "tag", "main")
    git(origin, "push", "--quiet", "origin", "refs/tags/main")
    write(origin, "jobs/one.json", sample(description="second"))
    second = pushed(origin)
    named(settings, CONFIG_BRANCH="main")

    row, _outcome = files.pull(actor=SYSTEM)

    assert (row.branch, row.commit) == ("main", second)


def test_a_pull_that_fails_changes_nothing_and_is_kept_until_one_does_not(
    origin: Path, tmp_path: Path, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """Issue 8: rewritten history, files changed by hand, a branch and a repository that are not."""
    here = tmp_path / "config"
    files.pull(actor=SYSTEM)
    held = git(here, "rev-parse", "HEAD")
    write(origin, "jobs/one.json", sample(description="rewritten"))
    git(origin, "commit", "--quiet", "--all", "--amend", "-m", "Rewritten")
    git(origin, "push", "--quiet", "--force", "origin", "main")
    said = [refused()]
    git(origin, "reset", "--quiet", "--hard", held)
    write(origin, "jobs/one.json", sample(description="next"))
    pushed(origin, "--force")
    (here / "jobs" / "one.json").write_text(json.dumps(sample(description="by hand")))
    said.append(refused())
    git(here, "checkout", "--quiet", ".")
    named(settings, CONFIG_BRANCH="elsewhere")
    said.append(refused())
    named(settings, CONFIG_BRANCH="")
    since = ConfigPull.objects.get().failing_since
    named(settings, CONFIG_REPOSITORY="ssh://nobody@127.0.0.1:1/none.git")
    with caplog.at_level(logging.WARNING, logger="scheduler.files"):
        keeper = FilePuller()
        keeper.step()
        keeper.step()
    told = [one.getMessage() for one in caplog.records if "cannot be pulled" in one.getMessage()]
    broken = ConfigPull.objects.get()
    named(settings, CONFIG_REPOSITORY=str(tmp_path / "origin.git"))
    stayed = git(here, "rev-parse", "HEAD")
    mended, _outcome = files.pull(actor=SYSTEM)

    for words, sentence in zip(
        ("history rewritten", "Changed by hand", "is on branch main"), said, strict=True
    ):
        assert words in sentence
    assert broken.fault.startswith("The repository cannot be fetched")
    assert "nobody@" not in broken.fault
    assert (broken.failing_since, broken.commit, stayed) == (since, held, held)
    assert len(told) == 1, "told once"
    assert (mended.fault, mended.failing_since) == ("", None)
    assert Job.objects.get(name="one").description == "next"


def refused() -> str:
    """Return the words of a pull that is refused."""
    with pytest.raises(UnprocessableError) as told:
        files.pull(actor=SYSTEM)
    assert ConfigPull.objects.get().fault == told.value.message
    return told.value.message


def test_a_checkout_of_ones_own_is_pulled_from_its_origin(
    origin: Path, tmp_path: Path, settings: Settings
) -> None:
    own = tmp_path / "own"
    git(tmp_path, "clone", "--quiet", str(tmp_path / "origin.git"), str(own))
    named(settings, CONFIG_REPOSITORY="", CONFIG_DIR=own)
    write(origin, "workspaces/room/config.json", {"jobs": [{**sample(), "name": "in"}]})
    newest = pushed(origin)

    row, outcome = files.pull(actor=SYSTEM)

    assert (row.commit, len(outcome.applied)) == (newest, 2)
    assert puller() is None, "only on request"
    named(settings, CONFIG_DIR=tmp_path / "work" / "jobs")
    with pytest.raises(StateError, match="is no checkout"):
        files.pull(actor=SYSTEM)


def test_a_directory_with_files_is_made_no_checkout(origin: Path, tmp_path: Path) -> None:
    write(tmp_path / "config", "jobs/mine.json", sample())

    with pytest.raises(UnprocessableError, match="holds files and is no checkout"):
        files.pull(actor=SYSTEM)
    with pytest.raises(ForbiddenError):
        files.pull(actor=Actor(name="olga", role=Role.OPERATOR))

    assert [one.name for one in (tmp_path / "config").iterdir()] == ["jobs"]


def test_one_pulls_at_a_time_and_nobody_looks_meanwhile(origin: Path, tmp_path: Path) -> None:
    files.pull(actor=SYSTEM)
    root = tmp_path / "config"
    looked = threading.Event()

    def look() -> None:
        with checkouts.standing_still(root):
            looked.set()

    with checkouts._only_one(root), pytest.raises(ConflictError, match="is being pulled"):
        checkouts.pull(actor=SYSTEM)
    with checkouts._tree(root, fcntl.LOCK_EX):
        other = threading.Thread(target=look)
        other.start()
        early = looked.wait(0.2)
    other.join(30)

    assert (early, looked.is_set()) == (False, True)


def test_no_password_gets_anywhere(
    origin: Path, tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Issue 8: one in an address stops the start unseen; one that git knows is shown to nobody."""
    with pytest.raises(Exception, match="holds a user or a password") as told:
        repository_setting("JOBDECK_CONFIG_REPOSITORY", "https://me:s3cret@git.example.com/x.git")
    assert "s3cret" not in str(told.value)
    own = tmp_path / "own"
    git(tmp_path, "clone", "--quiet", str(tmp_path / "origin.git"), str(own))
    git(own, "remote", "set-url", "origin", "https://me:s3cret@127.0.0.1:1/x.git")
    named(settings, CONFIG_REPOSITORY="", CONFIG_DIR=own)
    monkeypatch.setenv("SSH_AUTH_SOCK", "/run/agent")
    with pytest.raises(UnprocessableError) as failed:
        files.pull(actor=SYSTEM)

    assert "127.0.0.1" in failed.value.message
    assert "s3cret" not in failed.value.message + ConfigPull.objects.get().fault
    assert "SSH_AUTH_SOCK" in os.environ
    assert b"SSH_AUTH_SOCK" not in inherited_from(os.environ), "jobs get none of it"


def test_a_first_pull_writes_over_nothing_that_was_never_committed(
    origin: Path, tmp_path: Path
) -> None:
    """Somebody has put files there, made it a repository, and not committed yet."""
    here = tmp_path / "config"
    write(here, "jobs/one.json", sample(description="by hand"))
    git(here, "init", "--quiet", "--initial-branch", "main")

    with pytest.raises(UnprocessableError, match=r"cannot be put beside .*one\.json"):
        checkouts.pull(actor=SYSTEM)

    assert "by hand" in (here / "jobs/one.json").read_text()
    (here / "jobs/one.json").unlink()
    assert checkouts.pull(actor=SYSTEM).commit == git(origin, "rev-parse", "HEAD")


def test_a_password_with_an_at_sign_is_told_nowhere() -> None:
    told = without_login("fatal: unable to access 'https://me:p@ss@git.lan/x@y.git': no")

    assert told == "fatal: unable to access 'https://git.lan/x@y.git': no"


def test_a_long_commit_with_its_plus_fits_the_column() -> None:
    stamp = checkouts.Stamp("f" * 64, changed=frozenset({"jobs/one.json"}))

    width = JobVersion._meta.get_field("commit").max_length
    assert (stamp.of("jobs/one.json"), width) == ("f" * 63 + "+", 64)
    assert stamp.of("jobs/two.json") == "f" * 64


def test_what_git_has_started_ends_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that never answers would leave an ssh behind with each pull."""
    pid = tmp_path / "pid"
    ssh = tmp_path / "ssh"
    ssh.write_text(f"#!/bin/sh\necho $$ > {pid}.part; mv {pid}.part {pid}; exec sleep 300\n")
    ssh.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    class Impatient(subprocess.Popen[str]):
        def communicate(self, *args: Any, **told: Any) -> Any:
            assert wait_for(pid.exists, 30)
            return super().communicate(timeout=0)

    monkeypatch.setattr(subprocess, "Popen", Impatient)
    with pytest.raises(UnprocessableError, match="did not answer"):
        git_service.git("ls-remote", "--", "git@git.lan:configuration.git")

    assert wait_for(lambda: not is_alive(int(pid.read_text())), 30)
