"""Record logins, logouts and refusals in the audit log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from axes.signals import user_locked_out
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed

from jobs.domain.permissions import Actor
from jobs.services import audit
from jobs.services.people import actor_of

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.http import HttpRequest


def connect() -> None:
    """Listen to Django's own signals."""
    user_logged_in.connect(_logged_in, dispatch_uid="jobdeck.login")
    user_logged_out.connect(_logged_out, dispatch_uid="jobdeck.logout")
    user_login_failed.connect(_login_failed, dispatch_uid="jobdeck.login_failed")
    user_locked_out.connect(_locked_out, dispatch_uid="jobdeck.locked_out")


def _logged_in(*, request: HttpRequest | None, user: User, **_: Any) -> None:
    audit.record(actor_of(user, address=_address(request)), "session.login")


def _logged_out(*, request: HttpRequest | None, user: User | None, **_: Any) -> None:
    if user is not None:
        audit.record(actor_of(user, address=_address(request)), "session.logout")


def _login_failed(
    *, credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any
) -> None:
    """Keep the name that was tried; Django has masked the password already."""
    name = str(credentials.get("username", ""))[:150]
    audit.record(Actor(name=name, role=None, address=_address(request)), "session.refused")
    if request is not None:
        request.tried_account = name  # type: ignore[attr-defined]  # the login page answers with 200


def _locked_out(*, username: str | None = None, ip_address: str | None = None, **_: Any) -> None:
    """Note that further attempts of this account from this address are not looked at."""
    actor = Actor(name=(username or "")[:150], role=None, address=ip_address or "")
    audit.record(actor, "session.locked")


def _address(request: HttpRequest | None) -> str:
    return "" if request is None else str(request.META.get("REMOTE_ADDR", ""))
