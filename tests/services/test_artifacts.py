"""Files that a run leaves: what is taken, what is refused and named, and that nothing stays behind."""

from __future__ import annotations

import hashlib
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from jobs import conf
from jobs.domain.errors import UnknownError
from jobs.engine import remains, runner
from jobs.executors.base import KeptFile
from jobs.executors.directory import prepare_artifacts
from jobs.models import Artifact, Execution
from jobs.queries import logs
from jobs.services import artifacts, claims, executions
from jobs.services.artifact_files import Collection, collect
from tests.factories import make_artifact, make_execution, make_job, make_worker

pytestmark = pytest.mark.django_db(transaction=True)


def run(script: str, **fields: Any) -> Execution:
    """Run a script as a worker does; return the execution."""
    job = make_job(type="script", spec={"script": script}, **fields)
    execution = make_execution(job)
    _run_next()
    execution.refresh_from_db()
    return execution


def _run_next() -> None:
    worker = make_worker()
    runner.Context.worker_id = worker.pk
    runner.Context.queues = ["default"]
    (claim,) = claims.claim(worker_id=worker.pk, queues=["default"], free=1)
    runner.run_claimed(claim.execution_id, claim.token)


def log_of(execution: Execution) -> bytes:
    """Return what an execution printed."""
    return b"".join(piece.data for piece in logs.pieces(execution.pk))


def limit(monkeypatch: pytest.MonkeyPatch, **limits: int) -> None:
    """Set limits for this test."""
    from django.conf import settings

    monkeypatch.setattr(settings, "JOBDECK", {**settings.JOBDECK, **limits})


def lines(execution: Execution) -> list[str]:
    """Return the warnings of an execution."""
    return execution.warnings["lines"] if execution.warnings else []


def stored_files() -> list[Path]:
    """Return every file in the store and in the directories of runs."""
    roots = [conf.artifacts_dir(), artifacts.work_dir(0, 0).parent]
    return [path for root in roots if root.exists() for path in root.rglob("*") if path.is_file()]


@pytest.fixture(autouse=True)
def _own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limit(monkeypatch, ARTIFACTS_DIR=tmp_path / "store")  # type: ignore[arg-type]


def test_files_are_kept_with_size_and_digest_and_the_directory_is_gone() -> None:
    execution = run(
        'cd "$ARTIFACTS_DIR"; stat -c "%a" .; mkdir -p out; printf "a,b\\n" > out/report.csv; : > empty'
    )

    rows = list(execution.artifacts.order_by("name"))
    assert [(row.name, row.size_bytes) for row in rows] == [("empty", 0), ("out/report.csv", 4)]
    assert artifacts.path_of(rows[1]).read_bytes() == b"a,b\n"
    assert rows[1].sha256 == hashlib.sha256(b"a,b\n").hexdigest()
    assert artifacts.path_of(rows[1]).stat().st_mode & 0o777 == 0o600
    assert execution.warnings is None
    assert not artifacts.work_dir(execution.pk, 1).exists()
    assert b"700\n" in log_of(execution)


def test_a_run_that_leaves_nothing_leaves_nothing() -> None:
    execution = run("true")

    assert execution.state == "succeeded"
    assert not execution.artifacts.exists()
    assert stored_files() == []
    assert not artifacts.work_dir(execution.pk, 1).exists()


