"""Turn a terminal's colours into classes, line by line, with the state carried from chunk to chunk.

Job output is text from a stranger: it is escaped, every escape sequence but colours is dropped,
control characters become visible, and a line has a bounded length. Colours beyond the sixteen of
the palette are shown as the nearest of them, because the page allows no inline style.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from django.utils.html import escape, format_html
from django.utils.safestring import SafeString
from django.utils.translation import ngettext

from jobs.domain.needle import Needle
from jobs.domain.terminal import ESCAPE, last_write

MARKS = 20  # places of a searched text that are marked in one line
LINE_LIMIT = 4000  # characters; a line of a megabyte would freeze the browser
_STATE = re.compile(r"[0-9;]{0,60}", re.ASCII)
# C0 but tab, DEL, C1, and the characters that reorder or hide text around them.
_CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]"
)
_FLAGS = {1: "b", 2: "dim", 3: "it", 4: "u", 7: "inv", 9: "st"}
_OFF = {22: (1, 2), 23: (3,), 24: (4,), 27: (7,), 29: (9,)}
_PALETTE = (
    (0, 0, 0), (205, 0, 0), (0, 205, 0), (205, 205, 0),
    (0, 0, 238), (205, 0, 205), (0, 205, 205), (229, 229, 229),
    (127, 127, 127), (255, 0, 0), (0, 255, 0), (255, 255, 0),
    (92, 92, 255), (255, 0, 255), (0, 255, 255), (255, 255, 255),
)  # fmt: skip
_CUBE = (0, 95, 135, 175, 215, 255)


def _nearest(red: int, green: int, blue: int) -> int:
    """Return the place in the palette of the colour that differs least."""
    return min(
        range(16),
        key=lambda place: sum(
            (a - b) ** 2 for a, b in zip(_PALETTE[place], (red, green, blue), strict=True)
        ),
    )


def _from_256(number: int) -> int:
    """Return the place in the palette for a colour of xterm's table of 256."""
    if number < 16:
        return number
    if number >= 232:
        grey = 8 + 10 * (number - 232)
        return _nearest(grey, grey, grey)
    cube = number - 16
    return _nearest(_CUBE[cube // 36], _CUBE[cube // 6 % 6], _CUBE[cube % 6])


@dataclass(slots=True)
class Style:
    """The graphic state of a terminal."""

    flags: set[int] = field(default_factory=set)
    front: int | None = None  # 30-37, 90-97
    back: int | None = None  # 40-47, 100-107

    @classmethod
    def parse(cls, state: str) -> Style:
        """Return the style that ``dump`` wrote; anything else is the plain style."""
        style = cls()
        if state and _STATE.fullmatch(state):
            style.apply(state)
        return style

    def dump(self) -> str:
        """Return the state as SGR parameters, for the next request of a live log."""
        colours = [code for code in (self.front, self.back) if code is not None]
        return ";".join(map(str, [*sorted(self.flags), *colours]))

    def classes(self) -> str:
        """Return the class names; empty for plain text."""
        names = [f"a-{_FLAGS[flag]}" for flag in sorted(self.flags)]
        names += [f"a-{code}" for code in (self.front, self.back) if code is not None]
        return " ".join(names)

    def apply(self, params: str) -> None:
        """Follow one SGR sequence; an unknown or malformed parameter changes nothing."""
        # ISO 8613-6 puts a colour space, mostly empty, before the three values.
        plain = re.sub(r"([34]8):2:\d*:(?=\d*:\d*:\d)", r"\1:2:", params[:200])
        codes = [int(part) if part.isdecimal() else 0 for part in re.split("[;:]", plain)]
        position = 0
        while position < len(codes):
            position += self._apply_one(codes, position)

    def _apply_one(self, codes: list[int], position: int) -> int:
        """Apply the parameter at ``position``; return how many were used."""
        code = codes[position]
        if code in (38, 48):
            return self._extended(codes, position)
        if code == 0:
            self.flags.clear()
            self.front = self.back = None
        elif code in _FLAGS:
            self.flags.add(code)
        elif code in _OFF:
            self.flags.difference_update(_OFF[code])
        elif 30 <= code <= 37 or 90 <= code <= 97:
            self.front = code
        elif 40 <= code <= 47 or 100 <= code <= 107:
            self.back = code
        elif code == 39:
            self.front = None
        elif code == 49:
            self.back = None
        return 1

    def _extended(self, codes: list[int], position: int) -> int:
        """Apply ``38;5;n`` or ``38;2;r;g;b`` (48 for the background)."""
        mode = codes[position + 1] if position + 1 < len(codes) else 0
        values = codes[position + 2 : position + (3 if mode == 5 else 5)]
        if mode == 5 and len(values) == 1 and values[0] < 256:
            place = _from_256(values[0])
        elif mode == 2 and len(values) == 3:
            place = _nearest(*(min(value, 255) for value in values))
        else:
            return len(codes) - position
        code = place + (30 if place < 8 else 82)
        if codes[position] == 38:
            self.front = code
        else:
            self.back = code + 10
        return 2 + len(values)


def _visible(match: re.Match[str]) -> str:
    """Return what to show for a control character: its picture, or its number."""
    number = ord(match[0])
    if number < 0x20:
        return chr(0x2400 + number)
    if number == 0x7F:
        return "\u2421"
    return "\ufffd" if number < 0xA0 else f"⟨U+{number:04X}⟩"


def printable(text: str) -> str:
    """Return ``text`` with every character that acts on a screen made visible."""
    return _CONTROL.sub(_visible, text)


def render_line(line: str, style: Style, *, needle: Needle | None = None) -> SafeString:
    """Return the HTML of one line without its end, and move ``style`` on.

    Where ``needle`` stands in what is shown is marked.
    """
    spans, hidden = _spans(last_write(line), style)
    marked = needle.spans("".join(text for _name, text in spans))[:MARKS] if needle else []
    parts = _marked(spans, marked) if marked else (_span(*span) for span in spans)
    # Each part is escaped already; a template or `format_html` costs five times as much.
    html = SafeString("".join(parts))
    return format_html("{}{}", html, _cut_mark(hidden)) if hidden > 0 else html


def _spans(line: str, style: Style) -> tuple[list[tuple[str, str]], int]:
    """Return classes and text of a line's stretches, and how many characters were left out."""
    spans: list[tuple[str, str]] = []
    shown = length = position = 0
    for match in ESCAPE.finditer(line):
        length += match.start() - position
        shown += _add(spans, line[position : match.start()], style, room=LINE_LIMIT - shown)
        if match["final"] == "m":
            style.apply(match["params"])
        position = match.end()
    length += len(line) - position
    shown += _add(spans, line[position:], style, room=LINE_LIMIT - shown)
    return spans, length - shown


def _add(spans: list[tuple[str, str]], text: str, style: Style, *, room: int) -> int:
    """Add at most ``room`` characters in the present style; return how many of ``text`` fit."""
    text = text[: max(room, 0)]
    if text:
        spans.append((style.classes(), text))
    return len(text)


def _marked(spans: list[tuple[str, str]], marked: list[tuple[int, int]]) -> Iterator[str]:
    """Yield the stretches, cut where a marked stretch begins or ends."""
    edges = [edge for span in marked for edge in span]
    position = 0
    for classes, text in spans:
        end = position + len(text)
        cuts = [position, *(edge for edge in edges if position < edge < end), end]
        for start, stop in pairwise(cuts):
            part = _span(classes, text[start - position : stop - position])
            is_marked = any(first <= start < last for first, last in marked)
            yield f"<mark>{part}</mark>" if is_marked else part
        position = end


def _span(classes: str, text: str) -> str:
    """Return escaped text, in its classes if it has any; these are names of this module."""
    shown = escape(printable(text))
    return f'<span class="{classes}">{shown}</span>' if classes else shown


def _cut_mark(hidden: int) -> SafeString:
    words = ngettext(
        "%(count)d more character in the raw log",
        "%(count)d more characters in the raw log",
        hidden,
    )
    return format_html(' <span class="a-cut">… {}</span>', words % {"count": hidden})
