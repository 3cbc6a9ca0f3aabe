"""Logs over the API: a part by lines, attempt or bytes; waiting for more; search in all of a job's."""

from __future__ import annotations

from jobs.domain.states import Stream
from jobs.executors.base import Chunk
from jobs.models import JobVersion
from jobs.services import logs
from tests.api.callers import Caller
from tests.factories import make_execution, make_job

OUT, ERR = Stream.STDOUT, Stream.STDERR


def test_a_part_of_a_log(as_viewer: Caller) -> None:
    execution = make_execution(state="failed")
    logs.append(execution.pk, 1, [Chunk(OUT, b"one\ntwo\n"), Chunk(ERR, b"bad\n")])
    logs.append(execution.pk, 2, [Chunk(OUT, b"three\nfour")])
    path = f"/executions/{execution.pk}/log"

    def got(query: str) -> tuple[bytes, str, str]:
        answer = as_viewer.get(f"{path}?{query}")
        return answer.content, answer.headers["Log-Next"], answer.headers["Log-Complete"]

    assert got("tail=3") == (b"bad\nthree\nfour", "22", "true")
    assert got("tail=1&stream=stderr")[0] == b"bad\nthree\nfour"[:4]
    assert got("attempt=2")[0] == b"three\nfour"
    assert got("offset=4&limit=6") == (b"two\nba", "10", "false")
    assert got("offset=22&wait=30") == (b"", "22", "true")


def test_a_waiting_reader_is_answered_at_once_when_there_is_output(as_viewer: Caller) -> None:
    execution = make_execution(state="running")
    logs.append(execution.pk, 1, [Chunk(OUT, b"news\n")])

    answer = as_viewer.get(f"/executions/{execution.pk}/log?wait=3000")
    nothing = as_viewer.get(f"/executions/{execution.pk}/log?from=5&wait=0.05")

    assert (answer.content, answer.headers["Log-Complete"]) == (b"news\n", "false")
    assert (nothing.content, nothing.headers["Log-Next"]) == (b"", "5")


def test_lines_of_all_executions_are_found_page_by_page(as_viewer: Caller) -> None:
    job = make_job()
    runs = [make_execution(job, state="failed", log_bytes=9) for _ in range(3)]
    for run in runs:
        printed = [Chunk(OUT, b"fine\n\x1b[31mERR\x1b[0mor %d\n" % run.pk), Chunk(ERR, b"error\n")]
        logs.append(run.pk, 1, printed)

    found: list[tuple[object, ...]] = []
    cursor: str | None = ""
    pages = 0
    while cursor is not None:
        page = as_viewer.get(f"/jobs/{job.pk}/log-search?q=error&limit=2{cursor}").json
        names = ("execution_id", "line", "stream", "text")
        found += [tuple(item[name] for name in names) for item in page["items"]]
        cursor = page["next_cursor"] and f"&cursor={page['next_cursor']}"
        pages += 1

    assert found == [
        line
        for run in reversed(runs)
        for line in [(run.pk, 2, "stdout", f"ERRor {run.pk}"), (run.pk, 3, "stderr", "error")]
    ]
    assert pages == 3
    assert as_viewer.get(f"/jobs/{job.pk}/log-search?q=.*").json["items"] == []
    assert as_viewer.get(f"/jobs/{job.pk}/log-search").status == 400


def test_the_answers_of_an_http_job_are_not_searched_for_a_viewer(
    as_viewer: Caller, as_operator: Caller
) -> None:
    job = make_job()
    JobVersion.objects.filter(job=job).delete()
    type(job).objects.filter(pk=job.pk).update(type="http")
    run = make_execution(job, state="succeeded", log_bytes=9)
    logs.append(run.pk, 1, [Chunk(OUT, b"the answer\n")])
    path = f"/jobs/{job.pk}/log-search?q=answer"

    assert len(as_operator.get(path).json["items"]) == 1
    hidden = as_viewer.get(path).json
    assert (hidden["items"], hidden["next_cursor"]) == ([], None)
