"""The environment of a job's processes: an allowlist, the job's variables, the built-in ones."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from functools import cache

from jobs.domain.errors import InvalidError
from jobs.domain.said import said
from jobs.executors.base import ExecutionContext
from jobs.executors.identity import Identity

# All that a job learns from the server's environment, where its secrets may be.
ALLOWED = ("PATH", "HOME", "LANG", "TZ", "USER", "LOGNAME", "SHELL", "TMPDIR")
ALLOWED_PREFIX = "LC_"
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
INSTANCE_VARIABLE = "JOBDECK_INSTANCE"
EXECUTION_VARIABLE = "EXECUTION_ID"

# Linux takes at most 128 KiB for one NAME=value and, with its usual 8 MiB stack, 2 MiB for all
# arguments and variables together; half of that leaves room for the arguments.
MAX_VARIABLE_BYTES = 131_071
MAX_ENVIRONMENT_BYTES = 1_000_000
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def build_environment(
    context: ExecutionContext,
    *,
    server: Mapping[str, str] | None = None,
    identity: Identity | None = None,
) -> dict[bytes, bytes]:
    """Return the variables of a job's processes, as bytes whatever the server's locale.

    The job's own variables may replace those of the allowlist but not the built-in ones. Raises
    InvalidError for a variable that cannot be passed.
    """
    validate_environment(context.environment)
    variables = dict(_inherited() if server is None else inherited_from(server))
    if identity is not None:
        variables.update(identity.environment)
    for own in (context.environment, _built_in(context)):
        variables.update((name.encode(), _encode(value)) for name, value in own.items())
    return variables


def inherited_from(server: Mapping[str, str]) -> dict[bytes, bytes]:
    """Return what a job gets of the server's environment."""
    allowed = {name: value for name, value in server.items() if _is_allowed(name)}
    return {
        name.encode(): os.fsencode(value)
        for name, value in {"PATH": DEFAULT_PATH, **allowed}.items()
    }


@cache
def _inherited() -> Mapping[bytes, bytes]:
    # Once per worker: reading os.environ anew costs a run a tenth of its supervision.
    return inherited_from(os.environ)


def validate_environment(variables: Mapping[str, str]) -> None:
    """Refuse names and values that no process can be given; the message names the variable."""
    total = 0
    for name, value in variables.items():
        if fault := _fault(name, value):
            raise InvalidError(fault, fields={"environment": fault})
        total += len(name) + len(_encode(value)) + 2
    if total > MAX_ENVIRONMENT_BYTES:
        fault = said(
            "environment: {size:,} bytes, at most {most:,} are allowed",
            size=total,
            most=MAX_ENVIRONMENT_BYTES,
        )
        raise InvalidError(fault, fields={"environment": fault})


def _fault(name: str, value: str) -> str | None:
    if not _NAME.fullmatch(name):
        return said(
            "environment: invalid name {name!r}: letters, digits and _ are allowed, and no digit first",
            name=name[:80],
        )
    if "\0" in value:
        return said("environment: the value of {name} holds a NUL character", name=name[:80])
    try:
        size = len(name) + 1 + len(value.encode())
    except UnicodeEncodeError:
        return said("environment: the value of {name} is not valid Unicode", name=name[:80])
    if size > MAX_VARIABLE_BYTES:
        return said(
            "environment: {name} has {size:,} bytes, at most {most:,} fit",
            name=name[:80],
            size=size,
            most=MAX_VARIABLE_BYTES,
        )
    return None


def _encode(value: str) -> bytes:
    # Not os.fsencode: what a job is given must not depend on the server's locale.
    return value.encode()


def _is_allowed(name: str) -> bool:
    return name in ALLOWED or name.startswith(ALLOWED_PREFIX)


def _built_in(context: ExecutionContext) -> dict[str, str]:
    backfill = context.backfill_id
    artifacts = context.artifacts_dir
    return {
        **({} if artifacts is None else {"ARTIFACTS_DIR": str(artifacts)}),
        **({} if backfill is None else {"BACKFILL_ID": str(backfill)}),
        **({"TRACEPARENT": context.traceparent} if context.traceparent else {}),
        "WORKSPACE_ID": context.workspace_id,
        "JOB_NAME": context.job_name,
        "JOB_ID": str(context.job_id),
        EXECUTION_VARIABLE: str(context.execution_id),
        "ATTEMPT": str(context.attempt),
        "SCHEDULED_FOR": context.scheduled_for.isoformat().replace("+00:00", "Z"),
        "TRIGGER": context.trigger.value,
        INSTANCE_VARIABLE: context.instance,
    }
