"""A failed run tells in what it differs from the last success of its job."""

from __future__ import annotations

import html
from datetime import UTC, datetime, timedelta
from typing import Any

from django.test import Client

from jobs.domain.permissions import SYSTEM
from jobs.domain.states import Stream
from jobs.executors import Chunk
from jobs.models import Execution, Job
from jobs.services import jobs, logs
from tests.factories import make_execution, make_job, make_worker

START = datetime(2026, 1, 1, tzinfo=UTC)


def run(job: Job, state: str, *lines: str, seconds: float = 10, **fields: Any) -> Execution:
    ends = START + timedelta(seconds=seconds)
    made = make_execution(job, state=state, started_at=START, finished_at=ends, **fields)
    text = "".join(f"{line}\n" for line in lines).encode()
    logs.append(made.pk, 1, [Chunk(Stream.SYSTEM, b"claimed 7\n"), Chunk(Stream.STDOUT, text)])
    return made


def shown(client: Client, execution: Execution) -> str:
    page = client.get(f"/executions/{execution.pk}/").content.decode()
    _before, found, after = page.partition('id="compared"')
    return html.unescape(after.partition("</section>")[0]) if found else ""


def test_what_differs_is_shown_with_the_first_other_line(editor_client: Client) -> None:
    job = make_job(name="load", spec={"command": "true"}, environment={"MODE": "fast"})
    good = run(
        job,
        "succeeded",
        "took 1.5 s",
        "\x1b[32mrows <loaded>\x1b[0m",
        exit_code=0,
        worker=make_worker(name="east"),
        parameters={"day": "mon", "place": "paris"},
    )
    run(job, "failed", "something else")
    job = jobs.update(job.pk, {"environment": {"MODE": "slow"}, "priority": 5}, actor=SYSTEM)
    bad = run(
        job,
        "failed",
        "took 9.25 s",
        "no <such> table",
        seconds=200,
        exit_code=3,
        worker=make_worker(name="west", pid=2),
        parameters={"day": "tue", "place": "paris"},
    )

    text = shown(editor_client, bad)

    assert f'href="/executions/{good.pk}/"' in text
    for part in (
        "<del>version 1</del> → <ins>version 2</ins>",
        '<dt>environment</dt><dd><del>{"MODE": "fast"}</del> → <ins>{"MODE": "slow"}</ins>',
        "<dt>priority</dt><dd><del>0</del> → <ins>5</ins>",
        "<dt>day</dt><dd><del>mon</del> → <ins>tue</ins>",
        "<del>10.0 s</del> → <ins>3 m 20 s</ins>",
        "<dt>exit code</dt><dd><del>0</del> → <ins>3</ins>",
        "<del>east</del> → <ins>west</ins>",
        "<code>rows <loaded></code>",
        "<code>no <such> table</code>",
        f"/executions/{good.pk}/?line=3#L3",
    ):
        assert part in text, part
    assert "place" not in text
    assert "took" not in text
    assert "The same:" not in text


def test_what_is_the_same_is_said_and_an_end_is_a_difference(viewer_client: Client) -> None:
    job = make_job(name="load")
    run(job, "succeeded", "a", "b", exit_code=0)
    shorter = run(job, "timed_out", "a", exit_code=0)
    alike = run(job, "lost", "a", "b", exit_code=0, seconds=12)

    assert "nothing more" in shown(viewer_client, shorter)
    text = shown(viewer_client, alike)
    assert "The logs say the same, numbers aside." in text
    assert "The same: definition, parameters, duration, exit code, worker." in text


def test_there_is_no_comparison_without_a_failure_and_a_success(viewer_client: Client) -> None:
    job = make_job(name="load")
    first = run(job, "failed", "a")
    good = run(job, "succeeded", "a")

    assert shown(viewer_client, first) == ""
    assert shown(viewer_client, good) == ""


def test_answers_of_servers_stay_hidden(viewer_client: Client, operator_client: Client) -> None:
    job = make_job(name="call", type="http", spec={"url": "http://127.0.0.1:1/"})
    run(job, "succeeded", "secret answer")
    bad = run(job, "failed", "other answer")

    assert "answer" not in shown(viewer_client, bad)
    assert "secret answer" in shown(operator_client, bad)
