"""What the configured CB-Tumblebug server tells besides registering: its connections, its settings."""

from __future__ import annotations

from typing import Any

from jobs import conf
from jobs.domain.errors import InvalidError
from jobs.executors.tumblebug_client import BrokenError, Client, UnreachableError, line_to
from jobs.models import Job
from jobs.services.journal import TYPE

# Somebody waits for it.
PATIENCE_SECONDS = 5.0


def connections() -> list[dict[str, Any]]:
    """Return the server's connections; where it does not tell, the names that jobs have of them."""
    document = _asked("/connConfig?filterVerified=true")
    listed = document.get("connectionconfig") if document else None
    if isinstance(listed, list):
        return [one for one in listed if isinstance(one, dict)]
    named = Job.objects.present().filter(type=TYPE).values_list("spec__connection_name", flat=True)
    return [{"configName": name} for name in sorted({name for name in named if name})]


def settings() -> list[dict[str, Any]]:
    """Return the server's settings, and where it is."""
    server = conf.tumblebug()
    where = {"id": "TUMBLEBUG_URL", "name": "TUMBLEBUG_URL", "value": server.url if server else ""}
    document = _asked("/config")
    listed = document.get("config") if document else None
    rest = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    return [where, *rest]


def _asked(path: str) -> dict[str, Any] | None:
    """Return what the server answers; None where there is none, or no good answer."""
    server = conf.tumblebug()
    if server is None:
        return None
    line = line_to(server)
    try:
        answer = Client(server, line).get(path, read_seconds=PATIENCE_SECONDS)
    except (InvalidError, BrokenError, UnreachableError):
        return None
    finally:
        line.close()
    return answer.document if answer.is_good and isinstance(answer.document, dict) else None
