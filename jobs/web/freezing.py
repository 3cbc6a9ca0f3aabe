"""Freezes as pages show them: in the banner, in their list, and beside a job's next run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from django.http import HttpRequest
from django.utils.translation import gettext as _

from jobs.domain.permissions import Actor, Permission
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
from jobs.queries.sway import Sway, sway_of
from jobs.web.timeline import link_to
from jobs.web.words import FREEZE_PHASE, Badge


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownFreeze:
    """One freeze; ``jobs`` is how many carry its tag, None for everything."""

    freeze: Freeze
    phase: Phase
    what: str
    jobs: int | None
    may: bool = False  # the reader may change and lift it

    @property
    def badge(self) -> Badge:
        """Return word, icon and colour of where it stands."""
        return FREEZE_PHASE[self.phase]

    @property
    def holding(self) -> bool:
        """Say whether it holds now."""
        return self.phase == Phase.HOLDING

    @property
    def window(self) -> str:
        """Return the timeline's window that shows it."""
        return link_to(self.freeze.starts_at, self.freeze.ends_at)

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


def shown(freezes: list[Freeze], now: datetime, reader: Actor) -> list[ShownFreeze]:
    """Return freezes as pages show them; one more query where tags are among them."""
    sway = sway_of(reader, Permission.PAUSE) if freezes else Sway()
    # How many of others' jobs there are is not told.
    counted = freezes if reader.sees_all else []
    counts = {
        FreezeScope.TAG.value: jobs_by_tag(_targets(counted, FreezeScope.TAG)),
        FreezeScope.WORKSPACE.value: jobs_by_workspace(_targets(counted, FreezeScope.WORKSPACE)),
    }
    return [
        ShownFreeze(
            freeze=one,
            phase=phase_of(one, now),
            what=scope_words(one),
            jobs=counts.get(one.scope, {}).get(one.target),
            may=sway.over(one.scope, one.target),
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


def seen_ones(request: HttpRequest, now: datetime, reader: Actor) -> list[Freeze]:
    """Return those of them that the reader may know of."""
    return open_ones(request, now) if reader.sees_all else open_freezes(now, seen_by=reader)


def banner(request: HttpRequest, now: datetime, reader: Actor) -> list[ShownFreeze]:
    """Return what every page has to say: what holds, and what begins soon."""
    soon = now + ANNOUNCED
    rows = [one for one in seen_ones(request, now, reader) if one.starts_at <= soon]
    return shown(rows, now, replace(reader, here=None))
