"""Each combination of filters of executions finds what the filters mean, on the page and in the API."""

from __future__ import annotations

import itertools
import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.urls import reverse

from jobs.domain.states import ExecutionState, Trigger
from jobs.models import Execution, Workspace
from jobs.queries.executions import RESULTS, ExecutionFilter, executions
from jobs.queries.listing import ExecutionListing, list_executions
from jobs.web.filters import query_of
from tests.factories import make_execution, make_job

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SIZE = 4


def made() -> list[Execution]:
    """Return executions of three jobs in all states, over two queues, two days and three triggers."""
    rng = random.Random(3)
    shop = Workspace.objects.create(name="shop", created_at=NOON, updated_at=NOON)
    jobs = [make_job(), make_job(), make_job()]
    jobs[0].workspace = shop
    jobs[0].save(update_fields=["workspace"])
    triggers = (Trigger.SCHEDULE, Trigger.MANUAL, Trigger.API)
    # Each due time of a job's schedule stands once: a minute more for each.
    return [
        make_execution(
            rng.choice(jobs),
            state=state.value,
            queue=rng.choice(("default", "heavy")),
            trigger=rng.choice(triggers).value,
            due_at=NOON + rng.randrange(-24, 24) * HOUR + timedelta(minutes=number),
        )
        for number, state in enumerate([*ExecutionState] * 5)
    ]


def meant(row: Execution, asked: Mapping[str, Any]) -> bool:
    """Say whether a filter means a row, told in plain words."""
    return (
        asked["job"] in (None, row.job_id)
        and (not asked["result"] or row.state in RESULTS[asked["result"]])
        and asked["trigger"] in ("", row.trigger)
        and (not asked["workspace"] or row.job.workspace is not None)
        and asked["queue"] in ("", row.queue)
        and (asked["since"] is None or row.due_at >= asked["since"])
        and (asked["until"] is None or row.due_at < asked["until"])
    )


def test_every_combination_finds_what_it_means_and_pages_through_it() -> None:
    rows = made()
    choices: dict[str, tuple[Any, ...]] = {
        "job": (None, rows[0].job_id),
        "result": ("", "failed"),
        "trigger": ("", "manual"),
        "workspace": ("", "SHOP"),
        "queue": ("", "heavy"),
        "since": (None, rows[3].due_at),
        "until": (None, rows[5].due_at + HOUR),
    }
    found_any = 0

    for values in itertools.product(*choices.values()):
        asked = dict(zip(choices, values, strict=True))
        expected = [row.pk for row in reversed(rows) if meant(row, asked)]
        page = executions(ExecutionFilter(**asked), size=SIZE)
        found = [row.pk for row in page.rows]
        if page.older:
            rest = executions(ExecutionFilter(**asked, before=page.older), size=len(rows))
            found += [row.pk for row in rest.rows]
        assert found == expected, asked
        result, trigger, job = (asked.pop(name) for name in ("result", "trigger", "job"))
        listed = list_executions(
            ExecutionListing(
                job_id=job,
                states=RESULTS.get(result, ()),
                triggers=[trigger] if trigger else [],
                **asked,
            )
        )
        assert [one["id"] for one in listed.rows] == expected, (result, trigger, job, asked)
        found_any += bool(expected)

    assert found_any > 60


def test_a_queue_and_moments_filter_the_page_and_the_api_under_both_names(
    viewer_client: Client,
) -> None:
    near, far = (
        make_execution(make_job(name=name), queue="heavy", due_at=at)
        for name, at in (("near", NOON), ("far", NOON + 3 * HOUR))
    )
    make_execution(make_job(name="elsewhere"), due_at=NOON)
    viewer_client.cookies["tz"] = "Asia/Jakarta"  # seven hours ahead

    def names(**asked: str) -> set[str]:
        html = viewer_client.get(f"{reverse('executions')}?{urlencode(asked)}").content.decode()
        return {name for name in ("near", "far", "elsewhere") if f">{name}</a>" in html}

    def ids(**asked: str) -> list[int]:
        answer = viewer_client.get(f"/api/v1/executions?{urlencode(asked)}")
        return [one["id"] for one in answer.json()["items"]]

    after = (NOON + HOUR).isoformat()
    assert names(queue="heavy") == {"near", "far"}
    assert names(queue="heavy", **{"from": after}) == {"far"}
    assert names(**{"from": "2026-03-01T20:00", "to": "2026-03-02T00:00"}) == {"far"}
    assert names(to=after) == {"near", "elsewhere"}
    assert ids(queue="heavy", **{"from": after}) == ids(queue="heavy", since=after) == [far.pk]
    assert ids(queue="heavy", to=after) == ids(queue="heavy", until=after) == [near.pk]

    chosen = ExecutionFilter(queue="heavy", since=NOON + HOUR, until=NOON + 2 * HOUR)
    assert chosen.active
    assert query_of(chosen) == urlencode(
        {"queue": "heavy", "from": "2026-03-01T13:00:00Z", "to": "2026-03-01T14:00:00Z"}
    )
    html = viewer_client.get(f"{reverse('executions')}?{query_of(chosen)}").content.decode()
    assert all(one in html for one in ('value="2026-03-01T20:00"', "No execution matches"))
    html = viewer_client.get(f"{reverse('executions')}?from=soon").content.decode()
    assert "&#x27;soon&#x27; is no moment. Use a date and a time." in html
