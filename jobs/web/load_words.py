"""What a job asks of the machine, in sentences: how often, how long, and who is due with it."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from jobs.domain.zones import zone
from jobs.queries.crowding import Crowd
from jobs.services.previews import LOAD_DAYS, Load, Timetable
from jobs.web import formats


def sentences(load: Load, table: Timetable, now: datetime) -> list[str]:
    """Return what is worth saying about the load of a job that runs; nothing for one that does not."""
    if load.runs == 0 and load.crowd is None:
        return []
    found = [] if load.runs == 0 else [f"{_often(load.runs)} {_long(load)}"]
    if load.crowd is not None:
        found.append(f"{_crowded(load.crowd, table.zone, now)} {_apart(table)}")
    return found


def _often(runs: int | None) -> str:
    if runs is None:
        return _("More runs than can be counted.")
    if runs >= LOAD_DAYS:
        a_day = round(runs / LOAD_DAYS)
        text = ngettext("About %(n)s run a day.", "About %(n)s runs a day.", a_day)
        return text % {"n": formats.count(a_day)}
    text = ngettext(
        "%(n)s run in the next %(days)s days.", "%(n)s runs in the next %(days)s days.", runs
    )
    return text % {"n": runs, "days": LOAD_DAYS}


def _long(load: Load) -> str:
    if load.seconds is None:
        return _("How long one takes is not known before the job has run.")
    length = {"length": formats.duration(load.seconds)}
    if not load.measured:
        return _("The last one took %(length)s.") % length
    text = ngettext(
        "Each takes about %(length)s (its last run).",
        "Each takes about %(length)s (median of its last %(n)s runs).",
        load.measured,
    )
    return text % {**length, "n": load.measured}


def _crowded(crowd: Crowd, zone_name: str, now: datetime) -> str:
    text = ngettext(
        "At %(at)s (%(zone)s) at least %(n)s other job is due in the same minute.",
        "At %(at)s (%(zone)s) at least %(n)s other jobs are due in the same minute.",
        crowd.jobs,
    )
    at = formats.clock(crowd.at, now, zone(zone_name))
    return text % {"at": at, "zone": zone_name, "n": formats.count(crowd.jobs)}


def _apart(table: Timetable) -> str:
    if any(rule.spread_seconds for rule in table.rules):
        return _("The spread moves this job apart from them.")
    return _("A spread would move this job apart from them.")
