"""What an OpenTelemetry collector hears, and that nothing waits for it."""

from __future__ import annotations

import gzip
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from jobs.domain import tracing
from jobs.domain.masking import NO_SECRETS
from jobs.domain.permissions import SYSTEM
from jobs.engine import otlp, runner, telemetry
from jobs.executors.environment import build_environment
from jobs.models import Execution, Job, Lease
from jobs.queries import metrics, traces
from jobs.services import claims, executions, triggers
from tests.factories import make_execution, make_job, make_worker

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


class Stub(ThreadingHTTPServer):
    """A collector that keeps what it is sent, or refuses it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = 200
        self.spans: list[Any] = []
        self.metrics: list[Any] = []
        self.asked = 0

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Stub

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.server.asked += 1
        if self.server.status == 200 and self.path == "/v1/traces":
            found = ExportTraceServiceRequest.FromString(body)
            self.server.spans += [
                span
                for one in found.resource_spans
                for two in one.scope_spans
                for span in two.spans
            ]
        elif self.server.status == 200 and self.path == "/v1/metrics":
            told = ExportMetricsServiceRequest.FromString(body)
            self.server.metrics += [
                it
                for one in told.resource_metrics
                for two in one.scope_metrics
                for it in two.metrics
            ]
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_args: object) -> None:
        pass


@contextmanager
def serving() -> Iterator[Stub]:
    stub = Stub()
    thread = threading.Thread(target=stub.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield stub
    finally:
        stub.shutdown()
        stub.server_close()
        thread.join()


@pytest.fixture
def stub() -> Iterator[Stub]:
    with serving() as one:
        yield one


@pytest.fixture
def traced(stub: Stub, settings: Any) -> telemetry.Telemetry:
    """Return a telemetry that sends to the stub, and has noted where it begins."""
    settings.JOBDECK = {**settings.JOBDECK, "OTLP_ENDPOINT": stub.endpoint}
    found = telemetry.telemetry()
    assert found is not None
    found._metrics_at = float("inf")
    assert found.step() is False
    return found


def attributes(found: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in found.attributes}


def ended(job: Any, *, state: str = "succeeded", **fields: Any) -> Execution:
    moments = {"due_at": NOW, "queued_at": NOW + SECOND, "claimed_at": NOW + 2 * SECOND}
    moments |= {"started_at": NOW + 3 * SECOND, "finished_at": NOW + 9 * SECOND}
    return make_execution(job, state=state, trigger="manual", **{**moments, **fields})


def test_an_execution_is_a_span_with_its_moments_and_links(
    traced: telemetry.Telemetry, stub: Stub, settings: Any
) -> None:
    settings.PUBLIC_URL = "https://jobs.example.com"
    job = make_job(name="report")
    first = ended(job, state="failed", exit_code=3, message="exit code 3", worker=make_worker())
    after = ended(make_job(name="mail"), upstream=[first.pk])
    running = ended(job, state="running", finished_at=None)

    traced.step()

    spans = {span.name: span for span in stub.spans}
    assert sorted(spans) == ["RUN mail", "RUN report"]
    span, instance = spans["RUN report"], settings.INSTANCE_ID
    assert span.trace_id.hex() == f"{tracing.trace_id(instance, first.pk):032x}"
    assert (span.start_time_unix_nano, span.end_time_unix_nano) == tuple(
        int(at.timestamp()) * 10**9 for at in (NOW, NOW + 9 * SECOND)
    )
    moments = [
        (one.name, (one.time_unix_nano - span.start_time_unix_nano) / 1e9) for one in span.events
    ]
    assert moments == [("due", 0), ("queued", 1), ("claim", 2), ("start", 3), ("end", 9)]
    told = attributes(span)
    assert (told["cicd.pipeline.name"], told["cicd.pipeline.result"]) == ("report", "failure")
    assert (told["process.exit.code"], told["error.type"]) == (3, "failed")
    assert told["cicd.pipeline.run.url.full"] == f"https://jobs.example.com/executions/{first.pk}/"
    assert (span.status.code, span.status.message) == (2, "exit code 3")
    (link,) = spans["RUN mail"].links
    assert (link.trace_id, link.span_id) == (span.trace_id, span.span_id)
    assert attributes(link)["jobdeck.link"] == "dependency"
    assert attributes(spans["RUN mail"])["cicd.pipeline.run.id"] == str(after.pk)

    Execution.objects.filter(pk=running.pk).update(state="timed_out", finished_at=NOW + 60 * SECOND)
    Job.objects.filter(pk=job.pk).update(execution_count=0)  # nothing of it is in progress
    again = triggers.again(first.pk, actor=SYSTEM)
    Execution.objects.filter(pk=again.pk).update(state="cancelled", finished_at=NOW, queued_at=NOW)
    traced.step()
    traced.step()

    results = [attributes(one)["cicd.pipeline.result"] for one in stub.spans]
    assert results == ["failure", "success", "timeout", "cancellation"], "each once"
    (link,) = stub.spans[-1].links
    assert attributes(link) == {"jobdeck.link": "rerun", "cicd.pipeline.run.id": str(first.pk)}


def test_metrics_go_out_under_the_names_of_metrics(traced: telemetry.Telemetry, stub: Stub) -> None:
    traced._metrics_at = 0.0
    make_job()

    traced.step()
    traced.step()

    told = {one.name: one for one in stub.metrics}
    assert len(stub.metrics) == len(told), "once in an interval"
    assert set(told) == {family.name for family in metrics.families()}
    (active,) = [
        one
        for one in told["jobdeck_jobs"].gauge.data_points
        if attributes(one)["state"] == "active"
    ]
    assert active.as_double == 1 or active.as_int == 1
    lateness = told["jobdeck_dispatch_lateness_seconds"].histogram.data_points[0]
    assert len(lateness.bucket_counts) == len(lateness.explicit_bounds) + 1
    assert told["jobdeck_executions_rescued_total"].sum.is_monotonic


def test_a_histogram_counts_each_bucket_by_itself() -> None:
    one = metrics.Buckets({"queue": "q"}, (1.0, 2.0), (3, 3, 7), 12.5)

    found = otlp._histogram(one, 5)

    assert (list(found.bucket_counts), found.count, found.sum) == ([3, 0, 4], 7, 12.5)


def test_a_job_s_processes_come_below_its_span(traced: telemetry.Telemetry, settings: Any) -> None:
    job = make_job()
    started = triggers.trigger(job.pk, actor=SYSTEM)
    wanted = tracing.traceparent(settings.INSTANCE_ID, started.pk)
    (claim,) = claims.claim(worker_id=make_worker().pk, queues=["default"], free=1)
    running = executions.start(claim.execution_id, claim.token, pid=1, pid_started=0)
    assert running is not None

    context = runner._context(running, NO_SECRETS)
    settings.JOBDECK = {**settings.JOBDECK, "OTLP_ENDPOINT": ""}

    assert build_environment(context, server={})[b"TRACEPARENT"] == wanted.encode()
    assert len(wanted.split("-")[1]) == 32
    off = runner._context(running, NO_SECRETS)
    assert b"TRACEPARENT" not in build_environment(off, server={})


def test_a_collector_that_is_away_costs_nothing_and_hears_what_it_missed(
    traced: telemetry.Telemetry, stub: Stub, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    job = make_job()
    stub.status = 400  # refused at once: no retries within a try
    ended(job)
    for _ in range(3):
        assert traced.step() is False
    pauses = traced._pause
    ended(job)
    stub.status = 200

    traced.step()

    assert len(stub.spans) == 2
    assert (pauses, traced._pause) == (20.0, 0.0)
    assert [
        record.getMessage() for record in caplog.records if record.name == telemetry.log.name
    ] == [
        "The OpenTelemetry collector does not take what it is sent.",
        "The OpenTelemetry collector takes what it is sent again.",
    ]


def test_it_remembers_and_reads_only_so_much(
    traced: telemetry.Telemetry, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(traces, "MOST_OPEN", 3)
    monkeypatch.setattr(traces, "BATCH", 4)
    job = make_job()
    waiting = [ended(job, state="queued", finished_at=None) for _ in range(6)]
    while traced.step():
        pass
    state = Lease.objects.get(name=telemetry.LEASE).state
    assert (state["open"], state["skipped"]) == ([row.pk for row in waiting[3:]], 3)

    monkeypatch.setattr(telemetry, "MOST_BEHIND", 5)
    for _ in range(9):
        ended(job)
    while traced.step():
        pass

    assert len(stub.spans) == 5
    assert Lease.objects.get(name=telemetry.LEASE).state["skipped"] == 3 + 4


def test_it_is_off_unless_it_is_asked_for_and_installed(
    settings: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert settings.JOBDECK["OTLP_ENDPOINT"] == ""
    assert telemetry.telemetry() is None

    settings.JOBDECK = {**settings.JOBDECK, "OTLP_ENDPOINT": "http://127.0.0.1:4318"}
    monkeypatch.setitem(sys.modules, "jobs.engine.otlp", None)
    assert telemetry.telemetry() is None
    assert "install requirements/otel.txt" in caplog.text


def test_an_exporter_that_cannot_be_made_keeps_no_dispatcher_from_starting(
    settings: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    settings.JOBDECK = {**settings.JOBDECK, "OTLP_ENDPOINT": "http://127.0.0.1:4318"}
    monkeypatch.setenv("OTEL_PYTHON_EXPORTER_OTLP_HTTP_CREDENTIAL_PROVIDER", "nobody")

    assert telemetry.telemetry() is None

    assert "Nothing is sent" in caplog.text
