"""How a line of the log is written."""

from __future__ import annotations

import copy
import logging

# Its lines are those of CB-Tumblebug's scheduler, which scripts search for by level and name.
WARN_LOGGER = "Scheduler"


class LineFormatter(logging.Formatter):
    """Write ``WARN`` for the one logger whose readers expect that."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        if record.name == WARN_LOGGER and record.levelno == logging.WARNING:
            record = copy.copy(record)
            record.levelname = "WARN"
        return super().format(record)
