"""What somebody has to know of a job that another scheduler ran: what is different here.

A page shows them in its reader's language, so that text and values stay apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

OVERLAP: Final = "An overlapping run is skipped; cron would start it beside the first."
MAIL: Final = "No mail is sent: the output is kept with each run."
SHELL: Final = "SHELL=%(shell)s is not taken over: sh runs the command."
RUN_AS: Final = "It runs as %(user)s, which the workers must be allowed to."
INPUT: Final = "What followed %% is given on standard input."
REBOOTED: Final = "It runs when the host has started anew."
DIRECTORY: Final = "It runs in Jobdeck's own directory; cron would run it in the account's home."
DISABLED: Final = "It is disabled there: look before you resume it."
IGNORED: Final = "The field %(field)s is not known and is left out."
OPERATIONS: Final = (
    "%(fields)s belong to the workspace itself and are left out: set them on its page."
)
BY_HAND: Final = "It had no schedule there: it runs by hand only."
YEARS: Final = "The years %(years)s are left out: it would run each year."
CAUGHT_UP: Final = "What is missed is caught up, each due time, as there."
TARGET: Final = "It ran on %(target)s; here any worker runs it."
CHAIN: Final = (
    "The event that it starts afterwards (%(event)s) is left out: let that one wait for this job."
)
AUTO_DISABLED: Final = "It had failed too often there and was disabled."
ALL: Final = (
    OVERLAP,
    MAIL,
    SHELL,
    RUN_AS,
    INPUT,
    REBOOTED,
    DIRECTORY,
    DISABLED,
    IGNORED,
    OPERATIONS,
    BY_HAND,
    YEARS,
    CAUGHT_UP,
    TARGET,
    CHAIN,
    AUTO_DISABLED,
)


@dataclass(frozen=True, slots=True)
class Note:
    """One of the sentences above with its values; ``str()`` is the sentence in English."""

    text: str
    values: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return the sentence."""
        return self.text % self.values
