"""What deleting jobs means for runs that go on and for jobs that wait for them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from jobs.domain.permissions import Actor
from jobs.models import Dependency, Job
from jobs.queries.dependencies import dependents_of, left_without_start
from jobs.web.confirm import Fact

MOST_NAMES = 10  # jobs that a question names


def of_deleting(jobs: Sequence[Job], reader: Actor) -> dict[int, list[Fact]]:
    """Return for each job what is lost with it; what waits only for jobs that go too is not.

    What waits and may not be seen by the reader is counted, and not named.
    """
    rows = dependents_of([job.pk for job in jobs])
    waiting: dict[int, list[Dependency]] = defaultdict(list)
    for row in rows:
        waiting[row.upstream_id].append(row)
    left = left_without_start(rows) if rows else []
    seen = _visible(rows, reader)
    return {job.pk: [*_killed(job), *_unmet(waiting[job.pk], left, seen)] for job in jobs}


def _visible(rows: Sequence[Dependency], reader: Actor) -> set[int]:
    """Return which of the waiting jobs the reader may see."""
    ids = {row.job_id for row in rows}
    if not ids or reader.sees_all:
        return ids
    seen = Job.objects.visible_to(reader).filter(pk__in=ids)
    return set(seen.values_list("pk", flat=True))


def _killed(job: Job) -> list[Fact]:
    live = job.live_count
    if not live:
        return []
    text = ngettext(
        "%(count)d run is in progress; it is killed.",
        "%(count)d runs are in progress; they are killed.",
        live,
    )
    return [Fact("circle-stop", text % {"count": live})]


def _unmet(rows: Sequence[Dependency], left: Sequence[Job], seen: set[int]) -> list[Fact]:
    """Return who waits for a job, and who will never run by itself without it."""
    if not rows:
        return []
    waiting = ngettext(
        "%(names)s waits for it, and will do so no more.",
        "%(names)s wait for it, and will do so no more.",
        len(rows),
    ) % {"names": _listed([row.job for row in rows], seen)}
    facts = [Fact("unplug", waiting)]
    ids = {row.job_id for row in rows}
    lost = list({job.pk: job for job in left if job.pk in ids}.values())
    if lost:
        text = ngettext(
            "%(names)s has no schedule and waits for no other job: it runs by hand only from then on.",
            "%(names)s have no schedule and wait for no other job: they run by hand only from then on.",
            len(lost),
        ) % {"names": _listed(lost, seen)}
        facts.append(Fact("triangle-alert", text))
    return facts


def _listed(jobs: Sequence[Job], seen: set[int]) -> str:
    known = [job.name for job in jobs if job.pk in seen]
    names, more, unseen = known[:MOST_NAMES], len(known) - MOST_NAMES, len(jobs) - len(known)
    if more > 0:
        names.append(_("%d more") % more)
    if unseen:
        text = ngettext("%d job that you may not see", "%d jobs that you may not see", unseen)
        names.append(text % unseen)
    return ", ".join(names)
