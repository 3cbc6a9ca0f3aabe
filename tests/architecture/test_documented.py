"""What the product offers is written down, and what is written down is there."""

from __future__ import annotations

import re
import subprocess
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command, get_commands, load_command_class

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("benchmarks/*.md")])
SETTING = re.compile(r'env\.(?:text|boolean|integer|seconds|words|database)\(\s*"([A-Z_]+)"')
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)")


def test_every_setting_is_documented() -> None:
    used = set(SETTING.findall((ROOT / "scheduler_site/settings.py").read_text()))
    page = (ROOT / "docs/reference/settings.md").read_text()

    documented = set(re.findall(r"^\| `([A-Z_]+)` \|", page, re.MULTILINE))

    assert used == documented


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_between_pages_leads_somewhere(page: Path) -> None:
    broken = [
        target for target in LINK.findall(page.read_text()) if not (page.parent / target).exists()
    ]

    assert not broken


def test_every_command_has_a_help_text() -> None:
    mine = [name for name, app in get_commands().items() if app == "jobs"]

    assert {"serve", "setup", "create_token", "dispatcher", "cluster"} <= set(mine)
    for name in mine:
        assert len(load_command_class("jobs", name).help) > 20, name


@pytest.mark.django_db
def test_no_migration_is_missing() -> None:
    call_command("makemigrations", check=True, dry_run=True, stdout=StringIO())


def test_no_file_names_a_machine_or_a_registry() -> None:
    words = [
        "pypi" + ".org",
        "python" + "hosted",
        "npm" + "js.org",
        "un" + "pkg.com",
        "/" + "root/",
    ]
    found = subprocess.run(
        ["git", "grep", "-nIlE", "|".join(re.escape(word) for word in words), "--", "."],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout

    assert not found
