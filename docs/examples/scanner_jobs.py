"""Four jobs of a container scanner, for a scheduler inside a program.

    scheduler = Scheduler("scanner")
    add_jobs(scheduler, Places(...), os.environ)
    scheduler.start()

Each job is given what it needs when it is made. The environment switches a job on or off and sets how
often it runs: JOBS_REFRESH_IMAGES_ENABLED=0, JOBS_RESCAN_DATABASE_INTERVAL=30m,
JOBS_CLEANUP_TIMEOUT=10m, JOBS_TELEMETRY_JITTER=2m.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
import urllib.request
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jobs.python_api import (
    CronSchedule,
    IntervalSchedule,
    JobConfig,
    JobContext,
    Schedule,
    Scheduler,
)

LONGEST_CALL = 30.0


@dataclass(frozen=True, kw_only=True)
class Places:
    """Where the scanner's other parts are."""

    agent_url: str  # POST /refresh, POST /rescan
    database_version_url: str  # GET answers the version of the vulnerability database
    collector_url: str  # an OpenTelemetry collector that takes OTLP over HTTP
    store: Path  # the scanner's SQLite database
    state: Path  # a directory of ours


def call(url: str, body: object = None, *, context: JobContext) -> str:
    """Send a POST with a body, else a GET, within the time that is left; a refusal raises."""
    left = context.time_left
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})  # noqa: S310 - the program's own
    timeout = LONGEST_CALL if left is None else max(min(LONGEST_CALL, left.total_seconds()), 0.1)
    with urllib.request.urlopen(request, timeout=timeout) as answer:  # noqa: S310
        return str(answer.read().decode())


class RefreshImages:
    """Let the agent look again which container images run."""

    name = "refresh-images"

    def __init__(self, agent_url: str) -> None:
        """Take the agent's address."""
        self.agent_url = agent_url

    def run(self, context: JobContext) -> dict[str, Any]:
        """Ask for it, and keep what the agent answers."""
        answer = json.loads(call(f"{self.agent_url}/refresh", {}, context=context))
        return {"success": True, "message": "Refresh asked for", "data": answer}


class RescanDatabase:
    """Scan everything again when the vulnerability database has a new version."""

    name = "rescan-database"

    def __init__(self, version_url: str, agent_url: str, state: Path) -> None:
        """Take the addresses, and where the version of the last scan is kept."""
        self.version_url = version_url
        self.agent_url = agent_url
        self.seen = state / "database-version"

    def run(self, context: JobContext) -> dict[str, Any]:
        """Compare the versions; the new one is noted only after the scan was asked for."""
        version = call(self.version_url, context=context).strip()
        before = self.seen.read_text() if self.seen.exists() else ""
        if version == before:
            return {"success": True, "message": f"no rescan: still {version}"}
        context.raise_if_cancelled()
        call(f"{self.agent_url}/rescan", {"version": version}, context=context)
        self.seen.write_text(version)
        return {"success": True, "message": f"rescan: {version}", "data": {"before": before}}


class CleanupInstances:
    """Delete what belongs to containers that are gone."""

    name = "cleanup-instances"
    # One at a time, so that a cancel waits for no more than one of them.
    statements = (
        "DELETE FROM scans WHERE instance_id NOT IN (SELECT id FROM container_instances)",
        "DELETE FROM images WHERE id NOT IN (SELECT image_id FROM container_instances)",
    )

    def __init__(self, store: Path) -> None:
        """Take the scanner's database."""
        self.store = store

    def run(self, context: JobContext) -> dict[str, Any]:
        """Delete, and count."""
        deleted = 0
        with closing(sqlite3.connect(self.store)) as database:
            for statement in self.statements:
                context.raise_if_cancelled()
                with database:
                    deleted += database.execute(statement).rowcount
        return {"success": True, "message": f"{deleted} deleted", "data": {"deleted": deleted}}


class Telemetry:
    """Send figures to an OpenTelemetry collector."""

    name = "telemetry"

    def __init__(self, collector_url: str) -> None:
        """Take the collector's address."""
        self.collector_url = collector_url

    def run(self, context: JobContext) -> dict[str, Any]:
        """Measure, and send."""
        figures = dict(zip(("load_1m", "load_5m", "load_15m"), os.getloadavg(), strict=True))
        call(f"{self.collector_url}/v1/metrics", otlp(figures), context=context)
        return {"success": True, "message": f"{len(figures)} figures sent", "data": figures}


def otlp(figures: Mapping[str, float]) -> dict[str, Any]:
    """Return figures as an OTLP request in JSON."""
    now = str(time.time_ns())
    service = {"key": "service.name", "value": {"stringValue": "scanner"}}
    metrics = [
        {"name": name, "gauge": {"dataPoints": [{"asDouble": value, "timeUnixNano": now}]}}
        for name, value in figures.items()
    ]
    scope = {"scope": {"name": "scanner"}, "metrics": metrics}
    return {
        "resourceMetrics": [{"resource": {"attributes": [service]}, "scopeMetrics": [scope]}],
    }


def add_jobs(scheduler: Scheduler, places: Places, environment: Mapping[str, str]) -> None:
    """Add the four jobs as the environment says."""
    agent = places.agent_url
    jobs: list[tuple[str, Any, Schedule, str]] = [
        ("REFRESH_IMAGES", RefreshImages(agent), IntervalSchedule("5m"), "2m"),
        (
            "RESCAN_DATABASE",
            RescanDatabase(places.database_version_url, agent, places.state),
            IntervalSchedule("1h"),
            "30m",
        ),
        ("CLEANUP", CleanupInstances(places.store), CronSchedule("0 2 * * *"), "1h"),
        ("TELEMETRY", Telemetry(places.collector_url), IntervalSchedule("5m", "2m"), "30s"),
    ]
    for word, job, schedule, timeout in jobs:

        def said(fact: str, default: str, word: str = word) -> str:
            return environment.get(f"JOBS_{word}_{fact}", default).strip()

        scheduler.add_job(
            job,
            _changed(schedule, said("INTERVAL", ""), said("JITTER", "")),
            JobConfig(
                enabled=said("ENABLED", "true").lower() in {"1", "true", "yes", "on"},
                timeout=said("TIMEOUT", timeout),
            ),
        )


def _changed(schedule: Schedule, interval: str, jitter: str) -> Schedule:
    """Return the schedule with what the environment says otherwise."""
    if not (interval or jitter):
        return schedule
    if isinstance(schedule, IntervalSchedule):
        return IntervalSchedule(interval or schedule.interval, jitter or schedule.jitter)
    return IntervalSchedule(interval, jitter or 0) if interval else schedule
