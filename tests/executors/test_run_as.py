"""Jobs that run as another user of the host, and what keeps a job from becoming anybody."""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jobs.domain.errors import InvalidError
from jobs.domain.states import ExecutionState
from jobs.executors import ExecutionContext, directory, identity, parse_spec, passage
from tests.executors.pythonjobs import sample_jobs  # noqa: F401 - a fixture
from tests.executors.worker import Run, in_worker, run

USER = pwd.getpwnam("nobody")
as_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
LOOK = (
    "id -un; id -gn; umask; pwd; echo $HOME $USER $LOGNAME; echo seen > /dev/stderr; "
    "cat /proc/1/environ > /dev/null 2>&1 || echo closed; touch mine; stat -c %U:%a mine"
)


@pytest.fixture
def _nobody_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.conf.run_as_users", lambda: ["nobody"])


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, instance: str) -> Iterator[Path]:
    """Give the user a home that they can reach, for the length of a test."""
    path = Path("/tmp") / f"home-{instance}"
    path.mkdir(0o700)
    os.chown(path, USER.pw_uid, USER.pw_gid)
    entry = pwd.struct_passwd((*USER[:5], str(path), USER[6]))
    monkeypatch.setattr("jobs.executors.identity.pwd.getpwnam", lambda _name: entry)
    yield path
    for file in path.iterdir():
        file.unlink()
    path.rmdir()


def run_as_nobody(context: ExecutionContext, job_type: str, spec: dict[str, Any]) -> Run:
    """Run a job as nobody in a forked worker."""
    outcome = in_worker(lambda: run(context, job_type, {**spec, "run_as": "nobody"}))
    assert isinstance(outcome, Run)
    return outcome


@as_root
@pytest.mark.usefixtures("_nobody_allowed")
@pytest.mark.parametrize("spec", [{"command": LOOK}, {"script": LOOK, "limits": {"nice": 1}}])
def test_a_job_is_its_user_in_all_things(
    context: ExecutionContext,
    home: Path,
    spec: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """S1-113."""
    monkeypatch.setattr("jobs.conf.instance_id", lambda: context.instance)
    context = replace(context, artifacts_dir=context.default_dir.parent / "left")

    outcome = run_as_nobody(context, next(iter(spec)), spec)

    assert outcome.outcome == (ExecutionState.SUCCEEDED, "")
    group = outcome.text().split("\n")[1]
    assert outcome.text().replace("seen\n", "") == (
        f"nobody\n{group}\n0077\n{home}\n{home} nobody nobody\nclosed\nnobody:600\n"
    )
    assert "seen\n" in outcome.text()
    assert context.artifacts_dir is not None
    assert context.artifacts_dir.stat().st_uid == USER.pw_uid
    assert directory.remove_left(context.artifacts_dir)
    assert list(passage.passage(context.instance).iterdir()) == []
    passage.passage(context.instance).rmdir()


@as_root
@pytest.mark.usefixtures("_nobody_allowed", "home")
def test_a_user_reaches_the_directory_for_their_files(
    context: ExecutionContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.conf.instance_id", lambda: context.instance)
    work = context.default_dir.parent / "12-1"
    context = replace(context, artifacts_dir=work)

    outcome = run_as_nobody(context, "command", {"command": 'echo kept > "$ARTIFACTS_DIR/report"'})

    assert outcome.outcome == (ExecutionState.SUCCEEDED, "")
    place = directory.place_of(work)
    assert place != work
    assert (place / "report").read_text() == "kept\n"
    assert (place.stat().st_uid, place.stat().st_mode & 0o777) == (USER.pw_uid, 0o700)
    assert directory.remove_left(work)
    assert not place.exists()
    assert not work.is_symlink()
    passage.passage(context.instance).rmdir()


def test_a_link_of_the_job_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    work = tmp_path / "12-1"
    work.symlink_to(tmp_path / "theirs")

    assert directory.place_of(work) == work
    assert directory.remove_left(work)
    assert (tmp_path / "theirs").exists()
    assert not work.is_symlink()


@as_root
@pytest.mark.usefixtures("_nobody_allowed", "home", "sample_jobs")
def test_a_python_job_gives_up_the_server_for_good(context: ExecutionContext) -> None:
    outcome = run_as_nobody(context, "python", {"job": "tests.sample_app.scheduled_jobs.who_am_i"})

    assert outcome.outcome == (ExecutionState.SUCCEEDED, "")
    seen = outcome.result.result
    assert seen["ids"] == [USER.pw_uid] * 3
    assert seen["groups"] == os.getgrouplist("nobody", USER.pw_gid)
    assert seen["back"] == "PermissionError"


@as_root
@pytest.mark.usefixtures("_nobody_allowed")
def test_a_user_without_a_home_needs_an_absolute_directory(context: ExecutionContext) -> None:
    line = {"command": "pwd; id -un"}

    nowhere = run_as_nobody(context, "command", line)
    outcome = run_as_nobody(replace(context, working_dir=Path("/")), "command", line)

    assert nowhere.outcome == (
        ExecutionState.FAILED,
        f"Command could not be started: working directory {USER.pw_dir} of run_as 'nobody'"  # noqa: ISC004
        " does not exist; give the absolute path of another",
    )
    assert outcome.text() == "/\nnobody\n"


@pytest.mark.usefixtures("_nobody_allowed")
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("daemon", "run_as: 'daemon' is not allowed; RUN_AS_USERS of this host allows: nobody"),
        ("root", "run_as: 'root' is not allowed; RUN_AS_USERS of this host allows: nobody"),
        ("0", "run_as: '0' is not the name of a user"),
        ("no body; id", "run_as: 'no body; id' is not the name of a user"),
    ],
)
@pytest.mark.parametrize("job_type", ["command", "script", "management_command"])
def test_only_a_user_that_the_host_allows_can_be_named(
    job_type: str, name: str, words: str
) -> None:
    key = "script" if job_type == "script" else "command"

    with pytest.raises(InvalidError) as caught:
        parse_spec(job_type, {key: "check", "run_as": name})

    assert caught.value.fields == {"run_as": words}


