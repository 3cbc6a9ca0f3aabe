"""Keep jobs and workspaces in line with the configuration directory, from the start on.

The directory is looked at every two seconds: its names and times, which costs a few milliseconds for
hundreds of files. Nothing is read and nothing asked of the database while these stay the same.
"""

from __future__ import annotations

import logging

from jobs import conf
from jobs.domain.errors import InvalidError
from jobs.polling import Flag
from jobs.services import file_sources, files

log = logging.getLogger("scheduler.files")

LOOK_SECONDS = 2.0
# A file that was put right in the database, or applied by another host, is found after so many looks.
AGAIN_AFTER = 150

Seen = list[tuple[str, int, int, bool]]


class FileKeeper:
    """One look after the other."""

    def __init__(self) -> None:
        """Begin without having seen anything."""
        self._seen: Seen | None = None
        self._looks = 0
        self._trouble = ""

    def step(self) -> bool:
        """Apply what has changed; there is never more to do before the next look."""
        root = conf.config_dir()
        if root is None:
            return False
        try:
            seen = [
                (one.path, one.size, one.changed_ns, one.configured)
                for one in file_sources.files_in(root)
            ]
        except (OSError, InvalidError) as error:
            if str(error) != self._trouble:  # once, not at each look
                log.warning("The configuration directory %s cannot be looked at: %s", root, error)
            self._trouble = str(error)
            return False
        self._trouble = ""
        self._looks += 1
        if seen != self._seen or self._looks % AGAIN_AFTER == 0:
            outcome = files.apply(root)
            self._seen = seen
            if outcome.changed:
                log.info(
                    "Configuration files: %d applied, %d unchanged, %d broken, %d gone.",
                    len(outcome.applied),
                    outcome.unchanged,
                    len(outcome.broken),
                    len(outcome.gone),
                )
        return False

    def wait(self, stop: Flag) -> None:
        """Sleep until the next look."""
        stop.wait(LOOK_SECONDS)
