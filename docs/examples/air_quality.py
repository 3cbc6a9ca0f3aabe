"""Two jobs over measurements of air quality: sums of the hour, and the end of the day.

Measurements are lines of JSON, ``AIR_DATA/<location>/<date>.jsonl``, such as ``{"aqi": 42}``. Import
both classes in the ``scheduled_jobs.py`` of an app; when they run, ``cron.jobs.json`` beside this file
says as well.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jobs.registry import BaseScheduledJob

HIGH_AQI = 150
MOST_AT_ONCE = 8


def data_dir() -> Path:
    """Return where measurements lie."""
    return Path(os.environ.get("AIR_DATA", "air-data"))


def locations() -> list[str]:
    """Return the locations that have measurements."""
    return sorted(path.name for path in data_dir().iterdir() if path.is_dir())


def aggregate(location: str, day: str) -> dict[str, float]:
    """Write the figures of a location's day beside its measurements; return them."""
    lines = (data_dir() / location / f"{day}.jsonl").read_text().splitlines()
    values = [float(json.loads(line)["aqi"]) for line in lines]
    figures = {"count": len(values), "mean": sum(values) / len(values), "max": max(values)}
    target = data_dir() / location / f"{day}.json"
    draft = target.with_suffix(".new")
    draft.write_text(json.dumps(figures))
    draft.replace(target)  # readers never see half of it
    return figures


class AirJob(BaseScheduledJob):
    """A job with one sub-task for each location; one that fails keeps no other from its end."""

    abstract = True

    def of_each(
        self, names: Sequence[str], work: Callable[[str], dict[str, float]]
    ) -> tuple[dict[str, dict[str, float]], list[str]]:
        """Return what became of each location, and the names of those that failed."""
        done: dict[str, dict[str, float]] = {}
        failed = []
        with ThreadPoolExecutor(MOST_AT_ONCE) as pool:
            tasks = {name: pool.submit(work, name) for name in names}
        for number, (name, task) in enumerate(tasks.items(), start=1):
            error = task.exception()
            if error is None:
                done[name] = task.result()
            else:
                failed.append(name)
                self.context.warning(f"{name}: {error!r}")
            self.context.progress(100 * number / len(tasks))
        return done, failed

    def today(self) -> str:
        """Return the day that the run is about: that of its due time, also when it starts late."""
        return self.context.scheduled_for.astimezone(UTC).date().isoformat()


class HourlyAggregations(AirJob):
    """The figures of the current day, of all locations."""

    job_id = "hourly-aggregations"
    description = "Aggregate the current day of all locations"
    cron = "0 * * * *"
    timezone = "UTC"
    category = "analytics"

    def execute(self, names: list[str] | None = None) -> dict[str, Any]:
        """Aggregate the locations that are given, or all."""
        chosen = locations() if names is None else names
        done, failed = self.of_each(chosen, lambda name: aggregate(name, self.today()))
        message = f"{len(done)} of {len(chosen)} locations aggregated"
        return {"success": not failed, "message": message, "data": done}


class FinalizeDailyStats(AirJob):
    """The end of the day: final figures, the report kept ready, a warning where the air was bad."""

    job_id = "finalize-daily-stats"
    description = "Finish the figures of the day, and cache the report"
    cron = "59 23 * * *"
    timezone = "UTC"
    category = "analytics"
    priority = 10

    def execute(self) -> dict[str, Any]:
        """Write ``report-<date>.json``; bad air fails the run, so that people are alerted."""
        done, failed = self.of_each(locations(), lambda name: aggregate(name, self.today()))
        report = {"day": self.today(), "made_at": f"{datetime.now(UTC):%FT%TZ}", "locations": done}
        (data_dir() / f"report-{self.today()}.json").write_text(json.dumps(report))
        bad = [f"{name} {figures['max']:.0f}" for name, figures in done.items() if is_bad(figures)]
        if bad:
            return {"success": False, "message": f"High AQI: {', '.join(bad)}", "data": report}
        return {"success": not failed, "message": f"{len(done)} locations", "data": report}


def is_bad(figures: dict[str, float]) -> bool:
    """Say whether a day had air that people should hear of."""
    return figures["max"] >= HIGH_AQI
