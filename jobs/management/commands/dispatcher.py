"""Run a dispatcher in the foreground."""

from __future__ import annotations

import socket
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from jobs.engine.dispatching import DispatchProcess


class Command(BaseCommand):
    """``manage.py dispatcher``."""

    help = "Dispatches due jobs and rescues what died, until SIGTERM or Ctrl-C. Run any number."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the name that the Workers page shows."""
        parser.add_argument("--name", default=socket.gethostname(), help="default: the host's name")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until asked to stop."""
        DispatchProcess(name=options["name"]).run()
