"""What pages say about the infrastructure of a workspace, and before it is changed."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from jobs.domain.states import Deployment
from jobs.executors.template_spec import Operation
from jobs.models import Workspace
from jobs.queries.deployments import Standing
from jobs.web.confirm import Confirm, Fact
from jobs.web.words import Badge

_NAMED = 5  # resources that a question names; the rest is counted

DEPLOYMENT: dict[str, Badge] = {
    Deployment.PENDING: Badge(gettext_lazy("Not deployed yet"), "circle-dashed"),
    Deployment.DEPLOYING: Badge(gettext_lazy("Deploying"), "loader-circle", "run"),
    Deployment.DEPLOYED: Badge(gettext_lazy("Deployed"), "circle-check", "ok"),
    Deployment.DEPLOY_FAILED: Badge(gettext_lazy("Deployment failed"), "octagon-x", "bad"),
    Deployment.DESTROYING: Badge(gettext_lazy("Destroying"), "loader-circle", "run"),
    Deployment.DESTROYED: Badge(gettext_lazy("Destroyed"), "trash-2"),
    Deployment.DESTROY_FAILED: Badge(gettext_lazy("Destroying failed"), "octagon-x", "bad"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownStanding:
    """Where a workspace stands, with the words of it."""

    standing: Standing
    badge: Badge
    modes: list[str]

    @property
    def next_deploy_at(self) -> object:
        """Return when the clock deploys it next."""
        return self.standing.next_at(Operation.APPLY)

    @property
    def next_destroy_at(self) -> object:
        """Return when the clock destroys it next."""
        return self.standing.next_at(Operation.DESTROY)


def shown(standing: Standing) -> ShownStanding:
    """Return a standing as pages show it."""
    modes = sorted(one.mode for one in standing.operations if one.mode)
    return ShownStanding(standing=standing, badge=DEPLOYMENT[standing.status], modes=modes)


def badge_of(standing: Standing) -> Badge | None:
    """Return the word for where a workspace stands; None without any infrastructure."""
    return DEPLOYMENT[standing.status] if standing.managed else None


def deploy_question(row: Workspace, standing: Standing, mode: str) -> Confirm:
    """Ask before a deployment; what it does depends on what is there already."""
    there = len(standing.resources)
    first = (
        Fact(
            "server",
            ngettext(
                "%(count)d resource is there: it is brought in line with the template, which may "
                "replace or remove it.",
                "%(count)d resources are there: they are brought in line with the template, which "
                "may replace or remove some.",
                there,
            )
            % {"count": there},
        )
        if there
        else Fact("octagon-alert", _("What is there is not known: it is found out first."))
        if standing.is_cut_off
        else Fact("plus", _("Nothing is deployed yet: everything of the template is made."))
    )
    facts = [first, *_meanwhile(standing), Fact("calendar-clock", _("Jobs on @deployment start."))]
    if mode:
        facts.insert(1, Fact("sliders-horizontal", _("In mode %(mode)s.") % {"mode": mode}))
    return _question(
        row,
        "deploy",
        title=_("Deploy %(name)s?") % {"name": row.name},
        facts=facts,
        keep=_("Leave it as it is"),
        verb=_("Deploy"),
        harmless=not there and not standing.is_cut_off,
        query=f"?mode={mode}" if mode else "",
    )


def destroy_question(row: Workspace, standing: Standing) -> Confirm:
    """Ask before everything is destroyed, by name."""
    names = [one["address"] for one in standing.resources]
    if names:
        more = len(names) - _NAMED
        listed = ", ".join(names[:_NAMED]) + (
            ngettext(" and %(count)d more", " and %(count)d more", more) % {"count": more}
            if more > 0
            else ""
        )
        first = Fact("octagon-alert", _("Destroyed for good: %(names)s.") % {"names": listed})
    else:
        first = Fact("circle-check", _("No deployed resource is known; its state is asked again."))
    return _question(
        row,
        "destroy",
        title=_("Destroy what %(name)s has deployed?") % {"name": row.name},
        facts=[
            first,
            *_meanwhile(standing),
            Fact("folder", _("Its files, its jobs and their history stay.")),
            Fact("calendar-clock", _("Jobs on @destroy start. The schedule may deploy it again.")),
        ],
        keep=_("Keep it"),
        verb=_("Destroy"),
        harmless=False,
    )


def cancel_question(row: Workspace, standing: Standing) -> Confirm:
    """Ask before an operation is ended half-way."""
    destroys = standing.status is Deployment.DESTROYING
    return _question(
        row,
        "cancel",
        title=_("Stop what is being done to %(name)s?") % {"name": row.name},
        facts=[
            Fact(
                "octagon-alert",
                _("Some of it may be destroyed already and some still there.")
                if destroys
                else _("Some of it may be there already and some missing."),
            ),
            Fact(
                "history",
                _(
                    "OpenTofu finishes the resource at hand and writes its state, so that the next "
                    "run goes on from there."
                ),
            ),
        ],
        keep=_("Let it go on"),
        verb=_("Stop it"),
        harmless=False,
    )


def _meanwhile(standing: Standing) -> list[Fact]:
    if standing.live is None:
        return []
    return [Fact("circle-dashed", _("Another operation goes on: this one waits for its end."))]


def _question(row: Workspace, verb_name: str, *, query: str = "", **words: object) -> Confirm:
    return Confirm(
        url=reverse(f"workspace_{verb_name}", args=[row.name]) + query,
        partial_url=reverse(f"p_workspace_{verb_name}", args=[row.name]) + query,
        back_url=reverse("workspace", args=[row.name]),
        **words,  # type: ignore[arg-type]  # the words of the three questions above
    )
