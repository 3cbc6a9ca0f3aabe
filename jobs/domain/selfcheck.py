"""What a look at the installation itself found: one finding for each part, in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Verdict(StrEnum):
    """How a part stands, best first."""

    OK = "ok"
    WARN = "warn"  # works, and somebody should look at it
    BAD = "bad"  # jobs do not run, or not as they should


class Part(StrEnum):
    """What is looked at, in the order of the page."""

    VERSION = "version"
    DATABASE = "database"
    MIGRATIONS = "migrations"
    BROKER = "broker"
    DISPATCHER = "dispatcher"
    WORKERS = "workers"
    DISK = "disk"
    CLOCK = "clock"
    ZONES = "zones"
    SECRETS = "secrets"
    CANARY = "canary"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """How one part stands. ``sentence`` and ``advice`` have named places for ``values``."""

    part: Part
    verdict: Verdict
    sentence: str
    values: Mapping[str, object] = field(default_factory=dict)
    advice: str = ""  # what to do next; empty when nothing is

    @property
    def text(self) -> str:
        """Return the sentence with its values."""
        return self.sentence % self.values

    @property
    def what_next(self) -> str:
        """Return the advice with its values."""
        return self.advice % self.values


def worst(findings: Iterable[Finding]) -> Verdict:
    """Return the verdict on the whole: that of its worst part."""
    return max((one.verdict for one in findings), key=list(Verdict).index, default=Verdict.OK)
