"""How much room is left where the product writes; asked of the disk, which answers at once."""

from __future__ import annotations

import shutil
from dataclasses import dataclass

from jobs import conf

# Below the first nothing can be written for sure, below the second it is time to do something.
FULL_BYTES = 1_000_000
LOW_BYTES = 200_000_000


@dataclass(frozen=True, slots=True)
class Room:
    """The free room of the disk that holds the data directory."""

    free_bytes: int

    @property
    def full(self) -> bool:
        """Say whether writing fails, or is about to."""
        return self.free_bytes < FULL_BYTES

    @property
    def low(self) -> bool:
        """Say whether it will soon be full."""
        return not self.full and self.free_bytes < LOW_BYTES


def room() -> Room:
    """Look how much room there is for this user."""
    return Room(shutil.disk_usage(conf.data_dir()).free)
