"""Freezes as pages show them: in the banner, in their list, and beside a job's next run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest
from django.utils.translation import gettext as _

from jobs.domain.states import FreezeScope
from jobs.models import Freeze
from jobs.queries.freezes import (
    ANNOUNCED,
    Phase,
    jobs_by_tag,
    jobs_by_workspace,
    open_freezes,
    phase_of,
)
from jobs.web.words import FREEZE_PHASE, Badge


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownFreeze:
    """One freeze; ``jobs`` is how many carry its tag, None for everything."""

    freeze: Freeze
    phase: Phase
    what: str
    jobs: int | None

    @property
    def badge(self) -> Badge:
        """Return word, icon and colour of where it stands."""
        return FREEZE_PHASE[self.phase]

    @property
    def holding(self) -> bool:
        """Say whether it holds now."""
        return self.phase == Phase.HOLDING

    @property
    def open(self) -> bool:
        """Say whether it can still be changed or lifted."""
        return self.phase in (Phase.HOLDING, Phase.PLANNED)


def scope_words(freeze: Freeze) -> str:
    """Return ``everything`` or ``tag nightly``."""
    if freeze.scope == FreezeScope.EVERYTHING:
        return _("everything")
    if freeze.scope == FreezeScope.WORKSPACE:
        return _("workspace %s") % freeze.target
    return _("tag %s") % freeze.target


def shown(freezes: list[Freeze], now: datetime) -> list[ShownFreeze]:
    """Return freezes as pages show them; one more query where tags are among them."""
    counts = {
        FreezeScope.TAG.value: jobs_by_tag(_targets(freezes, FreezeScope.TAG)),
        FreezeScope.WORKSPACE.value: jobs_by_workspace(_targets(freezes, FreezeScope.WORKSPACE)),
    }
    return [
        ShownFreeze(
            freeze=one,
            phase=phase_of(one, now),
            what=scope_words(one),
            jobs=counts.get(one.scope, {}).get(one.target),
        )
        for one in freezes
    ]


def _targets(freezes: list[Freeze], scope: FreezeScope) -> set[str]:
    return {one.target for one in freezes if one.scope == scope}


def open_ones(request: HttpRequest, now: datetime) -> list[Freeze]:
    """Return what holds and what is planned; asked once a request, whoever shows it."""
    known: list[Freeze] | None = getattr(request, "open_freezes", None)
    if known is None:
        known = open_freezes(now)
        request.open_freezes = known  # type: ignore[attr-defined]
    return known


def banner(request: HttpRequest, now: datetime) -> list[ShownFreeze]:
    """Return what every page has to say: what holds, and what begins soon."""
    soon = now + ANNOUNCED
    return shown([one for one in open_ones(request, now) if one.starts_at <= soon], now)
