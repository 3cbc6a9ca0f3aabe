"""Pages travel compressed; a list of fifty jobs is nine tenths markup."""

from __future__ import annotations

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware


class CompressionMiddleware(GZipMiddleware):
    """Compress pages and regions, with Django's random length against guessing by size.

    Logs, files and the answers of interfaces go as they are: some are followed while they grow.
    """

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        """Compress what is HTML and whole, where the browser takes it."""
        html = response.get("Content-Type", "").startswith("text/html")
        if response.streaming or not html:
            return response
        return super().process_response(request, response)
