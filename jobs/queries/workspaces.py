"""Workspaces as pages and programs look at them: which there are, and how many jobs live in each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet

from jobs.domain.errors import UnknownError
from jobs.domain.permissions import Actor, Permission
from jobs.domain.said import said
from jobs.domain.states import JobState
from jobs.executors.base import STANDALONE
from jobs.models import Freeze, Job, Workspace
from jobs.queries.listing import Page

SHOWN = 200  # names that a form offers


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceRow:
    """A workspace, and how many of its jobs there are in each state."""

    workspace: Workspace
    jobs: int
    paused: int
    auto_disabled: int


def unknown(name: str) -> UnknownError:
    """Return the refusal of a name that no workspace has, or none that the caller may see."""
    return UnknownError(said("Workspace {name!r:.120} does not exist.", name=name))


def visible(seen_by: Actor | None) -> QuerySet[Workspace]:
    """Return the workspaces that may be seen: all, or those for which the reader has a role."""
    rows = Workspace.objects.order_by("name")
    if seen_by is None or seen_by.sees_all:
        return rows
    known = {one.workspace_id for one in seen_by.grants if one.workspace_id is not None}
    if seen_by.within is not None:
        known |= seen_by.within.workspaces
    return rows.filter(
        pk__in=[pk for pk in known if Permission.READ in seen_by.permissions_on(pk, ())]
    )


def get_workspace(name: str, *, seen_by: Actor | None = None) -> Workspace:
    """Return the workspace called ``name``, whatever its case; UnknownError when there is none."""
    found = visible(seen_by).filter(name__iexact=name).first() if "\0" not in name else None
    if found is None:
        raise unknown(name)
    return found


def check_workspace(name: str, *, seen_by: Actor | None = None) -> None:
    """Refuse a filter by a workspace that there is not; the jobs of none can be asked for, too."""
    if name != STANDALONE:
        get_workspace(name, seen_by=seen_by)


def list_workspaces(
    *,
    search: str = "",
    after: str = "",
    limit: int = 100,
    seen_by: Actor | None = None,
) -> Page[Workspace]:
    """Return a page of workspaces by name, ``after`` a name."""
    rows = visible(seen_by)
    if search:
        rows = rows.filter(Q(name__icontains=search) | Q(description__icontains=search))
    if after:
        rows = rows.filter(name__gt=after)
    found = list(rows[: limit + 1])
    return Page(rows=found[:limit], next_after=found[limit - 1].pk if len(found) > limit else None)


def name_of_number(number: int) -> str:
    """Return the name behind which the page goes on; empty when that workspace is gone."""
    return Workspace.objects.filter(pk=number).values_list("name", flat=True).first() or ""


def rows_of(workspaces: Iterable[Workspace]) -> list[WorkspaceRow]:
    """Return workspaces with the counts of their jobs; one query."""
    wanted = list(workspaces)
    rows = (
        Job.objects.present()
        .filter(workspace__in=wanted)
        .order_by()
        .values_list("workspace")
        .annotate(
            jobs=Count("pk"),
            paused=Count("pk", filter=Q(state=JobState.PAUSED.value)),
            auto_disabled=Count("pk", filter=Q(state=JobState.AUTO_DISABLED.value)),
        )
    )
    counts = {number: rest for number, *rest in rows}
    found = []
    for one in wanted:
        jobs, paused, auto_disabled = counts.get(one.pk, (0, 0, 0))
        row = WorkspaceRow(workspace=one, jobs=jobs, paused=paused, auto_disabled=auto_disabled)
        found.append(row)
    return found


def workspace_names(seen_by: Actor | None = None) -> list[str]:
    """Return names to choose from."""
    return list(visible(seen_by).values_list("name", flat=True)[:SHOWN])


def disabled_reason(name: str) -> str:
    """Return the words of the freeze that holds the jobs of a disabled workspace."""
    return f"Workspace {name} is disabled"


def is_disabling(freeze: Freeze) -> bool:
    """Say whether a freeze stands for a disabled workspace."""
    return freeze.scope == "workspace" and freeze.reason == disabled_reason(freeze.target)
