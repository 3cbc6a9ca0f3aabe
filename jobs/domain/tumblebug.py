"""What is known of CB-Tumblebug without asking it: its resource types, its words, its server."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from jobs.domain.errors import InvalidError
from jobs.domain.said import said

RESOURCES = ("vNet", "securityGroup", "sshKey", "vm", "dataDisk", "customImage")
REQUIRES = {
    "securityGroup": ("vNet",),
    "vm": ("securityGroup", "sshKey"),
    "dataDisk": ("vm",),
}
# What later versions call a virtual machine.
SYNONYMS = {"node": "vm"}
# As the guide advises; shorter ones meet the providers' rate limits.
LEAST_INTERVAL_OF_ONE = timedelta(minutes=10)
LEAST_INTERVAL_OF_ALL = timedelta(minutes=30)
LEAST_INTERVAL_OF_PRODUCTION = timedelta(minutes=30)
# Registering from all connections takes minutes: sooner than this, the server never rests.
LEAST_INTERVAL_OF_ALL_AT_ALL = timedelta(minutes=5)
MOST_JOBS_OF_A_NAMESPACE = 100


class Vocabulary(StrEnum):
    """How a server calls prefix, flag and machine: up to 0.12.3 ``mci``, from 0.12.9 ``infra``."""

    AUTO = "auto"
    MCI = "mci"
    INFRA = "infra"


@dataclass(frozen=True, slots=True, kw_only=True)
class TumblebugServer:
    """The server that jobs call, and how; its credentials appear in no representation."""

    url: str  # with its base path, without a slash at the end
    user: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    credential_holder: str = ""
    verify_tls: bool = True
    ca_file: str = ""
    vocabulary: Vocabulary = Vocabulary.AUTO
    read_timeout: timedelta = timedelta(minutes=30)


def parse_option(text: str) -> tuple[str, ...]:
    """Return the resource types of ``"vNet, customImage"``; none stands for all.

    InvalidError for one that is not known, and for one whose own needs are not selected.
    """
    words = (part.strip() for part in text.split(","))
    chosen = tuple(dict.fromkeys(SYNONYMS.get(word, word) for word in words if word))
    for word in chosen:
        _check(word, chosen)
    return chosen


def _check(word: str, chosen: Sequence[str]) -> None:
    if word not in RESOURCES:
        allowed = ", ".join(RESOURCES)
        raise InvalidError(
            said(
                "Validation Failed: unsupported option: '{word}'. Use {allowed}.",
                word=word[:40],
                allowed=allowed,
            )
        )
    for needed in REQUIRES.get(word, ()):
        if needed not in chosen:
            raise InvalidError(
                said("Validation Failed: '{word}' requires '{needed}'", word=word, needed=needed)
            )


def least_interval(connection: str) -> timedelta:
    """Return the shortest interval advised for one connection, or without a name for all."""
    return LEAST_INTERVAL_OF_ONE if connection else LEAST_INTERVAL_OF_ALL


class Concern(StrEnum):
    """What the guide advises against; such a job is accepted all the same."""

    OVERLOAD = "overload"
    SHORT_FOR_ALL = "short_for_all"
    SHORT_FOR_ONE = "short_for_one"
    SHORT_FOR_PRODUCTION = "short_for_production"
    CROWDED_NAMESPACE = "crowded_namespace"


def concerns(
    *, connection: str, names: Iterable[str], interval: timedelta | None, jobs_beside: int
) -> list[Concern]:
    """Return what to warn of: an interval (the shortest of a job), and how full its namespace is.

    ``names`` are those of namespace and prefix, which say whether this is production.
    """
    found = []
    short = _too_short(connection, any("prod" in name.lower() for name in names), interval)
    if short is not None:
        found.append(short)
    if jobs_beside >= MOST_JOBS_OF_A_NAMESPACE:
        found.append(Concern.CROWDED_NAMESPACE)
    return found


def _too_short(connection: str, is_production: bool, interval: timedelta | None) -> Concern | None:
    if interval is None:
        return None
    if not connection and interval < LEAST_INTERVAL_OF_ALL_AT_ALL:
        return Concern.OVERLOAD
    if not connection and interval < LEAST_INTERVAL_OF_ALL:
        return Concern.SHORT_FOR_ALL
    if connection and interval < LEAST_INTERVAL_OF_ONE:
        return Concern.SHORT_FOR_ONE
    if is_production and interval < LEAST_INTERVAL_OF_PRODUCTION:
        return Concern.SHORT_FOR_PRODUCTION
    return None
