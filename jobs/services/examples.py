"""Three jobs to begin with: an empty installation offers them, and they really run."""

from __future__ import annotations

import shlex
import socket
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from jobs import conf
from jobs.domain.addresses import refusal
from jobs.domain.errors import UnknownError
from jobs.domain.permissions import Actor
from jobs.domain.said import said
from jobs.models import Execution, Job, JobTag
from jobs.services import canary, jobs, triggers
from jobs.services.definitions import parse_definition
from jobs.services.registered import CODE

# What Jobdeck brings itself does not make an installation used.
_OWN = ("health-check", "weekly-cleanup")
_DISK = """df -P "$PWD" | awk 'NR == 2 { sub("%", "", $5); print $5 "% used"; exit ($5 > 90) }'"""
_ASK = (
    "python3 -c 'import sys, urllib.request as u; "
    "print(u.urlopen(sys.argv[1], timeout=10).read().decode())'"
)
_REPORT = """#!/bin/bash
set -eu
{
  echo "Report of $(hostname), $(date)"
  echo; echo "Load:";   cat /proc/loadavg
  echo; echo "Memory:"; head -3 /proc/meminfo
  echo; echo "Disks:";  df -h
} | tee "$ARTIFACTS_DIR/report.txt"
"""


class Place(NamedTuple):
    """Where the person is: the address of this server in the browser, and the time zone."""

    origin: str
    zone: str


def is_first_run(actor: Actor, *, besides: str = "") -> bool:
    """Say whether nobody has made a job yet; who sees only some jobs cannot tell.

    Jobs with the tag ``besides`` do not count, nor what deploys their workspaces.
    """
    if not actor.sees_all:
        return False
    own = Job.objects.filter(created_by=CODE.name, external_id__in=_OWN)
    made = Job.objects.present().exclude(pk__in=own.values("pk")).exclude(name=canary.NAME)
    if besides:
        tagged = JobTag.objects.filter(tag=besides).values("job")
        made = made.exclude(pk__in=tagged).filter(operation_of=None)
    return not made.exists()


def names() -> tuple[str, ...]:
    """Return what the examples are called."""
    return tuple(_EXAMPLES)


def add(name: str, place: Place, *, actor: Actor) -> Execution:
    """Create the job of an example and start it once, so that there is something to look at."""
    if name not in _EXAMPLES:
        raise UnknownError(
            said(
                "There is no example {name!r}. Use {allowed}.",
                name=name[:80],
                allowed=", ".join(_EXAMPLES),
            )
        )
    definition = {"name": name, "tags": ["example"], **_EXAMPLES[name](place)}
    job = jobs.create(parse_definition(definition), actor=actor)
    return triggers.trigger(job.pk, actor=actor)


def _disk_space(_place: Place) -> dict[str, Any]:
    return {
        "description": "Fails when the disk of its working directory is more than 90 % full",
        "type": "command",
        "spec": {"command": _DISK},
        "schedules": [{"kind": "interval", "seconds": 300, "anchor": "start"}],
        "timeout_seconds": 60,
    }


def _this_server(place: Place) -> dict[str, Any]:
    address = f"{place.origin}/healthz"
    what: dict[str, Any] = {"type": "http", "spec": {"url": address}}
    if not _is_open(place.origin):
        # HTTP jobs stay away from private networks; a command goes where its user may.
        what = {"type": "command", "spec": {"command": f"{_ASK} {shlex.quote(address)}"}}
    return {
        **what,
        "description": "Asks this very server whether it answers",
        "schedules": [{"kind": "interval", "seconds": 60, "anchor": "start"}],
        "timeout_seconds": 30,
        "retry": {"max_attempts": 2, "base_seconds": 5},
    }


def _nightly_report(place: Place) -> dict[str, Any]:
    return {
        "description": "Writes load, memory and disks into a file that the run keeps",
        "type": "script",
        "spec": {"script": _REPORT},
        "schedules": [{"kind": "cron", "expression": "30 2 * * *", "timezone": place.zone}],
        "timeout_seconds": 300,
    }


def _is_open(origin: str) -> bool:
    """Say whether HTTP jobs may reach an address."""
    parts = urlsplit(origin)
    host, port = parts.hostname or "", parts.port or {"https": 443}.get(parts.scheme, 80)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        return False
    addresses = {str(one[4][0]) for one in found}
    allowed = conf.http_allowed()
    return not any(refusal(one, host=host, port=port, allowed=allowed) for one in addresses)


_EXAMPLES: dict[str, Callable[[Place], dict[str, Any]]] = {
    "disk-space": _disk_space,
    "this-server": _this_server,
    "nightly-report": _nightly_report,
}
