"""One execution: what it did, printed and ended with, and what can be done with it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs.domain.permissions import SYSTEM
from jobs.domain.states import ExecutionState, Stream
from jobs.executors import Chunk
from jobs.models import Attempt, Execution, Job
from jobs.services import jobs as services
from jobs.services import logs
from tests.factories import every, make_execution, make_job

HTMX = {"HX-Request": "true"}


@pytest.fixture
def job(db: None) -> Job:
    return make_job(name="report", schedules=[every(3600)], retry={"max_attempts": 3})


@pytest.fixture
def running(job: Job) -> Execution:
    return make_execution(job, state=ExecutionState.RUNNING.value, started_at=timezone.now())


def shown(client: Client, execution: Execution, query: str = "") -> str:
    return client.get(reverse("execution", args=[execution.pk]) + query).content.decode()


def test_a_failed_run_shows_its_error_and_figures(job: Job, viewer_client: Client) -> None:
    end = timezone.now()
    execution = make_execution(
        job,
        state=ExecutionState.FAILED.value,
        started_at=end - timedelta(seconds=228),
        finished_at=end,
        exit_code=7,
        message="Exit code 7",
        error="Traceback\n<b>boom</b>",
        max_rss_bytes=12_300_000,
    )

    html = shown(viewer_client, execution)

    assert "3 m 48 s" in html
    assert "<dd>7</dd>" in html
    assert "12.3 MB" in html
    assert "&lt;b&gt;boom&lt;/b&gt;" in html
    # Before the log: of a long one nobody sees what stands under it.
    assert html.index("&lt;b&gt;boom") < html.index('id="log"')


def test_attempts_are_a_chain(job: Job, viewer_client: Client) -> None:
    execution = make_execution(
        job, state=ExecutionState.RUNNING.value, attempt=2, started_at=timezone.now()
    )
    Attempt.objects.create(
        execution=execution, number=1, state="timed_out", finished_at=timezone.now()
    )

    html = shown(viewer_client, execution)

    assert "Attempt 1 timed out" in html
    assert "attempt 2 of 3" in html


def test_it_shows_the_version_it_ran(job: Job, viewer_client: Client) -> None:
    execution = make_execution(job)
    services.update(job.pk, {"spec": {"command": "date"}}, actor=SYSTEM)

    html = shown(viewer_client, execution)

    assert "version 1" in html
    assert ">true</pre>" in html


def test_the_raw_log_is_what_was_printed(running: Execution, viewer_client: Client) -> None:
    logs.write(running.pk, 1, [Chunk(Stream.STDOUT, b"a\xff\n"), Chunk(Stream.STDERR, b"<b>\n")])

    whole = viewer_client.get(reverse("execution_log", args=[running.pk]))
    part = viewer_client.get(reverse("execution_log", args=[running.pk]) + "?from=1&stream=stdout")

    assert whole.getvalue() == b"a\xff\n<b>\n"
    assert whole["Content-Type"] == "text/plain; charset=utf-8"
    assert whole["X-Content-Type-Options"] == "nosniff"
    assert part.getvalue() == b"\xff\n"


def test_one_stream_alone(running: Execution, viewer_client: Client) -> None:
    logs.write(running.pk, 1, [Chunk(Stream.STDOUT, b"out\n"), Chunk(Stream.STDERR, b"err\n")])

    html = shown(viewer_client, running, "?stream=stderr")

    assert ">err<" in html
    assert ">out<" not in html


def test_a_long_log_shows_its_end_first(running: Execution, viewer_client: Client) -> None:
    lines = b"".join(b"line %d\n" % number for number in range(1, 5001))
    logs.write(running.pk, 1, [Chunk(Stream.STDOUT, lines)])

    page = shown(viewer_client, running)
    until = page.split("?until=")[1].split("&")[0]
    earlier = viewer_client.get(
        reverse("p_execution_log_earlier", args=[running.pk]) + f"?until={until}"
    ).content.decode()

    assert ">line 5000<" in page
    assert '<span class="no">4501</span>' in page
    assert ">line 4500<" not in page
    assert ">line 4500<" in earlier
    assert '<span class="no">4001</span>' in earlier
    assert ">line 4000<" not in earlier


def test_nothing_printed_is_said(job: Job, viewer_client: Client) -> None:
    execution = make_execution(job, state=ExecutionState.SUCCEEDED.value)

    assert "It printed nothing." in shown(viewer_client, execution)


@pytest.mark.parametrize("query", ["?from=x&line=-1&style=<b>", "?from=99999999999999999999"])
def test_a_made_up_position_is_harmless(
    query: str, running: Execution, viewer_client: Client
) -> None:
    logs.write(running.pk, 1, [Chunk(Stream.STDOUT, b"one\n")])

    answer = viewer_client.get(reverse("p_execution_log", args=[running.pk]) + query)

    assert answer.status_code in (200, 204)
    assert b"<b>" not in answer.content


def test_kill_asks_with_true_consequences(running: Execution, operator_client: Client) -> None:
    html = operator_client.get(
        reverse("p_execution_kill", args=[running.pk]), headers=HTMX
    ).content.decode()

    assert "of report?" in html
    assert "SIGTERM now, SIGKILL after 10 s" in html
    assert "A killed run is not tried again." in html
    assert "Keep running" in html


def test_kill_without_script(running: Execution, operator_client: Client) -> None:
    address = reverse("execution_kill", args=[running.pk])

    asked = operator_client.get(address)
    answer = operator_client.post(address, follow=True)

    running.refresh_from_db()
    assert asked.status_code == 200
    assert running.cancel_requested_by == "otto"
    assert answer.redirect_chain == [(reverse("execution", args=[running.pk]), 303)]
    assert "Asked to end by otto" in answer.content.decode()


def test_a_waiting_run_is_ended_at_once(job: Job, operator_client: Client) -> None:
    execution = make_execution(job)

    answer = operator_client.post(reverse("p_execution_kill", args=[execution.pk]), headers=HTMX)

    execution.refresh_from_db()
    assert execution.state == ExecutionState.CANCELLED
    assert "Killed run" in answer.content.decode()


def test_a_finished_run_cannot_be_killed(job: Job, operator_client: Client) -> None:
    execution = make_execution(job, state=ExecutionState.SUCCEEDED.value)
    address = reverse("execution_kill", args=[execution.pk])

    assert operator_client.get(address).status_code == 303
    answer = operator_client.post(address, headers=HTMX)

    assert answer.status_code == 409
    assert "succeeded already" in answer.content.decode()


def test_run_again_leads_to_the_new_run(job: Job, operator_client: Client) -> None:
    Job.objects.filter(pk=job.pk).update(execution_count=0)
    before = Execution.objects.create(
        job=job,
        version=1,
        due_at=timezone.now(),
        queued_at=timezone.now(),
        trigger="schedule",
        state=ExecutionState.FAILED.value,
    )

    answer = operator_client.post(reverse("execution_rerun", args=[before.pk]))

    new = job.executions.exclude(pk=before.pk).get()
    assert answer["Location"] == reverse("execution", args=[new.pk])
    assert new.trigger == "retry"


def test_a_registration_shows_what_came_of_each_connection_the_troubled_first(
    viewer_client: Client,
) -> None:
    """S0-93, S0-158: sums and a row a connection, while it polls as well; texts are the cloud's."""
    cloud = make_job(type="registerCspResources", spec={"ns_id": "default"})
    fine = {"name": "azure", "registered": 15, "failed": 0, "seconds": 312, "message": ""}
    bad = {"name": "aws", "registered": 3, "failed": 2, "seconds": 5, "message": "<b>denied</b>"}
    result = {"registered": 18, "failed": 2, "resources": {"vNet": 18}, "connections": [fine, bad]}
    execution = make_execution(cloud, state=ExecutionState.SUCCEEDED.value, result=result)

    html = shown(viewer_client, execution)
    swap = viewer_client.get(f"/p/executions/{execution.pk}/", headers=HTMX).content.decode()

    for page in (html, swap):
        table = page.partition('id="connections"')[2].partition("</section>")[0]
        assert "18 registered" in table
        assert "2 failed" in table
        assert '<span class="mono">vNet</span> 18' in table
        assert table.index("aws") < table.index("azure")
        assert "&lt;b&gt;denied&lt;/b&gt;" in table
        assert "5 m 12 s" in table
        assert table.count("warn-t") == 1


@pytest.mark.parametrize(
    ("job_type", "result"),
    [
        ("command", {"connections": [{"name": "x"}]}),
        ("registerCspResources", None),
        ("registerCspResources", {"advice": {"action": "raise_interval"}}),
        ("registerCspResources", {"connections": "none"}),
    ],
)
def test_without_connections_there_is_no_table_of_them(
    viewer_client: Client, db: None, job_type: str, result: object
) -> None:
    spec = {"command": "true"} if job_type == "command" else {"ns_id": "default"}
    execution = make_execution(make_job(type=job_type, spec=spec), result=result)

    assert 'id="connections" aria-labelledby="h-cn" hidden' in shown(viewer_client, execution)


def test_a_long_table_of_connections_says_how_many_it_leaves_out(viewer_client: Client) -> None:
    cloud = make_job(type="registerCspResources", spec={"ns_id": "default"})
    rows = [{"name": f"c{n}", "registered": 1, "failed": 0} for n in range(202)]
    execution = make_execution(cloud, result={"connections": rows})

    html = shown(viewer_client, execution)

    assert "2 more connections are in the result." in html
    assert '"mono">c199<' in html
    assert '"mono">c200<' not in html
