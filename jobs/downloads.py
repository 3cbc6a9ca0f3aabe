"""The one way in which a file that a job made leaves the server, for pages and API alike."""

from __future__ import annotations

from django.http import FileResponse

from jobs.models import Artifact
from jobs.services.artifacts import path_of


def artifact_response(artifact: Artifact) -> FileResponse:
    """Return a kept file as a download, whatever it claims to be.

    A browser must not run what a job made under this site's name: no type is guessed, none may be
    sniffed, and should one show it all the same, it does so in a sandbox.
    """
    response = FileResponse(
        path_of(artifact).open("rb"),
        as_attachment=True,
        filename=artifact.name.rpartition("/")[2],
        content_type="application/octet-stream",
    )
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response["Cache-Control"] = "private, no-store"
    return response
