"""Templates come from their repositories, with all their files, and are judged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pytest_django import Settings

from jobs.cli import templatectl
from jobs.domain.errors import ForbiddenError, JobdeckError
from jobs.domain.permissions import SYSTEM, Actor, Role
from jobs.models import AuditEntry, Template
from jobs.services import templates, workspaces
from jobs.services.workspaces import parse_workspace
from tests.factories import make_job
from tests.support.repository import commit, git

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def repository(tmp_path: Path, settings: Settings) -> Path:
    """Make a repository with one template in a directory of it."""
    settings.JOBDECK = {**settings.JOBDECK, "TEMPLATES_DIR": tmp_path / "templates"}
    place = tmp_path / "repository"
    (place / "web" / "modules").mkdir(parents=True)
    (place / "web" / "main.tf").write_text('resource "terraform_data" "site" {\n}\n')
    (place / "web" / "modules" / "a.tf").write_text("# a\n")
    (place / "README.md").write_text("not of the template\n")
    git(place, "init", "--quiet", "--initial-branch", "main")
    commit(place)
    return place


def test_templatectl_fetches_updates_judges_and_removes(
    repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Defect 11: `templatectl add` wrote a placeholder main.tf and fetched nothing."""

    def run(*words: str) -> tuple[int, str, str]:
        code = templatectl.run_command(list(words))
        told = capsys.readouterr()
        return code, told.out, told.err

    place = tmp_path / "templates" / "web"
    first = git(repository, "rev-parse", "HEAD")[:12]
    added = run("add", "web", str(repository), "--path", "web", "--description", "Sites")
    files = {str(one.relative_to(place)) for one in place.rglob("*.tf")}
    again = run("add", "web", str(repository), "--path", "web")
    same = run("update", "web")
    workspaces.create(
        parse_workspace({"name": "shop", "operations": {"template": "web"}}), actor=SYSTEM
    )
    (repository / "web" / "modules" / "a.tf").unlink()
    (repository / "web" / "main.tf").write_text("# another\n")
    second = commit(repository)[:12]
    updated = run("update", "--all")
    shown = json.loads(run("show", "web")[1])
    valid = run("validate", "web")
    (place / "main.tf").write_text("# by hand\n")
    broken = run("validate", "--all")
    make_job(name="sync", type="template", spec={"template": "web"})
    held = run("remove", "web")
    removed = run("remove", "web", "--force")

    assert added == (0, f"Template 'web' added at {first}\n", "")
    assert files == {"main.tf", "modules/a.tf"}
    assert again[0] == 1
    assert "There is a template named web" in again[2]
    assert same == (0, "Template 'web' is up to date\n", "")
    assert updated[1] == (f"Template 'web' updated to {second}; workspaces to deploy anew: shop\n")
    assert shown["version"] == second
    assert [one["workspace"] for one in shown["workspaces"]] == ["shop"]
    assert valid[:2] == (0, "Template 'web' is valid\n")
    assert broken[0] == 1
    assert "were changed by hand" in broken[2]
    assert held[0] == 1
    assert "is named by: shop, job sync." in held[2]
    assert removed[0] == 0
    assert not place.exists()
    assert run("list")[1] == "No templates configured\n"
    assert run()[0] == 1
    assert (run("unheard-of")[0], run("add", "x")[0], run("update")[0]) == (1, 2, 2)
    acts = AuditEntry.objects.filter(object_type="template").values_list("action", flat=True)
    assert list(acts.order_by("pk")) == ["template.create", "template.update", "template.delete"]


@pytest.mark.parametrize(
    ("name", "url", "path", "ref", "words"),
    [
        ("../x", "", "web", "", "is not allowed"),
        ("x", "ext::sh -c id", "web", "", "is no source"),
        ("x", "--upload-pack=id", "web", "", "is no source"),
        ("x", "https://me:secret@git.example.com/x.git", "", "", "holds a user or a password"),
        ("x", "", "../..", "", "leads out of the repository"),
        ("x", "", "", "", "holds no *.tf file"),
        ("x", "", "web", "--x", "is no branch or tag"),
        ("x", "", "web", "nowhere", "cannot be fetched"),
        ("x", "/nowhere/at/all", "", "", "cannot be fetched"),
    ],
)
def test_what_is_no_template_leaves_nothing(
    repository: Path, tmp_path: Path, name: str, url: str, path: str, ref: str, words: str
) -> None:
    source = templates.Source(url=url or str(repository), path=path, ref=ref)

    with pytest.raises(JobdeckError, match=words.replace("*", r"\*")):
        templates.add(name, source, actor=SYSTEM)

    assert not Template.objects.exists()
    assert not (tmp_path / "templates").exists()


def test_only_an_administrator_fetches_files_that_others_run(repository: Path) -> None:
    editor = Actor(name="edda", role=Role.EDITOR)

    with pytest.raises(ForbiddenError):
        templates.add("web", templates.Source(url=str(repository), path="web"), actor=editor)
