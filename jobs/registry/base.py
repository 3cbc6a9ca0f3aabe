"""The base class and the decorator of Python jobs."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from datetime import timedelta
from typing import Any, ClassVar, TypeVar

from jobs.domain.errors import InvalidError
from jobs.registry.context import JobContext
from jobs.registry.entry import Facts, RegisteredJob
from jobs.registry.transaction import JobTransaction

Function = TypeVar("Function", bound=Callable[..., Any])
_FACTS = frozenset(field.name for field in fields(Facts))
MARK = "jobdeck_job"
CONTEXT = "context"


class BaseScheduledJob(ABC):
    """A job as a class: attributes say when and how, ``execute`` does the work.

    A subclass in an installed app's ``scheduled_jobs.py`` is registered at start. Exactly one of
    ``cron``, ``interval_seconds`` and ``manual = True`` must be given. A base class of one's own
    says ``abstract = True``.
    """

    job_id: ClassVar[str]
    description: ClassVar[str]
    cron: ClassVar[str | None] = None
    interval_seconds: ClassVar[float | None] = None
    manual: ClassVar[bool] = False  # no schedule of its own: run by people, the API or other jobs
    timezone: ClassVar[str | None] = None  # of cron; the server's when None
    enabled: ClassVar[bool] = True
    max_retries: ClassVar[int] = 3
    retry_delay_seconds: ClassVar[float] = 60
    retry_kind: ClassVar[str] = "fixed"  # or exponential
    timeout: ClassVar[float | str | timedelta | None] = None  # seconds or "5m"; None: no limit
    overlap: ClassVar[str] = "skip"
    misfire: ClassVar[str] = "skip"
    queue: ClassVar[str] = "default"
    priority: ClassVar[int] = 0
    category: ClassVar[str] = ""
    tags: ClassVar[Sequence[str]] = ()
    mutex: ClassVar[str] = ""  # of all jobs that name the same one, one runs at a time
    requires: ClassVar[Sequence[str]] = ()  # labels of the cluster that may run it
    atomic: ClassVar[bool] = False  # the whole of execute in one transaction
    abstract: ClassVar[bool] = False

    # Set before `execute` is called; a test may set its own.
    context: JobContext

    @abstractmethod
    def execute(self, *args: Any, **kwargs: Any) -> Any:
        """Do the work; ``def`` or ``async def``.

        Return ``{"success": bool, "message": str, "data": ...}``, any other JSON value, or nothing.
        An exception is a failure. Keyword arguments come from the job's spec; one named ``context``
        gets the context.
        """

    def transaction(self, using: str | None = None) -> JobTransaction:
        """Return a block that commits as a whole: ``with`` or ``async with self.transaction():``."""
        return JobTransaction(using)


def scheduled_job(
    *, job_id: str | None = None, description: str | None = None, **facts: Any
) -> Callable[[Function], Function]:
    """Make a function a job: ``@scheduled_job(cron="0 9 * * *")``.

    Takes what `BaseScheduledJob` has as attributes. ``job_id`` is the function's name and
    ``description`` the first line of its docstring unless given.
    """
    unknown = sorted(set(facts) - _FACTS)
    if unknown:
        allowed = ", ".join(sorted(_FACTS))
        raise InvalidError(f"scheduled_job does not take {', '.join(unknown)}. Use {allowed}.")

    def mark(function: Function) -> Function:
        said = {
            "job_id": job_id or getattr(function, "__name__", None),
            "description": description or (inspect.getdoc(function) or "").partition("\n")[0],
            **facts,
        }
        setattr(function, MARK, said)
        return function

    return mark


def entry_of_class(job: type[BaseScheduledJob] | BaseScheduledJob) -> RegisteredJob:
    """Return the entry of a job class, or of an instance that was made with arguments."""
    kind = job if isinstance(job, type) else type(job)
    path = f"{kind.__module__}.{kind.__qualname__}"
    said = {name: getattr(job, name, None) for name in _FACTS}
    instance = None if isinstance(job, type) else job

    def call(context: JobContext, arguments: Mapping[str, Any]) -> Any:
        made = instance or kind()
        made.context = context
        return _with_context(made.execute, context, arguments)

    # Unbound, so that nothing is made before it runs; the first parameter is self.
    parameters = list(inspect.signature(kind.execute).parameters.values())[1:]
    return _entry(said, path, call, inspect.Signature(parameters))


def entry_of_function(function: Callable[..., Any]) -> RegisteredJob:
    """Return the entry of a decorated function."""

    def call(context: JobContext, arguments: Mapping[str, Any]) -> Any:
        return _with_context(function, context, arguments)

    path = f"{function.__module__}.{getattr(function, '__qualname__', '?')}"
    return _entry(getattr(function, MARK), path, call, inspect.signature(function))


def _entry(
    said: Mapping[str, Any], path: str, call: Any, signature: inspect.Signature
) -> RegisteredJob:
    lists = {name: _several(said.get(name)) for name in ("tags", "parameters", "requires")}
    facts = Facts(**{**said, **lists})
    try:
        definition = facts.definition()
    except InvalidError as error:
        raise InvalidError(f"{path}: {error.message}") from error
    return RegisteredJob(
        job_id=facts.job_id,
        path=path,
        call=call,
        definition=definition,
        enabled=bool(facts.enabled),
        atomic=bool(facts.atomic),
        signature=_without_context(signature),
    )


def _several(given: Any) -> tuple[Any, ...]:
    """Return what was given as a tuple; a single text is one, not its letters."""
    return (given,) if isinstance(given, str) else tuple(given or ())


def _without_context(signature: inspect.Signature) -> inspect.Signature:
    kept = [one for one in signature.parameters.values() if one.name != CONTEXT]
    return signature.replace(parameters=kept)


def _with_context(
    function: Callable[..., Any], context: JobContext, arguments: Mapping[str, Any]
) -> Any:
    if CONTEXT in inspect.signature(function).parameters:
        return function(**{**arguments, CONTEXT: context})
    return function(**arguments)
