"""Inside the child of a template job: copy the template, then init, plan and apply, or destroy.

A request to end reaches OpenTofu as SIGINT, once: it finishes the resource at hand, writes its state
and gives up its lock. Whoever asked waits for that no longer than the job's grace period.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO, Any

from jobs.executors import template_files, template_state
from jobs.executors.template_lines import Reader, fault_in
from jobs.executors.template_spec import CustomCommands, Operation
from jobs.registry import JobContext

LOCK_WAIT = "60s"  # for somebody who works with OpenTofu in the same directory by hand
PLAN_FILE = "jobdeck.tfplan"
BUSY = ".jobdeck.lock"
CHANGES = 2  # what `plan -detailed-exitcode` answers when there are some
_QUIET = ("-input=false", "-no-color")
_HEARD = 65_536  # characters of a step's errors that are looked through for the first
# How far a run is when these steps begin, in percent.
_BEGINS = {"init": 2, "plan": 10, "apply": 30, "destroy": 15}


class StepError(Exception):
    """A step has failed; the text is for the person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """All that the child needs to know."""

    binary: str | None  # None: every step has a command of its own
    source: Path | None  # None: the working copy is used as it is
    template: str
    workspace: str
    operation: Operation
    custom: CustomCommands
    variables: Mapping[str, str]


def drive(order: Order, job: JobContext) -> dict[str, Any]:
    """Do what is ordered in the current directory; return the answer of a Python job."""
    return _Drive(order, job).to_the_end()


