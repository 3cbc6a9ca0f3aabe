"""A JSON result as a tree that folds without script."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import ngettext

# Beyond these the text below it serves better, and the page stays light.
MOST_NODES = 500
DEEPEST = 12
OPEN_LEVELS = 2
LONGEST_TEXT = 500
NOTHING = SafeString()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """What to show; no parts: the value is no object and no list, or too large for a tree."""

    parts: bool
    markup: SafeString = NOTHING


def of(value: Any) -> Tree:
    """Return a value as a tree."""
    if not isinstance(value, Mapping | list) or not value or not _is_small(value):
        return Tree(parts=False)
    return Tree(parts=True, markup=_items(value, level=1))


def _is_small(value: Any) -> bool:
    level, nodes = [value], 0
    for _depth in range(DEEPEST):
        if not level:
            return True
        nodes += len(level)
        if nodes > MOST_NODES:
            return False
        level = [child for one in level for _name, child in _children(one)]
    return not level


def _children(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        yield from ((str(name), child) for name, child in value.items())
    elif isinstance(value, list):
        yield from ((str(place), child) for place, child in enumerate(value))


def _items(value: Any, *, level: int) -> SafeString:
    rows = ((_item(name, child, level=level),) for name, child in _children(value))
    return format_html("<ul>{}</ul>", format_html_join("", "<li>{}</li>", rows))


def _item(name: str, value: Any, *, level: int) -> SafeString:
    if not isinstance(value, Mapping | list) or not value:
        return format_html('<span class="k">{}</span> <code>{}</code>', name, _written(value))
    size = ngettext("%d item", "%d items", len(value)) % len(value)
    return format_html(
        '<details{}><summary><span class="k">{}</span> <span class="dim">{}</span></summary>{}</details>',
        SafeString(" open") if level < OPEN_LEVELS else "",
        name,
        size,
        _items(value, level=level + 1),
    )


def _written(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}…"
