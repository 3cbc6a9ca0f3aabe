"""Reads a gettext catalog and the texts that the code marks, without gettext's own programs."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from django.utils.translation.template import templatize

from jobs.queries.configuration import manual_texts

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "jobs" / "locale" / "id" / "LC_MESSAGES"
_FIELD = re.compile(r'(msgctxt|msgid_plural|msgid|msgstr(?:\[\d+\])?) (".*")')
# How each function takes its words: the places of context, text and plural among its arguments.
_PLACES: dict[str, tuple[int | None, int, int | None]] = {
    "gettext": (None, 0, None),
    "gettext_noop": (None, 0, None),
    "ngettext": (None, 0, 1),
    "pgettext": (0, 1, None),
    "npgettext": (0, 1, 2),
    "said": (None, 0, None),
    "said_of": (None, 0, 1),
}
_MARKING = ("django.utils.translation", "jobs.domain.said")


@dataclass(slots=True)
class Entry:
    """One text with its translation; ``plural`` and ``context`` where there is one."""

    fields: dict[str, str] = field(default_factory=dict)
    flags: set[str] = field(default_factory=set)

    @property
    def key(self) -> tuple[str, str]:
        """Return context and text, which name an entry."""
        return self.fields.get("msgctxt", ""), self.fields.get("msgid", "")

    @property
    def plural(self) -> str:
        """Return the text for several; empty where there is none."""
        return self.fields.get("msgid_plural", "")

    @property
    def translation(self) -> str:
        """Return the only translation: Indonesian has no plural."""
        return self.fields.get("msgstr[0]", self.fields.get("msgstr", ""))


def entries(path: Path = FOLDER / "django.po") -> list[Entry]:
    """Return what a catalog holds, its header first; what is out of use is left away."""
    blocks = path.read_text(encoding="utf-8").split("\n\n")
    found = [_entry(block) for block in blocks]
    return [entry for entry in found if "msgid" in entry.fields]


def _entry(block: str) -> Entry:
    entry, name = Entry(), ""
    for line in block.splitlines():
        if line.startswith("#,"):
            entry.flags |= {flag.strip() for flag in line[2:].split(",")}
        elif match := _FIELD.fullmatch(line):
            name = match[1]
            entry.fields[name] = ast.literal_eval(match[2])
        elif line.startswith('"'):
            entry.fields[name] += ast.literal_eval(line)
    return entry


@dataclass(frozen=True, slots=True)
class Marked:
    """A text that a template or a module marks."""

    context: str
    text: str
    plural: str
    place: str


def marked() -> list[Marked]:
    """Return every text that is marked, of modules, templates and the manual's settings."""
    modules = sorted((ROOT / "jobs").rglob("*.py"))
    templates = sorted((ROOT / "templates").rglob("*.html"))
    found = [one for path in modules for one in _of_module(path)]
    found += [one for path in templates for one in _of_template(path)]
    return found + [Marked("", text, "", "docs/reference/settings.md") for text in manual_texts()]


def _of_module(path: Path) -> Iterator[Marked]:
    source = path.read_text()
    if any(module in source for module in _MARKING):
        tree = ast.parse(source)
        yield from _calls(tree, path, _aliases(tree))


def _of_template(path: Path) -> Iterator[Marked]:
    """Find the calls in what Django makes of a template for xgettext."""
    source = templatize(path.read_text())
    pattern = r"""\b(?:_|n?p?gettext)\((?:u?'(?:[^'\\]|\\.)*'|u?"(?:[^"\\]|\\.)*"|[\s,]|count)*\)"""
    for call in re.findall(pattern, source):
        yield from _calls(ast.parse(call), path, {"_": "gettext"})


def _aliases(tree: ast.AST) -> dict[str, str]:
    """Return the names under which a module knows gettext's functions."""
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    return {
        name.asname or name.name: name.name.removesuffix("_lazy")
        for node in imports
        if node.module in _MARKING
        for name in node.names
        if name.name.removesuffix("_lazy") in _PLACES
    }


def _calls(tree: ast.AST, path: Path, aliases: dict[str, str]) -> Iterator[Marked]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        places = _PLACES.get(aliases.get(node.func.id, node.func.id))
        if places is None or not node.args:
            continue
        context, text, plural = (_constant(node, place) for place in places)
        if text:
            yield Marked(context, text, plural, str(path.relative_to(ROOT)))


def _constant(node: ast.Call, place: int | None) -> str:
    value = node.args[place] if place is not None else None
    return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else ""
