"""The settings in effect: value, where it came from, what it means, what is risky about it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.conf import settings

from jobs import conf
from jobs.domain.readings import Reading, Source
from jobs.domain.risks import Risk, risks

_CODE = re.compile(r"`[^`]*`")
_ROW = re.compile(r"^\| `([A-Z_]+)` \| (.*?) ?\| (.*) \|$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """What the documentation says of a setting, in Markdown."""

    default: str
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting in effect."""

    name: str
    value: str  # secrets masked; empty: nothing is set
    is_secret: bool
    source: Source
    path: str  # of the file that it was read from
    default: str  # in Markdown, from the documentation
    meaning: str  # the same
    risks: tuple[Risk, ...]
    in_effect: bool  # False: asked for, but another setting forbids it

    @property
    def changed(self) -> bool:
        """Say whether somebody has set it."""
        return self.source is not Source.DEFAULT


def configuration() -> list[Setting]:
    """Return every setting, in the order of the documentation; none of them needs the database."""
    read = conf.settings_read()
    described = _described(conf.settings_page())
    found = risks({name: one.text for name, one in read.items()})
    names = [
        *(name for name in described if name in read),
        *(n for n in read if n not in described),
    ]
    return [_setting(read[name], described, tuple(found.get(name, ()))) for name in names]


def manual_texts() -> list[str]:
    """Return what the documentation says of settings in words, in its order, for translators."""
    rows = _described(conf.settings_page()).values()
    texts = (text for row in rows for text in (row.default, row.meaning))
    return [text for text in texts if any(map(str.isalpha, _CODE.sub("", text)))]


def _setting(one: Reading, described: Mapping[str, Described], found: tuple[Risk, ...]) -> Setting:
    told = described.get(one.name, Described(default="", meaning=""))
    return Setting(
        name=one.name,
        value=one.shown,
        is_secret=one.is_secret,
        source=one.source,
        path=one.path,
        default=told.default,
        meaning=told.meaning,
        risks=found,
        in_effect=_in_effect(one),
    )


def _in_effect(one: Reading) -> bool:
    """Say whether what was asked for holds; one switch is overruled by where the server listens."""
    if one.name != "OPEN_LOOPBACK":
        return True
    return bool(settings.OPEN_LOOPBACK) or one.shown.lower() in {"0", "false", "no", "off", ""}


@lru_cache(maxsize=4)
def _described(page: Path) -> dict[str, Described]:
    """Return what the page says; nothing where it is not installed."""
    try:
        text = page.read_text(encoding="utf-8")
    except OSError:
        return {}
    return {
        name: Described(default=default, meaning=meaning)
        for name, default, meaning in _ROW.findall(text)
    }
