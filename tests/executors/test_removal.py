"""A directory that a job has filled goes, whatever stands in it, and nothing else does."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from jobs.executors.removal import remove_tree
from tests.executors.worker import in_worker


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    path = tmp_path / "work"
    path.mkdir()
    return path


def nested(path: Path, depth: int) -> None:
    """Make directories within each other, too deep for any path."""
    handle = os.open(path, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("d", dir_fd=handle)
        os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=handle))
        inner = os.open("d", os.O_RDONLY, dir_fd=handle)
        os.close(handle)
        handle = inner
    os.close(handle)


def test_directories_nested_deeper_than_python_calls_go(filled: Path) -> None:
    nested(filled, 2 * sys.getrecursionlimit())
    calls: list[None] = []

    assert remove_tree(filled, between=lambda: calls.append(None))

    assert not filled.exists()
    assert len(calls) > sys.getrecursionlimit()


def test_what_links_lead_to_stays(filled: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("kept")
    inner = filled / "inner"
    inner.mkdir()
    for place in (filled, inner):
        (place / "link").symlink_to(outside)
        (place / "hard").hardlink_to(outside / "kept")
        os.mkfifo(place / "pipe")

    assert remove_tree(filled)

    assert not filled.exists()
    assert (outside / "kept").read_text() == "kept"
    (tmp_path / "alias").symlink_to(outside)
    assert not remove_tree(tmp_path / "alias")
    assert (outside / "kept").exists()


def test_more_files_than_are_read_at_once_go(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.executors.removal._PIECE", 3)
    for number in range(10):
        (filled / f"{number}").touch()
        (filled / f"d{number}").mkdir()
        (filled / f"d{number}" / "inner").mkdir()

    assert remove_tree(filled)

    assert not filled.exists()
    assert remove_tree(filled)  # nothing there is nothing left


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_directories_that_forbid_their_owner_go(filled: Path) -> None:
    """Root may anything: only another user meets what is forbidden."""
    place = Path("/tmp") / f"removal-{os.getpid()}"
    place.mkdir(0o700)
    os.chown(place, 65534, 65534)

    def as_nobody() -> bool:
        os.setgid(65534)
        os.setuid(65534)
        (place / "a" / "b" / "c").mkdir(parents=True)
        (place / "a" / "b" / "c" / "file").touch()
        for path in ("a/b/c", "a/b", "a"):
            (place / path).chmod(0)
        return remove_tree(place / "a")

    try:
        assert in_worker(as_nobody) is True
        assert list(place.iterdir()) == []
    finally:
        place.rmdir()
