"""Templates as pages and programs look at them: who uses each, and what of that has drifted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q, QuerySet

from jobs import conf
from jobs.domain.errors import UnknownError
from jobs.domain.said import said
from jobs.domain.states import FAILURES, ExecutionState
from jobs.executors.template_files import has_configuration
from jobs.models import Job, Template, Workspace
from jobs.queries.deployments import Standing, standings_of
from jobs.queries.listing import Page


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A workspace that names a template, and how far the two are apart."""

    workspace: Workspace
    standing: Standing
    own_files: bool  # which win over the template
    outdated: bool  # deployed from other files than the template has now

    @property
    def is_planning(self) -> bool:
        """Say whether it is being compared right now."""
        plan = self.standing.plan
        return plan is not None and plan.finished_at is None

    @property
    def result(self) -> dict[str, Any]:
        """Return what the last comparison told; empty for none that holds."""
        plan = self.standing.plan
        if plan is None or plan.state != ExecutionState.SUCCEEDED:
            return {}
        found = plan.result
        return found if self.standing.is_plan_current and isinstance(found, dict) else {}

    @property
    def drift(self) -> bool | None:
        """Say whether a deployment would change anything; None: not known."""
        found = self.result.get("drift")
        return found if isinstance(found, bool) else None

    @property
    def changes(self) -> dict[str, int]:
        """Return how many resources it would add, change and remove."""
        found = self.result.get("changes")
        return found if isinstance(found, dict) else {}

    @property
    def changed_elsewhere(self) -> list[str]:
        """Return the resources that somebody has changed beside the template."""
        found = self.result.get("changed_elsewhere")
        return [str(one) for one in found] if isinstance(found, list) else []

    @property
    def fault(self) -> str:
        """Return why the last comparison failed; empty when it did not."""
        plan = self.standing.plan
        failed = plan is not None and plan.state in FAILURES and self.standing.is_plan_current
        return (plan.error or plan.message or plan.state) if failed and plan is not None else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateRow:
    """A template with the workspaces and the jobs that name it."""

    template: Template
    uses: list[Use] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)

    @property
    def outdated(self) -> int:
        """Return how many workspaces were deployed from other files."""
        return sum(one.outdated for one in self.uses)

    @property
    def drifted(self) -> int:
        """Return in how many workspaces a deployment would change something."""
        return sum(one.drift is True for one in self.uses)


def get_template(name: str) -> Template:
    """Return a template; UnknownError names those that there are."""
    found = Template.objects.filter(name__iexact=name).first() if "\0" not in name else None
    if found is None:
        there = ", ".join(Template.objects.values_list("name", flat=True)[:20]) or said("none")
        raise UnknownError(
            said("template {name!r} not found; there are: {there}", name=name[:100], there=there)
        )
    return found


def template_names(*, limit: int = 500) -> list[str]:
    """Return the names that a form offers."""
    return list(Template.objects.order_by("name").values_list("name", flat=True)[:limit])


def list_templates(*, search: str = "", after: str = "", limit: int = 100) -> Page[Template]:
    """Return a page of templates by name, ``after`` a name."""
    rows = Template.objects.order_by("name")
    if search:
        rows = rows.filter(
            Q(name__icontains=search)
            | Q(description__icontains=search)
            | Q(source_url__icontains=search)
        )
    if after:
        rows = rows.filter(name__gt=after)
    found = list(rows[: limit + 1])
    return Page(rows=found[:limit], next_after=found[limit - 1].pk if len(found) > limit else None)


def name_of_number(number: int) -> str:
    """Return the name behind which a list goes on; empty when that template is gone."""
    return Template.objects.filter(pk=number).values_list("name", flat=True).first() or ""


def users_of(row: Template) -> list[str]:
    """Return the workspaces that name a template, then the jobs that do so themselves."""
    named = Workspace.objects.filter(template__iexact=row.name)
    alone = [f"job {job.name}" for job in _jobs_alone() if _names(job) == row.name.lower()]
    return [*sorted(named.values_list("name", flat=True)), *alone]


def _jobs_alone() -> QuerySet[Job]:
    """Return the template jobs that are no operation of a workspace."""
    return Job.objects.present().filter(type="template", operation_of=None).order_by("name")


def _names(job: Job) -> str:
    return str(job.spec.get("template", "")).lower()


def rows_of(templates: Iterable[Template]) -> list[TemplateRow]:
    """Return templates with who uses them; the same few queries for any number of them."""
    rows = {one.name.lower(): TemplateRow(template=one) for one in templates}
    rooms = [
        one
        for one in Workspace.objects.exclude(template="").order_by("name")
        if one.template.lower() in rows
    ]
    standings = standings_of(rooms)
    for room in rooms:
        row = rows[room.template.lower()]
        row.uses.append(_use(room, standings[room.pk], row.template))
    for job in _jobs_alone().select_related("workspace"):
        if (named := _names(job)) in rows:
            rows[named].jobs.append(job)
    return list(rows.values())


def _use(room: Workspace, standing: Standing, template: Template) -> Use:
    folder = conf.workspaces_dir()
    own = folder is not None and has_configuration(folder / room.name)
    copied = standing.copied
    outdated = not own and standing.is_deployed and bool(copied) and copied != template.content_hash
    return Use(workspace=room, standing=standing, own_files=own, outdated=outdated)
