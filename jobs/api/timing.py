"""How long this process takes to answer programs, by address and method, for `/metrics`."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

import prometheus_client
from django.http import HttpRequest, HttpResponse
from prometheus_client import Histogram

# When each series began tells nobody anything, and doubles the answer.
prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]

# Pages are for people; their addresses would only lengthen the answer.
PREFIXES = ("/api/", "/cron/", "/tumblebug/")
BOUNDS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
SECONDS = Histogram(
    "jobdeck_http_request_duration_seconds",
    "How long this web process took to answer an address of the programs' interfaces.",
    ["route", "method"],
    registry=None,
    buckets=BOUNDS,
)
Handler = Callable[[HttpRequest], HttpResponse]


class TimingMiddleware:
    """Time what programs ask; labels are routes, never addresses with numbers in them."""

    def __init__(self, get_response: Handler) -> None:
        """Take the next handler."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, and note how long that took."""
        if not request.path.startswith(PREFIXES):
            return self.get_response(request)
        began = perf_counter()
        response = self.get_response(request)
        match = request.resolver_match
        if match is not None and request.method in _METHODS:
            SECONDS.labels(f"/{match.route}", request.method).observe(perf_counter() - began)
        return response


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
