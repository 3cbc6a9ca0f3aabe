"""The job type ``management_command``: a Django management command."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

from django.core.management import call_command, get_commands, load_command_class
from django.core.management.base import BaseCommand
from pydantic import Field, field_validator, model_validator

from jobs import conf
from jobs.domain.said import said
from jobs.executors.base import ExecutionContext, ExecutionResult, Monitor
from jobs.executors.faults import required
from jobs.executors.forked import run_forked
from jobs.executors.limits import LimitedSpec
from jobs.registry import JobContext

# What no job should run by mistake. Not a wall: who may define jobs may run any program.
REFUSED: Mapping[str, str] = {
    **dict.fromkeys(
        ("shell", "dbshell", "changepassword", "createsuperuser"), said("it asks a person")
    ),
    **dict.fromkeys(
        (
            "runserver",
            "testserver",
            "serve",
            "cluster",
            "dispatcher",
            "qcluster",
            "qinfo",
            "qmemory",
            "qmonitor",
        ),
        said("it is a server and does not end"),
    ),
    **dict.fromkeys(("flush", "sqlflush"), said("it empties the database")),
    **dict.fromkeys(
        ("migrate", "makemigrations", "squashmigrations", "optimizemigration", "setup"),
        said("it changes the tables under the running server"),
    ),
    **dict.fromkeys(("startapp", "startproject", "makemessages"), said("it writes source code")),
    **dict.fromkeys(
        ("create_token", "drf_create_token", "diffsettings", "dumpdata", "axes_list_attempts"),
        said("it prints what is secret into a log that every viewer reads"),
    ),
    # Under the product's own name it would do what the rights of whoever defined the job do not allow.
    **dict.fromkeys(
        (
            "axes_reset",
            "axes_reset_failure_logs",
            "axes_reset_ip",
            "axes_reset_ip_username",
            "axes_reset_logs",
            "axes_reset_username",
            "createcachetable",
            "apply",
            "load_examples",
            "loaddata",
            "recompute_stats",
            "remove_stale_contenttypes",
            "rotate_secrets",
            "sync_jobs",
        ),
        said("it is for an administrator at the host"),
    ),
    **dict.fromkeys(("make_jobs", "make_history"), said("it makes up data")),
    "test": said("it makes and drops databases"),
}
# Set by the executor itself, or meaningless without a terminal.
_OWN_OPTIONS = frozenset({"help", "version", "stdout", "stderr", "no_color", "force_color"})


class ManagementSpec(LimitedSpec):
    """A command by name, its arguments as on the command line, and options by name."""

    called: ClassVar[Mapping[str, str]] = {"command": "command"}

    command: str
    args: list[str] = Field(default_factory=list)
    options: dict[str, Any] = Field(default_factory=dict)

    @field_validator("command")
    @classmethod
    def _check(cls, command: str) -> str:
        command = command.strip()
        if not command:
            raise ValueError(required("command", "management_command"))
        if fault := fault_of(command):
            raise ValueError(fault)
        return command

    @model_validator(mode="after")
    def _check_call(self) -> ManagementSpec:
        parser = _parser_of(self.command)
        known = {action.dest for action in parser._actions}  # noqa: SLF001 - there is no other way
        if unknown := sorted(set(self.options) - known | set(self.options) & _OWN_OPTIONS):
            raise ValueError(
                said(
                    "{command} has no option {option!r}; it has: {allowed}",
                    command=self.command,
                    option=unknown[0],
                    allowed=", ".join(sorted(known - _OWN_OPTIONS)) or said("none"),
                )
            )
        return self


class ManagementExecutor:
    """Run a management command in a child process of its own."""

    spec_model = ManagementSpec

    def execute(
        self, spec: ManagementSpec, context: ExecutionContext, monitor: Monitor
    ) -> ExecutionResult:
        """Run the command to its end."""
        work = partial(_call, spec)
        return spec.explained(
            run_forked(work, spec.context_of(context), monitor, limits=spec.limits)
        )


def fault_of(command: str) -> str | None:
    """Say why a command may not be run by a job; None when it may."""
    known = get_commands()
    if command not in known:
        return said(
            "management command {command!r:.80} does not exist; there are: {known}",
            command=command,
            known=_listed(known),
        )
    allowed = conf.management_commands()
    if allowed:
        if command in allowed:
            return None
        return said(
            "management command {command!r} is not allowed; allowed: {allowed}",
            command=command,
            allowed=", ".join(allowed),
        )
    if reason := REFUSED.get(command):
        return said(
            "management command {command!r} is refused: {reason}", command=command, reason=reason
        )
    return None


def _listed(known: Mapping[str, Any]) -> str:
    return ", ".join(sorted(set(known) - set(REFUSED)))


def _parser_of(command: str) -> argparse.ArgumentParser:
    """Return the command's parser; ValueError when its code cannot be loaded."""
    try:
        return _load(command).create_parser("manage.py", command)
    except Exception as error:
        raise ValueError(
            said(
                "management command {command!r} could not be loaded: {error}",
                command=command,
                error=f"{type(error).__name__}: {error}",
            )
        ) from error


def _load(command: str) -> BaseCommand:
    app = get_commands()[command]
    return app if isinstance(app, BaseCommand) else load_command_class(app, command)


def _call(spec: ManagementSpec, _context: JobContext) -> None:
    """Call the command in this process; what it prints and returns goes to standard output."""
    call_command(spec.command, *spec.args, **spec.options)
