"""All that is wrong with a job somebody wants to save, told in one round.

What its definition says is judged without the database; whether its name is free and what it names
exists, with it. Neither waits for the other to be mended.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jobs.domain.errors import DuplicateError, ForbiddenError, InvalidError, JobdeckError
from jobs.domain.permissions import Actor, Permission, require_somewhere
from jobs.domain.said import said
from jobs.models import Job, Workspace
from jobs.queries.calendars import calendars_named
from jobs.services import access, breakers, channel_routes, dependency_edits, workspaces
from jobs.services.definitions import JobDefinition, parse_definition
from jobs.services.findings import Findings
from jobs.services.problems import together

# What of a definition the database judges; what runs, and when, it does not.
_NAMING = ("workspace", "tags", "breaker", "alert_channel", "depends_on", "calendars")
_RUNS = {"type": "command", "spec": {"command": "true"}}
_NOBODY = "name"  # stands for a name that cannot be read, and is not looked for


def parse_new(data: Mapping[str, Any], *, actor: Actor) -> JobDefinition:
    """Return the definition of a new job; InvalidError also for what the database would refuse."""
    return parse_with(data, actor=actor, job=Job())


def parse_with(
    data: Mapping[str, Any], *, actor: Actor, job: Job, before: Mapping[str, Any] | None = None
) -> JobDefinition:
    """Return what ``data`` makes of a job that was defined as ``before``; all that is wrong at once.

    What the database refuses is told here where something else is wrong, and by `place` otherwise.
    """
    try:
        return parse_definition(data, stored=before)
    except InvalidError as error:
        more = _refused_by_database(data, error, actor=actor, job=job, before=before)
        raise (together({**more, **error.fields}) if more else error) from error


def wrong_with(
    data: Mapping[str, Any], *, actor: Actor, job: Job | None, before: Mapping[str, Any] | None
) -> dict[str, str]:
    """Return what saving would refuse, by its field; empty where nothing is wrong."""
    job = job or Job()
    try:
        place(parse_with(data, actor=actor, job=job, before=before), actor, job, before)
    except ForbiddenError:
        return {}  # told when it is saved: no field can mend it
    except JobdeckError as error:
        return error.fields or {"": error.message}
    return {}


def place(
    definition: JobDefinition, actor: Actor, job: Job, before: Mapping[str, Any] | None = None
) -> Workspace | None:
    """Find all that a definition names, and write it as it is stored; return its workspace.

    ``job`` is a new one, or that which was defined as ``before``. ForbiddenError comes first;
    what else is wrong is told together.
    """
    known = before or {"alert_channel": "", "depends_on": []}
    wrong, room = Findings(), None
    with wrong.under():
        room = workspaces.resolve(definition, actor, stays=job.workspace_id)
    if not wrong.errors:
        where, had = room.pk if room else None, job if before else None
        access.require_place(actor, where, definition.tags, before=had)
        with wrong.under():
            _check_name_free(definition.name, room, job)
    with wrong.under():
        breakers.resolve(definition)
    with wrong.under():
        channel_routes.resolve(definition, stays=known["alert_channel"])
    with wrong.under():
        _check_seen(dependency_edits.resolve(definition, job.pk), known["depends_on"], actor)
    with wrong.under():
        calendars_named(definition.calendars)
    _refuse(wrong)
    return room


def _refuse(wrong: Findings) -> None:
    """Raise what is wrong: one alone as it is, a duplicate for one, and several as one error."""
    if len(wrong.errors) == 1:
        raise wrong.errors[0]
    if wrong.errors:
        raise together(wrong.fields)


def _refused_by_database(
    data: Mapping[str, Any],
    error: InvalidError,
    *,
    actor: Actor,
    job: Job,
    before: Mapping[str, Any] | None,
) -> dict[str, str]:
    """Return what `place` refuses of the fields that can be read, beside those that ``error`` names."""
    unread = {key.partition(".")[0] for key in error.fields}
    named = {name: data[name] for name in _NAMING if name in data and name not in unread}
    # Whether a name is free depends on the workspace: of one that cannot be read, nothing is said.
    name = "" if unread & {"name", "workspace"} else data.get("name", "")
    try:
        require_somewhere(actor, Permission.EDIT)
        definition = parse_definition({**named, **_RUNS, "name": name or _NOBODY}, stored=before)
        definition.name = name
        place(definition, actor, job, before)
    except ForbiddenError:
        return {}  # told when nothing else is wrong: no field can mend it
    except JobdeckError as more:
        return more.fields
    return {}


def _check_name_free(name: str, room: Workspace | None, job: Job) -> None:
    named = Job.objects.present().filter(name__iexact=name, workspace=room)
    if named.exclude(pk=job.pk).exists():
        raise name_taken(name, room)


def _check_seen(upstreams: list[Job], known: list[dict[str, Any]], actor: Actor) -> None:
    """Refuse a job that is newly waited for and that ``actor`` may not see."""
    if actor.sees_all:
        return
    stay = {one["job"].lower() for one in known}
    seen = Job.objects.visible_to(actor).filter(pk__in=[one.pk for one in upstreams])
    numbers = set(seen.values_list("pk", flat=True))
    for one in upstreams:
        if one.pk not in numbers and one.name.lower() not in {w.rpartition("/")[2] for w in stay}:
            raise dependency_edits.unknown_job(one.name)


def name_taken(name: str, room: Workspace | None = None) -> DuplicateError:
    """Return the refusal of a name that is in use."""
    sentence = said("A job named {name} exists already. Choose another name.", name=name)
    if room:
        sentence = said(
            "A job named {name} exists already in workspace {room}. Choose another name.",
            name=name,
            room=room.name,
        )
    return DuplicateError(sentence, fields={"name": sentence})
