"""What ends a command."""

from __future__ import annotations


class CliError(Exception):
    """Something that the person can mend; ``str()`` says how. Ends the command with 1."""


class NotFoundError(CliError):
    """The server knows nothing of that id or name."""
