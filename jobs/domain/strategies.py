"""Retry strategies that have a name: what a job list or a definition may say in one word."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jobs.domain.errors import InvalidError
from jobs.domain.said import said
from jobs.domain.states import RetryKind

# The number of attempts counts the first try.
STRATEGIES: Mapping[str, Mapping[str, Any]] = {
    "none": {"max_attempts": 1},
    "data-fetch": {
        "max_attempts": 3,
        "kind": RetryKind.EXPONENTIAL.value,
        "base_seconds": 1,
        "cap_seconds": 60,
    },
    "analytics": {
        "max_attempts": 2,
        "kind": RetryKind.FIXED.value,
        "base_seconds": 30,
        "cap_seconds": 30,
    },
    "notifications": {
        "max_attempts": 5,
        "kind": RetryKind.EXPONENTIAL.value,
        "base_seconds": 5,
        "cap_seconds": 300,
    },
}
# What jobs of a category get that name none.
_BY_CATEGORY = {"data": "data-fetch", "analytics": "analytics", "notifications": "notifications"}


def strategy(name: str) -> dict[str, Any]:
    """Return the retry settings of that name; InvalidError names those there are."""
    found = STRATEGIES.get(name.strip().lower())
    if found is None:
        raise InvalidError(
            said(
                "Retry strategy {name!r:.80} is not known. Use {allowed}.",
                name=name,
                allowed=", ".join(STRATEGIES),
            )
        )
    return dict(found)


def strategy_for(category: str) -> dict[str, Any]:
    """Return the retry settings of jobs of that category."""
    return strategy(_BY_CATEGORY.get(category.strip().lower(), "none"))
