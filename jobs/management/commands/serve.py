"""Run the whole product, or some of its parts, in the foreground."""

from __future__ import annotations

import errno
import logging
import os
import socket
import sys
from argparse import ArgumentParser
from functools import partial
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection, connections
from django.db.migrations.executor import MigrationExecutor

from jobs import conf
from jobs.engine.cluster import Cluster
from jobs.engine.dispatching import DispatchProcess
from jobs.engine.supervisor import CLUSTER, WEB, Body, Supervisor
from jobs.lineage import end_forks_with_parent
from jobs.management.commands.cluster import shape_of

log = logging.getLogger("scheduler.serve")

# One process with two threads: pages are short, and more threads only make the slow ones slower.
WEB_THREADS = 2
WEB_KILL_SECONDS = 3


class Command(BaseCommand):
    """``manage.py serve``."""

    help = (
        "Runs web, dispatcher and cluster until SIGTERM or Ctrl-C. With --web, --dispatcher or "
        "--cluster only those, e.g. to spread them over hosts."
    )
    # `manage.py check` says it all; at each start it would cost half a second.
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the parts to run and the cluster's shape."""
        parser.add_argument("--web", action="store_true", help="run the web server")
        parser.add_argument("--dispatcher", action="store_true", help="run a dispatcher")
        parser.add_argument("--cluster", metavar="NAME", help="run a cluster of this name")
        parser.add_argument("--workers", type=int, help="jobs at a time of the cluster")
        parser.add_argument("--queues", help="comma-separated queues of the cluster, best first")
        parser.add_argument("--labels", help="labels of the cluster, e.g. gpu,region=eu")

    def handle(self, *args: Any, **options: Any) -> None:
        """Check what can be checked, then supervise until asked to stop."""
        services = _services(options)
        if WEB in services:
            _check_port(settings.HOST, settings.PORT)
            _load_web()
        _check_tables()
        connections.close_all()
        supervisor = Supervisor(
            services,
            drain_seconds=conf.drain_seconds(),
            host=_reachable(settings.HOST),
            port=settings.PORT,
        )
        sys.exit(supervisor.run())


def _services(options: dict[str, Any]) -> dict[str, Body]:
    """Return what to supervise: the parts asked for, or all."""
    everything = not (options["web"] or options["dispatcher"] or options["cluster"])
    name = options["cluster"] or socket.gethostname()
    workers, queues, labels = shape_of(options)
    services: dict[str, Body] = {}
    if everything or options["web"]:
        services[WEB] = partial(_web, settings.PORT)
        services |= {f"{WEB}:{port}": partial(_web, port) for port in free_compat_ports()}
    if everything or options["dispatcher"]:
        services["dispatcher"] = partial(_dispatcher, socket.gethostname())
    if everything or options["cluster"]:
        services[CLUSTER] = partial(_cluster, os.getpid(), name, workers, queues, labels)
    return services


def _dispatcher(name: str) -> int:
    """Be the dispatcher."""
    DispatchProcess(name=name).run()
    return 0


def _cluster(supervisor: int, name: str, workers: int, queues: list[str], labels: list[str]) -> int:
    """Be the cluster."""
    return Cluster(
        name=name, workers=workers, queues=queues, labels=labels, supervisor=supervisor
    ).run()


def _web(port: int) -> int:
    """Be the web server of a port; the process that answers requests is forked from this one."""
    from granian import Granian
    from granian.constants import Interfaces
    from granian.log import LogLevels

    # Killed with SIGKILL, granian would leave its worker behind, and that keeps the port.
    end_forks_with_parent()
    Granian(
        "scheduler_site.wsgi:application",
        address=settings.HOST,
        port=port,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=WEB_THREADS,
        websockets=False,
        log_level=LogLevels.warning,
        respawn_failed_workers=True,
        workers_kill_timeout=WEB_KILL_SECONDS,
    ).serve()
    return 0


def _load_web() -> None:
    """Load what answers requests before the forks, so that its memory is shared."""
    from django.urls import get_resolver

    import scheduler_site.wsgi  # noqa: F401 - loads the middleware

    _ = get_resolver().url_patterns


def _check_port(host: str, port: int) -> None:
    """Refuse to start when the address is taken: granian would share it with another server."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise CommandError(
                    f"Port {port} on {host} is taken by another program. "
                    f"Stop that one, or choose another port: PORT={port + 1}."
                ) from error
            raise CommandError(f"Cannot listen on {host}:{port}: {error.strerror}.") from error


def free_compat_ports() -> list[int]:
    """Return the further ports to listen on; one that is taken is told and left out."""
    free = []
    for port in settings.COMPAT_PORTS:
        try:
            _check_port(settings.HOST, port)
        except CommandError:
            log.warning("Port %d is taken by another program and is not served.", port)
        else:
            free.append(port)
    return free


def _check_tables() -> None:
    """Refuse to start on a database without the present tables."""
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as error:
        name = connection.settings_dict["NAME"]
        raise CommandError(f"The database {name} does not answer: {error}") from error
    if missing:
        raise CommandError(
            f"The database lacks {len(missing)} migrations. Run `manage.py migrate` first."
        )


def _reachable(host: str) -> str:
    """Return an address at which this very host reaches the server."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104
