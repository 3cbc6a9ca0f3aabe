"""Tell an OpenTelemetry collector what ran and how the product stands, beside everything else.

What is to be told lies in the database already, so a dispatcher reads it in a thread of its own: no
job waits for a collector, and one that is dead costs a look every minute. It hears what it missed,
up to a bound; the rest is left out, and said.
"""

from __future__ import annotations

import logging
import secrets
import time
from datetime import timedelta
from typing import TYPE_CHECKING

from django.utils import timezone

from jobs import conf
from jobs.polling import Flag
from jobs.queries import metrics, traces
from jobs.services import leases

if TYPE_CHECKING:
    from jobs.engine.otlp import Collector

log = logging.getLogger("scheduler.telemetry")

LEASE = "telemetry"
LASTING = timedelta(seconds=90)
LOOK_SECONDS = 2.0
# After so many executions a collector that was away hears only of the newest.
MOST_BEHIND = 20_000
FIRST_PAUSE_SECONDS = 5.0
LONGEST_PAUSE_SECONDS = 60.0


class Telemetry:
    """One look every few seconds, by one dispatcher of many."""

    def __init__(self, collector: Collector, *, metrics_seconds: float) -> None:
        """Take whom to tell, and how often the metrics go out."""
        self._collector = collector
        self._metrics_seconds = metrics_seconds
        self._holder = secrets.token_hex(16)
        self._metrics_at = 0.0
        self._pause = 0.0
        self._skipped = 0

    def step(self) -> bool:
        """Send what there is; True when there is more."""
        now = timezone.now()
        if not leases.take(LEASE, self._holder, lasting=LASTING, now=now):
            return False
        state = leases.state_of(LEASE)
        place = traces.Place.of(state)
        if place is None:  # what ran before anybody listened is history
            leases.note(LEASE, self._holder, traces.newest().stored())
            return False
        found = traces.ended_since(place, now, most_behind=MOST_BEHIND)
        if found.rows and not self._took(self._collector.take_spans(found.rows)):
            return False
        if found.place != place:
            leases.note(LEASE, self._holder, found.place.stored())
        self._tell_skipped(found.place.skipped)
        return self._send_metrics() and found.more

    def _send_metrics(self) -> bool:
        if time.monotonic() < self._metrics_at or not conf.cron_feature("metrics_collection"):
            return True
        self._metrics_at = time.monotonic() + self._metrics_seconds
        now = timezone.now()
        return self._took(self._collector.take_metrics(metrics.families(now), now))

    def _took(self, taken: bool) -> bool:
        """Note whether the collector took something; say once that it does not, and that it does."""
        if taken:
            if self._pause:
                log.info("The OpenTelemetry collector takes what it is sent again.")
            self._pause = 0.0
        else:
            if not self._pause:
                log.warning("The OpenTelemetry collector does not take what it is sent.")
            self._pause = min(max(2 * self._pause, FIRST_PAUSE_SECONDS), LONGEST_PAUSE_SECONDS)
        return taken

    def _tell_skipped(self, skipped: int) -> None:
        if skipped > self._skipped:
            log.warning("%d executions were not told to the collector.", skipped - self._skipped)
        self._skipped = skipped

    def wait(self, stop: Flag) -> None:
        """Sleep until the next look; longer while the collector is away."""
        stop.wait(self._pause or LOOK_SECONDS)
        if stop.is_set():
            self._collector.close()


def telemetry() -> Telemetry | None:
    """Return what the settings ask for; None where they ask for nothing, or the extra is missing."""
    endpoint = conf.otlp_endpoint()
    if not endpoint:
        return None
    try:
        from jobs.engine.otlp import Collector
    except ImportError as error:
        log.warning(
            "OTEL_EXPORTER_OTLP_ENDPOINT is set, but %s is not installed: "
            "install requirements/otel.txt. Nothing is sent.",
            error.name,
        )
        return None
    try:
        collector = Collector(endpoint)
    except Exception:
        # Its packages read settings of their own; dispatching is more than any of them.
        log.exception("The OpenTelemetry exporter could not be made. Nothing is sent.")
        return None
    return Telemetry(collector, metrics_seconds=conf.otlp_metrics_seconds())
