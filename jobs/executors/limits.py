"""Limits of a job's processes, set before its program starts and inherited by all it starts.

The kernel enforces them, each process for itself. A small shell sets them and then becomes the
program: setting them in a fork of the worker would cost a copy of its page tables, see `spawn`.
"""

from __future__ import annotations

import resource
import shutil
import signal
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)

from jobs.domain.said import said
from jobs.domain.states import ExecutionState
from jobs.executors.base import ExecutionContext, ExecutionResult, Spec
from jobs.executors.identity import fault_of

SHELL = "/bin/sh"
NICE = shutil.which("nice") or "/usr/bin/nice"
# Below this not even a shell starts.
LEAST_MEMORY = 16 * 1024 * 1024
MOST_MEMORY = 1 << 50
LEAST_FILES = 16
KIB = 1024
# A program deaf to SIGXCPU is killed after so many further seconds of CPU time.
CPU_GRACE = 5


class Limits(BaseModel):
    """What each process of a job may use at most; what is not named is not limited."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    memory_bytes: int | None = Field(
        None, ge=LEAST_MEMORY, le=MOST_MEMORY, description="Address space of each process."
    )
    cpu_seconds: int | None = Field(
        None, ge=1, le=31_536_000, description="CPU time of each process, then SIGXCPU."
    )
    open_files: int | None = Field(None, ge=LEAST_FILES, le=1_048_576)
    nice: int | None = Field(
        None, ge=0, le=19, description="How much it gives way to others; 19 is most."
    )

    @model_validator(mode="after")
    def _check(self) -> Limits:
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        if self.open_files is not None and self.open_files > most > 0:
            raise ValueError(
                said(
                    "limits: open_files {n:,}: this server has {most:,}",
                    n=self.open_files,
                    most=most,
                )
            )
        return self

    def applied_to(self, argv: Sequence[str]) -> Sequence[str]:
        """Return what starts a program within the limits; the arguments pass unchanged."""
        lines = []
        if self.open_files is not None:
            lines.append(f"ulimit -n {self.open_files}")
        if self.cpu_seconds is not None:
            lines.append(f"ulimit -S -t {self.cpu_seconds}")
            lines.append(f"ulimit -H -t {self.cpu_seconds + CPU_GRACE}")
        if self.memory_bytes is not None:
            lines.append(f"ulimit -v {self.memory_bytes // KIB}")
        program = f'exec "{NICE}" -n {self.nice} "$@"' if self.nice else 'exec "$@"'
        # "$@" is the program with its arguments, which no shell reads again.
        return [SHELL, "-c", " && ".join([*lines, program]), "jobdeck", *argv]


class LimitedSpec(Spec):
    """A spec of a job that starts processes."""

    limits: Limits | None = None
    run_as: str | None = Field(None, description="Another user of the host, whom it runs as.")

    @field_validator("run_as")
    @classmethod
    def _check_run_as(cls, name: str | None) -> str | None:
        name = (name or "").strip()
        if name and (fault := fault_of(name)):
            raise ValueError(fault)
        return name or None

    @model_serializer(mode="wrap")
    def _serialize(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what is not set, as it was before there was any."""
        values: dict[str, Any] = handler(self)
        if self.run_as is None:
            values.pop("run_as", None)
        if self.limits is None:
            values.pop("limits", None)
        else:
            values["limits"] = {n: v for n, v in values["limits"].items() if v is not None}
        return values

    def context_of(self, context: ExecutionContext) -> ExecutionContext:
        """Return the context with whom the job runs as."""
        return context if self.run_as is None else replace(context, run_as=self.run_as)

    def within_limits(self, candidates: Sequence[Sequence[str]]) -> Sequence[Sequence[str]]:
        """Return what to start: with limits only the last, surest candidate, wrapped."""
        return candidates if self.limits is None else [self.limits.applied_to(candidates[-1])]

    def explained(self, result: ExecutionResult) -> ExecutionResult:
        """Name the limit in the message of a run that it has ended."""
        seconds = self.limits.cpu_seconds if self.limits else None
        if seconds is None or result.state is not ExecutionState.FAILED:
            return result
        used_up = result.cpu_seconds is not None and result.cpu_seconds >= seconds
        # A shell reports the death of its last command as 128 and the signal's number.
        by_limit = result.signal == signal.SIGXCPU or result.exit_code == 128 + signal.SIGXCPU
        by_force = result.signal == signal.SIGKILL and used_up
        if not by_limit and not by_force:
            return result
        return replace(result, message=f"{result.message}; its limit is {seconds} s of CPU time")
