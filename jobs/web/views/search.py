"""The palette's answers, the same on a page of its own; and the page of all keys."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import ngettext

from jobs.web import guard, palette
from jobs.web.http import AuthedRequest

_LONGEST = 200


@guard.page()
def search_page(request: AuthedRequest) -> HttpResponse:
    """Show what matches."""
    return render(request, "pages/search.html", {"section": "search", **_found(request)})


@guard.page()
def options(request: AuthedRequest) -> HttpResponse:
    """Answer the palette while somebody types."""
    return render(request, "partials/palette_options.html", _found(request))


@guard.page()
def keyboard(request: AuthedRequest) -> HttpResponse:
    """Show all keys."""
    return render(request, "pages/keyboard.html", {"section": "keyboard"})


def _found(request: AuthedRequest) -> dict[str, object]:
    text = request.GET.get("q", "").replace("\0", "").strip()[:_LONGEST]
    entries = palette.entries(text, request.actor)
    counted = ngettext("%d result", "%d results", len(entries)) % len(entries)
    return {"text": text, "entries": entries, "counted": counted}
