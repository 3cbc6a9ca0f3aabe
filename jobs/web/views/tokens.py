"""Tokens: the own ones, for administrators all; made, shown once, revoked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from jobs.domain.errors import ConflictError, InvalidError, UnknownError
from jobs.domain.permissions import Permission, can
from jobs.domain.said import said
from jobs.models import Token
from jobs.queries.people import list_tokens
from jobs.services import access, token_requests
from jobs.web import guard, person_forms
from jobs.web.confirm import Confirm, Fact
from jobs.web.filters import page_mark
from jobs.web.http import AuthedRequest, toast_on_page
from jobs.web.person_forms import TokenForm
from jobs.web.toasts import Toast

PAGE_SIZE = 50
_STATES = ("live", "over")


@guard.page()
def token_list(request: AuthedRequest) -> HttpResponse:
    """Show the tokens that the reader may see."""
    now, after = timezone.now(), page_mark(request, "after")
    query = _query(request)
    state = query.get("state")
    page = list_tokens(
        token_requests.visible(request.actor),
        user=query.get("user", ""),
        live=None if state is None else state == "live",
        now=now,
        after=after,
        limit=PAGE_SIZE,
    )
    context = {
        "section": "tokens",
        "query": query,
        "all": can(request.actor, Permission.ADMINISTER),
        "rows": [shown(row, now) for row in page.rows],
        "older": urlencode({**query, "after": page.next_after}) if page.next_after else None,
        "newest": urlencode(query) if after else None,
    }
    return render(request, "pages/tokens.html", context)


def _query(request: AuthedRequest) -> dict[str, str]:
    user = request.GET.get("user", "").replace("\0", "").strip()[:150]
    state = request.GET.get("state", "")
    given = {"user": user, "state": state if state in _STATES else ""}
    return {name: value for name, value in given.items() if value}


def shown(row: Token, now: Any) -> dict[str, Any]:
    """Return a token's row for a table."""
    workspaces, tags = access.names_of(row.limits)
    expired = row.expires_at is not None and row.expires_at <= now
    return {
        "token": row,
        "workspaces": workspaces,
        "tags": tags,
        "expired": expired,
        "live": row.revoked_at is None and not expired,
    }


@guard.form(Permission.READ)
def new(request: AuthedRequest) -> HttpResponse:
    """Show the form of a new token; make it and show its value, this once."""
    if request.method != "POST":
        return _form(request, {}, {})
    values = person_forms.token_values(request.POST)
    try:
        asked = token_requests.parse_token(person_forms.token_definition(values))
        made, value = token_requests.make(asked, actor=request.actor)
    except (InvalidError, ConflictError) as error:
        return _form(request, values, error.fields or {"name": error.message}, status=422)
    context = {"section": "tokens", "made": made, "value": value}
    return render(request, "pages/token_made.html", context, status=201)


def _form(
    request: AuthedRequest, values: Mapping[str, Any], errors: Mapping[str, str], status: int = 200
) -> HttpResponse:
    context = {"section": "tokens", "form": TokenForm.shown(values, errors)}
    return render(request, "pages/token_form.html", context, status=status)


@guard.form(Permission.READ)
def revoke(request: AuthedRequest, token_id: int) -> HttpResponse:
    """Ask, and revoke."""
    return _revoke(request, token_id, "pages/confirm.html")


@guard.form(Permission.READ)
def revoke_dialog(request: AuthedRequest, token_id: int) -> HttpResponse:
    """Do the same in a dialog over the page."""
    return _revoke(request, token_id, "partials/confirm_dialog.html")


def _revoke(request: AuthedRequest, token_id: int, template: str) -> HttpResponse:
    row = token_requests.visible(request.actor).filter(pk=token_id).first()
    if row is None:
        raise UnknownError(said("Token {number} does not exist.", number=token_id))
    if request.method == "POST":
        token_requests.revoke(token_id, actor=request.actor)
        toast = Toast(text=_("Revoked %s. It is refused from now on.") % row.name, icon="trash-2")
        return toast_on_page(request, toast, url=reverse("tokens"))
    context = {"section": "tokens", "confirm": _question(row)}
    return render(request, template, context)


def _question(row: Token) -> Confirm:
    used = (
        Fact("history", _("It was in use, to the minute as its row says."))
        if row.last_used_at
        else Fact("history", _("It was never used."))
    )
    return Confirm(
        title=_("Revoke %s?") % row.name,
        facts=[
            Fact("octagon-alert", _("Whatever uses it is refused at once, and for ever.")),
            used,
        ],
        url=reverse("token_revoke", args=[row.pk]),
        partial_url=reverse("p_token_revoke", args=[row.pk]),
        back_url=reverse("tokens"),
        keep=_("Keep it"),
        verb=_("Revoke token"),
    )
