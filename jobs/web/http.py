"""What every view shares: the request's type, and the answers to an action."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.middleware import HtmxDetails

from jobs.web.toasts import Toast

if TYPE_CHECKING:
    from jobs.domain.permissions import Actor
    from jobs.web.middleware import Viewer

# Live regions listen for it and fetch themselves again; scripts close the open dialog.
CHANGED_EVENT = "changed"


class AuthedRequest(HttpRequest):
    """A request behind a login, with what middleware and guard add."""

    user: User
    htmx: HtmxDetails
    viewer: Viewer
    actor: Actor


class SeeOther(HttpResponseRedirect):
    """The answer to a POST: look at this page now (RFC 9110, 15.4.4)."""

    status_code = 303


def small_number(text: str) -> int | None:
    """Return what a form field counts; None for anything else, and for what no form of ours sends."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else None


def back_url(request: HttpRequest, default: str) -> str:
    """Return the page that the form names in ``next``, if it is one of ours, else ``default``."""
    wanted = request.POST.get("next", "") or request.GET.get("next", "")
    ours = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if ours else default


def redirect_back(request: HttpRequest, default: str) -> HttpResponse:
    """Send a browser without script back to the page that it acted from."""
    return SeeOther(back_url(request, default))


def go_to(request: AuthedRequest, url: str) -> HttpResponse:
    """Lead to another page after a POST."""
    return HttpResponse(headers={"HX-Redirect": url}) if request.htmx else SeeOther(url)


def toast_or_redirect(
    request: AuthedRequest, toast: Toast, *, default: str = "/", status: int = 200
) -> HttpResponse:
    """Tell what an action did: a toast to htmx, a message on the page before to everyone else.

    The event makes the live regions of the page fetch themselves, whatever page it is.
    """
    if request.htmx:
        swap = render(request, "partials/toasts_swap.html", {"toasts": [toast]}, status=status)
        swap["HX-Trigger"] = CHANGED_EVENT
        return swap
    messages.add_message(request, toast.level, toast.text, extra_tags=toast.packed())
    return redirect_back(request, default)


def toast_on_page(request: AuthedRequest, toast: Toast, *, url: str) -> HttpResponse:
    """Lead to another page and tell there what was done (after create, save or delete)."""
    messages.add_message(request, toast.level, toast.text, extra_tags=toast.packed())
    return HttpResponse(headers={"HX-Redirect": url}) if request.htmx else SeeOther(url)
