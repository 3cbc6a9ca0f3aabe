"""Run a cluster of workers in the foreground."""

from __future__ import annotations

import socket
import sys
from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from jobs import conf
from jobs.domain.errors import InvalidError
from jobs.domain.labels import check_labels
from jobs.engine.cluster import Cluster

MOST_WORKERS = 256


class Command(BaseCommand):
    """``manage.py cluster``."""

    help = (
        "Runs jobs of its queues, until SIGTERM or Ctrl-C; running ones may end in the drain time."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take name, size and queues."""
        parser.add_argument("--name", default=socket.gethostname(), help="default: the host's name")
        parser.add_argument("--workers", type=int, help="jobs at a time; default: WORKERS")
        parser.add_argument("--queues", help="comma-separated, best first; default: QUEUES")
        parser.add_argument("--labels", help="e.g. gpu,region=eu; default: LABELS")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until asked to stop."""
        workers, queues, labels = shape_of(options)
        cluster = Cluster(name=options["name"], workers=workers, queues=queues, labels=labels)
        sys.exit(cluster.run())


def shape_of(options: Mapping[str, Any]) -> tuple[int, list[str], list[str]]:
    """Return workers, queues and labels as asked for, else as the settings say."""
    workers = conf.workers() if options["workers"] is None else options["workers"]
    if not 1 <= workers <= MOST_WORKERS:
        raise CommandError(f"--workers {workers} is out of range. Use 1 to {MOST_WORKERS}.")
    queues = conf.queues()
    if options["queues"] is not None:
        queues = _words(options["queues"])
    if not queues:
        raise CommandError("--queues names no queue.")
    try:
        labels = check_labels(
            conf.labels() if options["labels"] is None else _words(options["labels"])
        )
    except InvalidError as error:
        raise CommandError(f"--labels: {error}") from error
    return workers, queues, labels


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]
