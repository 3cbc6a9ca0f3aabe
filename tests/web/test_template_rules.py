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


def test_every_script_is_a_file() -> None:
    scripts = [
        (path.name, attributes, body)
        for path in TEMPLATES
        for attributes, body in re.findall(r"<script([^>]*)>([^<]*)</script>", path.read_text())
    ]

    assert scripts
    assert [one for one in scripts if "src=" not in one[1] or one[2].strip()] == []


def tags(text: str, attribute: str) -> list[str]:
    """Return every start tag that has ``attribute``; template tags inside may hold a ``>``."""
    plain = re.sub(r"{%.*?%}|{{.*?}}", lambda match: match[0].replace(">", ""), text)
    return [
        tag for tag in re.findall(r"<[a-z][^<>]*>", plain) if re.search(rf"\s{attribute}=", tag)
    ]


def test_every_action_works_without_script() -> None:
    # A region that looks at a form by itself only shows sooner what its button shows.
    pressed = [tag for tag in tags_of_all("hx-post") if "hx-include" not in tag]
    assert [tag for tag in pressed if "action=" not in tag and "formaction=" not in tag] == []
    # A region that fetches itself needs no link: its page shows it.
    clicked = [tag for tag in tags_of_all("hx-get") if "hx-trigger" not in tag]
    assert [tag for tag in clicked if "href=" not in tag and "action=" not in tag] == []


def tags_of_all(attribute: str) -> list[str]:
    """Return the start tags with ``attribute`` of all templates, each with its file's name."""
    return [
        f"{path.name}: {tag}" for path in TEMPLATES for tag in tags(path.read_text(), attribute)
    ]


def test_every_post_form_carries_the_token() -> None:
    # 503.html repeats all that was sent, and so the token that came with it.
    texts = {path: path.read_text() for path in TEMPLATES if path.name != "503.html"}
    forms = {path: len(re.findall(r'<form[^>]*method="post"', texts[path])) for path in texts}

    assert sum(forms.values()) > 0
    assert {path: text.count("{% csrf_token %}") for path, text in texts.items()} == forms


def test_words_are_translatable() -> None:
    # 500.html is shown without context, when the translations may be what broke.
    texts = {path: plain_words(path) for path in TEMPLATES if path.name != "500.html"}

    assert {path: words for path, words in texts.items() if words} == {}


def plain_words(path: Path) -> list[str]:
    """Return the words of a template that are in no tag."""
    text = re.sub(
        r"{%\s*blocktranslate.*?endblocktranslate\s*%}", "", path.read_text(), flags=re.DOTALL
    )
    text = re.sub(r"{#.*?#}|{%.*?%}|{{.*?}}", "", text, flags=re.DOTALL)
    text = re.sub(r"<(kbd|code|title)[^>]*>.*?</\1>|<[^>]*>|&[a-z]+;", " ", text, flags=re.DOTALL)
    return [word for word in re.findall(r"[A-Za-z]{3,}", text) if word not in NAMES]


def with_parts(path: Path) -> str:
    """Return the text of a template and of all that it includes by name."""
    text = path.read_text()
    names = re.findall(r'{% include "([^"]+)"', text)
    return text + "".join(with_parts(ROOT / "templates" / name) for name in names)


def test_a_page_that_shows_a_clock_names_whose() -> None:
    texts = {path: with_parts(path) for path in TEMPLATES if path.parent.name == "pages"}
    clocks = {
        path.name: text
        for path, text in texts.items()
        if re.search(r'{% moment [^%]*"(clock|both)" *%}', text)
    }

    assert len(clocks) > 20
    # A calendar's windows are in the zone of the calendar, and name both.
    own = {"calendars.html"}
    assert {
        name for name, text in clocks.items() if "request.viewer.zone" not in text
    } - own == set()


def test_every_moment_has_its_exact_value_in_the_title() -> None:
    # A log shows each line's own instant; what counts since then has no instant to show.
    apart = ('class="ts"', "data-since>")
    moments = [
        f"{path.name}: {tag}"
        for path in SOURCES
        for tag in re.findall(r"<time[^>]*>", path.read_text())
        if not any(word in tag for word in apart)
    ]

    assert moments
    assert [tag for tag in moments if "title=" not in tag] == []


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