@pytest.mark.parametrize(
    ("allowed", "name", "euid", "words"),
    [
        (["*"], "root", 0, "run_as: 'root' is root; RUN_AS_USERS must name it, * is not enough"),
        (["*"], "no-such-user-1", 0, "run_as: there is no user 'no-such-user-1' on this host"),
        (
            ["nobody"],
            "nobody",
            1,
            "run_as: only a server that runs as root can become 'nobody', not",
        ),
        (
            [],
            "nobody",
            0,
            "run_as: 'nobody' is not allowed; RUN_AS_USERS of this host allows: none",
        ),
    ],
)
def test_who_cannot_be_become_is_refused_at_the_start(
    monkeypatch: pytest.MonkeyPatch, allowed: list[str], name: str, euid: int, words: str
) -> None:
    monkeypatch.setattr("jobs.conf.run_as_users", lambda: allowed)
    monkeypatch.setattr("os.geteuid", lambda: euid)

    with pytest.raises(InvalidError) as caught:
        identity.identity_of(name)

    assert caught.value.message.startswith(words)


def test_the_servers_own_user_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    me = pwd.getpwuid(os.geteuid()).pw_name
    monkeypatch.setattr("jobs.conf.run_as_users", lambda: [me])

    assert identity.identity_of(me) is None
    assert identity.identity_of(None) is None


def test_a_spec_without_a_user_is_stored_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.conf.run_as_users", lambda: ["nobody"])
    dump: Callable[..., Any] = lambda spec: parse_spec("command", spec).model_dump(mode="json")  # noqa: E731

    assert dump({"command": "date", "run_as": ""}) == {"command": "date"}
    assert dump({"command": "date", "run_as": "nobody"}) == {"command": "date", "run_as": "nobody"}


@as_root
def test_a_script_is_not_put_where_somebody_else_made_the_directory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    (tmp_path / "jobdeck-x").symlink_to(tmp_path)

    with pytest.raises(InvalidError, match="is not a directory of this server"):
        passage.passage("x")
