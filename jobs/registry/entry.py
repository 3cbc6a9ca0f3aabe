"""A registered job: what the code says about it, checked, and how it is called."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from jobs.domain.durations import parse_duration
from jobs.domain.errors import InvalidError
from jobs.domain.said import said
from jobs.domain.schedule import Schedule
from jobs.domain.states import Anchor, Misfire, Overlap, RetryKind, ScheduleKind
from jobs.registry.context import JobContext

# Gets the context and the keyword arguments of the job's spec; may return an awaitable.
Call = Callable[[JobContext, Mapping[str, Any]], Any]

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
MAX_RETRIES = 99  # a job has at most 100 attempts
MAX_INTERVAL_SECONDS = 366 * 24 * 3600
LEAST_RETRY_CAP_SECONDS = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredJob:
    """One job that the project's code defines.

    ``definition`` holds the fields of a job definition that the code decides; it leaves the others
    to people. ``path`` is where its code is, ``source`` which program has it: empty for the code of
    an installed app, which every process of the product has.
    """

    job_id: str
    path: str
    call: Call = field(repr=False)
    definition: Mapping[str, Any]
    enabled: bool = True
    atomic: bool = False
    signature: inspect.Signature | None = None
    source: str = ""

    def check_arguments(self, arguments: Mapping[str, Any]) -> None:
        """Refuse arguments that the job does not take, or the lack of one that it needs."""
        if self.signature is None:
            return
        try:
            self.signature.bind(**arguments)
        except TypeError as error:
            raise InvalidError(
                said(
                    "{job} cannot be called with these kwargs: {error}",
                    job=self.job_id,
                    error=str(error),
                )
            ) from None


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a class's attributes or a decorator's arguments say; ``definition`` checks them."""

    job_id: str
    description: str
    cron: str | None = None
    interval_seconds: float | None = None
    manual: bool = False
    timezone: str | None = None
    enabled: bool = True
    max_retries: int = 3
    retry_delay_seconds: float = 60
    retry_kind: str = RetryKind.FIXED.value
    timeout: float | str | timedelta | None = None
    overlap: str = Overlap.SKIP.value
    misfire: str = Misfire.SKIP.value
    queue: str = "default"
    priority: int = 0
    category: str = ""
    tags: tuple[str, ...] = ()
    parameters: tuple[Mapping[str, Any], ...] = ()
    soft_timeout: float | str | timedelta | None = None
    mutex: str = ""
    requires: tuple[str, ...] = ()
    atomic: bool = False

    def definition(self) -> dict[str, Any]:
        """Return the job definition that these facts make; InvalidError names what is wrong."""
        job_id = _checked_id(self.job_id)
        _require(
            bool(self.description) and bool(str(self.description).strip()),
            f"{job_id} lacks a description.",
        )
        _require(
            type(self.max_retries) is int and 0 <= self.max_retries <= MAX_RETRIES,
            f"max_retries {self.max_retries!r} of {job_id} is not a number from 0 to {MAX_RETRIES}.",
        )
        delay = _seconds(self.retry_delay_seconds, f"retry_delay_seconds of {job_id}")
        return {
            **self._rare(),
            "name": job_id,
            "external_id": job_id,
            "type": "python",
            "spec": {"job": job_id},
            "description": inspect.cleandoc(self.description),
            "schedules": self._schedules(),
            "timeout_seconds": self._timeout_seconds(),
            "retry": {
                "max_attempts": self.max_retries + 1,
                "kind": str(self.retry_kind),
                "base_seconds": delay,
                "cap_seconds": max(delay, LEAST_RETRY_CAP_SECONDS),
            },
            "overlap": str(self.overlap),
            "misfire": str(self.misfire),
            "queue": self.queue,
            "priority": self.priority,
            "category": self.category,
            "tags": sorted(self.tags),
        }

    def _rare(self) -> dict[str, Any]:
        """Return what only some jobs decide in code, and others leave to people."""
        said: dict[str, Any] = {}
        if self.parameters:
            said["parameters"] = [dict(one) for one in self.parameters]
        if self.mutex:
            said["mutex"] = self.mutex
        if self.requires:
            said["requires"] = sorted(self.requires)
        if self.soft_timeout is not None:
            said["soft_timeout_seconds"] = seconds_of(
                self.soft_timeout, f"soft_timeout of {self.job_id}"
            )
        return said

    def _schedules(self) -> list[dict[str, Any]]:
        """Return the one schedule; a cron expression or an interval, never both."""
        given = [self.cron is not None, self.interval_seconds is not None, self.manual]
        _require(
            sum(given) == 1,
            f"{self.job_id} must have exactly one of cron, interval_seconds or manual = True,"
            f" not {sum(given)} of them.",
        )
        zone = {"timezone": self.timezone} if self.timezone else {}
        if self.cron is not None:
            Schedule(kind=ScheduleKind.CRON, expression=self.cron, timezone=self.timezone or "UTC")
            return [{"kind": "cron", "expression": self.cron, **zone}]
        if self.interval_seconds is None:
            return []
        seconds = _seconds(self.interval_seconds, f"interval_seconds of {self.job_id}")
        _require(
            1 <= seconds <= MAX_INTERVAL_SECONDS,
            f"interval_seconds {seconds:g} of {self.job_id} is not from 1 to"
            f" {MAX_INTERVAL_SECONDS:,}.",
        )
        return [{"kind": "interval", "seconds": seconds, "anchor": Anchor.START.value, **zone}]

    def _timeout_seconds(self) -> float | None:
        """Return the time limit; None and 0 mean that there is none."""
        if self.timeout is None:
            return None
        return seconds_of(self.timeout, f"timeout of {self.job_id}") or None


def seconds_of(value: float | str | timedelta, name: str) -> float:
    """Return seconds out of a number, a text like ``5m`` or a timedelta."""
    if isinstance(value, str):
        value = parse_duration(value)
    return _seconds(value.total_seconds() if isinstance(value, timedelta) else value, name)


def _seconds(value: object, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
        raise InvalidError(f"{name} is {value!r}. Use a number of seconds, 0 or more.")
    return float(value)


def _checked_id(job_id: object) -> str:
    if isinstance(job_id, str) and _ID.fullmatch(job_id):
        return job_id
    raise InvalidError(
        f"job_id {job_id!r} is not allowed. Use 1 to 100 letters, digits, '.', '_' or '-', "
        "beginning with a letter or digit."
    )


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise InvalidError(message)
