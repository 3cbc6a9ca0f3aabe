"""What the pages call the states, with the icon and colour that go with each word.

The one place where the code's words (``HOUSE-STYLE``) meet the words of the page: a cancelled
execution reads "Killed", a live job with a bad last run "Failing". Colour never stands alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from jobs.domain.states import (
    Anchor,
    BreakerState,
    CalendarMode,
    DayMatch,
    DependencyOutcome,
    Event,
    ExecutionState,
    Fold,
    Gap,
    Misfire,
    OmissionReason,
    Overlap,
    RetryCause,
    RetryKind,
    SecondsPosition,
    Trigger,
)
from jobs.queries.freezes import Phase

Text = str | Promise


@dataclass(frozen=True, slots=True)
class Badge:
    """Word, icon, and colour class (empty for grey) of a state."""

    word: Text
    icon: str
    tone: str = ""


EXECUTION: dict[str, Badge] = {
    ExecutionState.QUEUED: Badge(_("Queued"), "circle-dashed"),
    ExecutionState.CLAIMED: Badge(_("Starting"), "circle-dashed"),
    ExecutionState.RUNNING: Badge(_("Running"), "loader-circle", "run"),
    ExecutionState.RETRYING: Badge(_("Retry"), "rotate-cw", "warn"),
    ExecutionState.SUCCEEDED: Badge(_("Succeeded"), "circle-check", "ok"),
    ExecutionState.FAILED: Badge(_("Failed"), "octagon-x", "bad"),
    ExecutionState.TIMED_OUT: Badge(_("Timed out"), "clock-alert", "bad"),
    ExecutionState.CANCELLED: Badge(_("Killed"), "circle-stop"),
    ExecutionState.SKIPPED: Badge(_("Skipped"), "skip-forward"),
    ExecutionState.LOST: Badge(_("Lost"), "circle-question-mark", "bad"),
}
JOB: dict[str, Badge] = {
    "auto_disabled": Badge(_("Auto-disabled"), "unplug", "bad"),
    "failing": Badge(_("Failing"), "octagon-alert", "warn"),
    "overdue": Badge(_("Overdue"), "clock-alert", "warn"),
    "executing": Badge(_("Running"), "loader-circle", "run"),
    "scheduled": Badge(_("Scheduled"), "calendar-clock"),
    "after_others": Badge(_("After other jobs"), "calendar-clock"),
    "by_hand": Badge(_("By hand only"), "calendar-clock"),
    "ended": Badge(_("No more runs"), "circle-check"),
    "paused": Badge(_("Paused"), "circle-pause"),
}
# Intervals to choose from, with what they are good for.
INTERVALS: tuple[tuple[str, Text], ...] = (
    ("10s", _("development")),
    ("1m", _("development")),
    ("5m", _("monitoring")),
    ("30m", _("monitoring")),
    ("1h", _("production")),
    ("6h", _("production")),
    ("12h", _("daily")),
    ("1d", _("daily")),
)
JOB_FILTER: dict[str, Text] = {
    "executing": _("Executing"),
    "failing": _("Failing"),
    "overdue": _("Overdue"),
    "paused": _("Paused"),
    "auto_disabled": _("Auto-disabled"),
    "idle": _("Idle for 30 days"),
}
RESULT: dict[str, Text] = {
    "live": _("In progress"),
    "succeeded": _("Succeeded"),
    "failed": _("Failed"),
    "killed": _("Killed"),
    "skipped": _("Skipped"),
}
TRIGGER: dict[str, Text] = {
    Trigger.SCHEDULE: _("schedule"),
    Trigger.MISFIRE: _("schedule, made up for"),
    Trigger.MANUAL: _("by hand"),
    Trigger.API: _("API"),
    Trigger.RETRY: _("run again"),
    Trigger.DEPENDENCY: _("another job"),
    Trigger.BACKFILL: _("backfill"),
    Trigger.EVENT: _("event"),
}
DEPENDENCY: dict[str, Text] = {
    DependencyOutcome.SUCCESS: _("succeeded"),
    DependencyOutcome.FAILURE: _("failed"),
    DependencyOutcome.DONE: _("ended, however"),
}
REASON: dict[str, Text] = {
    OmissionReason.PAUSED: _("Job paused"),
    OmissionReason.AUTO_DISABLED: _("Job auto-disabled"),
    OmissionReason.FROZEN: _("Frozen"),
    OmissionReason.CALENDAR: _("Blackout window"),
    OmissionReason.OVERLAP: _("Previous run still executing"),
    OmissionReason.BREAKER: _("Circuit open"),
    OmissionReason.MISFIRE: _("Missed: nothing dispatched it in time"),
    OmissionReason.LIMIT: _("Too many missed runs to make up for"),
    OmissionReason.EXPIRED: _("Past its end"),
    OmissionReason.NO_DISPATCHER: _("No scheduler was running"),
}
OVERLAP: dict[str, Text] = {
    Overlap.SKIP: _("Skip the new run"),
    Overlap.QUEUE: _("Queue one run"),
    Overlap.ALLOW: _("Run side by side"),
    Overlap.CANCEL_RUNNING: _("Kill the running one"),
}
MISFIRE: dict[str, Text] = {
    Misfire.SKIP: _("Leave them out"),
    Misfire.FIRE_ONCE: _("Run once"),
    Misfire.FIRE_ALL: _("Run each of them"),
}
RETRY: dict[str, Text] = {
    RetryKind.FIXED: _("every wait the same"),
    RetryKind.EXPONENTIAL: _("each wait doubled"),
}
# Named strategies (`domain.strategies`) say attempts and waits together.
STRATEGY: dict[str, Text] = {
    "data-fetch": _("data fetch: 3 attempts, 1 s doubled up to 1 min"),
    "analytics": _("analytics: 2 attempts, 30 s between"),
    "notifications": _("notifications: 5 attempts, 5 s doubled up to 5 min"),
}
RETRY_CAUSE: dict[str, Text] = {
    RetryCause.EXIT_CODE: _("an exit code"),
    RetryCause.SIGNAL: _("a signal"),
    RetryCause.TIMEOUT: _("the time limit"),
    RetryCause.ERROR: _("it could not begin"),
}
ANCHOR: dict[str, Text] = {
    Anchor.COMPLETION: _("after each finish"),
    Anchor.START: _("start to start"),
}
DAY_MATCH: dict[str, Text] = {
    DayMatch.ANY: _("either may match, as in crontab"),
    DayMatch.ALL: _("both have to match"),
}
SECONDS_POSITION: dict[str, Text] = {
    SecondsPosition.LAST: _("come last"),
    SecondsPosition.FIRST: _("come first, as in Quartz"),
}
GAP: dict[str, Text] = {
    Gap.FIRST_VALID: _("runs right after the gap"),
    Gap.SKIP: _("does not run"),
}
FOLD: dict[str, Text] = {
    Fold.FIRST: _("runs the first time"),
    Fold.SECOND: _("runs the second time"),
    Fold.BOTH: _("runs both times"),
}
EVENT: dict[str, Text] = {
    Event.REBOOT: _("The scheduler has started"),
    Event.DEPLOYMENT: _("A deployment has succeeded"),
    Event.DEPLOYMENT_FAILED: _("A deployment has failed"),
    Event.DESTROY: _("A destroy has succeeded"),
    Event.DESTROY_FAILED: _("A destroy has failed"),
    Event.MANUALLY: _("By hand only"),
}
BREAKER_KIND: dict[str, Text] = {
    "": _("None"),
    "own": _("Its own"),
    "shared": _("Shared, by name"),
}
BREAKER_STATE: dict[str, Badge] = {
    BreakerState.CLOSED: Badge(_("Closed"), "circle-check", "ok"),
    BreakerState.OPEN: Badge(_("Open"), "octagon-x", "bad"),
    BreakerState.HALF_OPEN: Badge(_("Half-open"), "circle-question-mark", "warn"),
}
FREEZE_PHASE: dict[str, Badge] = {
    Phase.HOLDING: Badge(_("Holding"), "snowflake", "run"),
    Phase.PLANNED: Badge(_("Planned"), "calendar-clock"),
    Phase.ENDED: Badge(_("Over"), "circle-check"),
    Phase.CANCELLED: Badge(_("Called off"), "circle-stop"),
}
CALENDAR_MODE: dict[str, Text] = {
    CalendarMode.BLOCK: _("Holds back inside"),
    CalendarMode.ALLOW: _("Lets run inside only"),
}
JOB_TYPE: dict[str, Text] = {
    "command": _("Command"),
    "script": _("Script"),
    "http": _("HTTP call"),
    "python": _("Python"),
    "template": _("Template"),
    "registerCspResources": _("CSP registration"),
    "management_command": _("Management command"),
}
