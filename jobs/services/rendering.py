"""Put the variables into what a run was given, and know which secrets it may print."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from jobs.domain.errors import UnprocessableError
from jobs.domain.masking import Mask, mask_of
from jobs.domain.parameters import Scalar, environment_of, text_of
from jobs.domain.variables import PARAMETER, Use, fill, unknown
from jobs.executors import ExecutionResult
from jobs.models.variable import nearness
from jobs.services import secret_box
from jobs.services.parameter_definitions import opened, secrets_in
from jobs.services.running import Running, StoredVariable


def render(running: Running) -> Running:
    """Return the execution with each placeholder of its definition replaced.

    UnprocessableError for a name that is not known, or a secret that cannot be opened.
    """
    parameters = _parameters(running)
    lookup = _lookup(running, parameters)
    environment = fill(running.environment, lookup, "environment")
    return replace(
        running,
        parameters=parameters,
        spec=fill(running.spec, lookup),
        environment={**environment, **environment_of(parameters)},
        working_dir=fill(running.working_dir, lookup, "working_dir"),
    )


def secrets_of(running: Running) -> Mask:
    """Return the mask of every secret that the run could have been given.

    One that cannot be opened is left out: then the run cannot have its value from here.
    """
    opened = set(secrets_in(running.given))
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
        warnings=tuple(mask.text(line) for line in result.warnings),
    )


def _parameters(running: Running) -> dict[str, Scalar]:
    """Return the values of the start, opened; UnprocessableError when one is missing or sealed."""
    for one in running.declared:
        if one["required"] and one["name"] not in running.given:
            raise UnprocessableError(
                f"parameter {one['name']} is required, and whatever started the job gave none"
            )
    try:
        return opened(running.given)
    except secret_box.SealedError as error:
        raise UnprocessableError(f"a secret parameter cannot be opened: {error.message}") from error


def _lookup(running: Running, parameters: Mapping[str, Scalar]) -> Callable[[Use], str]:
    """Return what answers a placeholder: a job's own variable, its workspace's, or a global one."""
    ordered = sorted(running.variables, key=lambda variable: nearness(variable.scope))
    known = {variable.name: variable for variable in ordered}

    declared = {one["name"] for one in running.declared}
    built_in = {"workspace_name": running.workspace, "job_name": running.job_name}

    def parameter_of(use: Use) -> str:
        name = use.name.removeprefix(PARAMETER)
        if name not in declared:
            raise UnprocessableError(f"unknown parameter {name} in {use.place}")
        return text_of(parameters[name]) if name in parameters else ""

    def value_of(use: Use) -> str:
        if use.name.startswith(PARAMETER):
            return parameter_of(use)
        if use.name not in known:
            if use.name in built_in:
                return built_in[use.name]
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
