"""Typed view of the settings that the engine reads; the only reader of ``django.conf`` there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

from django.conf import settings

from jobs.domain.addresses import Allowed
from jobs.domain.health import Thresholds
from jobs.domain.readings import Reading
from jobs.domain.tumblebug import TumblebugServer
from jobs.domain.zones import zone


def _get(name: str) -> Any:
    return settings.JOBDECK[name]


def workers() -> int:
    """Return how many executions one cluster runs at a time."""
    return cast("int", _get("WORKERS"))


def api_rate() -> int:
    """Return how many requests a minute one token may make to one web process."""
    return cast("int", _get("API_RATE"))


def queues() -> list[str]:
    """Return the queues that this host's cluster serves, best first."""
    return cast("list[str]", _get("QUEUES"))


def labels() -> list[str]:
    """Return the labels that this host's cluster carries."""
    return cast("list[str]", _get("LABELS"))


def drain_seconds() -> float:
    """Return how long running executions may go on after a stop was asked for."""
    return cast("float", _get("DRAIN_SECONDS"))


def lease_seconds() -> float:
    """Return how long an execution counts as alive after its last beat."""
    return cast("float", _get("LEASE_SECONDS"))


def beat_seconds() -> float:
    """Return the time between two beats of a running execution."""
    return cast("float", _get("BEAT_SECONDS"))


def work_dir() -> Path:
    """Return the directory under which jobs run."""
    return cast("Path", _get("WORK_DIR"))


def templates_dir() -> Path:
    """Return the directory that holds a directory for each OpenTofu template."""
    return cast("Path", _get("TEMPLATES_DIR"))


def tofu_binary() -> str:
    """Return the OpenTofu program that is set; empty: tofu, else terraform, on PATH."""
    return cast("str", _get("TOFU_BINARY"))


def config_dir() -> Path | None:
    """Return the directory of files that define jobs and workspaces; None where none is set."""
    return cast("Path | None", _get("CONFIG_DIR"))


def config_repository() -> str:
    """Return the repository that the configuration directory is a checkout of; empty: none is set."""
    return cast("str", _get("CONFIG_REPOSITORY"))


def config_branch() -> str:
    """Return its branch; empty: the repository's default, or the one that is checked out."""
    return cast("str", _get("CONFIG_BRANCH"))


def config_pull_seconds() -> float:
    """Return how often the checkout is pulled; 0: only on request."""
    return cast("float", _get("CONFIG_PULL_SECONDS"))


def workspaces_dir() -> Path | None:
    """Return the directory that holds a directory for each workspace defined by a file."""
    return cast("Path | None", _get("WORKSPACES_DIR"))


def artifacts_dir() -> Path:
    """Return where the files that runs leave are kept; the same for all hosts."""
    return cast("Path", _get("ARTIFACTS_DIR"))


def artifact_file_limit() -> int:
    """Return how many bytes one file that a run leaves may have."""
    return cast("int", _get("ARTIFACT_FILE_LIMIT"))


def artifact_total_limit() -> int:
    """Return how many bytes all files that one run leaves may have."""
    return cast("int", _get("ARTIFACT_TOTAL_LIMIT"))


def default_timeout_seconds() -> float:
    """Return the time limit of a job that names none."""
    return cast("float", _get("DEFAULT_TIMEOUT_SECONDS"))


def sync_wait_seconds() -> float:
    """Return how long callers that wait for a result may wait."""
    return cast("float", _get("SYNC_WAIT_SECONDS"))


def scheduled_jobs_zone() -> ZoneInfo:
    """Return the zone in which the scheduled-jobs API writes moments."""
    return zone(_get("SCHEDULED_JOBS_ZONE"))


def output_limit_bytes() -> int:
    """Return how much output of one execution is kept."""
    return cast("int", _get("OUTPUT_LIMIT_BYTES"))


def http_allowed() -> Sequence[Allowed]:
    """Return what HTTP jobs may reach besides public addresses."""
    return cast("Sequence[Allowed]", _get("HTTP_ALLOWED"))


def secret_keys() -> Sequence[str]:
    """Return the keys that seal secrets, the newest first; empty: those of the key file."""
    return cast("Sequence[str]", _get("SECRET_KEYS"))


