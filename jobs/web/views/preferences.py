"""What the reader sets for the own pages, and the filters that the reader keeps."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode, urlsplit

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from jobs.domain.errors import InvalidError
from jobs.domain.permissions import Permission
from jobs.domain.preferences import FilterPage
from jobs.domain.zones import zone_names
from jobs.services import preferences
from jobs.web import guard
from jobs.web import preference_forms as forms
from jobs.web.http import AuthedRequest, toast_on_page
from jobs.web.middleware import KEYS_COOKIE, THEME_COOKIE
from jobs.web.preference_forms import PreferenceForm
from jobs.web.toasts import Toast

# What says where a list begins is no filter.
_PLACES = frozenset({"page", "before", "after", "csrfmiddlewaretoken"})


@guard.form(Permission.READ)
def edit(request: AuthedRequest) -> HttpResponse:
    """Show the settings; save them for every browser of this person."""
    if request.method == "POST":
        return _saved(request)
    values = forms.values_of(preferences.preference_of(request.user))
    return _page(request, values, {})


def _saved(request: AuthedRequest) -> HttpResponse:
    values = forms.request_of(request.POST)
    try:
        preferences.save(request.user, preferences.parse_preferences(values))
    except InvalidError as error:
        return _page(request, values, error.fields or {"": error.message})
    toast = Toast(text=_("Saved your preferences."), icon="circle-check")
    response = toast_on_page(request, toast, url=reverse("preferences"))
    # What this browser had chosen by a button or a key gives way to what was chosen here.
    for name in (THEME_COOKIE, KEYS_COOKIE, settings.LANGUAGE_COOKIE_NAME):
        response.delete_cookie(name)
    return response


def _page(
    request: AuthedRequest, values: dict[str, object], errors: dict[str, str]
) -> HttpResponse:
    context = {
        "section": "preferences",
        "form": PreferenceForm.shown(values, errors),
        "boxes": forms.boxes(values),
        "zones": sorted(zone_names()),
    }
    return render(request, "pages/preferences.html", context, status=422 if errors else 200)


@guard.action(Permission.READ)
def keep_filter(request: AuthedRequest) -> HttpResponse:
    """Keep the filter of the page that was acted from."""
    page = request.POST.get("page", "")
    asked = preferences.parse_filter(
        {"page": page, "name": request.POST.get("name", ""), "query": _query(request)}
    )
    row = preferences.keep_filter(request.user, asked)
    toast = Toast(text=_("Keeps the filter %s for you.") % row.name, icon="list-filter")
    return toast_on_page(request, toast, url=f"{reverse(asked.page.value)}?{row.query}")


def _query(request: AuthedRequest) -> str:
    """Return the filter; with a script the page's address has it, which changes while somebody types."""
    address = request.headers.get("HX-Current-URL", "")
    text = urlsplit(address).query if address else request.POST.get("query", "")
    pairs = [(name, value) for name, value in parse_qsl(text[:4000]) if name not in _PLACES]
    # A zone says how a moment is meant; alone it filters nothing.
    return urlencode(pairs) if any(name != "zone" for name, _value in pairs) else ""


@guard.action(Permission.READ)
def drop_filter(request: AuthedRequest, filter_id: int) -> HttpResponse:
    """Remove a filter that the reader keeps."""
    row = preferences.drop_filter(request.user, filter_id)
    toast = Toast(text=_("Removed the filter %s.") % row.name, kind="info", icon="trash-2")
    return toast_on_page(request, toast, url=reverse(FilterPage(row.page).value))
