"""What a failed execution can be compared with: the success before it, and where the logs part."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from jobs.domain.states import ExecutionState
from jobs.domain.terminal import shown_text
from jobs.models import Execution
from jobs.queries.loglines import RawLine, window
from jobs.queries.logrows import Chosen

COMPARED = 1000  # lines of each log; what is further down is seldom where it began
_OWN = "system"  # what the product itself says differs from run to run
# Times, counts, addresses and ids differ from run to run and tell nothing.
_CHANGING = re.compile(r"[0-9a-f]{8,}|\d+", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parting:
    """The first line that is not as it was; None where one log ends."""

    before: str | None
    now: str | None
    line_before: int | None
    line_now: int | None


def last_success(execution: Execution) -> Execution | None:
    """Return the latest execution of the job before this one that succeeded; along an index."""
    rows = Execution.objects.select_related("worker", "job").filter(
        job=execution.job_id, state=ExecutionState.SUCCEEDED.value, pk__lt=execution.pk
    )
    return rows.order_by("-pk").first()


def parting(before: Execution, now: Execution) -> Parting | None:
    """Return where the output of the last attempts parts; None where what was compared is alike.

    Numbers count as alike: they are mostly times and ids.
    """
    for one, other in zip_longest(_lines(before), _lines(now)):
        text, shown = _text(one), _text(other)
        if text is None or shown is None or _alike(text) != _alike(shown):
            return Parting(
                before=text,
                now=shown,
                line_before=one.number if one else None,
                line_now=other.number if other else None,
            )
    return None


def _lines(execution: Execution) -> Sequence[RawLine]:
    attempt = execution.attempt if execution.attempt > 1 else 0
    found = window(Chosen(execution.pk, "", attempt), 1, COMPARED).lines
    return [line for line in found if line.stream != _OWN]


def _text(line: RawLine | None) -> str | None:
    return None if line is None else shown_text(line.data)


def _alike(text: str) -> str:
    return _CHANGING.sub("0", text).strip()
