"""Put the variables into what a run was given, and know which secrets it may print."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from jobs.domain.errors import UnprocessableError
from jobs.domain.masking import Mask, mask_of
from jobs.domain.variables import Use, fill, unknown
from jobs.executors import ExecutionResult
from jobs.models.variable import JOB
from jobs.services import secret_box
from jobs.services.running import Running, StoredVariable


def render(running: Running) -> Running:
    """Return the execution with each placeholder of its definition replaced.

    UnprocessableError for a name that is not known, or a secret that cannot be opened.
    """
    lookup = _lookup(running)
    return replace(
        running,
        spec=fill(running.spec, lookup),
        environment=fill(running.environment, lookup, "environment"),
        working_dir=fill(running.working_dir, lookup, "working_dir"),
    )


def secrets_of(running: Running) -> Mask:
    """Return the mask of every secret that the run could have been given.

    One that cannot be opened is left out: then the run cannot have its value from here.
    """
    opened: set[str] = set()
    for variable in running.variables:
        if variable.sealed:
            try:
                opened.add(secret_box.unseal(variable.sealed))
            except secret_box.SealedError:
                continue
    return mask_of(frozenset(opened))


def masked(result: ExecutionResult, mask: Mask) -> ExecutionResult:
    """Return a result in which no secret stands."""
    if not mask:
        return result
    return replace(
        result,
        message=mask.text(result.message),
        error=None if result.error is None else mask.text(result.error),
        result=mask.value(result.result),
        metrics={mask.text(name): value for name, value in result.metrics.items()},
    )


def _lookup(running: Running) -> Callable[[Use], str]:
    """Return what answers a placeholder; a job's own variable goes before a global one."""
    ordered = sorted(running.variables, key=lambda variable: variable.scope == JOB)
    known = {variable.name: variable for variable in ordered}

    def value_of(use: Use) -> str:
        if use.name not in known:
            raise unknown(use)
        return _opened(known[use.name], use)

    return value_of


def _opened(variable: StoredVariable, use: Use) -> str:
    if not variable.sealed:
        return variable.value
    try:
        return secret_box.unseal(variable.sealed)
    except secret_box.SealedError as error:
        raise UnprocessableError(
            f"secret {use.name} in {use.place} cannot be opened: {error.message}"
        ) from error
