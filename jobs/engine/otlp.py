"""What is told to an OpenTelemetry collector, in its words: spans of executions, and the metrics.

Spans name what the semantic conventions for CI/CD have names for: a job is a pipeline, an execution
one run of it. The packages are an extra; nothing is imported before somebody asks for it.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import export as otel
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from jobs import __version__, conf
from jobs.domain import tracing
from jobs.domain.states import FAILURES, ExecutionState, Trigger
from jobs.models import Execution
from jobs.queries.metrics import Buckets, Family, Value

TIMEOUT_SECONDS = 5.0
# A span begins when its execution was due, unless that was long before anybody could start it.
_NEAR = timedelta(hours=1)
_SCOPE = InstrumentationScope("jobdeck", __version__)
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)
# cicd.pipeline.result, by its well-known values.
_RESULTS = {
    ExecutionState.SUCCEEDED: "success",
    ExecutionState.FAILED: "failure",
    ExecutionState.TIMED_OUT: "timeout",
    ExecutionState.CANCELLED: "cancellation",
    ExecutionState.SKIPPED: "skip",
    ExecutionState.LOST: "error",
}


class Collector:
    """A collector that takes OTLP over HTTP."""

    def __init__(self, endpoint: str) -> None:
        """Take its address; headers, certificates and compression are read as the standard says."""
        # Who asked is told once, in the product's own words.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        base = endpoint.rstrip("/")
        self._spans = OTLPSpanExporter(f"{base}/v1/traces", timeout=TIMEOUT_SECONDS)
        self._metrics = OTLPMetricExporter(f"{base}/v1/metrics", timeout=TIMEOUT_SECONDS)
        self._resource = Resource.create(
            {
                "service.name": settings.OTEL_SERVICE_NAME,
                "service.version": __version__,
                "service.instance.id": conf.instance_id(),
                "host.name": socket.gethostname(),
            }
        )

    def take_spans(self, rows: Sequence[Execution]) -> bool:
        """Send the spans of executions that ended; say whether the collector has them."""
        spans = [_span(row, self._resource) for row in rows]
        return self._spans.export(spans) is SpanExportResult.SUCCESS

    def take_metrics(self, families: Iterable[Family], now: datetime) -> bool:
        """Send the metrics under the names of /metrics; say whether the collector has them."""
        metrics = [_metric(one, _nanos(now)) for one in families]
        scope = otel.ScopeMetrics(_SCOPE, metrics, "")
        data = otel.MetricsData([otel.ResourceMetrics(self._resource, [scope], "")])
        return self._metrics.export(data) is otel.MetricExportResult.SUCCESS

    def close(self) -> None:
        """End what still tries."""
        self._spans.shutdown()  # type: ignore[no-untyped-call]
        self._metrics.shutdown()


def _span(row: Execution, resource: Resource) -> ReadableSpan:
    state = ExecutionState(row.state)
    ended = row.finished_at or row.queued_at
    failed = state in FAILURES
    moments = {"due": row.due_at, "queued": row.queued_at, "claim": row.claimed_at}
    moments |= {"start": row.started_at, "end": ended}
    known = [(name, at) for name, at in moments.items() if at is not None]
    near = timedelta(0) <= row.queued_at - row.due_at <= _NEAR
    return ReadableSpan(
        name=f"RUN {row.job.name}",
        context=_context(row.pk),
        resource=resource,
        instrumentation_scope=_SCOPE,
        kind=SpanKind.SERVER,
        attributes=_attributes(row, state),
        events=[Event(name, timestamp=_nanos(at)) for name, at in known],
        links=[_link(number, row.trigger) for number in row.upstream or ()],
        status=Status(StatusCode.ERROR, row.message) if failed else Status(StatusCode.OK),
        start_time=_nanos(row.due_at if near else row.queued_at),
        end_time=_nanos(max(ended, row.queued_at)),
    )


def _context(execution_id: int) -> SpanContext:
    instance = conf.instance_id()
    return SpanContext(
        trace_id=tracing.trace_id(instance, execution_id),
        span_id=tracing.span_id(instance, execution_id),
        is_remote=False,
        trace_flags=_SAMPLED,
    )


def _link(execution_id: int, trigger: str) -> Link:
    """Return the link to what an execution followed: an ending that started it, or the run before."""
    why = "rerun" if trigger == Trigger.RETRY else "dependency"
    return Link(
        _context(execution_id),
        {"jobdeck.link": why, "cicd.pipeline.run.id": str(execution_id)},
    )


def _attributes(row: Execution, state: ExecutionState) -> dict[str, Any]:
    found: dict[str, Any] = {
        "cicd.pipeline.name": row.job.name,
        "cicd.pipeline.action.name": "RUN",
        "cicd.pipeline.run.id": str(row.pk),
        "cicd.pipeline.run.state": "finalizing",
        "cicd.pipeline.result": _RESULTS[state],
        "jobdeck.job.id": row.job_id,
        "jobdeck.job.type": row.job.type,
        "jobdeck.trigger": row.trigger,
        "jobdeck.queue": row.queue,
        "jobdeck.attempt": row.attempt,
        "jobdeck.workspace": row.job.workspace.name if row.job.workspace else "",
    }
    if settings.PUBLIC_URL:
        found["cicd.pipeline.run.url.full"] = f"{settings.PUBLIC_URL}/executions/{row.pk}/"
    if row.worker is not None:
        found["cicd.worker.name"] = row.worker.name
    if row.exit_code is not None:
        found["process.exit.code"] = row.exit_code
    if state in FAILURES:
        found["error.type"] = state.value
    return found


def _metric(family: Family, now: int) -> otel.Metric:
    unit = "s" if family.name.endswith("_seconds") else "1"
    return otel.Metric(family.name, family.help, unit, _data(family, now))


def _data(family: Family, now: int) -> Any:
    cumulative = otel.AggregationTemporality.CUMULATIVE
    if family.kind == "histogram":
        return otel.Histogram([_histogram(one, now) for one in family.histograms], cumulative)
    points = [_point(one, now) for one in family.values]
    if family.kind == "counter":
        return otel.Sum(points, cumulative, is_monotonic=True)
    return otel.Gauge(points)


def _point(value: Value, now: int) -> otel.NumberDataPoint:
    # 0: since when it counts is not known; it is in the database.
    return otel.NumberDataPoint(dict(value.labels), 0, now, value.value)


def _histogram(one: Buckets, now: int) -> otel.HistogramDataPoint:
    """Return a histogram with the count of each bucket by itself, as OTLP has it."""
    each = [many - fewer for fewer, many in zip((0, *one.counts), one.counts, strict=False)]
    return otel.HistogramDataPoint(
        attributes=dict(one.labels),
        start_time_unix_nano=0,
        time_unix_nano=now,
        count=one.counts[-1] if one.counts else 0,
        sum=one.total_seconds,
        bucket_counts=each,
        explicit_bounds=list(one.bounds),
        min=None,  # type: ignore[arg-type]  # not known, and optional on the wire
        max=None,  # type: ignore[arg-type]
    )


def _nanos(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000) * 1000
