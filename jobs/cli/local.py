"""The API in this very process: for the server's own host, without a web server or a token.

Whoever can read the database file and the keys may do everything anyway, so the caller counts as an
administrator; the audit log has the name of the account.
"""

from __future__ import annotations

import getpass
import os
import socket
import warnings
from collections.abc import Callable, Iterable
from typing import Any

import httpx

from jobs.cli.errors import CliError

_TABLE = "jobs_job"


def local_client() -> httpx.Client:
    """Return a client whose requests never leave the process."""
    _set_up()
    from django.core.handlers.wsgi import WSGIHandler

    with warnings.catch_warnings():
        # WhiteNoise looks for static files, which nobody asks for here.
        warnings.simplefilter("ignore")
        handler = WSGIHandler()
    transport = httpx.WSGITransport(app=_as_local(handler), remote_addr="local")
    # https: a server that redirects plain HTTP must not redirect its own tool.
    return httpx.Client(transport=transport, base_url=f"https://{_host()}")


def _set_up() -> None:
    """Load the server's settings, and make sure that it has been set up."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scheduler_site.settings")
    os.environ.setdefault("LOG_LEVEL", "WARNING")
    import django
    from django.core.exceptions import ImproperlyConfigured
    from django.db import DatabaseError, connection

    try:
        django.setup()
    except (ImproperlyConfigured, OSError) as error:
        raise CliError(f"The server's settings cannot be read: {error}") from error
    try:
        tables = connection.introspection.table_names()
    except DatabaseError as error:
        raise CliError("The server's database does not answer.") from error
    if _TABLE not in tables:
        raise CliError(
            "The server here has not been set up yet. Run `make up` (or `manage.py setup`), "
            "or name another server by JOBDECK_URL and JOBDECK_TOKEN."
        )


def _host() -> str:
    """Return a name under which the server answers."""
    from django.conf import settings

    names = [name.lstrip(".") for name in settings.ALLOWED_HOSTS if name != "*"]
    return names[0] if names else "localhost"


def _as_local(handler: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
    """Return the handler for requests of whoever runs this process."""
    from jobs.api.auth import LOCAL_ACTOR
    from jobs.domain.permissions import Actor, Role

    actor = Actor(name=f"{_account()} (jobctl)", role=Role.ADMINISTRATOR, address="local")

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        environ[LOCAL_ACTOR] = actor
        return handler(environ, start_response)

    return application


def _account() -> str:
    """Return the account's name; its number where the host has no name for it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return f"uid {os.getuid()} on {socket.gethostname()}"
