"""The answer of a preview: runs on three clocks, what is held back, load, clock changes, a diff."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from pydantic import BaseModel, Field

from jobs.domain import schedule as rules
from jobs.domain.clock_changes import ClockChange
from jobs.domain.clock_words import effects, heading
from jobs.domain.forecast import FireDiff
from jobs.domain.planned import Planned
from jobs.services.previews import Load


class SchedulePreview(BaseModel):
    """What one schedule means."""

    words: str = Field(description="Empty when the schedule is wrong.")
    items: list[datetime]
    errors: dict[str, str] = Field(description="By field.")


class HeldDocument(BaseModel):
    """Why due times make no run: a freeze, or a calendar of the job."""

    reason: str
    detail: str
    last: datetime = Field(description="The last due time in a row that it holds back.")
    count: int | None = Field(description="How many are held back; null: too many to count.")


class Run(BaseModel):
    """One run to come, on three clocks; or, with `held`, the first of due times held back."""

    at: datetime
    job_time: str = Field(description="In the zone of the first schedule, with its offset.")
    viewer_time: str
    about: bool = Field(description="Counted from the end of a run to come: a guess.")
    held: HeldDocument | None = Field(description="Null for a run.")


class CrowdDocument(BaseModel):
    """A minute in which other jobs are due with a run to come."""

    at: datetime
    jobs: int = Field(description="At least so many other jobs have their next due time there.")


class LoadDocument(BaseModel):
    """What the schedules ask of the machine."""

    runs_in_seven_days: int | None = Field(description="Null when there are too many to count.")
    seconds: float | None = Field(
        description="How long a run usually takes: the median of the last ones. Null when unknown."
    )
    measured: int = Field(description="From how many of the last runs that is the median.")
    crowd: CrowdDocument | None = Field(description="The fullest minute of the next five runs.")


class ClockChangeDocument(BaseModel):
    """A change of the clock to come."""

    timezone: str
    at: datetime
    shown_before: str = Field(description="What the clock would show at that moment.")
    shown_after: str
    words: str
    touched: bool = Field(description="Whether it changes anything for a schedule.")
    effects: list[str]


class Moved(BaseModel):
    """A due time that moves within its local day."""

    before: datetime
    after: datetime


class DiffDocument(BaseModel):
    """What an edit does to the due times of the next 30 days; lists hold the first 50."""

    start: datetime
    end: datetime
    compared_until: datetime = Field(
        description="The counts of changes hold up to here; earlier than `end` when there are too"
        " many due times to look at each."
    )
    before_count: int | None = Field(description="Null when there are too many to count.")
    after_count: int | None
    kept_count: int | None
    added_count: int
    removed_count: int
    moved_count: int
    added: list[datetime]
    removed: list[datetime]
    moved: list[Moved]
    about: bool = Field(description="Intervals that count from the end of a run take part.")
    held: bool = Field(
        description="Freezes or calendars hold back due times of these days: they are not counted."
    )


class Preview(BaseModel):
    """What all schedules together mean."""

    words: str
    items: list[datetime] = Field(
        description="The next due times of the right schedules together that will run."
    )
    timezone: str
    viewer_timezone: str
    runs: list[Run] = Field(
        description="The same on the job's and the viewer's clock, with what is held back between."
    )
    looked_until: datetime | None = Field(
        description="Where the search for runs ended, when so much is held back; else null."
    )
    load: LoadDocument
    clock_changes: list[ClockChangeDocument] = Field(
        description="The next two of each zone in which a cron schedule counts."
    )
    diff: DiffDocument | None = Field(description="Null unless `job_id` or `before` is given.")
    schedules: list[SchedulePreview]
    errors: dict[str, str] = Field(
        description="By field, such as `schedules.0.expression` or `before.0.timezone`."
    )


def run_document(one: Planned, job_zone: str, viewer_zone: str) -> Run:
    """Return one entry of a plan on three clocks."""
    job_time, viewer_time = (
        one.at.astimezone(rules.zone(name)).isoformat() for name in (job_zone, viewer_zone)
    )
    return Run(
        at=one.at,
        job_time=job_time,
        viewer_time=viewer_time,
        about=one.about,
        held=held_document(one),
    )


def held_document(one: Planned) -> HeldDocument | None:
    """Return why an entry of a plan is no run; None for one that is."""
    if one.held is None:
        return None
    return HeldDocument(
        reason=one.held.reason.value,
        detail=one.held.detail,
        last=one.last or one.at,
        count=one.count,
    )


def load_document(found: Load) -> LoadDocument:
    """Return what schedules ask of the machine."""
    crowd = found.crowd
    return LoadDocument(
        runs_in_seven_days=found.runs,
        seconds=found.seconds,
        measured=found.measured,
        crowd=CrowdDocument(at=crowd.at, jobs=crowd.jobs) if crowd else None,
    )


def clock_change_document(change: ClockChange, numbers: Sequence[int]) -> ClockChangeDocument:
    """Return a change of the clock; ``numbers`` are the places of the right schedules, from 1."""
    return ClockChangeDocument(
        timezone=change.zone,
        at=change.at,
        shown_before=change.shown_before.isoformat(),
        shown_after=change.shown_after.isoformat(),
        words=heading(change),
        touched=change.touched,
        effects=list(effects(change, numbers=numbers)),
    )


def diff_document(found: FireDiff) -> DiffDocument:
    """Return what an edit does."""
    moved = [Moved(before=old, after=new) for old, new in found.moved]
    return DiffDocument(**{**asdict(found), "moved": moved})
