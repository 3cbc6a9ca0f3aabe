"""What a browser loads: as small as promised, and unchanged since it was vendored."""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
from pathlib import Path

import pytest

STATIC = Path(__file__).resolve().parents[2] / "static"
VENDORED = re.findall(
    r"^\| (\S+\.js) \|.*`([A-Za-z0-9+/=]{64})` \|$",
    (STATIC / "vendor" / "README.md").read_text(),
    re.MULTILINE,
)


def compressed(*paths: Path) -> int:
    """Return how many bytes travel."""
    return sum(len(gzip.compress(path.read_bytes(), 9)) for path in paths)


def test_style_is_at_most_twelve_kilobytes() -> None:
    assert compressed(STATIC / "app.css") <= 12_000


def test_own_script_of_every_page_is_at_most_six_kilobytes() -> None:
    frame = (STATIC.parent / "templates" / "base.html").read_text()
    names = re.findall(r"static 'js/([a-z]+\.js)'", frame)

    assert len(names) >= 3
    assert compressed(*(STATIC / "js" / name for name in names)) <= 6_000
    # What only some pages load: the log.
    assert compressed(*(STATIC / "js").glob("*.js")) <= 8_000


def test_the_sprite_is_small() -> None:
    assert compressed(STATIC / "icons.svg") <= 4_000


@pytest.mark.parametrize(("name", "digest"), VENDORED)
def test_a_vendored_file_is_what_it_was(name: str, digest: str) -> None:
    content = (STATIC / "vendor" / name).read_bytes()

    assert base64.b64encode(hashlib.sha384(content).digest()).decode() == digest


def test_every_vendored_file_has_its_hash() -> None:
    assert {name for name, _digest in VENDORED} == {
        path.name for path in (STATIC / "vendor").glob("*.js")
    }


@pytest.mark.parametrize("path", sorted((STATIC / "js").glob("*.js")), ids=lambda path: path.name)
def test_own_script_evaluates_no_text(path: Path) -> None:
    text = path.read_text()

    assert not re.search(
        r"\beval\b|new Function|innerHTML|insertAdjacentHTML|document\.write", text
    )
    assert not re.search(r"https?://", text)


def test_the_style_names_no_other_host() -> None:
    assert not re.search(r"@import|url\(", (STATIC / "app.css").read_text())


def test_every_class_of_the_style_is_used() -> None:
    root = STATIC.parent
    sources = [
        *(root / "templates").rglob("*.html"),
        *(root / "jobs").rglob("*.py"),
        *(STATIC / "js").glob("*.js"),
    ]
    text = "\n".join(path.read_text() for path in sources)
    css = re.sub(r"/\*.*?\*/|\d*\.\d+", "", (STATIC / "app.css").read_text(), flags=re.DOTALL)
    classes = set(re.findall(r"\.([a-z][a-z0-9-]*)", css))

    generated = {
        name for name in classes if re.fullmatch(r"a-\d+|a-(b|dim|it|u|inv|st)|(run|warn)-t", name)
    }
    unused = {
        name for name in classes - generated if not re.search(rf"\b{re.escape(name)}\b", text)
    }

    assert unused == set()
