"""Jobs that register cloud resources: at most one of a configuration, each with a readable id."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils import timezone
from pydantic_core import PydanticCustomError

from jobs.domain.errors import UnknownError
from jobs.domain.permissions import Actor, Permission, require
from jobs.domain.states import JobState, ScheduleKind
from jobs.executors import parse_spec
from jobs.models import Job
from jobs.services import jobs, same_registration, triggers
from jobs.services.definitions import parse_definition
from jobs.services.journal import TYPE
from jobs.services.stored_definitions import definition_of
from jobs.services.wording import check_name
from jobs.services.writing import write_transaction

AUTO_DISABLE_AFTER = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What to register and when."""

    spec: Mapping[str, Any]
    timeout_seconds: float
    interval_seconds: int | None = None
    cron: str = ""
    timezone: str = "UTC"

    @property
    def schedules(self) -> list[dict[str, Any]]:
        """Return the job's schedules: times of day, or an interval from the end of each run."""
        if self.cron:
            return [{"kind": "cron", "expression": self.cron, "timezone": self.timezone}]
        return [interval(self.interval_seconds or 0)]


def interval(seconds: int) -> dict[str, Any]:
    """Return an interval that counts from the end of each run."""
    return {"kind": "interval", "seconds": seconds, "anchor": "completion", "timezone": "UTC"}


def create(asked: Registration, *, actor: Actor) -> Job:
    """Make a job whose first run starts at once, unless it runs at times of day.

    SameConfigurationError when there is one already, also when it was asked for at this moment.
    """
    require(actor, Permission.EDIT)
    spec = parse_spec(TYPE, asked.spec).model_dump(mode="json")
    with write_transaction():
        same_registration.check(TYPE, spec)
        external_id = _free_id()
        definition = parse_definition(
            {
                "name": _free_name(spec, external_id),
                "type": TYPE,
                "external_id": external_id,
                "spec": spec,
                "schedules": asked.schedules,
                "timeout_seconds": asked.timeout_seconds,
                "auto_disable_after": AUTO_DISABLE_AFTER,
                "run_on_create": not asked.cron,
            }
        )
        return jobs.create(definition, actor=actor)


def update(
    job_id: int,
    *,
    actor: Actor,
    spec: Mapping[str, Any] | None = None,
    interval_seconds: int | None = None,
    timeout_seconds: float | None = None,
    enabled: bool | None = None,
) -> None:
    """Change what is given, all of it or nothing."""
    with write_transaction():
        if spec:
            same_registration.take_turns()  # before the job's own lock, as everybody does
        job = jobs.locked(job_id)
        before = definition_of(job)
        changes: dict[str, Any] = {}
        if spec:
            changes["spec"] = parse_spec(TYPE, {**before["spec"], **spec}).model_dump(mode="json")
        if interval_seconds is not None:
            changes["schedules"] = _with_interval(before["schedules"], interval_seconds)
        if timeout_seconds is not None:
            changes["timeout_seconds"] = timeout_seconds
        if changes:
            jobs.update(job_id, changes, actor=actor)
        if enabled is not None:
            set_enabled(job_id, enabled=enabled, actor=actor)


def set_enabled(job_id: int, *, enabled: bool, actor: Actor) -> None:
    """Pause or resume; one that failed until it was disabled is tried again at once."""
    if not enabled:
        jobs.pause(job_id, actor=actor)
        return
    with write_transaction():
        was_disabled = jobs.locked(job_id).state == JobState.AUTO_DISABLED
        job = jobs.resume(job_id, actor=actor)
        if was_disabled and job.live_count == 0:
            triggers.trigger(job_id, actor=actor)


def delete_all(*, actor: Actor) -> int:
    """Delete every job of this type, and end what runs; say how many there were."""
    require(actor, Permission.DELETE)
    found = list(
        Job.objects.present().filter(type=TYPE).order_by("pk").values_list("pk", flat=True)
    )
    deleted = 0
    for job_id in found:
        try:
            jobs.delete(job_id, actor=actor)
        except UnknownError:  # somebody else was faster
            continue
        deleted += 1
    return deleted


def _free_id() -> str:
    """Return the type with the seconds of now; one that was ever used is counted up from."""
    seconds = int(timezone.now().timestamp())
    used = set(
        Job.objects.filter(type=TYPE, external_id__startswith=f"{TYPE}-").values_list(
            "external_id", flat=True
        )
    )
    while f"{TYPE}-{seconds}" in used:
        seconds += 1
    return f"{TYPE}-{seconds}"


def _free_name(spec: Mapping[str, Any], external_id: str) -> str:
    """Return the prefix, by which people know such a job; with its namespace where that is taken."""
    prefix = spec["mci_name_prefix"]
    for name in (prefix, f"{prefix}-{spec['ns_id']}"):
        if _is_free(name):
            return name
    return external_id


def _is_free(name: str) -> bool:
    try:
        check_name(name)
    except PydanticCustomError:
        return False
    return not Job.objects.present().filter(name__iexact=name, workspace=None).exists()


def _with_interval(schedules: list[dict[str, Any]], seconds: int) -> list[dict[str, Any]]:
    """Return the schedules with another interval; without one, the interval takes their place."""
    intervals = [one for one in schedules if one["kind"] == ScheduleKind.INTERVAL]
    if not intervals:
        return [interval(seconds)]
    return [{**one, "seconds": seconds} if one is intervals[0] else one for one in schedules]
