"""What the pages call the states and choices of backfills."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from jobs.domain.backfill import Basis
from jobs.domain.states import BackfillChoice, BackfillOrder, BackfillState
from jobs.web.words import EXECUTION, REASON, Badge, Text

STATE: dict[str, Badge] = {
    BackfillState.RUNNING: Badge(_("In progress"), "loader-circle", "run"),
    BackfillState.PAUSED: Badge(_("Paused"), "circle-pause"),
    BackfillState.CANCELLED: Badge(_("Cancelled"), "circle-stop"),
    BackfillState.FINISHED: Badge(_("Finished"), "circle-check", "ok"),
}
CHOICE: dict[str, Text] = {
    BackfillChoice.MISSED: _("Missed: nothing ran to its end"),
    BackfillChoice.FAILED: _("Failed: the last run was bad"),
    BackfillChoice.ALL: _("All, also those that succeeded"),
}
CHOSEN: dict[str, Text] = {
    BackfillChoice.MISSED: _("missed"),
    BackfillChoice.FAILED: _("failed"),
    BackfillChoice.ALL: _("all"),
}
ORDER: dict[str, Text] = {
    BackfillOrder.OLDEST_FIRST: _("Oldest first"),
    BackfillOrder.NEWEST_FIRST: _("Newest first"),
}
BASIS: dict[str, Text] = {
    Basis.HISTORY: _("The schedules of that time"),
    Basis.PRESENT: _("The present schedules"),
}
# Due times without an execution, and the groups by which a list can be narrowed.
ITEM: dict[str, Badge] = {
    "left": Badge(_("To come"), "circle-dashed"),
    "dropped": Badge(_("Given up"), "skip-forward"),
    "gone": Badge(_("Run deleted"), "trash-2"),
}
GROUP: dict[str, Text] = {
    "left": _("To come"),
    "live": _("In progress"),
    "succeeded": _("Succeeded"),
    "failed": _("Failed"),
    "cancelled": _("Killed"),
    "dropped": _("Given up"),
}


def now_badge(word: str) -> Badge:
    """Return what a due time has now: its execution's state, why it has none, or nothing."""
    if word in EXECUTION:
        return EXECUTION[word]
    if word:
        return Badge(REASON.get(word, word), "skip-forward")
    return Badge(_("No record"), "circle-dashed")
