"""The API in this very process: for the server's own host, without a web server or a token.

Whoever can read the database file and the keys may do everything anyway, so the caller counts as an
administrator; the audit log has the name of the account.
"""

from __future__ import annotations

import getpass
import os
import socket
import sys
import warnings
from collections.abc import Callable, Iterable, Mapping
from email.message import Message
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from jobs.cli.errors import CliError
from jobs.cli.transport import Answer

if TYPE_CHECKING:
    from jobs.domain.permissions import Actor

_TABLE = "jobs_job"


class Local:
    """The API in this process: requests that never leave it."""

    def __init__(self) -> None:
        """Load the server's code and settings."""
        self._application = _application()
        self._host = _host()

    def request(
        self, method: str, target: str, *, headers: Mapping[str, str], content: bytes
    ) -> Answer:
        """Return the answer to a request."""
        began: list[tuple[str, list[tuple[str, str]]]] = []

        def start(status: str, given: list[tuple[str, str]], _error: Any = None) -> Any:
            began.append((status, given))

        body = self._application(self._environ(method, target, headers, content), start)
        try:
            data = b"".join(body)
        finally:
            if hasattr(body, "close"):
                body.close()
        status, given = began[-1]
        found = Message()  # its names are found in any case, as those of an answer over HTTP
        for name, value in given:
            found[name] = value
        return Answer(status=int(status.split()[0]), headers=found, content=data)

    def _environ(
        self, method: str, target: str, headers: Mapping[str, str], content: bytes
    ) -> dict[str, Any]:
        path, _, query = target.partition("?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
            "QUERY_STRING": query,
            "SERVER_NAME": self._host,
            "SERVER_PORT": "443",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "local",
            "HTTP_HOST": self._host,
            "CONTENT_LENGTH": str(len(content)),
            "wsgi.version": (1, 0),
            # A server that redirects plain HTTP must not redirect its own tool.
            "wsgi.url_scheme": "https",
            "wsgi.input": BytesIO(content),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": False,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        for name, value in headers.items():
            key = name.upper().replace("-", "_")
            environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
        return environ


def _application() -> Callable[..., Iterable[bytes]]:
    """Return the web application, its caller being whoever runs this process."""
    set_up()
    from django.core.handlers.wsgi import WSGIHandler

    with warnings.catch_warnings():
        # WhiteNoise looks for static files, which nobody asks for here.
        warnings.simplefilter("ignore")
        handler = WSGIHandler()
    return _as_local(handler)


def set_up() -> None:
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
            "or name another server by JOBCTL_URL and JOBCTL_TOKEN."
        )


def _host() -> str:
    """Return a name under which the server answers."""
    from django.conf import settings

    names = [name.lstrip(".") for name in settings.ALLOWED_HOSTS if name != "*"]
    return names[0] if names else "localhost"


def _as_local(handler: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
    """Return the handler for requests of whoever runs this process."""
    from jobs.api.auth import LOCAL_ACTOR

    actor = local_actor()

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        environ[LOCAL_ACTOR] = actor
        return handler(environ, start_response)

    return application


def local_actor(tool: str = "jobctl") -> Actor:
    """Return whoever runs this process, as the audit log names them."""
    from jobs.domain.permissions import Actor, Role

    return Actor(name=f"{_account()} ({tool})", role=Role.ADMINISTRATOR, address="local")


def _account() -> str:
    """Return the account's name; its number where the host has no name for it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return f"uid {os.getuid()} on {socket.gethostname()}"
