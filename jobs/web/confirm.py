"""A question before what cannot be undone, with consequences that are true at that moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _


@dataclass(frozen=True, slots=True)
class Fact:
    """One consequence."""

    icon: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirm:
    """Title as a question, consequences, and both outcomes by their names."""

    title: str
    facts: Sequence[Fact]
    url: str
    partial_url: str
    back_url: str
    keep: str
    verb: str
    type_name: str = ""  # has to be typed before; empty: a click is enough
    error: str = ""
    hint: str = ""
    instead: str = ""
    instead_url: str = ""
    harmless: bool = False  # it can be done again: no alarming colour


def deletion(kind: str, name: str, *, facts: Sequence[Fact], verb: str) -> Confirm:
    """Ask before something is deleted that is called by its name in its addresses."""
    return Confirm(
        title=_("Delete %s?") % name,
        facts=facts,
        url=reverse(f"{kind}_delete", args=[name]),
        partial_url=reverse(f"p_{kind}_delete", args=[name]),
        back_url=reverse(kind, args=[name]),
        keep=_("Keep it"),
        verb=verb,
    )
