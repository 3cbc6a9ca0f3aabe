"""What pages say about a workspace and the template that it is deployed from."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from jobs.queries.templates import Use
from jobs.web.words import Badge
from jobs.web.workspace_words import DEPLOYMENT


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownUse:
    """A use with its words."""

    use: Use
    status: Badge
    drift: Badge


def shown(use: Use) -> ShownUse:
    """Return a use as pages show it."""
    return ShownUse(use=use, status=DEPLOYMENT[use.standing.status], drift=_drift(use))


def _drift(use: Use) -> Badge:
    if use.own_files:
        return Badge(_("Its own files win over the template"), "file-code")
    if use.is_planning:
        return Badge(_("Being compared"), "loader-circle", "run")
    if use.fault:
        return Badge(_("The comparison failed"), "octagon-x", "bad")
    if use.drift:
        counts = {name: use.changes.get(name, 0) for name in ("add", "change", "remove")}
        words = _("%(add)d to add, %(change)d to change, %(remove)d to destroy") % counts
        return Badge(words, "sliders-horizontal", "warn")
    if use.drift is False:
        return Badge(_("No changes"), "circle-check", "ok")
    if use.outdated:
        return Badge(_("Updated since its deployment"), "rotate-cw", "warn")
    return Badge(_("Not compared"), "circle-dashed")
