"""Lines of the log about jobs that register cloud resources, worded as CB-Tumblebug's own.

Scripts look for them. Their logger's level is called WARN there, see `scheduler_site.logs`.
"""

from __future__ import annotations

import logging

log = logging.getLogger("Scheduler")


def created(name: str) -> None:
    """Note a new job."""
    log.info("Created scheduled job: %s", name)


def starting(name: str) -> None:
    """Note the start of a run."""
    log.info("Starting job execution: %s", name)


def completed(name: str) -> None:
    """Note a good end."""
    log.info("Job completed successfully: %s", name)


def failed(name: str, error: str) -> None:
    """Note a bad end."""
    log.error("Job execution failed: %s, error: %s", name, error)


def auto_disabled(name: str, failures: int) -> None:
    """Note that a job was stopped."""
    log.warning("Job auto-disabled after %d consecutive failures: %s", failures, name)
