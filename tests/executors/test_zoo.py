"""The hostile job zoo: each beast ends as documented, and leaves no process and no memory behind.

Beasts that have their own tests, some with several variants, are shown there:

- exit codes 0 to 255, death by a signal with its name: test_command
- 1 GB of output, an endless writer, a line of a megabyte, closed pipes, empty stdin: test_output
- children in the background, a process that was stopped, zombies, a tree of processes that grows:
  test_ending_the_tree
- 10 MB of environment, names and values that no process can get: test_environment
- memory, CPU time, open files beyond a limit, each alone: test_limits
- servers that trickle, never end, answer 1 GB or a compressed bomb: test_http

Here all run one after the other in the same worker, which is what must stay whole: after each the
test looks at the verdict, at the processes that are left and at the memory of the worker.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest

from jobs.domain.states import ExecutionState, Stream
from jobs.executors import ExecutionContext
from jobs.executors.proctree import children
from tests.executors.conftest import marked
from tests.executors.worker import Run, in_worker, run

S = ExecutionState
# Until the worker has seen everything once, its memory grows by what it imports and caches.
ALLOWED_GROWTH = 30_000_000
PYTHON = f"#!{sys.executable}\n"
DEAF = "trap '' TERM INT HUP QUIT; "
FOREVER = "while :; do sleep 0.05; done"


@dataclass(frozen=True)
class Beast:
    """A job that misbehaves, and how its run must end."""

    name: str
    text: str
    state: ExecutionState
    message: str
    job_type: str = "command"
    timeout: float = 20.0
    within: float = 8.0  # seconds until the verdict
    limits: dict[str, int] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    check: Callable[[Run], Any] = lambda _: True


def timed_out(name: str, text: str, **fields: Any) -> Beast:
    """Return a beast that only its time limit of half a second ends."""
    return Beast(name, text, S.TIMED_OUT, "Timed out after 0.5 s", timeout=0.5, within=4, **fields)


DAEMON = PYTHON + (
    "import os, sys, time\n"
    "if os.fork(): os.wait(); sys.exit(0)\n"
    "os.setsid()\n"
    "if os.fork(): os._exit(0)\n"
    "os.environ.clear(); os.chdir('/')\n"
    "for handle in range(3): os.close(handle)\n"
    "time.sleep(300)\n"
)
FLOOD = PYTHON + (
    "import time\nend = time.monotonic() + 2\n"
    "while time.monotonic() < end:\n"
    "    start = time.monotonic()\n"
    "    print(('x' * 60 + '\\n') * 10_000, end='')\n"
    "    time.sleep(max(0, 0.1 - (time.monotonic() - start)))\n"
)
# It doubles as long as it can, starts again whatever ends, and is deaf. That there is an end to it is
# the kernel's limit for a user who has nothing else here; root knows no such limit.
BOMB = PYTHON + (
    "import os, resource, signal, time\n"
    "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    "resource.setrlimit(resource.RLIMIT_NPROC, (60, 60))\n"
    "if os.getuid() == 0: os.setgroups([]); os.setgid(61234); os.setuid(61234)\n"
    "while True:\n"
    "    try:\n"
    "        if os.fork() == 0: os.setsid(); os.write(1, b'boom ')\n"
    "    except OSError: time.sleep(0.001)\n"
)

ZOO = [
    timed_out("ignores TERM", DEAF + FOREVER, check=lambda run: run.result.signal == 9),
    timed_out("starts children that ignore TERM", f"{DEAF} sh -c '{FOREVER}' & wait; {FOREVER}"),
    timed_out("setsid grandchild", f"setsid sh -c \"{DEAF} {FOREVER}\" & setsid sleep 300 & wait"),
    timed_out("stops itself", "kill -STOP $$; sleep 300"),
    timed_out("answers every end by a new start", "while :; do setsid sleep 0.2 & sleep 0.01; done"),
    Beast("daemonises", DAEMON, S.SUCCEEDED, "", "script", within=4),
    Beast("double-forks", "( ( sleep 300 & ) & ); echo done", S.SUCCEEDED, "", within=4),
    Beast("holds the pipe open", "setsid sleep 300 & echo done", S.SUCCEEDED, "", within=4),
    Beast(
        "holds the pipe open and ignores TERM",
        f"setsid sh -c \"{DEAF} {FOREVER}\" & sleep 0.2; exit 3",
        S.FAILED,
        "Command failed: exit status 3",
        within=4,
    ),
    Beast("closes stdout", "exec >&- 2>&-; sleep 0.2; exit 4", S.FAILED, "Command failed: exit status 4"),
    Beast("reads stdin", "cat; read line || echo empty", S.SUCCEEDED, "",
          check=lambda run: run.text() == "empty\n"),
    Beast("asks the terminal", "exec < /dev/tty", S.FAILED, "Command failed: exit status 2",
          check=lambda run: "/dev/tty" in (run.result.error or "")),
    Beast("floods output, 100,000 lines a second", FLOOD, S.SUCCEEDED, "", "script",
          check=lambda run: run.result.output_bytes >= 0.5 * 2 * 100_000 * 61
          and run.result.truncated and len(run.text()) < 11_000_000),
    Beast("prints a gigabyte", "head -c 1000000000 /dev/zero", S.SUCCEEDED, "", within=20,
          check=lambda run: run.result.output_bytes == 1_000_000_000
          and len(run.text()) < 11_000_000),
    timed_out("prints for ever on both", "yes & yes >&2"),
    Beast("NUL and bad UTF-8", "printf 'a\\000b\\377\\376\\303(\\n' >&2; exit 1", S.FAILED,
          "Command failed: exit status 1",
          check=lambda run: b"a\0b\xff\xfe\xc3(\n" in [c.data for c in run.chunks]
          and (run.result.error or "x").isprintable()),
    Beast("result of 1 MB", "printf '::result '; head -c 1000000 /dev/zero | tr '\\0' 1", S.SUCCEEDED,
          "", check=lambda run: run.result.result is None
          and "ignored '::result 111" in run.text(Stream.SYSTEM)),
    Beast("10 MB of environment", "date", S.FAILED,
          "Command could not be started: environment: BIG has 10,000,004 bytes, at most 131,071 fit",
          environment={"BIG": "x" * 10_000_000}),
    Beast("more memory than its limit", PYTHON + "x = bytearray(2_000_000_000)", S.FAILED,
          "Command failed: exit status 1", "script", limits={"memory_bytes": 300_000_000},
          check=lambda run: run.result.error == "MemoryError"),
    # What it holds is let go, or Python 3.13 has no memory left to print the error.
    Beast("memory in small pieces", PYTHON + "x = []\ntry:\n    while True: x.append(bytearray(1_000_000))"
          "\nexcept MemoryError:\n    x.clear()\n    raise",
          S.FAILED, "Command failed: exit status 1", "script", limits={"memory_bytes": 300_000_000},
          check=lambda run: run.result.error == "MemoryError"),
    Beast("more CPU time than its limit", "while :; do :; done", S.FAILED,
          "Command ended by signal 24 (SIGXCPU); its limit is 1 s of CPU time",
          limits={"cpu_seconds": 1}),
    timed_out("fork bomb", BOMB, job_type="script",
              check=lambda run: os.getuid() or run.result.output_bytes >= 30 * len("boom ")),
    *[
        Beast(f"dies of signal {signum}", f"ulimit -c 0; kill -{signum} $$; sleep 5", S.FAILED,
              f"Command ended by signal {signum} ({signal.Signals(signum).name})")
        for signum in sorted(
            signal.valid_signals() & set(range(1, 32))
            - {signal.SIGCHLD, signal.SIGCONT, signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN,
               signal.SIGTTOU, signal.SIGURG, signal.SIGWINCH}
        )
    ],
    *[
        Beast(f"exits with {code}", f"exit {code}", S.FAILED, f"Command failed: exit status {code}")
        for code in (1, 2, 126, 127, 128, 137, 255)
    ],
]  # fmt: skip


MANY = {beast.name for beast in ZOO if beast.name.startswith(("dies of signal", "exits with"))}

# What the memory of a worker is about: those that print much, and those that leave something.
HUNGRY = (
    "daemonises", "floods output, 100,000 lines a second", "prints for ever on both",
    "NUL and bad UTF-8", "result of 1 MB", "10 MB of environment", "fork bomb",
)  # fmt: skip


@dataclass(frozen=True)
class Seen:
    """What is left after a beast, and how its run ended."""

    outcome: tuple[ExecutionState, str]
    seconds: float
    is_as_expected: bool
    children: list[int]  # of the worker, zombies included
    strays: list[int]  # anywhere, by their mark
    handles: int
    files: list[str]  # of the run, whose directories the next one finds empty


def _tame(context: ExecutionContext, beast: Beast) -> Seen:
    mine = replace(
        context,
        timeout=timedelta(seconds=beast.timeout),
        grace=timedelta(seconds=0.3),
        environment=beast.environment,
    )
    spec = {beast.job_type: beast.text, **({"limits": beast.limits} if beast.limits else {})}
    start = time.monotonic()
    outcome = run(mine, beast.job_type, spec)
    return Seen(
        outcome.outcome,
        time.monotonic() - start,
        bool(beast.check(outcome)),
        children(os.getpid()),
        marked(context.instance),
        psutil.Process().num_fds(),
        [str(path) for path in _left_below(context)],
    )


def _left_below(context: ExecutionContext) -> list[Path]:
    """Return the files that a run has left in the directories that are Jobdeck's own."""
    own = (context.scratch_dir, Path(tempfile.gettempdir()) / f"jobdeck-{context.instance}")
    return [path for directory in own for path in directory.rglob("*")]


