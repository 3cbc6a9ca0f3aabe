"""Where jobs that run elsewhere report: compatible with Healthchecks, without a login.

The key in the address is the secret. Wrong keys all get the same answer after the same work.
"""

from __future__ import annotations

import math
import uuid

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from jobs.domain.check_ins import signal_of
from jobs.services import reports
from jobs.services.rates import Rates

METHODS = ("GET", "HEAD", "POST")
# A job that reports once a second is a mistake in its loop; so many wrong keys are a search.
PER_MINUTE = 60
RATES = Rates()


@csrf_exempt
@never_cache
def ping(request: HttpRequest, key: str, word: str = "") -> HttpResponse:
    """Take a report."""
    if request.method not in METHODS:
        return HttpResponseNotAllowed(METHODS)
    said = signal_of(word)
    found = None if said is None else reports.find(key)
    address = request.META.get("REMOTE_ADDR", "")
    # By the row, so that other people's wrong keys never cost a job its place.
    caller = f"address:{address}" if found is None else f"check-in:{found.pk}"
    wait = RATES.wait_for(caller, PER_MINUTE)
    if wait:
        return _text("rate limit exceeded", 429, **{"Retry-After": str(math.ceil(wait))})
    if found is None or said is None:
        return _text("not found", 404)
    run_id = _run_id(request.GET.get("rid", ""))
    if run_id is None:
        return _text("invalid uuid format", 400)
    heard = reports.Heard(
        signal=said[0],
        exit_code=said[1],
        run_id=run_id,
        method=str(request.method),
        address=address,
        agent=request.headers.get("User-Agent", ""),
        # Never the whole: a log of gigabytes is cut here, not refused.
        body=request.read(reports.BODY_BYTES) if request.method == "POST" else b"",
    )
    reports.take(found, heard)
    return _text("OK", 200, **{"Ping-Body-Limit": str(reports.BODY_BYTES)})


def _run_id(given: str) -> str | None:
    """Return a run's id in one form, nothing where none is given, None for what is no UUID."""
    if not given:
        return ""
    try:
        return str(uuid.UUID(given))
    except ValueError:
        return None


def _text(text: str, status: int, **headers: str) -> HttpResponse:
    answer = HttpResponse(text, status=status, content_type="text/plain", headers=headers)
    answer["Access-Control-Allow-Origin"] = "*"
    return answer
