"""A dead man's switch: call an address outside while work is truly dispatched, and only then.

Who waits there alerts when the calls stop: that is how somebody hears of a product that cannot tell.
"""

from __future__ import annotations

import logging
import secrets
from datetime import datetime, timedelta
from http.client import HTTPException
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from django.db import DatabaseError, connection
from django.utils import timezone

from jobs import __version__, conf
from jobs.polling import Flag
from jobs.queries.pulse import pulse
from jobs.services import leases

log = logging.getLogger("scheduler.heartbeat")

LEASE = "dead_man"
TIMEOUT_SECONDS = 10.0
# Dispatchers tick each second; beyond this the loop hangs, whatever other threads do.
TICK_AGE = timedelta(seconds=15)


class DeadMansSwitch:
    """One call each interval, by one dispatcher of many."""

    def __init__(self, *, url: str, seconds: float) -> None:
        """Take where to call, and how often."""
        self._url = url
        self._seconds = seconds
        self._holder = secrets.token_hex(16)
        self._trouble = ""

    def step(self) -> bool:
        """Call if all is well; False: there is nothing more to do until the next time."""
        now = timezone.now()
        try:
            why = self._withheld(now)
        except DatabaseError as error:
            connection.close()
            why = f"the database does not answer: {error}"
        if why is not None:
            self._tell(why and f"The heartbeat is withheld: {why}")
            return False
        self._tell(self._call())
        return False

    def wait(self, stop: Flag) -> None:
        """Sleep until the next call."""
        stop.wait(self._seconds)

    def _withheld(self, now: datetime) -> str | None:
        """Return why not to call; empty: another dispatcher does; None: call.

        Taking the lease is a write: a database that is read-only or full withholds the call.
        """
        lasting = timedelta(seconds=1.5 * self._seconds)
        if not leases.take(LEASE, self._holder, lasting=lasting, now=now):
            return ""
        found = pulse(now)
        if found.tick_at is None or now - found.tick_at > TICK_AGE:
            return "no dispatcher ticks"
        if found.no_workers:
            return "no worker is alive"
        return None

    def _call(self) -> str:
        """Call; return what went wrong, without the address: its path may be a key."""
        request = Request(self._url, headers={"User-Agent": f"Jobdeck/{__version__}"})  # noqa: S310 - the setting is checked
        try:
            with urlopen(request, timeout=TIMEOUT_SECONDS):  # noqa: S310 - as above
                return ""
        except HTTPError as error:
            error.close()  # it is an answer, with a connection of its own
            return self._unreached(error)
        except (URLError, OSError, ValueError, HTTPException) as error:
            # What http.client says of an address that it does not like holds the address.
            return self._unreached(
                type(error).__name__ if isinstance(error, HTTPException) else error
            )

    def _unreached(self, why: object) -> str:
        return f"The heartbeat did not reach {urlsplit(self._url).hostname}: {why}"

    def _tell(self, trouble: str) -> None:
        """Say once that something is wrong, and once that it is over."""
        if trouble and not self._trouble:
            log.warning("%s", trouble)
        elif self._trouble and not trouble:
            log.info("The heartbeat goes out again.")
        self._trouble = trouble


def switch() -> DeadMansSwitch | None:
    """Return the switch that the settings describe; None where none is set."""
    url = conf.heartbeat_url()
    return DeadMansSwitch(url=url, seconds=conf.heartbeat_seconds()) if url else None
