"""What a command prints reaches the log: whole, in order, in time, within its limit."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from resource import RUSAGE_SELF, getrusage

import pytest

from jobs.domain.states import ExecutionState, Stream
from jobs.executors import BeatAnswer, Chunk, ExecutionContext, executor_for, parse_spec
from jobs.executors.environment import INSTANCE_VARIABLE
from jobs.executors.output import FLUSH_SECONDS, MAX_TAIL_BYTES, Collector
from jobs.executors.proctree import kill_marked
from tests.executors.conftest import RunJob, wait_for
from tests.executors.worker import Recorder, in_worker, make_context, start_worker
from tests.executors.worker import run as run_here

PRINT_MUCH = "python3 -c 'import os\nfor i in range({lines}): os.write(1, b\"line %06d\\n\" % i)'"


def test_stdout_and_stderr_are_told_apart(run_job: RunJob) -> None:
    run = run_job(command="echo out; sleep 0.05; echo err >&2; sleep 0.05; echo out again")

    assert [(chunk.stream, chunk.data) for chunk in run.chunks] == [
        (Stream.STDOUT, b"out\n"),
        (Stream.STDERR, b"err\n"),
        (Stream.STDOUT, b"out again\n"),
    ]
    assert run.result.output_bytes == 18


@pytest.mark.usefixtures("quick_beats")
def test_output_is_handed_over_while_the_command_runs(run_job: RunJob, tmp_path: Path) -> None:
    def go_on_when_read(monitor: Recorder) -> BeatAnswer:
        if monitor.seen == b"first\n":
            (tmp_path / "go").touch()
        return BeatAnswer()

    run = run_job(
        script=f"echo first; while [ ! -e {tmp_path}/go ]; do sleep 0.05; done; echo second",
        answer=go_on_when_read,
    )

    assert run.outcome == (ExecutionState.SUCCEEDED, "")
    assert [size for _, size in run.writes] == [6, 7]
    assert run.last_writes == 1


def test_a_short_command_costs_one_write(run_job: RunJob) -> None:
    run = run_job(command="echo one; echo two >&2")

    assert len(run.writes) == 1
    assert run.last_writes == 1


def test_nothing_printed_is_one_empty_last_write(run_job: RunJob) -> None:
    run = run_job(command="true")

    assert [size for _, size in run.writes] == [0]
    assert run.last_writes == 1


def test_bytes_that_are_no_text_pass_unchanged(run_job: RunJob) -> None:
    run = run_job(command=r"printf 'a\000b\377\376c\033[31m'")

    assert b"".join(chunk.data for chunk in run.chunks) == b"a\0b\xff\xfec\x1b[31m"


def test_a_hundred_thousand_lines_arrive_in_order(run_job: RunJob) -> None:
    run = run_job(command=PRINT_MUCH.format(lines=100_000))

    assert run.text().splitlines() == [f"line {number:06}" for number in range(100_000)]
    assert not run.result.truncated


def test_of_fifty_megabytes_head_and_tail_are_kept_with_a_mark(run_job: RunJob) -> None:
    run = run_job(command="seq 10000000 15999999", output_limit=1_000_000)

    marks, kept = run.text(Stream.SYSTEM), run.text(Stream.STDOUT)
    tail = run.chunks[-1].data.decode()
    assert run.result.state is ExecutionState.SUCCEEDED
    assert (run.result.output_bytes, run.result.truncated) == (54_000_000, True)
    assert kept.startswith("10000000\n10000001\n")
    assert tail.startswith("159")
    assert tail.endswith("15999998\n15999999\n")
    assert marks.endswith(f"[… {54_000_000 - len(kept):,} bytes not kept; limit 1,000,000 …]\n")
    assert run.chunks[-2].stream is Stream.SYSTEM
    assert 990_000 < len(kept) <= 1_000_000


def test_a_gigabyte_of_output_costs_little_memory(context: ExecutionContext) -> None:
    def work() -> tuple[int, int]:
        before = getrusage(RUSAGE_SELF).ru_maxrss
        outcome = run_here(context, "command", {"command": "head -c 1000000000 /dev/zero"})
        return outcome.result.output_bytes, getrusage(RUSAGE_SELF).ru_maxrss - before

    size, grown_kib = in_worker(work)

    assert size == 1_000_000_000
    # Ten megabytes of it are the output that is kept and noted here.
    assert grown_kib < 50_000


def test_an_endless_writer_is_stopped_by_its_timeout(run_job: RunJob) -> None:
    run = run_job(command="yes", timeout=timedelta(seconds=0.5), output_limit=100_000)

    assert run.result.state is ExecutionState.TIMED_OUT
    assert run.result.seconds < 10
    assert sum(len(chunk.data) for chunk in run.chunks) < 101_000


def test_a_line_of_a_megabyte_is_kept(run_job: RunJob) -> None:
    run = run_job(command="head -c 1000000 /dev/zero | tr '\\0' x")

    assert run.text() == "x" * 1_000_000


def test_reading_stdin_finds_it_empty(run_job: RunJob) -> None:
    run = run_job(command="cat; read line || echo nothing to read")

    assert run.text() == "nothing to read\n"


def test_closing_the_pipes_does_not_end_a_run(run_job: RunJob) -> None:
    run = run_job(script="echo bye; exec > /dev/null 2>&1; sleep 0.4; exit 5")

    assert run.outcome == (ExecutionState.FAILED, "Command failed: exit status 5")
    assert run.result.seconds >= 0.3


@pytest.mark.parametrize(
    ("script", "error"),
    [
        ("echo 'cannot open x' >&2; exit 1", "cannot open x"),
        ("printf 'one\\ntwo \\033[31m\\000red\\n\\n' >&2; exit 1", "two  [31m red"),
        ("echo fine; exit 1", None),
        ("echo warning >&2", None),
    ],
)
def test_the_last_line_on_stderr_explains_a_failure(
    run_job: RunJob, script: str, error: str | None
) -> None:
    assert run_job(script=script).result.error == error


def test_what_was_printed_a_second_before_the_worker_died_is_stored(
    tmp_path: Path, instance: str
) -> None:
    evidence, stored = tmp_path / "evidence", tmp_path / "stored"
    context = make_context(tmp_path, instance)
    script = (
        "#!/usr/bin/env python3\nimport os, time\n"
        f"evidence = open({str(evidence)!r}, 'a', buffering=1)\n"
        "for number in range(100000):\n"
        "    os.write(1, b'line %d\\n' % number)\n"
        "    print(time.monotonic(), file=evidence)\n"
        "    time.sleep(0.005)\n"
    )

    class Storing(Recorder):
        def write(self, chunks: Sequence[Chunk], *, last: bool = False) -> None:
            with stored.open("ab") as file:
                file.writelines(chunk.data for chunk in chunks)

    def work() -> None:
        executor_for("script").execute(parse_spec("script", {"script": script}), context, Storing())

    worker, pipe = start_worker(work)
    wait_for(lambda: evidence.exists() and len(evidence.read_text().splitlines()) > 300)
    os.kill(worker, signal.SIGKILL)
    died_at = time.monotonic()
    os.waitpid(worker, 0)
    os.close(pipe)
    kill_marked({INSTANCE_VARIABLE: instance})

    printed = [float(line) for line in evidence.read_text().split("\n")[:-1]]
    owed = sum(1 for moment in printed if moment < died_at - 1)
    kept = stored.read_bytes()
    whole = b"".join(b"line %d\n" % number for number in range(len(printed) + 1))
    assert owed > 100
    assert whole.startswith(kept)
    assert kept.count(b"\n") >= owed


def collect(limit: int, *data: bytes) -> tuple[str, Collector]:
    collector = Collector(limit)
    for piece in data:
        collector.add(Stream.STDOUT, piece, now=0.0)
    return b"".join(chunk.data for chunk in collector.finish()).decode(errors="replace"), collector


def test_up_to_the_limit_nothing_is_cut() -> None:
    text, collector = collect(100, b"x" * 60, b"y" * 40)

    assert text == "x" * 60 + "y" * 40
    assert not collector.truncated


def test_one_byte_more_is_cut_at_a_line_start() -> None:
    text, collector = collect(100, b"head line\n" * 8, b"tail line\n" * 2, b"\n")

    assert collector.truncated
    assert text.endswith("head \n[… 5 bytes not kept; limit 100 …]\ntail line\ntail line\n\n")


def test_the_tail_does_not_begin_within_a_character() -> None:
    text, _ = collect(100, b"h" * 75, "é".encode() * 30)

    assert "�" not in text


def test_a_limit_of_nothing_keeps_nothing_but_the_mark() -> None:
    text, _ = collect(0, b"something\n")

    assert text == "[… 10 bytes not kept; limit 0 …]\n"


def test_the_head_is_given_in_time_and_the_notice_of_the_cut_too() -> None:
    collector = Collector(100)
    collector.add(Stream.STDOUT, b"h" * 75, now=10.0)
    assert collector.due_at() == 10.0 + FLUSH_SECONDS
    collector.take()
    assert collector.due_at() is None

    collector.add(Stream.STDOUT, b"t" * 500, now=20.0)

    assert collector.due_at() == 20.0 + FLUSH_SECONDS
    (notice,) = collector.take()
    assert notice.stream is Stream.SYSTEM
    assert b"limit of 100 bytes reached" in notice.data


def test_much_output_is_due_at_once() -> None:
    collector = Collector(1_000_000)

    collector.add(Stream.STDOUT, b"x" * 40_000, now=10.0)

    assert collector.due_at() == 0.0


def test_the_tail_holds_a_bounded_share_of_a_large_limit() -> None:
    collector = Collector(100_000_000)
    for _ in range(1600):
        collector.add(Stream.STDOUT, b"x" * 65_536, now=0.0)
        collector.take()

    tail = collector.finish()[-1]

    assert len(tail.data) <= MAX_TAIL_BYTES


def test_alternating_streams_keep_their_order_in_the_tail() -> None:
    collector = Collector(40)
    for number in range(30):
        stream = Stream.STDERR if number % 2 else Stream.STDOUT
        collector.add(stream, b"%d\n" % number, now=0.0)

    tail = [chunk for chunk in collector.finish() if chunk.stream is not Stream.SYSTEM][-2:]

    assert tail[0].stream is Stream.STDOUT
    assert (tail[1].stream, tail[1].data) == (Stream.STDERR, b"29\n")


@pytest.mark.usefixtures("quick_beats")
def test_progress_goes_out_with_the_next_beat_and_result_and_metrics_with_the_end(
    run_job: RunJob,
) -> None:
    result = {"rows": [1, 2.5, None], "text": "ünïcode"}

    run = run_job(
        script="echo ::progress 40; sleep 0.3; echo ::progress 80%\n"
        f"echo ::metric rows=1000; echo ::metric ratio=0.5; printf '::result %s' '{json.dumps(result)}'"
    )

    assert run.progress == [40, 80]
    assert run.result.result == result
    assert run.result.metrics == {"rows": 1000.0, "ratio": 0.5}
    assert "::progress 40\n" in run.text(Stream.STDOUT)


def test_a_result_that_is_no_json_is_remarked_upon(run_job: RunJob) -> None:
    run = run_job(command="echo '::result {oops'")

    assert run.outcome == (ExecutionState.SUCCEEDED, "")
    assert run.result.result is None
    assert "[… ignored '::result {oops'" in run.text(Stream.SYSTEM)


def test_the_cost_of_a_run_is_reported(tmp_path: Path, instance: str) -> None:
    """S1-117."""
    script = "#!/usr/bin/env python3\nblock = b'x' * 600_000_000\nfor _ in range(2_000_000): pass"

    outcome = run_here(make_context(tmp_path, instance), "script", {"script": script})

    assert outcome.result.max_rss_bytes is not None
    assert 600_000_000 < outcome.result.max_rss_bytes < 1_200_000_000
    assert outcome.result.cpu_seconds is not None
    assert 0.02 < outcome.result.cpu_seconds < 10
