"""`/metrics`: what Prometheus reads."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from ipaddress import ip_address

from django.http import Http404, HttpRequest, HttpResponse
from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from jobs import __version__, conf
from jobs.api import timing
from jobs.api.auth import address_of, identify
from jobs.executors.proctree import rss_bytes
from jobs.queries import metrics
from jobs.queries.pulse import processes_of


class _Stored(Collector):
    """Everything that the database tells; nothing of this process."""

    def collect(self) -> Iterator[Metric]:
        """Yield the families."""
        info = InfoMetricFamily("jobdeck_build", "The version that answers.")
        info.add_metric([], {"version": __version__})
        yield info
        for family in metrics.families():
            yield _family(family)


class _Host(Collector):
    """What only the host of this process tells."""

    def collect(self) -> Iterator[Metric]:
        """Yield the memory of the product's processes here; of containers beside it nothing."""
        found = GaugeMetricFamily(
            "jobdeck_process_resident_memory_bytes",
            "Memory of the product's processes on the host that answers.",
            labels=["kind", "name"],
        )
        known = [("web", f"web-{os.getpid()}", os.getpid()), *processes_of(socket.gethostname())]
        for kind, name, pid in known:
            size = rss_bytes(pid)
            if size is not None:
                found.add_metric([kind, name], size)
        yield found


def view(request: HttpRequest) -> HttpResponse:
    """Answer the metrics to a known address, or to who may read them."""
    if not _is_allowed(address_of(request)):
        identify(request)
    if not conf.cron_feature("metrics_collection"):
        raise Http404
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Stored())
    registry.register(_Host())
    registry.register(timing.SECONDS)
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return HttpResponse(encode(registry), content_type=content_type)


def _is_allowed(address: str) -> bool:
    try:
        here = ip_address(address)
    except ValueError:
        return False  # a socket of this host has no address
    return any(here in network for network in conf.metrics_allowed())


def _family(family: metrics.Family) -> Metric:
    if family.kind == "histogram":
        return _histogram(family)
    is_counter = family.kind == "counter"
    kind: type[CounterMetricFamily | GaugeMetricFamily]
    kind = CounterMetricFamily if is_counter else GaugeMetricFamily
    names = list(family.values[0].labels) if family.values else []
    found = kind(family.name, family.help, labels=names)
    for value in family.values:
        found.add_metric([value.labels[name] for name in names], value.value)
    return found


def _histogram(family: metrics.Family) -> Metric:
    names = list(family.histograms[0].labels) if family.histograms else []
    found = HistogramMetricFamily(family.name, family.help, labels=names)
    for one in family.histograms:
        bounds = [*(f"{bound:g}" for bound in one.bounds), "+Inf"]
        found.add_metric(
            [one.labels[name] for name in names],
            list(zip(bounds, one.counts, strict=True)),
            one.total_seconds,
        )
    return found
