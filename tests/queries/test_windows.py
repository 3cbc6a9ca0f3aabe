"""The newest executions of a window are found in a way that fits how many there are, the same ones."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from jobs.domain.states import ExecutionState, Trigger
from jobs.models import Execution, Job, Workspace
from jobs.queries import windows
from jobs.queries.executions import ExecutionFilter, executions
from jobs.queries.listing import ExecutionListing, list_executions
from tests.factories import make_execution, make_job

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SIZE = 3


def made() -> list[Execution]:
    """Return a run each minute, every third failed, with two of early due times made up for late."""
    job = make_job()
    late = {12: 2, 19: 4}
    found = []
    for number in range(24):
        at = NOON + late.get(number, number) * MINUTE
        found.append(
            make_execution(
                job,
                due_at=at,
                queued_at=NOON + number * MINUTE,
                trigger=(Trigger.BACKFILL if number in late else Trigger.SCHEDULE).value,
                state=(ExecutionState.SUCCEEDED if number % 3 else ExecutionState.FAILED).value,
            )
        )
    return found


@pytest.mark.parametrize(
    ("few", "since"),
    [(1000, 0), (0, 1000), (0, 0)],
    ids=["sorted", "walked", "along the due times"],
)
def test_a_window_is_found_whatever_way_is_taken(
    few: int, since: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every window, with and without results, for the page and for programs."""
    monkeypatch.setattr(windows, "FEW", few)
    monkeypatch.setattr(windows, "_FEW_SINCE", since)
    rows = made()
    ends = [None, *(NOON + minutes * MINUTE for minutes in (-5, 1, 4, 13, 22, 60))]

    for start, end, result in itertools.product(ends, ends, ("", "failed")):
        if start is end is None or (start and end and start > end):
            continue
        expected = [
            row.pk
            for row in reversed(rows)
            if (start is None or row.due_at >= start)
            and (end is None or row.due_at < end)
            and result in ("", row.state)
        ]
        page = executions(ExecutionFilter(since=start, until=end, result=result), size=SIZE)
        assert [row.pk for row in page.rows] == expected[:SIZE], (start, end, result)
        assert (page.older is not None) == (len(expected) > SIZE)
        states = [result] if result else []
        listing = ExecutionListing(since=start, until=end, states=states, limit=SIZE)
        assert [row["id"] for row in list_executions(listing).rows] == expected[:SIZE]


def test_a_workspace_that_hardly_ran_needs_no_walk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its few runs are known by its jobs; where there are many, or none, the answer is the same."""
    room = Workspace.objects.create(name="shop", created_at=NOON, updated_at=NOON)
    rows = made()
    Job.objects.update(workspace=room, execution_count=len(rows))

    def shown(name: str) -> list[int]:
        return [row.pk for row in executions(ExecutionFilter(workspace=name), size=SIZE).rows]

    expected = [row.pk for row in reversed(rows)][:SIZE]
    assert windows.runs_if_few(Job.objects.all()) is not None
    assert shown("Shop") == expected
    assert shown("nobody") == []

    monkeypatch.setattr(windows, "FEW", 1)
    assert windows.runs_if_few(Job.objects.all()) is None
    assert shown("Shop") == expected
