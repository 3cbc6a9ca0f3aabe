"""The sentences in which a run ends."""

from __future__ import annotations

import signal
from datetime import UTC, datetime, timedelta

from jobs.domain.durations import format_duration
from jobs.domain.errors import InvalidError
from jobs.domain.states import ExecutionState
from jobs.executors.base import ExecutionResult

FENCED = "Ended because its lease was lost: another worker may have taken over"
UNKNOWN = "How the command ended could not be learned"
# What a shell answers for a program that it cannot find, and for one that it cannot start.
NOT_FOUND = 127
NOT_STARTED = 126


def of_exit(code: int | None, signum: int | None) -> tuple[ExecutionState, str]:
    """Judge an exit code or a signal."""
    if code == 0:
        return ExecutionState.SUCCEEDED, ""
    if code is not None:
        return ExecutionState.FAILED, f"Command failed: exit status {code}"
    if signum is not None:
        return ExecutionState.FAILED, f"Command ended by signal {signum} ({_signal_name(signum)})"
    return ExecutionState.LOST, UNKNOWN


def timed_out(timeout: timedelta | None) -> str:
    """Name the limit that was reached."""
    seconds = timeout.total_seconds() if timeout else 0.0
    return f"Timed out after {f'{seconds:.3f}'.rstrip('0').rstrip('.')} s"


def slow(limit: timedelta | None) -> str:
    """Say that a run goes on past its soft limit."""
    return f"still running after its soft limit of {format_duration(limit or timedelta())}"


def cancelled(actor: str) -> str:
    """Name the person who cancelled."""
    return f"Cancelled by {actor}" if actor else "Cancelled"


def not_started(error: OSError | InvalidError, started_at: datetime) -> ExecutionResult:
    """Make the result of a run whose command could not be started."""
    exit_code = None
    if isinstance(error, OSError):
        exit_code = NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_STARTED
    reason = _reason(error)
    return ExecutionResult(
        state=ExecutionState.FAILED,
        started_at=started_at,
        finished_at=datetime.now(UTC),
        exit_code=exit_code,
        message=f"Command could not be started: {reason}",
        error=reason,
    )


def _reason(error: OSError | InvalidError) -> str:
    if isinstance(error, InvalidError):
        return error.message
    name = error.filename
    text = error.strerror or str(error)
    shown = name.decode(errors="replace") if isinstance(name, bytes) else name
    return f"{shown}: {text}" if shown else text


def _signal_name(signum: int) -> str:
    try:
        return signal.Signals(signum).name
    except ValueError:
        # Linux has no names between SIGRTMIN and SIGRTMAX.
        return "real-time signal"