def _resident() -> int:
    gc.collect()
    return psutil.Process().memory_info().rss


@pytest.mark.parametrize(
    "beast",
    [
        # Of those that only end by a signal or with a code every fourth in the shortest run.
        pytest.param(beast, marks=[pytest.mark.long] if beast.name in MANY and number % 4 else [])
        for number, beast in enumerate(ZOO)
    ],
    ids=lambda beast: beast.name,
)
def test_each_beast_ends_as_documented(context: ExecutionContext, beast: Beast) -> None:
    seen = in_worker(lambda: _tame(context, beast))

    assert seen.outcome == (beast.state, beast.message)
    assert seen.is_as_expected
    assert seen.seconds < beast.within
    assert (seen.children, seen.strays, seen.files) == ([], [], [])


@pytest.mark.parametrize(
    "names", [HUNGRY, pytest.param([beast.name for beast in ZOO], marks=pytest.mark.soak)]
)
@pytest.mark.long
def test_a_worker_outlives_the_whole_zoo(
    context: ExecutionContext, monkeypatch: pytest.MonkeyPatch, names: Sequence[str]
) -> None:
    """One worker runs them all, and then an honest job as if nothing had been."""
    monkeypatch.setattr("tests.executors.worker.PATIENCE", 120.0)
    beasts = [beast for beast in ZOO if beast.name in names]

    def visit() -> tuple[list[Seen], int, Run]:
        _tame(context, replace(ZOO[0], text="true"))
        before = _resident()
        seen = [_tame(context, beast) for beast in beasts]
        return seen, _resident() - before, run(context, "command", {"command": "echo fine"})

    seen, grown, honest = in_worker(visit)

    assert [one.outcome for one in seen] == [(beast.state, beast.message) for beast in beasts]
    assert not [one for one in seen if one.children or one.strays or one.files]
    assert len({one.handles for one in seen}) == 1
    assert grown < ALLOWED_GROWTH
    assert (honest.outcome, honest.text()) == ((S.SUCCEEDED, ""), "fine\n")
