"""Register many jobs of one kind: for benchmarks and demonstrations."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from jobs.domain.durations import parse_duration
from jobs.domain.errors import JobdeckError
from jobs.domain.permissions import SYSTEM
from jobs.services.bulk import create_many
from jobs.services.definitions import JobDefinition, parse_definition

MOST = 100_000


class Command(BaseCommand):
    """``manage.py make_jobs``."""

    help = (
        "Registers jobs with the same interval: all due at --first and then every --every, on a "
        "grid that does not drift."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take how many, when, and what they do."""
        parser.add_argument("--count", type=int, required=True, help="how many jobs")
        parser.add_argument("--every", required=True, help="interval, such as 60 or 5m")
        parser.add_argument("--first", help="ISO 8601 moment of the first due time; now by default")
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--command", dest="shell", help="shell line that each job runs")
        what.add_argument(
            "--callable", metavar="PATH", help="registered Python job that each one runs"
        )
        parser.add_argument("--prefix", default="job", help="names are PREFIX-00001 and so on")
        parser.add_argument("--queue", default="default")
        parser.add_argument("--overlap", default="skip", help="skip, queue, allow, cancel_running")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the jobs and say how long it took."""
        count = options["count"]
        if not 1 <= count <= MOST:
            raise CommandError(f"--count {count} is out of range. Use 1 to {MOST}.")
        began = time.monotonic()
        try:
            first = _moment(options["first"])
            create_many(_definitions(options), actor=SYSTEM, anchors=[first] * count)
        except JobdeckError as error:
            raise CommandError(error.message) from error
        seconds = time.monotonic() - began
        self.stdout.write(
            f"{count} jobs in {seconds:.1f} s, first due at {first.isoformat(timespec='seconds')}"
        )


def _definitions(options: dict[str, Any]) -> list[JobDefinition]:
    """Return the definitions, each through the validation that every face uses."""
    interval = parse_duration(options["every"]) / timedelta(seconds=1)
    kind, spec = "command", {"command": options["shell"]}
    if options["callable"]:
        kind, spec = "python", {"job": options["callable"]}
    shared = {
        "type": kind,
        "spec": spec,
        "schedules": [{"kind": "interval", "seconds": interval, "anchor": "start"}],
        "queue": options["queue"],
        "overlap": options["overlap"],
    }
    names = (f"{options['prefix']}-{number:05d}" for number in range(1, options["count"] + 1))
    return [parse_definition({"name": name, **shared}) for name in names]


def _moment(text: str | None) -> datetime:
    """Return the moment; one without an offset is UTC."""
    if text is None:
        return datetime.now(UTC)
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise CommandError(
            f"--first {text!r} is no moment. Use ISO 8601, such as 2026-03-29T00:00:00Z."
        ) from None
