"""A change of many jobs before it is made and after: rows for a page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from jobs.domain.permissions import Actor, Permission, can
from jobs.domain.states import JobState
from jobs.models import Job
from jobs.services.many_edits import PlannedEdit, next_if_resumed
from jobs.web import formats
from jobs.web.confirm import Fact
from jobs.web.consequences import of_deleting
from jobs.web.draft import words_of

EDIT = "edit"
# What the page offers, with what each needs of a person.
NEEDS: dict[str, Permission] = {
    "run": Permission.EXECUTE,
    "pause": Permission.PAUSE,
    "resume": Permission.PAUSE,
    EDIT: Permission.EDIT,
    "delete": Permission.DELETE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One job: what changes, its next run before and after, or why it is left out."""

    job: Job
    changes: list[tuple[str, str, str]]  # field, before, after
    next_before: datetime | None
    next_after: datetime | None
    after_words: str = ""  # instead of a moment
    error: str = ""
    facts: Sequence[Fact] = ()


def edit_data(given: QueryDict) -> dict[str, Any]:
    """Return what the form's fields ask for, as the service takes it."""
    minutes = given.get("minutes", "").strip()
    return {
        "add_tags": words_of(given.get("add_tags", "")),
        "remove_tags": words_of(given.get("remove_tags", "")),
        "queue": given.get("queue", "").strip(),
        "shift_minutes": minutes or 0,
    }


def edited(planned: Iterable[PlannedEdit]) -> list[Line]:
    """Return the lines of an edit."""
    return [
        Line(
            job=one.job,
            changes=[
                (_label(name), _text(name, one.before[name]), _text(name, one.after[name]))
                for name in one.after
            ],
            next_before=one.next_before,
            next_after=one.next_after,
            error=one.error,
        )
        for one in planned
    ]


def done_to(jobs: Iterable[Job], do: str, actor: Actor, now: datetime) -> list[Line]:
    """Return the lines of a deed on each job."""
    lines = [_deed(job, do, actor, now) for job in jobs]
    if do != "delete":
        return lines
    lost = of_deleting([line.job for line in lines if not line.error], actor)
    return [replace(line, facts=lost.get(line.job.pk, ())) for line in lines]


def said_of_many(do: str, number: int) -> str:
    """Say what was done to how many jobs."""
    text = {
        "run": ngettext("Started %s job.", "Started %s jobs.", number),
        "pause": ngettext("Paused %s job.", "Paused %s jobs.", number),
        "resume": ngettext("Resumed %s job.", "Resumed %s jobs.", number),
        "delete": ngettext("Deleted %s job.", "Deleted %s jobs.", number),
        EDIT: ngettext("Changed %s job.", "Changed %s jobs.", number),
        "undo": ngettext(
            "Took back the change of %s job.", "Took back the change of %s jobs.", number
        ),
        "unimport": ngettext(
            "Took back the import of %s job.", "Took back the import of %s jobs.", number
        ),
    }
    return text[do] % formats.count(number)


def _deed(job: Job, do: str, actor: Actor, now: datetime) -> Line:
    stopped = job.state != JobState.ACTIVE
    error = ""
    if not can(actor, NEEDS[do], job):
        error = _("You may not do this to it.")
    elif (do == "pause" and job.state == JobState.PAUSED) or (do == "resume" and not stopped):
        error = _("It is so already.")
    after, said = job.next_fire_at, ""
    if do == "run":
        said = _("once now, then as before")
    elif do == "resume" and not error:
        after = next_if_resumed(job, now)
    elif do in ("pause", "delete") and not error:
        after = None
    return Line(
        job=job,
        changes=[],
        next_before=job.next_fire_at,
        next_after=after,
        after_words=said,
        error=error,
    )


def _label(name: str) -> str:
    return {"tags": _("Tags"), "queue": _("Queue"), "schedules": _("Schedules")}[name]


def _text(name: str, value: Any) -> str:
    if name == "schedules":
        return ", ".join(_written(one) for one in value)
    if name == "tags":
        return ", ".join(value) or _("none")
    return str(value)


def _written(schedule: Mapping[str, Any]) -> str:
    if schedule["seconds"]:
        return _("interval %s") % formats.setting(schedule["seconds"])
    return str(schedule["expression"] or schedule["at"] or schedule["event"])
