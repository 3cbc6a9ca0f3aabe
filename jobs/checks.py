"""What `manage.py check` says about combinations of settings that would not work."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core import checks
from django.db import DatabaseError

from jobs import conf
from jobs.executors import PLUGIN_FAULTS
from jobs.registry import REGISTRY
from jobs.services import secret_box, variables


def register() -> None:
    """Add the checks to Django's own."""
    checks.register(check_lease)
    checks.register(check_transport)
    checks.register(check_pool)
    checks.register(check_registered)
    checks.register(check_job_types)
    checks.register(check_secret_keys)
    checks.register(check_secrets_open, checks.Tags.database)


def check_lease(app_configs: Sequence[Any] | None, **_: Any) -> list[checks.CheckMessage]:
    """A lease must survive some missed beats."""
    if conf.lease_seconds() >= 3 * conf.beat_seconds():
        return []
    return [
        checks.Error(
            f"LEASE is {conf.lease_seconds():g} s and BEAT is {conf.beat_seconds():g} s.",
            hint="Set LEASE to at least three times BEAT, or healthy executions count as lost.",
            id="jobdeck.E001",
        )
    ]


def check_transport(app_configs: Sequence[Any] | None, **_: Any) -> list[checks.CheckMessage]:
    """The transport named must be one that is there."""
    url = conf.broker_url()
    if url and not url.startswith(("redis://", "rediss://", "unix://")):
        return [
            checks.Error(
                f"BROKER_URL={url.split('@')[-1]} is not a transport.",
                hint="Use redis://host:port/number, or leave it empty: the table is the queue.",
                id="jobdeck.E002",
            )
        ]
    if url and importlib.util.find_spec("redis") is None:
        return [
            checks.Error(
                "BROKER_URL is set, but the package redis is not installed.",
                hint="Install requirements/scale.txt.",
                id="jobdeck.E003",
            )
        ]
    return []


def check_pool(app_configs: Sequence[Any] | None, **_: Any) -> list[checks.CheckMessage]:
    """django-q2 is a pool here: its own scheduler and result store stay off."""
    cluster = settings.Q_CLUSTER
    if cluster.get("scheduler") is False and cluster.get("save_limit") == -1:
        return []
    return [
        checks.Error(
            "Q_CLUSTER switches django-q2's own scheduler or result store on.",
            hint="Keep scheduler False and save_limit -1: Jobdeck has its own, with a ledger.",
            id="jobdeck.E004",
        )
    ]


def check_registered(app_configs: Sequence[Any] | None, **_: Any) -> list[checks.CheckMessage]:
    """Each job that an app's `scheduled_jobs.py` holds must be one."""
    return [
        checks.Error(fault, hint="The other jobs are registered.", id="jobdeck.E005")
        for fault in REGISTRY.faults
    ]


def check_job_types(app_configs: Sequence[Any] | None, **_: Any) -> list[checks.CheckMessage]:
    """A package that brings a job type must bring one that works."""
    hint = "Mend or uninstall the package; the other job types work."
    return [checks.Warning(fault, hint=hint, id="jobdeck.W001") for fault in PLUGIN_FAULTS]


def check_secret_keys(app_configs: Sequence[Any] | None, **_: Any) -> list[checks.CheckMessage]:
    """Each key that seals secrets must be one."""
    fault = secret_box.fault()
    hint = "Mend JOBS_SECRET_KEYS or the key file; until then no secret can be set or used."
    return [checks.Error(fault, hint=hint, id="jobdeck.E006")] if fault else []


def check_secrets_open(
    app_configs: Sequence[Any] | None, *, databases: Sequence[str] | None = None, **_: Any
) -> list[checks.CheckMessage]:
    """Each stored secret should have its key; asked for with ``check --database default``."""
    if not databases:
        return []
    try:
        names = variables.closed()
    except DatabaseError:  # before the first migration there is none
        return []
    if not names:
        return []
    fault = f"The key of {len(names)} secrets is missing: {', '.join(names[:5])}."
    return [checks.Warning(fault, hint=secret_box.HINT, id="jobdeck.W002")]
