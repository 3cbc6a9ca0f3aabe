"""The environment variables of the cron guide: same names, same defaults, bad values refused."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import ModuleType

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

import scheduler_site.settings as product_settings
from jobs.services import retention_rules

GUIDE = Path(__file__).resolve().parents[1] / "compat/seed4/environment.txt"


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Let a test set variables; read the settings as they were afterwards."""
    for line in GUIDE.read_text().splitlines():
        monkeypatch.delenv(line.partition("=")[0], raising=False)
    monkeypatch.delenv("BROKER_URL", raising=False)
    yield monkeypatch
    monkeypatch.undo()
    importlib.reload(product_settings)


def read() -> ModuleType:
    return importlib.reload(product_settings)


def test_s4_58_to_67_the_guide_s_lines_say_the_defaults(environment: pytest.MonkeyPatch) -> None:
    names = ["CRON_FEATURES", "CRON_BREAKER", "HEALTH_CHECK_SECONDS", "HEALTH_ALERT_SCORE"]
    names.append("HEALTH_RETENTION_SECONDS")
    defaults = [read().JOBDECK[name] for name in names]
    assert read().BROKER_URL == "", "no Redis is needed"

    for line in GUIDE.read_text().splitlines():
        environment.setenv(*line.split("=", 1))

    assert [read().JOBDECK[name] for name in names] == defaults
    assert defaults[1] == {"threshold": 5, "open_seconds": 300, "window_seconds": 60}
    assert defaults[2:] == [60, 0.5, 604_800]
    assert read().BROKER_URL == "redis://:password@localhost:6379/0"


def test_s4_58_the_product_s_own_name_of_the_broker_wins(environment: pytest.MonkeyPatch) -> None:
    """S4-96."""
    environment.setenv("BULL_REDIS_HOST", "redis.lan")
    environment.setenv("BULL_REDIS_PASSWORD", "p@ss/word")
    assert read().BROKER_URL == "redis://:p%40ss%2Fword@redis.lan:6379/0"

    environment.setenv("BROKER_URL", "rediss://other:6380/2")

    assert read().BROKER_URL == "rediss://other:6380/2"


def test_s4_77_figures_are_kept_for_one_length_of_time_whoever_cleans_up(
    environment: pytest.MonkeyPatch,
) -> None:
    for name in ("KEEP_METRIC_DAYS", "STATISTICS_DAYS"):
        environment.delenv(name, raising=False)
    assert read().JOBDECK["STATISTICS_DAYS"] == 400

    environment.setenv("KEEP_METRIC_DAYS", "90")
    assert read().JOBDECK["STATISTICS_DAYS"] == 90
    environment.setattr(settings, "JOBDECK", read().JOBDECK)
    assert retention_rules.rules().metrics == timedelta(days=90)

    environment.setenv("STATISTICS_DAYS", "200")
    assert read().JOBDECK["STATISTICS_DAYS"] == 200


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CRON_ENABLE_DUPLICATE_PREVENTION", "maybe"),
        ("CRON_ENABLE_METRICS_COLLECTION", "2"),
        ("CIRCUIT_BREAKER_FAILURE_THRESHOLD", "0"),
        ("CIRCUIT_BREAKER_TIMEOUT", "5m"),
        ("QUEUE_HEALTH_ALERT_THRESHOLD", "1.5"),
        ("QUEUE_HEALTH_ALERT_THRESHOLD", "half"),
        ("QUEUE_HEALTH_ALERT_THRESHOLD", "nan"),
        ("BULL_REDIS_PORT", "70000"),
    ],
)
def test_s4_68_a_bad_value_stops_the_start_and_is_named(
    environment: pytest.MonkeyPatch, name: str, value: str
) -> None:
    environment.setenv(name, value)

    with pytest.raises(ImproperlyConfigured, match=f"{name}={value}"):
        read()
