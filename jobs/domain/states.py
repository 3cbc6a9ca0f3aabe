"""States and the other closed sets, with the edges that are allowed, as data."""

from __future__ import annotations

from enum import StrEnum


class JobState(StrEnum):
    """Whether a job's schedules fire."""

    ACTIVE = "active"
    PAUSED = "paused"  # stopped by a person
    AUTO_DISABLED = "auto_disabled"  # stopped by the failure rule


class ExecutionState(StrEnum):
    """Where one execution stands."""

    QUEUED = "queued"
    CLAIMED = "claimed"  # handed to a cluster, not started yet
    RUNNING = "running"
    RETRYING = "retrying"  # waits for its next attempt
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"
    LOST = "lost"  # its worker died; what became of the command is unknown


LIVE = (
    ExecutionState.QUEUED,
    ExecutionState.CLAIMED,
    ExecutionState.RUNNING,
    ExecutionState.RETRYING,
)
TERMINAL = tuple(state for state in ExecutionState if state not in LIVE)
# What counts as a failure in counters, success rates and the auto-disable rule.
FAILURES = (ExecutionState.FAILED, ExecutionState.TIMED_OUT, ExecutionState.LOST)

# A finished execution never changes again; everything else moves along these edges only.
EDGES: dict[ExecutionState, tuple[ExecutionState, ...]] = {
    ExecutionState.QUEUED: (
        ExecutionState.CLAIMED,
        ExecutionState.CANCELLED,
        ExecutionState.SKIPPED,
    ),
    ExecutionState.CLAIMED: (
        ExecutionState.RUNNING,
        ExecutionState.QUEUED,  # given back: the cluster could not start it
        ExecutionState.CANCELLED,
        ExecutionState.SKIPPED,
    ),
    ExecutionState.RUNNING: (
        ExecutionState.SUCCEEDED,
        ExecutionState.FAILED,
        ExecutionState.TIMED_OUT,
        ExecutionState.CANCELLED,
        ExecutionState.LOST,
        ExecutionState.RETRYING,
    ),
    ExecutionState.RETRYING: (
        ExecutionState.QUEUED,
        ExecutionState.CANCELLED,
    ),
}


class Trigger(StrEnum):
    """What made an execution."""

    SCHEDULE = "schedule"
    MISFIRE = "misfire"  # a due time that was missed and is made up for
    MANUAL = "manual"
    API = "api"
    RETRY = "retry"
    DEPENDENCY = "dependency"
    BACKFILL = "backfill"
    EVENT = "event"


class DependencyOutcome(StrEnum):
    """Which ending of another job lets a job start."""

    SUCCESS = "success"  # it succeeded
    FAILURE = "failure"  # it failed, timed out or was lost
    DONE = "done"  # it ended, however: also when it was cancelled


class OmissionReason(StrEnum):
    """Why a due time made no execution."""

    PAUSED = "paused"
    AUTO_DISABLED = "auto_disabled"
    FROZEN = "frozen"
    CALENDAR = "calendar"
    OVERLAP = "overlap"
    BREAKER = "breaker"
    MISFIRE = "misfire"  # missed, and the misfire policy does not make up for it
    LIMIT = "limit"
    EXPIRED = "expired"
    NO_DISPATCHER = "no_dispatcher"


class Stream(StrEnum):
    """Where a piece of log came from."""

    STDOUT = "stdout"
    STDERR = "stderr"
    SYSTEM = "system"  # Jobdeck's own remark, e.g. that output was cut


class ScheduleKind(StrEnum):
    """How a schedule names its due times."""

    CRON = "cron"
    INTERVAL = "interval"
    ONCE = "once"
    EVENT = "event"


class Anchor(StrEnum):
    """What an interval counts from."""

    COMPLETION = "completion"
    START = "start"  # a grid from the anchor: no drift


class DayMatch(StrEnum):
    """How day of month and day of week combine when an expression restricts both."""

    ANY = "any"
    ALL = "all"


class SecondsPosition(StrEnum):
    """Where a cron expression of six fields has its seconds."""

    LAST = "last"
    FIRST = "first"  # as Quartz writes it


class Gap(StrEnum):
    """What becomes of a fixed wall-clock time that the clocks jump over."""

    FIRST_VALID = "first_valid"  # it fires once, at the first instant after the gap
    SKIP = "skip"


class Fold(StrEnum):
    """Which pass of a fixed wall-clock time fires when the clocks go back over it."""

    FIRST = "first"
    SECOND = "second"
    BOTH = "both"


class Event(StrEnum):
    """What an event schedule waits for."""

    REBOOT = "@reboot"
    DEPLOYMENT = "@deployment"
    DEPLOYMENT_FAILED = "@deployment-failed"
    DESTROY = "@destroy"
    DESTROY_FAILED = "@destroy-failed"
    MANUALLY = "@manually"


class Deployment(StrEnum):
    """Where the infrastructure of a workspace stands."""

    PENDING = "pending"  # never deployed
    DEPLOYING = "deploying"
    DEPLOYED = "deployed"
    DEPLOY_FAILED = "deploy_failed"
    DESTROYING = "destroying"
    DESTROYED = "destroyed"
    DESTROY_FAILED = "destroy_failed"


class CalendarMode(StrEnum):
    """What a calendar's windows do to due times."""

    BLOCK = "block"  # inside a window they are held back
    ALLOW = "allow"  # outside all windows they are held back


class Misfire(StrEnum):
    """What becomes of due times that nobody dispatched in time."""

    SKIP = "skip"
    FIRE_ONCE = "fire_once"
    FIRE_ALL = "fire_all"


class Overlap(StrEnum):
    """What becomes of a due time while an execution of the same job is live."""

    SKIP = "skip"
    QUEUE = "queue"
    ALLOW = "allow"
    CANCEL_RUNNING = "cancel_running"


class RetryKind(StrEnum):
    """How the wait between attempts grows."""

    FIXED = "fixed"
    EXPONENTIAL = "exponential"


class RetryCause(StrEnum):
    """How an attempt failed, as far as the choice to try again goes; `lost` is a choice apart."""

    EXIT_CODE = "exit_code"  # it ended by itself with a code that is no success
    SIGNAL = "signal"  # a signal ended it, which was not its time limit
    TIMEOUT = "timeout"
    ERROR = "error"  # it could not begin, or its type says so: it has no exit code


class BreakerState(StrEnum):
    """Where a circuit breaker stands."""

    CLOSED = "closed"  # everything starts
    OPEN = "open"  # nothing starts
    HALF_OPEN = "half_open"  # a few test runs start


class FreezeScope(StrEnum):
    """What a freeze holds back."""

    EVERYTHING = "everything"
    TAG = "tag"
    WORKSPACE = "workspace"


class BackfillChoice(StrEnum):
    """Which due times of its window a backfill runs."""

    MISSED = "missed"  # those without an execution that ended
    FAILED = "failed"  # those whose latest execution failed
    ALL = "all"


class BackfillOrder(StrEnum):
    """Where a backfill begins."""

    OLDEST_FIRST = "oldest_first"
    NEWEST_FIRST = "newest_first"


class BackfillState(StrEnum):
    """Where a backfill stands."""

    RUNNING = "running"
    PAUSED = "paused"
    CANCELLED = "cancelled"
    FINISHED = "finished"
