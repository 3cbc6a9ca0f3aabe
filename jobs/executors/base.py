"""The contract of a job type: a spec and a context in, a result out, a monitor in between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Protocol

from pydantic import BaseModel, ConfigDict

from jobs.domain.addresses import Allowed
from jobs.domain.masking import NO_SECRETS, Mask
from jobs.domain.parameters import Scalar
from jobs.domain.states import ExecutionState, Stream, Trigger

STANDALONE = "_standalone_"
DEFAULT_OUTPUT_LIMIT = 10_000_000


class Chunk(NamedTuple):
    """A piece of output as it was read: raw bytes, neither line nor character aligned."""

    stream: Stream
    data: bytes


class KeptFile(NamedTuple):
    """A file that an attempt left and that lies in the store now."""

    name: str
    size: int
    sha256: str


class BeatAnswer(NamedTuple):
    """What a sign of life learned: go on, or stop and why."""

    cancelled_by: str | None = None  # somebody asked to cancel; their name
    fenced: bool = False  # the lease is lost: another may own the execution already


class Monitor(Protocol):
    """What the runner does while an execution runs; every call may take database time.

    An exception out of any of these ends the whole process tree and propagates.
    """

    def started(self, pid: int, start_time: int | None) -> None:
        """Note the main process; ``start_time`` is in clock ticks since boot (Linux)."""

    def write(self, chunks: Sequence[Chunk], *, last: bool = False) -> None:
        """Store output, in order, after everything written before.

        Called at most every 0.25 s or 32 kB, and once with ``last`` (perhaps with nothing) right
        before ``execute`` returns, so that it can share the transaction of the verdict.
        """

    def progress(self, percent: int) -> None:
        """Take the newest ``::progress`` (0 to 100), just before a beat or the end."""

    def soft_limit(self) -> None:
        """Note that the soft time limit is over and the job still runs; told once."""

    def beat(self) -> BeatAnswer:
        """Renew the lease, about once a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionContext:
    """Everything about one attempt that is not the job type's own spec."""

    instance: str  # id of this installation: the marker by which strays are found again
    execution_id: int
    job_id: int
    job_name: str
    attempt: int
    scheduled_for: datetime  # aware, UTC
    trigger: Trigger
    default_dir: Path  # of the workspace; made when missing
    scratch_dir: Path  # private directory of the server; holds script files while they run
    grace: timedelta
    timeout: timedelta | None = None
    soft_timeout: timedelta | None = None  # past it the run is told as slow, once
    parameters: Mapping[str, Scalar] = field(default_factory=dict)  # what its start was given
    # Where the job may leave files; made when it starts and private to it. None: nowhere.
    artifacts_dir: Path | None = None
    workspace_id: str = STANDALONE
    traceparent: str = ""  # the span that the job's own come below; empty: nobody traces
    backfill_id: int | None = None  # of the backfill that made the execution
    run_as: str | None = None  # another user of this host, whom the processes belong to
    working_dir: Path | None = None  # the job's own: absolute, or below ``default_dir``
    environment: Mapping[str, str] = field(default_factory=dict)
    output_limit: int = DEFAULT_OUTPUT_LIMIT
    http_allowed: Sequence[Allowed] = ()  # what HTTP jobs may reach besides public addresses
    mask: Mask = NO_SECRETS  # what must not appear in the output


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionResult:
    """How one attempt ended.

    ``message`` is the verdict as a sentence, empty on success; ``error`` the last line the
    command wrote on stderr, None on success. ``max_rss_bytes`` is None when the peak stayed below
    the worker's own size and no sample was taken: the kernel then reports the worker's.
    """

    state: ExecutionState
    started_at: datetime
    finished_at: datetime
    seconds: float = 0.0  # by the monotonic clock
    exit_code: int | None = None
    signal: int | None = None
    message: str = ""
    error: str | None = None
    result: Any = None  # the last ``::result``: any JSON value
    metrics: Mapping[str, float] = field(default_factory=dict)
    # What it reported as wrong without failing: the first lines, and how many there were.
    warnings: Sequence[str] = ()
    warning_count: int = 0
    artifacts: Sequence[KeptFile] = ()  # what it left in its artifacts directory
    output_bytes: int = 0  # printed, whether kept or not
    truncated: bool = False
    cpu_seconds: float | None = None
    max_rss_bytes: int | None = None


class Spec(BaseModel):
    """What a job type needs to know; the model also makes its form and its API schema."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    # How a missing field is called in the message, where its own name is not enough.
    called: ClassVar[Mapping[str, str]] = {}


class Executor(Protocol):
    """One job type."""

    @property
    def spec_model(self) -> type[Spec]:
        """Return the model that ``execute`` takes."""

    def execute(self, spec: Any, context: ExecutionContext, monitor: Monitor) -> ExecutionResult:
        """Run to the end and say how it went; what the job does wrong is a result, not an error."""
