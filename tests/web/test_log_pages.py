"""Browse and search logs on pages that need no script: any line, the next match, all runs of a job."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs.domain.states import Stream
from jobs.executors import Chunk
from jobs.models import Execution
from jobs.queries import logsearch
from jobs.services import logs
from tests.factories import make_execution, make_job

OUT, ERR = Stream.STDOUT, Stream.STDERR


@pytest.fixture
def printed(db: None) -> Execution:
    """Return a run with 3,000 lines in several pieces: two on stderr, three with a needle."""
    execution = make_execution(state="succeeded", started_at=timezone.now(), log_bytes=1)
    place = None
    for part in range(6):
        chunks = []
        for number in range(part * 500 + 1, part * 500 + 501):
            words = {700: "a Needle", 1500: "nee\x1b[31mdle", 2999: "<NEEDLE>"}.get(number, "hay")
            stream = ERR if number in (800, 2500) else OUT
            chunks.append(Chunk(stream, f"{words} {number}\n".encode()))
        place = logs.append(execution.pk, 1, chunks, at=place)
    return execution


def page(client: Client, execution: Execution, query: str) -> str:
    return client.get(reverse("execution", args=[execution.pk]) + query).content.decode()


def step(client: Client, execution: Execution, query: str) -> dict[str, list[str]]:
    answer = client.get(reverse("execution", args=[execution.pk]) + query)
    assert answer.status_code == 302
    return parse_qs(urlsplit(answer["Location"]).query)


def numbers(html: str) -> list[int]:
    return [int(found) for found in re.findall(r'id="L(\d+)"', html)]


def test_a_line_is_shown_with_those_around_it(printed: Execution, viewer_client: Client) -> None:
    html = page(viewer_client, printed, "?line=1200")

    assert numbers(html) == list(range(1150, 1650))
    assert '<span class="l at" id="L1200">' in html
    later = re.search(r'href="([^"]+)">Later lines', html)
    assert later
    onwards = viewer_client.get(later[1].replace("&amp;", "&")).content.decode()
    assert numbers(onwards)[0] == 1650


def test_steps_lead_from_match_to_match(printed: Execution, viewer_client: Client) -> None:
    def onwards(line: int, how: str) -> dict[str, list[str]]:
        return step(viewer_client, printed, f"?q=needle&line={line}&go={how}")

    assert [onwards(line, "next")["line"] for line in (0, 700, 1500)] == [
        ["700"],
        ["1500"],
        ["2999"],
    ]
    assert [onwards(line, "previous")["line"] for line in (0, 2999, 1500)] == [
        ["2999"],
        ["1500"],
        ["700"],
    ]
    assert onwards(2999, "next")["missed"] == ["next"]
    assert onwards(700, "previous")["missed"] == ["previous"]
    assert "No line after 2\u202f999 matches." in page(
        viewer_client, printed, "?q=needle&line=2999&missed=next"
    ).replace("\u2009", "\u202f")


def test_matches_are_counted_and_marked(printed: Execution, viewer_client: Client) -> None:
    html = page(viewer_client, printed, "?q=needle&line=2999")

    assert "3 lines match" in html
    assert "&lt;<mark>NEEDLE</mark>&gt; 2999" in html


def test_the_next_of_stderr_is_found(printed: Execution, viewer_client: Client) -> None:
    assert step(viewer_client, printed, "?go=stderr")["line"] == ["800"]
    assert step(viewer_client, printed, "?go=stderr&line=800")["line"] == ["2500"]
    assert step(viewer_client, printed, "?go=stderr&line=2500")["missed"] == ["stderr"]


def test_a_step_through_a_long_log_stops_and_goes_on(
    printed: Execution, viewer_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logsearch.Effort.__init__, "__defaults__", (5_000, None))

    first = step(viewer_client, printed, "?q=%3Cneedle&go=next")

    assert first["stopped"] == ["next"]
    assert "Searched as far as line" in page(
        viewer_client, printed, f"?q=x&line={first['line'][0]}&stopped=next"
    )
    at, steps = first["line"][0], 1
    while at != "2999":
        at = step(viewer_client, printed, f"?q=%3Cneedle&go=next&line={at}")["line"][0]
        steps += 1
    assert 2 < steps < 10


def test_the_logs_of_a_job_are_searched_newest_first(viewer_client: Client) -> None:
    job = make_job(name="talker")
    runs = [make_execution(job, state="failed", log_bytes=1) for _ in range(3)]
    other = make_execution(state="failed", log_bytes=1)
    for run in [*runs, other]:
        logs.append(run.pk, 1, [Chunk(OUT, b"hay\n"), Chunk(ERR, f"<Boom> {run.pk}\n".encode())])

    html = viewer_client.get(reverse("job_logs", args=[job.pk]) + "?q=boom").content.decode()
    empty = viewer_client.get(reverse("job_logs", args=[job.pk]) + "?q=nothing").content.decode()

    found = re.findall(r'href="(/executions/\d+/\?line=2&amp;q=boom#L2)"', html)
    assert found == [
        f"{reverse('execution', args=[run.pk])}?line=2&amp;q=boom#L2" for run in reversed(runs)
    ]
    assert "&lt;<mark>Boom</mark>&gt;" in html
    assert "No run of the period printed “nothing”." in empty
