"""What is known of CB-Tumblebug without asking it: its resource types, its words, its server."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from jobs.domain.errors import InvalidError

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
        raise InvalidError(f"Validation Failed: unsupported option: '{word[:40]}'. Use {allowed}.")
    for needed in REQUIRES.get(word, ()):
        if needed not in chosen:
            raise InvalidError(f"Validation Failed: '{word}' requires '{needed}'")


def least_interval(connection: str) -> timedelta:
    """Return the shortest interval advised for one connection, or without a name for all."""
    return LEAST_INTERVAL_OF_ONE if connection else LEAST_INTERVAL_OF_ALL
