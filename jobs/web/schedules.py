"""A job's schedules in words, and as they were written."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from jobs.domain.describe import describe
from jobs.domain.schedule import Schedule
from jobs.domain.states import ScheduleKind
from jobs.web import formats

SHOWN = 2  # in a list; the job's page shows all


def words(rules: Iterable[Schedule], *, shown: int = SHOWN) -> str:
    """Return ``Every 6 h, and daily at 02:30``; by hand for none."""
    language = get_language() or "en"
    texts = [describe(rule, language) for rule in rules]
    if not texts:
        return _("By hand only")
    first, *others = texts[:shown]
    text = _(", and ").join([first, *(other[:1].lower() + other[1:] for other in others)])
    more = len(texts) - shown
    return text + (_(", and %d more") % more if more > 0 else "")


def written(rules: Iterable[Schedule]) -> str:
    """Return the schedules as they were written, with the zone where it matters."""
    found = list(rules)
    zones = {rule.timezone for rule in found if rule.kind in (ScheduleKind.CRON, ScheduleKind.ONCE)}
    if len(found) > SHOWN:
        parts = [_("%d schedules") % len(found)]
    else:
        parts = [_written(rule) for rule in found]
    return " · ".join([*parts, *sorted(zones)])


def _written(rule: Schedule) -> str:
    if rule.kind == ScheduleKind.CRON:
        return rule.expression
    if rule.kind == ScheduleKind.INTERVAL:
        return _("interval %s") % formats.setting(rule.seconds)
    if rule.kind == ScheduleKind.ONCE and rule.at:
        return rule.at.isoformat(timespec="minutes")
    return rule.event
