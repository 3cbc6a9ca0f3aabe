"""What each person may choose for their own pages."""

from __future__ import annotations

from enum import StrEnum


class Theme(StrEnum):
    """Light or dark; a preference that is empty follows the system."""

    LIGHT = "light"
    DARK = "dark"


class Density(StrEnum):
    """How close the rows of lists stand; a preference that is empty is comfortable."""

    COMFORTABLE = "comfortable"
    COMPACT = "compact"


class Language(StrEnum):
    """The languages that there are; a preference that is empty follows the browser."""

    ENGLISH = "en"
    INDONESIAN = "id"


class FilterPage(StrEnum):
    """The lists whose filters can be kept under a name."""

    JOBS = "jobs"
    EXECUTIONS = "executions"
    ALERTS = "alerts"
    AUDIT = "audit"


class JobColumn(StrEnum):
    """The columns of the list of jobs that can be left out, in order."""

    SCHEDULE = "schedule"
    NEXT = "next"
    STRIP = "strip"
    SUCCESS = "success"
    LAST = "last"


class ExecutionColumn(StrEnum):
    """The columns of the list of executions that can be left out, in order."""

    NUMBER = "number"
    TRIGGER = "trigger"
    STARTED = "started"
    DURATION = "duration"
    MESSAGE = "message"
