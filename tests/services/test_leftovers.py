"""What a crash of the whole host leaves, and a cluster that signs in removes."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs import conf
from jobs.engine.cluster import Cluster
from jobs.executors import passage
from jobs.executors.directory import prepare_artifacts
from jobs.services import artifacts, leftovers
from tests.factories import make_execution

pytestmark = pytest.mark.django_db


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Return the directories of scripts: the server's own and that for jobs of other users."""
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    scratch = conf.data_dir() / "run" / "scratch"
    scratch.mkdir(parents=True, exist_ok=True)
    return [scratch, passage.passage(conf.instance_id())]


def test_scripts_and_directories_of_what_runs_no_more_go(places: list[Path]) -> None:
    running = make_execution(state="running")
    lost = make_execution(state="lost")
    for one in (running, lost):
        prepare_artifacts(artifacts.work_dir(one.pk, 1))
        for place in places:
            (place / f"script-{one.pk}-1").write_text("echo secret")
    (places[0] / "script-of-somebody").write_text("not ours")

    removed = leftovers.sweep()

    assert removed == 3
    left = {path.name for path in places[0].glob("script-*")}
    assert left == {f"script-{running.pk}-1", "script-of-somebody"}
    assert [path.name for path in places[1].iterdir()] == [f"script-{running.pk}-1"]
    assert artifacts.work_dir(running.pk, 1).exists()
    assert not artifacts.work_dir(lost.pk, 1).exists()
    for place in places:
        (place / f"script-{running.pk}-1").unlink()
    (places[0] / "script-of-somebody").unlink()
    artifacts.discard_work(running.pk, 1)


def test_a_directory_that_another_made_is_not_searched(places: list[Path], tmp_path: Path) -> None:
    lost = make_execution(state="lost")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / f"script-{lost.pk}-1").write_text("of somebody")
    places[1].rmdir()
    places[1].symlink_to(elsewhere)

    assert leftovers.sweep() == 0
    assert (elsewhere / f"script-{lost.pk}-1").exists()


def test_a_cluster_removes_them_when_it_signs_in(places: list[Path]) -> None:
    lost = make_execution(state="lost")
    left = places[0] / f"script-{lost.pk}-1"
    left.write_text("echo secret")

    Cluster(name="one", workers=1, queues=["default"])._sign_in()

    assert not left.exists()
