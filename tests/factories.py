"""Plain functions that make things; a test names only what it is about."""

from __future__ import annotations

import hashlib
import itertools
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group

from jobs import conf
from jobs.domain.permissions import SYSTEM, Role
from jobs.domain.states import ExecutionState, Trigger
from jobs.models import (
    Alert,
    AlertRule,
    Artifact,
    Backfill,
    Breaker,
    Calendar,
    Channel,
    CheckIn,
    Execution,
    Freeze,
    Job,
    Variable,
    Worker,
    WorkerKind,
)
from jobs.services import (
    backfills,
    calendars,
    channels,
    check_ins,
    freezes,
    own_rules,
    variables,
)
from jobs.services import jobs as job_services
from jobs.services.backfill_requests import parse_request
from jobs.services.calendars import parse_calendar
from jobs.services.definitions import parse_definition
from jobs.services.freeze_requests import parse_freeze
from jobs.services.variables import parse_variable

if TYPE_CHECKING:
    from django.contrib.auth.models import User

_numbers = itertools.count(1)


def make_user(name: str, role: Role | None = None, **fields: Any) -> User:
    """Return a person, in the group of ``role``."""
    user = get_user_model().objects.create_user(username=name, password="correct horse", **fields)
    if role is not None:
        group, _ = Group.objects.get_or_create(name=role.value)
        user.groups.add(group)
    return user


def definition(**fields: Any) -> dict[str, Any]:
    """Return a job definition as the API takes it."""
    return {
        "name": f"job-{next(_numbers)}",
        "type": "command",
        "spec": {"command": "true"},
        **fields,
    }


def make_job(*, paused: bool = False, **fields: Any) -> Job:
    """Return a job made by the service that everybody uses."""
    parsed = parse_definition(definition(**fields))
    return job_services.create(parsed, actor=SYSTEM, paused=paused)


def make_changed_job() -> Job:
    """Return a job at version 3: its script, an API key, its time and its name were changed."""
    lines = "#!/bin/sh\necho one\necho two\n"
    job = make_job(
        name="nightly",
        type="script",
        spec={"script": lines},
        schedules=[cron("0 3 * * *")],
        environment={"API_KEY": "first-secret"},
    )
    script = {"script": lines.replace("two", "three")}
    first = {"spec": script, "environment": {"API_KEY": "second-secret"}}
    then = {"schedules": [cron("0 5 * * *")], "name": "early", "timeout_seconds": 60}
    for changes in (first, then):
        job = job_services.update(job.pk, changes, actor=SYSTEM)
    return job


def every(seconds: float, anchor: str = "start") -> dict[str, Any]:
    """Return an interval schedule."""
    return {"kind": "interval", "seconds": seconds, "anchor": anchor}


def cron(expression: str, timezone: str = "UTC", **fields: Any) -> dict[str, Any]:
    """Return a cron schedule."""
    return {"kind": "cron", "expression": expression, "timezone": timezone, **fields}


def make_execution(job: Job | None = None, **fields: Any) -> Execution:
    """Return an execution row and count it on its job."""
    job = job or make_job()
    now = datetime.now(UTC)
    values = {
        "version": job.version,
        "due_at": now,
        "queued_at": now,
        "trigger": Trigger.MANUAL.value,
        "state": ExecutionState.QUEUED.value,
        **fields,
    }
    execution = Execution.objects.create(job=job, **values)
    job.execution_count += 1
    job.save(update_fields=["execution_count"])
    return execution


def make_worker(**fields: Any) -> Worker:
    """Return a cluster's row."""
    now = datetime.now(UTC)
    values = {
        "kind": WorkerKind.CLUSTER.value,
        "name": "test-cluster",
        "host": "testhost",
        "pid": 1,
        "slots": 4,
        "started_at": now,
        "beat_at": now,
        **fields,
    }
    return Worker.objects.create(**values)


def make_freeze(**fields: Any) -> Freeze:
    """Return a freeze of everything, from now until it is lifted."""
    return freezes.freeze(parse_freeze({"reason": "deploy", **fields}), actor=SYSTEM)


def make_calendar(**fields: Any) -> Calendar:
    """Return a calendar that holds back Christmas of each year."""
    christmas = {"kind": "yearly", "month": 12, "day": 25, "label": "Christmas"}
    values = {"name": f"calendar-{next(_numbers)}", "timezone": "UTC", "windows": [christmas]}
    return calendars.create(parse_calendar({**values, **fields}), actor=SYSTEM)


def make_variable(**fields: Any) -> Variable:
    """Return a variable that every job may name."""
    values = {"name": f"variable_{next(_numbers)}", "value": "a value", **fields}
    return variables.create(parse_variable(values), actor=SYSTEM)


def make_backfill(job: Job | None = None, **fields: Any) -> Backfill:
    """Return a backfill of three hours of the past, made by the service that everybody uses."""
    asked = {"from": "2025-01-01T00:00:00Z", "to": "2025-01-01T02:30:00Z", **fields}
    job = job or make_job(schedules=[cron("0 * * * *")])
    return backfills.create(job.pk, parse_request(asked), actor=SYSTEM).backfill


def make_alert(**fields: Any) -> Alert:
    """Return an open alert."""
    now = datetime.now(UTC)
    values = {
        "key": f"disk:{next(_numbers)}",
        "rule": "disk",
        "severity": "warning",
        "title": "The disk is nearly full",
        "opened_at": now,
        "seen_at": now,
        "changed_at": now,
        **fields,
    }
    return Alert.objects.create(**values)


def make_channel(**fields: Any) -> Channel:
    """Return a channel that runs a command."""
    values = {
        "name": f"channel-{next(_numbers)}",
        "kind": "command",
        "settings": {"command": "true"},
        **fields,
    }
    return channels.create(values, actor=SYSTEM)


def make_check_in(**fields: Any) -> CheckIn:
    """Return a check-in that is awaited each hour."""
    values = {"name": f"check-in-{next(_numbers)}", "period_seconds": 3600, **fields}
    return check_ins.create(values, actor=SYSTEM)[0]


def make_rule(**fields: Any) -> AlertRule:
    """Return a rule that somebody made: three runs of more than five seconds."""
    values = {
        "name": f"rule-{next(_numbers)}",
        "metric": "run_seconds",
        "threshold": 5,
        "count": 3,
        **fields,
    }
    return own_rules.save(None, values, actor=SYSTEM)


def make_artifact(execution: Execution, content: bytes = b"a,b\n", **fields: Any) -> Artifact:
    """Return a file that an execution left, with its bytes in the store."""
    digest = hashlib.sha256(content).hexdigest()
    values = {"name": "report.csv", "size_bytes": len(content), "sha256": digest, **fields}
    row = Artifact.objects.create(execution=execution, created_at=datetime.now(UTC), **values)
    file = conf.artifacts_dir() / str(execution.pk // 1000) / str(execution.pk)
    file.mkdir(parents=True, exist_ok=True)
    (file / f"{row.attempt}-{digest}").write_bytes(content)
    return row


def make_breaker(name: str, **settings: Any) -> Breaker:
    """Return a shared circuit breaker that no job names any more."""
    job = make_job(breaker={"name": name, "threshold": 2, **settings})
    breaker = job.breaker
    assert breaker is not None
    job_services.delete(job.pk, actor=SYSTEM)
    return breaker
