"""Count the requests that were refused, by address and by account."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse

from jobs.domain.permissions import Actor
from jobs.services.turned_away import REFUSALS

Handler = Callable[[HttpRequest], HttpResponse]
_REFUSED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


class RefusalsMiddleware:
    """Note each answer that refuses, and each login that failed."""

    def __init__(self, get_response: Handler) -> None:
        """Take the next handler."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, and count a refusal."""
        response = self.get_response(request)
        tried = getattr(request, "tried_account", None)
        if response.status_code in _REFUSED or tried is not None:
            address = str(request.META.get("REMOTE_ADDR", ""))
            REFUSALS.note(address=address, account=tried or _account(request))
        return response


def _account(request: HttpRequest) -> str:
    """Return who was refused, where that is known."""
    found = getattr(request, "auth", None)
    if isinstance(found, Actor):
        return found.name
    user = getattr(request, "user", None)
    return user.get_username() if user is not None and user.is_authenticated else ""