def test_what_leads_elsewhere_is_not_kept_and_is_named(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("of somebody else")
    execution = run(
        f'cd "$ARTIFACTS_DIR"; ln -s {secret} link; ln {secret} hard; mkfifo pipe;'
        f' ln -s {tmp_path} folder; printf x > "$(printf "new\\nline")"; printf good > good'
    )

    assert [row.name for row in execution.artifacts.all()] == ["good"]
    told = "\n".join(lines(execution))
    assert "'link' is not kept: it is no regular file" in told
    assert "'hard' is not kept: it is linked from elsewhere" in told
    assert "'pipe' is not kept: it is no regular file" in told
    assert "control character" in told
    assert secret.read_text() == "of somebody else"


def test_what_is_over_a_limit_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    limit(monkeypatch, ARTIFACT_FILE_LIMIT=10, ARTIFACT_TOTAL_LIMIT=15)

    execution = run(
        'cd "$ARTIFACTS_DIR"; printf 12345678901 > a-large; printf 1234567890 > b; printf 123456 > c;'
        " printf 12345 > d"
    )

    assert [row.name for row in execution.artifacts.all()] == ["b", "d"]
    assert execution.state == "succeeded"
    assert [line.split(" is not kept")[0] for line in lines(execution)] == [
        "artifacts: 'a-large'",
        "artifacts: 'c'",
    ]
    assert "a file may have 10 bytes, all of a run 15" in lines(execution)[0]


def test_a_hundred_files_are_kept_and_no_more() -> None:
    execution = run('cd "$ARTIFACTS_DIR"; for n in $(seq 1000 1120); do echo > $n; done')

    assert execution.artifacts.count() == 100
    assert lines(execution) == ["artifacts: only 100 files are kept"]


def test_a_later_attempt_replaces_the_file_and_keeps_the_others() -> None:
    job = make_job(
        type="script",
        spec={
            "script": 'cd "$ARTIFACTS_DIR"; echo $ATTEMPT > same; echo x > only-$ATTEMPT;'
            ' [ "$ATTEMPT" = 2 ]'
        },
        retry={"max_attempts": 2, "base_seconds": 0},
    )
    execution = make_execution(job)
    _run_next()
    Execution.objects.filter(pk=execution.pk).update(
        state="queued", attempt=2, token="", worker=None, started_at=None, finished_at=None
    )

    _run_next()

    rows = {row.name: artifacts.path_of(row).read_text() for row in execution.artifacts.all()}
    assert rows == {"same": "2\n", "only-1": "x\n", "only-2": "x\n"}
    assert len(stored_files()) == 3


def test_a_store_that_cannot_be_written_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    limit(monkeypatch, ARTIFACTS_DIR=tmp_path / "file" / "store")  # type: ignore[arg-type]

    execution = run('echo x > "$ARTIFACTS_DIR/a"')

    assert execution.state == "succeeded"
    assert "files are not kept" in lines(execution)[0]
    assert not artifacts.work_dir(execution.pk, 1).exists()


def test_what_a_dead_worker_left_is_removed() -> None:
    execution = make_execution(state="running")
    work = artifacts.work_dir(execution.pk, 1)
    prepare_artifacts(work)
    (work / "half").write_text("written")
    kept = make_artifact(execution, b"of an earlier attempt")
    store = artifacts.path_of(kept).parent
    (store / f"2-{'0' * 64}").write_text("copied, and never listed")

    artifacts.discard_remains(execution.pk)

    assert not work.exists()
    assert [path.name for path in store.iterdir()] == [f"1-{kept.sha256}"]


@pytest.mark.parametrize("looks", [1, 2, 3, 4, 5, 99])  # 99: all is copied, no verdict yet
def test_a_worker_killed_while_it_collects_leaves_nothing_behind(looks: int) -> None:
    worker = make_worker()
    execution = make_execution()
    (claim,) = claims.claim(worker_id=worker.pk, queues=["default"], free=1)
    assert executions.start(claim.execution_id, claim.token, pid=4711)
    work = artifacts.work_dir(execution.pk, 1)
    prepare_artifacts(work)
    (work / "deep").mkdir()
    for name in ("a", "b", "deep/c"):
        (work / name).write_bytes(name.encode() * 3_000_000)

    assert killed_while_collecting(execution, looks) == signal.SIGKILL
    left = [path for path in artifacts._directory(execution.pk).rglob("*") if path.is_file()]
    assert (work.exists(), bool(left)) == (True, looks > 1)  # what must be removed is there
    remains.bury(worker)

    execution.refresh_from_db()
    assert execution.state == "lost"
    assert not Artifact.objects.exists()
    assert (work.exists(), stored_files()) == (False, [])
    assert list(conf.artifacts_dir().rglob(".*")) == []
    assert not artifacts._directory(execution.pk).exists()


def killed_while_collecting(execution: Execution, looks: int) -> int:
    """Collect in a child that dies by its own kill -9 when it looks so often; return its signal."""
    pid = os.fork()
    if pid:
        return os.WTERMSIG(os.waitpid(pid, 0)[1])
    left = iter(range(looks, 0, -1))

    def alive() -> bool:
        if next(left) == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return True

    try:
        collect(
            artifacts.work_dir(execution.pk, 1),
            artifacts._directory(execution.pk),
            attempt=1,
            taken=Collection(),
            alive=alive,
        )
    finally:
        os.kill(os.getpid(), signal.SIGKILL)  # the test's process goes on in the parent only
    raise AssertionError


def test_after_a_crash_of_the_host_only_running_executions_keep_their_directory() -> None:
    running = make_execution(state="running")
    ended = make_execution(state="lost")
    for one in (running, ended):
        prepare_artifacts(artifacts.work_dir(one.pk, 1))

    artifacts.sweep_work()

    assert artifacts.work_dir(running.pk, 1).exists()
    assert not artifacts.work_dir(ended.pk, 1).exists()


def test_a_fenced_worker_leaves_no_file() -> None:
    execution = make_execution(
        make_job(type="script", spec={"script": 'echo > "$ARTIFACTS_DIR/a"'})
    )
    worker = make_worker()
    (claim,) = claims.claim(worker_id=worker.pk, queues=["default"], free=1)
    real = artifacts.collected

    def stolen(*args: Any, **options: Any) -> object:
        found = real(*args, **options)
        Execution.objects.filter(pk=execution.pk).update(token="another")
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(artifacts, "collected", stolen)
        runner.run_claimed(claim.execution_id, claim.token)

    assert not Artifact.objects.exists()
    assert stored_files() == []


def test_a_late_attempt_removes_nothing_of_the_next_one() -> None:
    execution = make_execution()
    work = prepared(execution, 1)
    (work / "a").write_text("late")
    late = collected(execution, 1)
    (prepared(execution, 2) / "a").write_text("next")
    following = collected(execution, 2)  # its verdict is yet to be written

    artifacts.discard_files(execution.pk, 1, late)

    assert [file.name for file in stored_files()] == [f"2-{following[0].sha256}"]
    artifacts.discard_files(execution.pk, 2, following)
    assert stored_files() == []


def prepared(execution: Execution, attempt: int) -> Path:
    """Make the directory of an attempt."""
    work = artifacts.work_dir(execution.pk, attempt)
    prepare_artifacts(work)
    return work


def collected(execution: Execution, attempt: int) -> list[KeptFile]:
    """Take what an attempt left into the store."""
    taken = Collection()
    store = artifacts._directory(execution.pk)
    work = artifacts.work_dir(execution.pk, attempt)
    collect(work, store, attempt=attempt, taken=taken, alive=lambda: True)
    artifacts.discard_work(execution.pk, attempt)
    return taken.files


def test_removing_executions_removes_their_files() -> None:
    first, other = make_execution(), make_execution()
    gone, stays = make_artifact(first), make_artifact(other)
    path = artifacts.path_of(gone)

    assert artifacts.remove_of([first.pk]) == 1

    assert not path.exists()
    assert artifacts.path_of(stays).exists()
    with pytest.raises(UnknownError, match="is not in the store"):
        artifacts.path_of(gone)
