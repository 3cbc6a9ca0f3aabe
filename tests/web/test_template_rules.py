"""The rules that keep pages safe under a strict CSP and usable without script."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
SOURCES = [
    *TEMPLATES,
    *(ROOT / "jobs" / "web").rglob("*.py"),
    *(ROOT / "jobs" / "templatetags").rglob("*.py"),
]
# Self-contained on purpose: they are shown when nothing else works, with the same CSP.
NAMES = {"Jobdeck", "stdout", "stderr", "pid"}
FORBIDDEN = {
    "inline style": r"<[^>]*\sstyle=",
    "style element": r"<style",
    "script in an attribute": r"\son[a-z]+\s*=\s*[\"']",
    "hx-on": r"hx-on",
    "evaluated values": r"[\"'](js|javascript):",
    "trigger filter": r"hx-trigger=[\"'][^\"']*\[",
    "hx-delete sends no fields": r"hx-(delete|put|patch)",
    "status 286": r"HttpResponseStopPolling|\b286\b",
    "events that htmx 4 does not have": r"HX-Trigger-After",
    "another host": r"(src|href|action|url\()\s*=?\s*[\"']?(https?:)?//",
    "a confirmation in a box of the browser": r"hx-confirm",
}


@pytest.mark.parametrize("rule", FORBIDDEN)
def test_no_page_breaks_a_rule(rule: str) -> None:
    pattern = re.compile(FORBIDDEN[rule])

    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in SOURCES
        for match in pattern.finditer(path.read_text())
    ]

    assert found == []


@pytest.mark.parametrize(
    "path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT / "templates"))
)
def test_every_script_is_a_file(path: Path) -> None:
    scripts = re.findall(r"<script([^>]*)>([^<]*)</script>", path.read_text())

    assert all("src=" in attributes and not body.strip() for attributes, body in scripts)


def tags(text: str, attribute: str) -> list[str]:
    """Return every start tag that has ``attribute``; template tags inside may hold a ``>``."""
    plain = re.sub(r"{%.*?%}|{{.*?}}", lambda match: match[0].replace(">", ""), text)
    return [
        tag for tag in re.findall(r"<[a-z][^<>]*>", plain) if re.search(rf"\s{attribute}=", tag)
    ]


@pytest.mark.parametrize(
    "path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT / "templates"))
)
def test_every_action_works_without_script(path: Path) -> None:
    text = path.read_text()

    # A region that looks at a form by itself only shows sooner what its button shows.
    pressed = [tag for tag in tags(text, "hx-post") if "hx-include" not in tag]
    assert [tag for tag in pressed if "action=" not in tag and "formaction=" not in tag] == []
    # A region that fetches itself needs no link: its page shows it.
    clicked = [tag for tag in tags(text, "hx-get") if "hx-trigger" not in tag]
    assert [tag for tag in clicked if "href=" not in tag and "action=" not in tag] == []


@pytest.mark.parametrize(
    "path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT / "templates"))
)
def test_every_post_form_carries_the_token(path: Path) -> None:
    text = path.read_text()

    assert len(re.findall(r'<form[^>]*method="post"', text)) == text.count("{% csrf_token %}")


@pytest.mark.parametrize(
    "path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT / "templates"))
)
def test_words_are_translatable(path: Path) -> None:
    if path.name == "500.html":
        return  # shown without context, when the translations may be what broke
    text = re.sub(
        r"{%\s*blocktranslate.*?endblocktranslate\s*%}", "", path.read_text(), flags=re.DOTALL
    )
    text = re.sub(r"{#.*?#}|{%.*?%}|{{.*?}}", "", text, flags=re.DOTALL)
    text = re.sub(r"<(kbd|code|title)[^>]*>.*?</\1>|<[^>]*>|&[a-z]+;", " ", text, flags=re.DOTALL)

    assert [word for word in re.findall(r"[A-Za-z]{3,}", text) if word not in NAMES] == []


def used_icons() -> set[str]:
    """Return the icon names that templates and word tables name."""
    names: set[str] = set()
    for path in SOURCES:
        text = path.read_text()
        names |= set(re.findall(r'{% icon "([a-z0-9-]+)"', text))
        names |= set(re.findall(r'symbol="([a-z0-9-]+)"', text))
        if path.suffix == ".py":
            names |= set(re.findall(r'"([a-z]+(?:-[a-z0-9]+)*)"', text))
    return names


def test_the_sprite_has_the_icons_in_use_and_no_other() -> None:
    sprite = set(re.findall(r'<symbol id="([^"]+)"', (ROOT / "static" / "icons.svg").read_text()))
    named = {
        name for path in SOURCES for name in re.findall(r'{% icon "([a-z0-9-]+)"', path.read_text())
    }

    assert named <= sprite
    assert sprite <= used_icons()


def test_no_number_of_a_thing_is_grouped() -> None:
    """A run is #1469 in every language: "1 469" is found nowhere and can be copied nowhere."""
    grouped = re.compile(
        r"#\{\{[^}]*\|(count|intcomma)|with n=\w+\.(pk|id)\|count|formats\.count\([\w.]*(\.pk|_id)\)"
    )

    wrong = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in SOURCES
        for match in grouped.finditer(path.read_text())
    ]

    assert wrong == []
