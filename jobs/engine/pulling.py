"""Pull the checkout of the configuration directory at an interval.

Apart from the keeper of the files: a repository that does not answer must not keep an edit waiting.
What a pull changes, the keeper sees at its next look.
"""

from __future__ import annotations

import logging
from contextlib import suppress

from jobs import conf
from jobs.domain.errors import ConflictError, JobdeckError
from jobs.polling import Flag
from jobs.services import checkouts
from jobs.services.file_rows import FILES

log = logging.getLogger("scheduler.files")


def puller() -> FilePuller | None:
    """Return what pulls; None where it is done only on request."""
    return FilePuller() if conf.config_pull_seconds() else None


class FilePuller:
    """One pull after the other."""

    def __init__(self) -> None:
        """Begin without trouble."""
        self._trouble = ""

    def step(self) -> bool:
        """Pull; a failure is told once, until it is another."""
        if not checkouts.is_pullable():
            return False
        try:
            with suppress(ConflictError):  # whoever pulls right now does it
                checkouts.pull(actor=FILES)
            self._trouble = ""
        except JobdeckError as error:
            if error.message != self._trouble:
                log.warning("The configuration directory cannot be pulled: %s", error.message)
            self._trouble = error.message
        return False

    def wait(self, stop: Flag) -> None:
        """Sleep until the next pull."""
        stop.wait(conf.config_pull_seconds())