class _Drive:
    def __init__(self, order: Order, job: JobContext) -> None:
        self._order = order
        self._job = job
        self._here = Path.cwd()
        self._reader = Reader()
        self._running: subprocess.Popen[str] | None = None
        self._ending = False
        self._environment = {**os.environ, **order.variables}
        self._facts: dict[str, Any] = {"operation": order.operation.value}
        if order.template:
            self._facts["template"] = order.template

    def to_the_end(self) -> dict[str, Any]:
        """Take every step; a failed one ends the run, with the state as it is by then."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._asked_to_end)
        with _alone(self._here):
            try:
                self._prepare()
                getattr(self, f"_{self._order.operation.value}")()
                return self._answer(succeeded=True, message=self._words())
            except StepError as error:
                return self._answer(succeeded=False, message=str(error))
            finally:
                (self._here / PLAN_FILE).unlink(missing_ok=True)

    def _asked_to_end(self, _number: int, _frame: FrameType | None) -> None:
        if self._ending:
            return
        self._ending = True
        if self._running is None:
            raise StepError("The run was asked to end.")
        self._running.send_signal(signal.SIGINT)

    # --- Steps ------------------------------------------------------------------------------------

    def _prepare(self) -> None:
        order = self._order
        if order.source is None:
            _say("The template is gone; the copy of the last deployment is used.")
        else:
            self._facts["template_hash"] = template_files.renew(
                order.source, self._here, workspace=order.workspace, template=order.template
            )
        if told := template_state.drop_stale_lock(self._here):
            _say(told)
        if order.custom.init_command:
            self._shell("init", order.custom.init_command)
        else:
            self._plain("init", ["init", *_QUIET])

    def _apply(self) -> None:
        custom = self._order.custom
        if custom.plan_command:
            self._shell("plan", custom.plan_command)
        elif self._order.binary is not None:
            self._json("plan", ["plan", *_QUIET, *_locked(), "-json", f"-out={PLAN_FILE}"])
        if custom.apply_command:
            self._shell("apply", custom.apply_command)
            return
        planned = [PLAN_FILE] if (self._here / PLAN_FILE).exists() else []
        arguments = ["apply", *_QUIET, *_locked(), "-auto-approve", "-json", *planned]
        self._json("apply", arguments)

    def _destroy(self) -> None:
        if self._order.custom.destroy_command:
            self._shell("destroy", self._order.custom.destroy_command)
        else:
            self._json("destroy", ["destroy", *_QUIET, *_locked(), "-auto-approve", "-json"])

    def _plan(self) -> None:
        arguments = ["plan", *_QUIET, *_locked(), "-json", "-detailed-exitcode"]
        code = self._json("plan", arguments, good=(0, CHANGES))
        self._facts["drift"] = code == CHANGES
        self._facts["changed_elsewhere"] = self._reader.drift

    # --- Starting programs ------------------------------------------------------------------------

    def _plain(self, step: str, arguments: Sequence[str]) -> None:
        """Take a step that speaks to people."""
        self._begin(step, f"tofu {' '.join(arguments)}")
        self._judge(step, *self._run([self._binary(), *arguments], as_json=False))

    def _shell(self, step: str, line: str) -> None:
        """Take a step by a shell line of the workspace's own."""
        self._begin(step, line)
        self._judge(step, *self._run(["/bin/sh", "-c", line], as_json=False))

    def _json(self, step: str, arguments: Sequence[str], good: Sequence[int] = (0,)) -> int:
        """Take a step that tells what it does as JSON lines."""
        self._begin(step, f"tofu {' '.join(arguments)}")
        code, heard = self._run([self._binary(), *arguments], as_json=True)
        self._judge(step, code, heard, good)
        return code

    def _binary(self) -> str:
        if self._order.binary is None:
            raise StepError(NOT_FOUND)
        return self._order.binary

    def _begin(self, step: str, line: str) -> None:
        if self._ending:
            raise StepError("The run was asked to end.")
        _say(f"$ {line}")
        self._job.progress(_BEGINS[step])

    def _run(self, argv: Sequence[str], *, as_json: bool) -> tuple[int, str]:
        """Run a program to its end; return its exit code and what it said on stderr."""
        try:
            process = subprocess.Popen(  # noqa: S603 - the program that the operator has set
                argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=self._environment,
                text=True,
                errors="replace",
            )
        except OSError as error:
            raise StepError(f"{argv[0]} could not be started: {error.strerror}") from error
        self._running = process
        if self._ending:  # asked between the start and this line
            process.send_signal(signal.SIGINT)
        heard = _Heard(process.stderr)
        for line in _lines(process.stdout):
            self._tell(line, as_json=as_json)
        heard.join()
        code = process.wait()
        self._running = None
        return code, heard.text

    def _tell(self, line: str, *, as_json: bool) -> None:
        if not as_json:
            sys.stdout.write(line)
            sys.stdout.flush()
            return
        before = self._reader.completed
        text = self._reader.text(line)
        if text is not None:
            _say(text)
        if self._reader.completed != before:
            self._job.progress(30 + 65 * self._reader.share())

    def _judge(self, step: str, code: int, heard: str, good: Sequence[int] = (0,)) -> None:
        if self._ending:
            raise StepError(f"{step} was interrupted; the state holds what was done until then.")
        if code not in good:
            fault = self._reader.fault or fault_in(heard)
            ended = f"exit status {code}" if code >= 0 else f"ended by {_signal(-code)}"
            raise StepError(f"{step} failed: {fault or ended}")

    # --- The answer -------------------------------------------------------------------------------

    def _answer(self, *, succeeded: bool, message: str) -> dict[str, Any]:
        state = template_state.read(self._here)
        if state is None and succeeded and self._order.binary is not None:
            state = self._pulled()
        done = (
            self._reader.planned if self._order.operation is Operation.PLAN else self._reader.done
        )
        self._facts["changes"] = done.document()
        facts = {**self._facts, **template_state.summary_of(state)}
        if not succeeded:
            sys.stderr.write(f"{message}\n")
        return {"success": succeeded, "message": message, "data": facts}

    def _pulled(self) -> Any:
        """Return the state of a backend that keeps it elsewhere; None when it cannot be had."""
        try:
            found = subprocess.run(  # noqa: S603 - the program that the operator has set
                [self._binary(), "state", "pull"],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                env=self._environment,
                check=True,
            )
            return json.loads(found.stdout)
        except (OSError, ValueError, subprocess.CalledProcessError):
            return None

    def _words(self) -> str:
        if self._order.operation is Operation.PLAN:
            planned = self._reader.planned.words()
            return f"Drift: {planned}" if self._facts["drift"] else "No changes"
        done = self._reader.done
        if self._order.operation is Operation.DESTROY:
            return f"Destroyed: {done.remove} destroyed"
        return f"Applied: {done.add} added, {done.change} changed, {done.remove} destroyed"


NOT_FOUND = (
    "OpenTofu was not found: neither tofu nor terraform is on PATH. "
    "Install OpenTofu on this host, or name its program in TOFU_BINARY."
)


def _signal(number: int) -> str:
    known = number in {one.value for one in signal.Signals}
    return f"signal {number} ({signal.Signals(number).name})" if known else f"signal {number}"


def _locked() -> tuple[str, ...]:
    return (f"-lock-timeout={LOCK_WAIT}",)


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Wait until no other run of ours works in a directory; a dead one holds nothing."""
    with (directory / BUSY).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            _say("Another run works in this directory; waiting for its end.")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _lines(stream: IO[str] | None) -> Iterator[str]:
    if stream is not None:
        yield from stream


class _Heard(threading.Thread):
    """Passes stderr on and remembers its end."""

    def __init__(self, stream: IO[str] | None) -> None:
        super().__init__(daemon=True)
        self._stream = stream
        self.text = ""
        self.start()

    def run(self) -> None:
        for line in _lines(self._stream):
            self.text = (self.text + line)[-_HEARD:]
            sys.stderr.write(line)
            sys.stderr.flush()
