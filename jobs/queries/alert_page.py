"""What an operator asks of an alert in the night: the run that shows it, and the last that was well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jobs.models import Alert, Execution
from jobs.queries.last_success import last_success

RUNS = 5  # of the job that are named


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One run that shows the trouble, with what came before it."""

    run: Execution
    good: Execution | None  # the last success before it
    latest: Sequence[Execution]  # of its job, newest first


def shown_run(row: Alert) -> Shown | None:
    """Return the newest run that an alert names; None where it names none that is left."""
    numbers = row.members.filter(last_execution_id__isnull=False)
    newest = numbers.order_by("left_at", "-last_execution_id")
    wanted = newest.values_list("last_execution_id", flat=True).first() or row.execution_id
    if wanted is None:
        return None
    run = Execution.objects.select_related("job").filter(pk=wanted).first()
    if run is None:
        return None
    latest = Execution.objects.filter(job=run.job_id).select_related("job").order_by("-pk")[:RUNS]
    return Shown(run=run, good=last_success(run), latest=list(latest))
