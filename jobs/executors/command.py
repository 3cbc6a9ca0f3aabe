"""The job type ``command``: one shell line."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import ClassVar

from pydantic import field_validator

from jobs.domain.said import said
from jobs.executors.base import ExecutionContext, ExecutionResult, Monitor
from jobs.executors.environment import MAX_VARIABLE_BYTES
from jobs.executors.faults import required
from jobs.executors.limits import LimitedSpec
from jobs.executors.process import run

SHELL = "/bin/sh"

# Words that a shell hands to a program exactly as they are written, quotes removed.
# Possessive: without it a long line that ends badly takes exponential time.
_WORD = r"(?:[\w./:@%+,=-]++|'[^']*'|\"[^\"\\$`]*\")++"
_PLAIN = re.compile(rf"{_WORD}(?: +{_WORD})*", re.ASCII)
_EACH_WORD = re.compile(_WORD, re.ASCII)
_QUOTED = re.compile(r"'([^']*)'|\"([^\"]*)\"")

# What sh, whichever shell that is, does itself or reads as syntax. Of the builtins, true and false
# are left out: the programs of that name do just the same.
_OF_THE_SHELL_TEXT = (
    ". : [ [[ ! { } alias bg bind break builtin caller case cd chdir command compgen complete"
    " compopt continue coproc declare dirs disown do done echo elif else enable esac eval exec exit"
    " export fc fg fi for function getopts hash help history if in jobs kill let local logout"
    " mapfile popd printf print pushd pwd read readarray readonly return select set setvar"
    " shift shopt source suspend test then time times trap type typeset ulimit umask unalias unset"
    " until wait while"
)
_OF_THE_SHELL = frozenset(_OF_THE_SHELL_TEXT.split())


class CommandSpec(LimitedSpec):
    """One line for the shell; ``&&``, ``||``, pipes and the rest work."""

    called: ClassVar[Mapping[str, str]] = {"command": "command"}

    command: str

    @field_validator("command")
    @classmethod
    def _check(cls, command: str) -> str:
        # A textarea sends CRLF, and sh would take the CR for a part of the last word.
        command = command.replace("\r\n", "\n").strip()
        if not command:
            raise ValueError(required("command", "command"))
        if "\0" in command:
            raise ValueError(said("command holds a NUL character"))
        size = len(command.encode("utf-8", "replace"))
        if size > MAX_VARIABLE_BYTES:
            raise ValueError(
                said(
                    "command has {size:,} bytes, at most {most:,} fit: use a script job",
                    size=size,
                    most=MAX_VARIABLE_BYTES,
                )
            )
        return command


class CommandExecutor:
    """Run a line by ``/bin/sh -c``, or without a shell where that makes no difference."""

    spec_model = CommandSpec

    def execute(
        self, spec: CommandSpec, context: ExecutionContext, monitor: Monitor
    ) -> ExecutionResult:
        """Run the line to its end."""
        programs = spec.within_limits(programs_for(spec.command))
        return spec.explained(run(programs, spec.context_of(context), monitor))


@lru_cache(maxsize=1024)
def programs_for(line: str) -> Sequence[Sequence[str]]:
    """Return what to start for a shell line, in order of preference.

    A shell that only starts one program doubles the price of a short command (0.7 to 1.6 ms
    measured), so a line without anything for a shell to do is started directly. If that fails (not
    found, no permission, a script without shebang) the shell runs it after all: its message, its
    exit status.
    """
    shell = (SHELL, "-c", line)
    if not _PLAIN.fullmatch(line):
        return (shell,)
    words = _EACH_WORD.findall(line)
    argv = tuple(_QUOTED.sub(_without_quotes, word) for word in words)
    if "=" in words[0] or not argv[0] or argv[0] in _OF_THE_SHELL:
        return (shell,)
    return (argv, shell)


def _without_quotes(match: re.Match[str]) -> str:
    single, double = match.groups()
    return single if single is not None else double
