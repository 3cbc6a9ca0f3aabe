"""The job type ``script``: a text with its shebang, bash by default."""

from __future__ import annotations

import contextlib
import os
import shlex
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

from pydantic import field_validator

from jobs.domain.errors import InvalidError
from jobs.domain.said import said
from jobs.executors import verdict
from jobs.executors.base import ExecutionContext, ExecutionResult, Monitor
from jobs.executors.faults import required
from jobs.executors.identity import identity_of
from jobs.executors.limits import LimitedSpec
from jobs.executors.passage import is_ours, passage
from jobs.executors.process import run

BASH = "/bin/bash" if os.access("/bin/bash", os.X_OK) else "bash"
MAX_SCRIPT_BYTES = 4_000_000
SCRIPT_MODE = 0o700
DIRECTORY_MODE = 0o700
PREFIX = "script-"
# How shlex says that a line cannot be split into words.
_QUOTING: dict[str, str] = {
    one: one for one in (said("No closing quotation"), said("No escaped character"))
}


class ScriptSpec(LimitedSpec):
    """A script, run by its ``#!`` line, else by ``interpreter``, else by bash."""

    called: ClassVar[Mapping[str, str]] = {"script": "script content"}

    script: str
    interpreter: str | None = None

    @field_validator("script")
    @classmethod
    def _check(cls, script: str) -> str:
        # Textareas and Windows editors write CRLF, which no shell understands; some add a BOM,
        # which would hide the shebang.
        script = script.removeprefix("\ufeff").replace("\r\n", "\n")
        if not script.strip():
            raise ValueError(required("script content", "script"))
        if "\0" in script:
            raise ValueError(said("script holds a NUL character"))
        size = len(script.encode("utf-8", "replace"))
        if size > MAX_SCRIPT_BYTES:
            raise ValueError(
                said(
                    "script has {size:,} bytes, at most {most:,} are allowed",
                    size=size,
                    most=MAX_SCRIPT_BYTES,
                )
            )
        return script

    @field_validator("interpreter")
    @classmethod
    def _check_interpreter(cls, interpreter: str | None) -> str | None:
        if interpreter is None or not interpreter.strip():
            return None
        try:
            shlex.split(interpreter)
        except ValueError as error:
            why = _QUOTING.get(str(error), str(error))
            raise ValueError(
                said("interpreter {program!r}: {error}", program=interpreter, error=why)
            ) from None
        return interpreter.strip()


class ScriptExecutor:
    """Run a script from a private file that lives as long as the run."""

    spec_model = ScriptSpec

    def execute(
        self, spec: ScriptSpec, context: ExecutionContext, monitor: Monitor
    ) -> ExecutionResult:
        """Run the script to its end."""
        context = spec.context_of(context)
        try:
            path = _write(context, spec.script)
        except (OSError, InvalidError) as error:
            monitor.write([], last=True)
            return verdict.not_started(error, datetime.now(UTC))
        try:
            programs = spec.within_limits([[*interpreter_of(spec), str(path)]])
            return spec.explained(run(programs, context, monitor))
        finally:
            with contextlib.suppress(OSError):
                path.unlink()


def interpreter_of(spec: ScriptSpec) -> list[str]:
    """Return the program, and its options, that reads the script.

    It is started by name rather than by the kernel from the shebang, so that the file may lie on a
    file system mounted noexec. Like the kernel, take everything after the program as one option.
    """
    first_line = spec.script.partition("\n")[0]
    if first_line.startswith("#!") and (words := first_line[2:].strip().split(maxsplit=1)):
        return words
    return shlex.split(spec.interpreter) if spec.interpreter else [BASH]


def remove_leftovers(
    directories: Iterable[Path], *, running: Callable[[Collection[int]], Collection[int]]
) -> int:
    """Delete the files of workers that died, but for executions that run; return how many.

    Listed before the question which of them run: a file is made after its execution has started.
    """
    found = dict(_scripts(directories))
    spared = running(set(found.values()))
    left = [path for path, number in found.items() if number not in spared]
    for path in left:
        path.unlink(missing_ok=True)
    return len(left)


def _scripts(directories: Iterable[Path]) -> Iterator[tuple[Path, int]]:
    """Yield the files of scripts with the number of their execution."""
    for directory in filter(is_ours, directories):
        for path in directory.glob(f"{PREFIX}*-*"):
            number = path.name.removeprefix(PREFIX).partition("-")[0]
            if number.isdecimal():
                yield path, int(number)


def _write(context: ExecutionContext, script: str) -> Path:
    """Write a script where only its user can read it; the name tells whose it is."""
    identity = identity_of(context.run_as)
    directory = context.scratch_dir.absolute() if identity is None else passage(context.instance)
    directory.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
    path = directory / f"{PREFIX}{context.execution_id}-{context.attempt}"
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, SCRIPT_MODE)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(script.encode("utf-8", "replace"))
            if identity is not None:
                identity.give(handle)
    except OSError:
        path.unlink(missing_ok=True)
        raise
    return path
