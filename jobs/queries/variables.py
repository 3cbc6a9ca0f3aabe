"""Variables: lists, what a job names, and which jobs name one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

from django.db.models import F, Q, QuerySet, TextField
from django.db.models.functions import Cast

from jobs.domain.errors import InvalidError, UnknownError
from jobs.domain.said import said
from jobs.domain.variables import PARAMETER, Use, uses_in
from jobs.models import Job, Variable, Workspace
from jobs.models.variable import GLOBAL, JOB, nearness, workspace_of, workspace_scope
from jobs.queries.listing import Page

WORKSPACE = "workspace"  # asks for the variables of any workspace
_FIELDS = ("spec", "environment", "working_dir")
_TEXTS = ("spec_text", "environment_text")


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """A job that names a variable."""

    job_id: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A name that a job uses; ``variable`` is what stands behind it, None when nothing does."""

    name: str
    places: list[str]
    variable: Variable | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Undefined:
    """A name that jobs use and nothing stands behind: their runs fail."""

    name: str
    jobs: list[Naming]


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Which jobs name each variable, by its id, and what nobody has defined."""

    naming: Mapping[int, list[Naming]]
    undefined: list[Undefined]


def get_variable(variable_id: int) -> Variable:
    """Return a variable with its job; UnknownError when there is none."""
    found = Variable.objects.select_related("job").filter(pk=variable_id).first()
    if found is None:
        raise UnknownError(said("Variable {number} does not exist.", number=variable_id))
    return found


def list_variables(
    *,
    search: str = "",
    name: str = "",
    scope: str = "",
    job_id: int | None = None,
    workspace: str = "",
    secret: bool | None = None,
    after: int | None = None,
    limit: int = 100,
) -> Page[Variable]:
    """Return a page of variables in the order of their ids; never their sealed values."""
    rows = Variable.objects.select_related("job").defer("sealed").order_by("pk")
    if search:
        rows = rows.filter(
            Q(name__icontains=search)
            | Q(description__icontains=search)
            | Q(job__name__icontains=search)
        )
    wanted = {"name": name or None, "scope": scope or None, "job": job_id, "secret": secret}
    if scope == WORKSPACE:
        del wanted["scope"]
        rows = rows.exclude(scope__in=(GLOBAL, JOB))
    if workspace:
        numbers = Workspace.objects.filter(name__iexact=workspace).values_list("pk", flat=True)
        rows = rows.filter(scope__in=[workspace_scope(pk) for pk in numbers])
    rows = rows.filter(**{key: value for key, value in wanted.items() if value is not None})
    if after is not None:
        rows = rows.filter(pk__gt=after)
    found = list(rows[: limit + 1])
    return Page(rows=found[:limit], next_after=found[limit - 1].pk if len(found) > limit else None)


def room_of(row: Variable) -> str | None:
    """Return the name of the workspace whose jobs may name a variable; None for another scope."""
    number = workspace_of(row.scope)
    if number is None:
        return None
    return Workspace.objects.filter(pk=number).values_list("name", flat=True).first()


def rooms_of(rows: Iterable[Variable]) -> dict[str, str]:
    """Return the names of the workspaces of variables, by scope; one query where there are any."""
    numbers = {number for row in rows if (number := workspace_of(row.scope)) is not None}
    if not numbers:
        return {}
    found = Workspace.objects.filter(pk__in=numbers).values_list("pk", "name")
    return {workspace_scope(pk): name for pk, name in found}


def uses_of(definition: Mapping[str, Any]) -> Iterator[Use]:
    """Yield the names of variables that a job's definition uses, each with its field."""
    for use in chain(
        uses_in(definition["spec"]),
        uses_in(definition["environment"], "environment"),
        uses_in(definition["working_dir"], "working_dir"),
    ):
        if not use.name.startswith(PARAMETER):
            yield use


def named_by(definition: Mapping[str, Any], job_id: int | None) -> list[Named]:
    """Return the names that a definition uses, and what stands behind each for this job."""
    places: dict[str, list[str]] = {}
    try:
        for use in uses_of(definition):
            places.setdefault(use.name, []).append(use.place)
    except InvalidError:  # saved before such texts were refused; its runs say so
        return []
    if not places:
        return []
    known = {row.name: row for row in _known(places, job_id)}
    return [
        Named(name=name, places=sorted(set(found)), variable=known.get(name))
        for name, found in sorted(places.items())
    ]


