"""The few shapes that charts are made of. Numbers cannot carry markup; every text is escaped."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from django.utils.html import format_html
from django.utils.safestring import SafeString

_RECT = '<rect class="%s" x="%s" y="%s" width="%s" height="%s" rx="%s"/>'
Rect = tuple[str, str, str, str, str, str]


def number(value: float) -> str:
    """Return ``value`` short, with a point in every language."""
    return f"{value:.3f}".rstrip("0").rstrip(".")


def percent(value: float) -> str:
    """Return ``value`` as a length relative to the drawing."""
    return f"{number(value)}%"


def rect(name: str, x: str, y: float, width: str, height: float, rx: float = 1) -> Rect:
    """Return one rectangle of class ``name``; x and width carry their unit."""
    return (name, x, number(y), width, number(height), number(rx))


def rects(shapes: Iterable[Rect]) -> SafeString:
    """Return the markup of rectangles.

    They are made of this product's own class names and of numbers, so nothing is left to escape; a
    list of 50 jobs draws a thousand of them.
    """
    return SafeString("".join([_RECT % shape for shape in shapes]))


def titled(groups: Iterable[tuple[str, Iterable[Rect]]]) -> SafeString:
    """Return groups of rectangles, each with the text that says it; a timeline has five hundred."""
    parts = [f"<g><title>{escape(text)}</title>{rects(shapes)}</g>" for text, shapes in groups]
    return SafeString("".join(parts))


def base_line(y: float) -> SafeString:
    """Return the line on which successes stand."""
    return format_html('<line class="base" x1="0" x2="100%" y1="{0}" y2="{0}"/>', number(y))
