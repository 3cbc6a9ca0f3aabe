"""Run the whole product, or some of its parts, in the foreground."""

from __future__ import annotations

import errno
import json
import os
import socket
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from jobs import conf
from jobs.engine.supervisor import Config

# One process with two threads: pages are short, and more threads only make the slow ones slower.
WEB_THREADS = 2
WEB_KILL_SECONDS = 3


class Command(BaseCommand):
    """``manage.py serve``."""

    help = (
        "Runs web, dispatcher and cluster until SIGTERM or Ctrl-C. With --web, --dispatcher or "
        "--cluster only those, e.g. to spread them over hosts."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the parts to run and the cluster's shape."""
        parser.add_argument("--web", action="store_true", help="run the web server")
        parser.add_argument("--dispatcher", action="store_true", help="run a dispatcher")
        parser.add_argument("--cluster", metavar="NAME", help="run a cluster of this name")
        parser.add_argument("--workers", type=int, help="jobs at a time of the cluster")
        parser.add_argument("--queues", help="comma-separated queues of the cluster, best first")

    def handle(self, *args: Any, **options: Any) -> None:
        """Check what can be checked, then become the supervisor."""
        services = _services(options)
        if "web" in services:
            _check_port(settings.HOST, settings.PORT)
        _check_tables()
        connection.close()
        host = _reachable(settings.HOST)
        config: Config = {
            "services": services,
            "drain_seconds": conf.drain_seconds(),
            "host": host,
            "port": settings.PORT,
            "url": f"http://{_bracketed(host)}:{settings.PORT}",
        }
        sys.stdout.flush()
        os.environ["JOBDECK_DATA"] = str(settings.DATA_DIR)
        root = str(settings.BASE_DIR)
        paths = [root, *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
        os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(filter(None, paths)))
        os.execv(  # noqa: S606 - our own program, in place of this one
            sys.executable,
            [sys.executable, "-m", "jobs.engine.supervisor", json.dumps(config)],
        )


def _services(options: dict[str, Any]) -> dict[str, list[str]]:
    """Return the commands to supervise: those asked for, or all."""
    everything = not (options["web"] or options["dispatcher"] or options["cluster"])
    manage = [sys.executable, str(Path(settings.BASE_DIR) / "manage.py")]
    services: dict[str, list[str]] = {}
    if everything or options["web"]:
        services["web"] = _web()
    if everything or options["dispatcher"]:
        services["dispatcher"] = [*manage, "dispatcher", "--skip-checks"]
    if everything or options["cluster"]:
        shape = [
            f"--{name}={options[name]}"
            for name in ("workers", "queues")
            if options[name] is not None
        ]
        name = [f"--name={options['cluster']}"] if options["cluster"] else []
        services["cluster"] = [*manage, "cluster", "--skip-checks", *name, *shape]
    return services


def _web() -> list[str]:
    """Return granian's command line."""
    return [
        *(sys.executable, "-m", "granian", "--interface", "wsgi"),
        *("--host", settings.HOST, "--port", str(settings.PORT)),
        *("--workers", "1", "--blocking-threads", str(WEB_THREADS), "--no-ws"),
        *("--respawn-failed-workers", "--workers-kill-timeout", str(WEB_KILL_SECONDS)),
        *("--log-level", "warning", "scheduler_site.wsgi:application"),
    ]


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


def _check_tables() -> None:
    """Refuse to start on a database without the present tables."""
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as error:
        raise CommandError(
            f"The database {connection.settings_dict['NAME']} ({DEFAULT_DB_ALIAS}) "
            f"does not answer: {error}"
        ) from error
    if missing:
        raise CommandError(
            f"The database lacks {len(missing)} migrations. Run `manage.py migrate` first."
        )


def _reachable(host: str) -> str:
    """Return an address at which this very host reaches the server."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104


def _bracketed(host: str) -> str:
    """Return the host as an address line writes it."""
    return f"[{host}]" if ":" in host else host
