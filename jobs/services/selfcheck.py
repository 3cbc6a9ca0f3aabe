"""Look at the installation itself: the same findings for the page and for `manage.py selfcheck`.

Sentences are marked for translation; a page translates them, the command prints them as they are.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.db import DatabaseError
from django.utils.translation import gettext_noop

from jobs.domain.selfcheck import Finding, Part, Verdict
from jobs.services import selfcheck_engine, selfcheck_host

log = logging.getLogger(__name__)

_LOOKS: dict[Part, Callable[[Part], Finding]] = {
    Part.VERSION: selfcheck_host.version,
    Part.DATABASE: selfcheck_host.database,
    Part.MIGRATIONS: selfcheck_host.migrations,
    Part.BROKER: selfcheck_engine.broker,
    Part.DISPATCHER: selfcheck_engine.dispatcher,
    Part.WORKERS: selfcheck_engine.workers,
    Part.DISK: selfcheck_host.disk,
    Part.CLOCK: selfcheck_host.clock,
    Part.ZONES: selfcheck_host.zones,
    Part.SECRETS: selfcheck_host.secrets,
}


def selfcheck() -> list[Finding]:
    """Look at every part; one that cannot be looked at is bad, and stops no other."""
    return [_looked(part, look) for part, look in _LOOKS.items()]


def _looked(part: Part, look: Callable[[Part], Finding]) -> Finding:
    try:
        return look(part)
    except (DatabaseError, OSError) as error:
        return Finding(
            part=part,
            verdict=Verdict.BAD,
            sentence=gettext_noop("Cannot be looked at: %(error)s"),
            values={"error": _named(error)},
        )


def _named(error: DatabaseError | OSError) -> str:
    """Return what kind of error it is; its words, with addresses and statements, are for the log."""
    log.warning("The check could not look: %s", error)
    return getattr(error, "strerror", None) or type(error).__name__
