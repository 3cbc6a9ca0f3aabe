"""A form as a browser sends it: every field of the page, texts with the ends of lines it uses."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any


class SentForm(HTMLParser):
    """Collect what would be sent if somebody pressed save without touching anything."""

    def __init__(self, html: str, form_id: str) -> None:
        """Read a page."""
        super().__init__(convert_charrefs=True)
        self.fields: dict[str, list[str]] = {}
        self._form_id = form_id
        self._inside = False
        self._area: str | None = None
        self._text = ""
        self._select: str | None = None
        self._options: list[tuple[str, bool]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take a field where it begins."""
        given: dict[str, Any] = dict(attrs)
        if tag == "form":
            self._inside = given.get("id") == self._form_id
        name = given.get("name")
        if not self._inside or "disabled" in given:
            return
        if tag == "input" and name:
            self._input(name, given)
        elif tag == "textarea":
            self._area, self._text = name, ""
        elif tag == "select":
            self._select, self._options = name, []
        elif tag == "option" and self._select:
            self._options.append((given.get("value") or "", "selected" in given))

    def _input(self, name: str, given: dict[str, Any]) -> None:
        value = given.get("value") or ""
        if given.get("type") in ("checkbox", "radio"):
            if "checked" in given:
                self._add(name, given.get("value", "on"))
        elif given.get("type") == "hidden":
            self._add(name, value)
        else:  # one line: a browser takes out what would end it
            self._add(name, value.replace("\r", "").replace("\n", ""))

    def handle_data(self, data: str) -> None:
        """Take the text of a field of several lines."""
        if self._area:
            self._text += data

    def handle_endtag(self, tag: str) -> None:
        """Finish a field."""
        if tag == "textarea" and self._area:
            text = self._text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\n")
            self._add(self._area, text.replace("\n", "\r\n"))
            self._area = None
        elif tag == "select" and self._select:
            chosen = [value for value, selected in self._options if selected]
            self._add(self._select, (chosen or [value for value, _ in self._options])[0])
            self._select = None
        elif tag == "form":
            self._inside = False

    def _add(self, name: str, value: str) -> None:
        self.fields.setdefault(name, []).append(value)


def sent(html: str, form_id: str, **changes: str) -> dict[str, list[str]]:
    """Return what a browser sends for a form of a page, with some fields changed."""
    fields = SentForm(html, form_id).fields
    return {**fields, **{name: [value] for name, value in changes.items()}}
