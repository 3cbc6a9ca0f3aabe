"""The job type ``python``: a job that the project's code has registered."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Awaitable, Iterator, Mapping
from functools import partial
from typing import Any, ClassVar

from asgiref.sync import sync_to_async
from django.db import transaction
from pydantic import Field, field_validator, model_validator

from jobs.domain.errors import InvalidError
from jobs.executors.base import ExecutionContext, ExecutionResult, Monitor
from jobs.executors.faults import required
from jobs.executors.forked import run_forked
from jobs.executors.limits import LimitedSpec
from jobs.registry import REGISTRY, JobContext, RegisteredJob
from jobs.registry.transaction import JobTransaction


@contextlib.contextmanager
def _as_value_error() -> Iterator[None]:
    """Let a refusal become the sentence of its field."""
    try:
        yield
    except InvalidError as error:
        raise ValueError(error.message) from error


class PythonSpec(LimitedSpec):
    """A registered job, by its id or path, and the keyword arguments of its call.

    The code must be registered; an import path of anything else is refused, since who may write a
    spec must not choose what is imported.
    """

    called: ClassVar[Mapping[str, str]] = {"job": "job"}

    job: str
    kwargs: dict[str, Any] = Field(default_factory=dict)

    @field_validator("job")
    @classmethod
    def _check(cls, job: str) -> str:
        if not job.strip():
            raise ValueError(required("job", "python"))
        with _as_value_error():
            REGISTRY.find(job.strip())
        return job.strip()

    @model_validator(mode="after")
    def _check_arguments(self) -> PythonSpec:
        with _as_value_error():
            REGISTRY.find(self.job).check_arguments(self.kwargs)
        return self


class PythonExecutor:
    """Call a registered job in a child process of its own."""

    spec_model = PythonSpec

    def execute(
        self, spec: PythonSpec, context: ExecutionContext, monitor: Monitor
    ) -> ExecutionResult:
        """Run the job to its end."""
        work = partial(call, REGISTRY.find(spec.job), spec.kwargs)
        return spec.explained(
            run_forked(work, spec.context_of(context), monitor, limits=spec.limits)
        )


def call(entry: RegisteredJob, arguments: Mapping[str, Any], context: JobContext) -> Any:
    """Call a job in this process; in one transaction where it says so.

    What its own code logs is kept from DEBUG on, what libraries log from INFO on.
    """
    logging.getLogger(entry.path.partition(".")[0]).setLevel(logging.DEBUG)
    if not entry.atomic:
        return entry.call(context, arguments)
    with transaction.atomic():
        value = entry.call(context, arguments)  # of an async job nothing has run yet
        if says_failed(value):
            transaction.set_rollback(True)
    return _atomically(value) if isinstance(value, Awaitable) else value


async def _atomically(value: Awaitable[Any]) -> Any:
    """Await an async job in one transaction."""
    async with JobTransaction():
        answer = await value
        if says_failed(answer):
            await sync_to_async(transaction.set_rollback)(True)
    return answer


def says_failed(value: object) -> bool:
    """Say whether a job returned that it failed."""
    return isinstance(value, Mapping) and "success" in value and not value["success"]
