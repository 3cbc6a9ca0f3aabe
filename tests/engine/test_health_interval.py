"""Queue health has an interval of its own, apart from that of alerts."""

from __future__ import annotations

from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest

from jobs.engine import alerter
from jobs.queries import alert_facts

pytestmark = pytest.mark.django_db


def test_queue_health_is_looked_at_once_an_interval(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    """S4-65: QUEUE_HEALTH_CHECK_INTERVAL, a minute where nothing else is set."""
    looks: list[float] = []
    clock = [1000.0]

    def looked(_now: datetime) -> list[object]:
        looks.append(clock[0])
        return []

    monkeypatch.setattr(alerter, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    monkeypatch.setattr(alert_facts, "queue_conditions", looked)
    watch = alerter.Alerter()

    for clock[0] in (1000.0, 1059.0, 1060.0, 1119.0, 1121.0):
        watch.step()
    settings.JOBDECK = {**settings.JOBDECK, "HEALTH_CHECK_SECONDS": 300}
    for clock[0] in (1181.0, 1400.0, 1481.0):
        watch.step()

    assert looks == [1000.0, 1060.0, 1121.0, 1181.0, 1481.0]
