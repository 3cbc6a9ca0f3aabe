"""Job types of other packages: the documented one runs, broken ones are told and cost nothing."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs import checks, executors
from jobs.domain.errors import InvalidError
from jobs.domain.states import ExecutionState, Stream
from jobs.executors import EXECUTORS, PLUGIN_FAULTS, load_plugins, parse_spec
from jobs.executors.plugins import GROUP
from tests.executors.worker import in_worker, make_context, run

DEVELOPER = Path(__file__).resolve().parents[2] / "docs" / "developer.md"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a folder whose packages are installed for a test."""
    folder = tmp_path / "site-packages"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setattr(executors, "EXECUTORS", dict(EXECUTORS))
    monkeypatch.setattr(executors, "PLUGIN_FAULTS", PLUGIN_FAULTS)
    yield folder
    PLUGIN_FAULTS.clear()
    for name in ("jobdeck_archive", "broken_plugin"):
        sys.modules.pop(name, None)


def install(site: Path, name: str, module: str, code: str, points: str) -> None:
    """Install a package as pip leaves it: a module, and a folder that describes it."""
    (site / f"{module}.py").write_text(code)
    info = site / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{GROUP}]\n{points}\n")


def documented(language: str, title: str) -> str:
    """Return the block of the developers' page that begins with a title."""
    blocks = re.findall(rf"```{language}\n(.*?)```", DEVELOPER.read_text(), re.DOTALL)
    (found,) = [block for block in blocks if block.startswith(f"# {title}\n")]
    return str(found)


def install_documented(site: Path) -> None:
    """Install the package of the developers' page."""
    point = re.search(r'^archive = "(.+)"$', documented("toml", "pyproject.toml"), re.MULTILINE)
    assert point is not None
    code = documented("python", "jobdeck_archive.py")
    install(site, "jobdeck-archive", "jobdeck_archive", code, f"archive = {point[1]}")


def test_the_documented_package_brings_a_type_that_runs(
    site: Path, tmp_path: Path, instance: str
) -> None:
    install_documented(site)
    source, target = tmp_path / "photos", tmp_path / "photos.tar.gz"
    source.mkdir()
    (source / "cat.txt").write_text("meow")

    load_plugins()
    spec = {"source": str(source), "target": str(target)}
    done = in_worker(lambda: run(make_context(tmp_path, instance), "archive", spec))

    assert checks.check_job_types(None) == []
    assert done.outcome == (ExecutionState.SUCCEEDED, "")
    assert done.text(Stream.STDOUT) == "photos/\nphotos/cat.txt\n"
    assert target.exists()


def test_the_spec_of_a_package_refuses_in_its_own_words(site: Path) -> None:
    install_documented(site)
    load_plugins()

    with pytest.raises(InvalidError) as caught:
        parse_spec("archive", {"source": "a", "target": "a.zip"})

    assert caught.value.fields == {"target": "target 'a.zip' must end in .tar.gz"}


OK = "from jobs.executors.command import CommandExecutor\n"


@pytest.mark.parametrize(
    ("code", "point", "fault"),
    [
        ("1/0", "odd = broken_plugin:X", "could not be loaded: ZeroDivisionError"),
        ("", "odd = broken_plugin:X", "could not be loaded: AttributeError"),
        ("", "odd = no_such_module:X", "could not be loaded: ModuleNotFoundError"),
        ("raise SyntaxError('no')", "odd = broken_plugin:X", "could not be loaded: SyntaxError"),
        ("class X: pass", "odd = broken_plugin:X", "spec_model must be a subclass of"),
        ("class X:\n  spec_model = dict", "odd = broken_plugin:X", "spec_model must be"),
        (
            f"{OK}class X:\n  spec_model = CommandExecutor.spec_model",
            "odd = broken_plugin:X",
            "it has no method execute",
        ),
        (
            f"{OK}class X(CommandExecutor):\n  def execute(self, spec): pass",
            "odd = broken_plugin:X",
            "execute must take spec, context and monitor",
        ),
        (OK, "command = broken_plugin:CommandExecutor", "there is a job type of that name already"),
        (OK, "Odd-Name = broken_plugin:CommandExecutor", "a type is called by lower-case letters"),
    ],
)
def test_a_broken_package_is_a_message_and_costs_no_other_type(
    site: Path, code: str, point: str, fault: str
) -> None:
    install(site, "broken-plugin", "broken_plugin", code, point)
    install_documented(site)
    command = executors.EXECUTORS["command"]

    load_plugins()

    (message,) = checks.check_job_types(None)
    assert fault in message.msg
    assert "from broken-plugin" in message.msg
    assert message.id == "jobdeck.W001"
    assert "odd" not in executors.EXECUTORS
    assert "archive" in executors.EXECUTORS
    assert executors.EXECUTORS["command"] is command