def unknown_in(definition: Mapping[str, Any], job_id: int | None) -> list[Named]:
    """Return the names that nothing stands behind: runs would fail."""
    return [one for one in named_by(definition, job_id) if one.variable is None]


def jobs_naming(variable: Variable) -> list[Naming]:
    """Return the present jobs for which ``variable`` stands behind its name, by name."""
    jobs = _mentioning(variable.name)
    room = workspace_of(variable.scope)
    named = Variable.objects.filter(name=variable.name)
    if variable.job is not None:
        jobs = jobs.filter(pk=variable.job.pk)
    else:
        jobs = jobs.exclude(pk__in=named.filter(scope=JOB).values("job"))
    if room is not None:
        jobs = jobs.filter(workspace=room)
    elif variable.scope == GLOBAL:
        scopes = named.exclude(scope__in=(GLOBAL, JOB)).values_list("scope", flat=True)
        nearer = [number for scope in scopes if (number := workspace_of(scope)) is not None]
        if nearer:
            jobs = jobs.exclude(workspace__isnull=False, workspace__in=nearer)
    return [
        Naming(job_id=job["pk"], name=job["name"])
        for job in jobs.order_by("name").values("pk", "name", *_FIELDS)
        if _uses(job, variable.name)
    ]


def usage() -> Usage:
    """Return what all present jobs name; one pass over those that hold braces."""
    rows = Variable.objects.values_list("pk", "scope", "job", "name")
    known = {(job or scope, name): pk for pk, scope, job, name in rows}
    naming: dict[int, list[Naming]] = {}
    missing: dict[str, list[Naming]] = {}
    for job in _with_braces().order_by("name").values("pk", "name", "workspace", *_FIELDS):
        one = Naming(job_id=job["pk"], name=job["name"])
        room = workspace_scope(job["workspace"] or 0)
        for name in _names_in(job):
            places = (job["pk"], room, GLOBAL)
            found = next((known[one, name] for one in places if (one, name) in known), None)
            if found is None:
                missing.setdefault(name, []).append(one)
            else:
                naming.setdefault(found, []).append(one)
    undefined = [Undefined(name=name, jobs=jobs) for name, jobs in sorted(missing.items())]
    return Usage(naming=naming, undefined=undefined)


def _names_in(definition: Mapping[str, Any]) -> set[str]:
    try:
        return {use.name for use in uses_of(definition)}
    except InvalidError:  # saved before such texts were refused; its runs say so
        return set()


def _known(names: Iterable[str], job_id: int | None) -> list[Variable]:
    """Return the variables of these names: the global ones, its workspace's, then the job's own."""
    rooms = Job.objects.filter(pk=job_id or 0).values_list("workspace", flat=True)
    room = rooms.first()
    mine = Q(scope=GLOBAL) | Q(scope=JOB, job=job_id) | Q(scope=workspace_scope(room or 0))
    rows = Variable.objects.defer("sealed").filter(mine, name__in=list(names))
    return sorted(rows, key=lambda row: nearness(row.scope))


def _mentioning(name: str) -> QuerySet[Job]:
    """Return the present jobs whose definition holds braces and the name; not yet sure."""
    matching = Q(working_dir__contains="{{")
    for field in _TEXTS:
        matching |= Q(**{f"{field}__contains": name})
    return _with_braces().filter(matching)


def _with_braces() -> QuerySet[Job]:
    """Return the present jobs whose definition holds braces."""
    matching = Q(working_dir__contains="{{")
    for field in _TEXTS:
        matching |= Q(**{f"{field}__contains": "{{"})
    return (
        Job.objects.present()
        .alias(
            spec_text=Cast(F("spec"), TextField()),
            environment_text=Cast(F("environment"), TextField()),
        )
        .filter(matching)
    )


def _uses(definition: Mapping[str, Any], name: str) -> bool:
    return name in _names_in(definition)