def run_as_users() -> Sequence[str]:
    """Return the users as whom jobs may run besides the server's own; ``*``: any but root."""
    return cast("Sequence[str]", _get("RUN_AS_USERS"))


def data_dir() -> Path:
    """Return the directory of the database, keys and sockets."""
    return settings.DATA_DIR


def instance_id() -> str:
    """Return the mark that this installation's job processes carry in their environment."""
    return settings.INSTANCE_ID


def broker_url() -> str:
    """Return the address of the Redis transport; empty when the table is the queue."""
    return settings.BROKER_URL


def management_commands() -> list[str]:
    """Return the management commands that jobs may run; empty: all but the refused ones."""
    return cast("list[str]", _get("MANAGEMENT_COMMANDS"))


def tumblebug() -> TumblebugServer | None:
    """Return the CB-Tumblebug server that jobs call; None where none is set."""
    return cast("TumblebugServer | None", _get("TUMBLEBUG"))


def health_thresholds() -> Thresholds:
    """Return what the health of a queue is measured by."""
    return Thresholds(score=cast("float", _get("HEALTH_ALERT_SCORE")))


def health_check_seconds() -> float:
    """Return how often queue health is looked at."""
    return cast("float", _get("HEALTH_CHECK_SECONDS"))


def health_retention_seconds() -> float:
    """Return how far back figures of queue health reach."""
    return cast("float", _get("HEALTH_RETENTION_SECONDS"))


def cron_jobs_file() -> Path | None:
    """Return the file that lists cron jobs; None where none is set."""
    return cast("Path | None", _get("CRON_JOBS_FILE"))


def builtin_jobs() -> bool:
    """Say whether the product's own jobs are made at start."""
    return cast("bool", _get("BUILTIN_JOBS"))


def cron_feature(name: str) -> bool:
    """Say whether a feature of the cron API is switched on; ``name`` as in its variable."""
    return cast("dict[str, bool]", _get("CRON_FEATURES"))[name]


def cron_features() -> dict[str, bool]:
    """Return every such switch by its name."""
    return dict(cast("dict[str, bool]", _get("CRON_FEATURES")))


def cron_breaker() -> dict[str, float]:
    """Return the settings of circuit breakers of listed cron jobs."""
    return dict(cast("dict[str, float]", _get("CRON_BREAKER")))


def settings_read() -> Mapping[str, Reading]:
    """Return each environment variable that the settings were made of, by name."""
    return cast("Mapping[str, Reading]", settings.SETTINGS_READ)


def settings_page() -> Path:
    """Return the file that tells what each of them means."""
    return settings.BASE_DIR / "docs" / "reference" / "settings.md"


def alert_seconds() -> float:
    """Return how often conditions for alerts are looked at."""
    return cast("float", _get("ALERT_SECONDS"))


def statistics_days() -> int:
    """Return for how many days hourly figures are kept."""
    return cast("int", _get("STATISTICS_DAYS"))


def metrics_allowed() -> Sequence[IPv4Network | IPv6Network]:
    """Return from where the metrics may be read without a token."""
    return cast("Sequence[IPv4Network | IPv6Network]", _get("METRICS_ALLOW"))


def metrics_jobs() -> list[str]:
    """Return the names of the jobs for which there are metrics of their own."""
    return cast("list[str]", _get("METRICS_JOBS"))


def heartbeat_url() -> str:
    """Return the address that is called while work is dispatched; empty: none."""
    return cast("str", _get("HEARTBEAT_URL"))


def heartbeat_seconds() -> float:
    """Return the time between two such calls."""
    return cast("float", _get("HEARTBEAT_SECONDS"))


def otlp_endpoint() -> str:
    """Return the OpenTelemetry collector that hears of executions and metrics; empty: none."""
    return cast("str", _get("OTLP_ENDPOINT"))


def otlp_metrics_seconds() -> float:
    """Return the time between two sendings of metrics."""
    return cast("float", _get("OTLP_METRICS_SECONDS"))


def keep() -> Mapping[str, int]:
    """Return what the cleanup keeps: days and numbers by their names."""
    return cast("Mapping[str, int]", _get("KEEP"))


def keep_of_each_job() -> int:
    """Return how many executions of each job stay whatever their age."""
    return cast("int", _get("KEEP_OF_EACH_JOB"))
