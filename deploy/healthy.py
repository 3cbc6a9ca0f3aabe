"""Ask the web server of this container whether it answers; the exit code says it to the engine."""

from __future__ import annotations

import os
import sys
from http.client import HTTPConnection, HTTPException

_SECONDS = 4


def main() -> int:
    """Return 0 when ``/healthz`` is answered with 200, else 1 and say what came."""
    host = os.environ.get("HOST", "127.0.0.1")
    inside = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104
    # A name that the server takes, and the word of the proxy that it trusts: as a browser would.
    name = os.environ.get("ALLOWED_HOSTS", "").split(",")[0].strip().lstrip(".*")
    headers = {"Host": name or "localhost", "X-Forwarded-Proto": "https"}
    try:
        connection = HTTPConnection(inside, int(os.environ.get("PORT", "8000")), timeout=_SECONDS)
        connection.request("GET", "/healthz", headers=headers)
        status = connection.getresponse().status
    except (OSError, HTTPException) as error:
        sys.stdout.write(f"No answer: {error}\n")
        return 1
    sys.stdout.write(f"/healthz answers {status}\n")
    return 0 if status == 200 else 1


if __name__ == "__main__":
    sys.exit(main())
