"""A management command as a project has them."""

from __future__ import annotations

import subprocess
import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    """``manage.py greet``."""

    help = "Greets somebody, some number of times, or fails as asked."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take a name and how to end."""
        parser.add_argument("name")
        parser.add_argument("--times", type=int, default=1)
        parser.add_argument("--fail", type=int, default=0)
        parser.add_argument("--exit", type=int, default=0)
        parser.add_argument("--sleep", action="store_true")
        parser.add_argument("--look", action="store_true")

    def handle(self, *args: Any, **options: Any) -> str:
        """Greet."""
        for _ in range(options["times"]):
            self.stdout.write(f"Hello {options['name']}")
        self.stderr.write("on the other stream")
        if options["fail"]:
            raise CommandError("could not greet", returncode=options["fail"])
        if options["exit"]:
            sys.exit(options["exit"])
        if options["look"]:
            self.stdout.write(Path("/proc/self/environ").read_text().replace("\0", "\n"))
            for handle in Path("/proc/self/fd").iterdir():
                self.stdout.write(str(handle.readlink()) if handle.is_symlink() else "")
        if options["sleep"]:
            subprocess.Popen(["setsid", "sleep", "300"])
            time.sleep(60)
        return "returned text"
