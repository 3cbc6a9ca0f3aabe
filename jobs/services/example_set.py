"""The examples of five schedulers: workspaces and jobs that show what there is, on one machine alone.

They need nothing outside: what asks another service elsewhere writes or reads a file here. Their
files lie in the working directories of their workspaces; the template lies with the templates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from jobs.domain.errors import ConflictError, StateError
from jobs.domain.permissions import Actor, Permission, require, require_everywhere
from jobs.domain.said import said
from jobs.models import Job, JobTag, Template, Workspace
from jobs.services import example_site, examples, jobs, templates, workspaces
from jobs.services.definitions import parse_definition
from jobs.services.writing import write_transaction

TAG = "sample"
WORKSPACES = {
    "resources": "Registers cloud resources on a fixed delay",
    "shop": "A web shop with maintenance, backup and a health check",
    "scanner": "Looks after container images and a database of weaknesses",
    "office": "Marks who is present",
    "air": "Measurements of air quality and their daily figures",
    example_site.NAME: example_site.TEXT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """What became of a removal."""

    names: list[str]  # of jobs, workspaces and the template that are gone
    kept: list[str]  # why something stays, in sentences


def load(*, actor: Actor, force: bool = False) -> list[str]:
    """Make what is missing of the examples; return the names of the jobs made.

    StateError where other jobs stand already, unless ``force`` says to add to them.
    """
    require(actor, Permission.EDIT)
    if not force and not examples.is_first_run(actor, besides=TAG):
        raise StateError(
            said("There are jobs already. Load the examples into an empty installation.")
        )
    with write_transaction():
        rooms = set(Workspace.objects.values_list("name", flat=True))
        example_site.put_template(actor=actor)
        for name, description in WORKSPACES.items():
            if name not in rooms:
                asked = {"name": name, "description": description}
                asked = example_site.workspace() if name == example_site.NAME else asked
                workspaces.create(workspaces.parse_workspace(asked), actor=actor)
        present = set(Job.objects.present().values_list("workspace__name", "name"))
        missing = [one for one in definitions() if (one["workspace"], one["name"]) not in present]
        for one in missing:
            jobs.create(parse_definition(one), actor=actor)
    return [one["name"] for one in missing]


def remove(*, actor: Actor) -> Removed:
    """Take the examples away again: their jobs, and the workspaces that are empty then.

    A job that somebody has put beside them stays, and so does its workspace; also a workspace or a
    template of somebody's own that is called like one of ours. What is deployed is not given up: it
    is destroyed first.
    """
    require_everywhere(actor, Permission.ADMINISTER)
    names, kept = [], []
    ours = {(one["workspace"], one["name"]) for one in definitions()}
    tagged = JobTag.objects.filter(tag=TAG).values("job")
    for job in Job.objects.present().filter(pk__in=tagged).select_related("workspace"):
        if job.workspace and (job.workspace.name, job.name) in ours:
            jobs.delete(job.pk, actor=actor)
            names.append(job.name)
    for room in _own_workspaces():
        try:
            workspaces.delete(room.name, actor=actor)
        except ConflictError as error:
            kept.append(error.message)
        else:
            names.append(room.name)
    for template in Template.objects.filter(name=example_site.NAME, source_url=""):
        if not example_site.is_own(template):
            kept.append(f"The files of template {template.name} are not the examples': it stays.")
            continue
        try:
            templates.remove(template.name, actor=actor)
        except ConflictError as error:
            kept.append(error.message)
        else:
            names.append(f"template {template.name}")
    return Removed(names=names, kept=kept)


def _own_workspaces() -> list[Workspace]:
    """Return the workspaces of the examples, without somebody's own that are only called alike."""
    named = Workspace.objects.filter(name__in=WORKSPACES).order_by("name")
    return [one for one in named if one.description.startswith(WORKSPACES[one.name])]


def definitions() -> list[dict[str, Any]]:
    """Return the jobs, room by room."""
    return [*_resources(), *_shop(), *_scanner(), *_office(), *_air(), *_hello()]


def _job(
    room: str, name: str, description: str, when: dict[str, Any], **more: Any
) -> dict[str, Any]:
    what = more.pop("script", None)
    given = {"type": "command", "spec": {"command": more.pop("command", "")}}
    if what is not None:
        given = {"type": "script", "spec": {"script": what}}
    return {
        "workspace": room,
        "name": name,
        "description": description,
        "schedules": [when],
        "timeout_seconds": 120,
        "tags": [TAG],
        **given,
        **more,
    }


def _cron(expression: str, zone: str = "UTC") -> dict[str, Any]:
    return {"kind": "cron", "expression": expression, "timezone": zone}


def _every(seconds: int, **more: Any) -> dict[str, Any]:
    return {"kind": "interval", "seconds": seconds, "anchor": "start", **more}


def _on(event: str) -> dict[str, Any]:
    return {"kind": "event", "event": event}


def _resources() -> list[dict[str, Any]]:
    """A registration counts from its end, and is switched off after five failures."""
    script = """#!/bin/bash
set -eu
echo "connection aws-ap-northeast-2: 2 networks, 3 servers"
echo '::result {"registered": 5, "failed": 0}'
"""
    when = {"kind": "interval", "seconds": 3600, "anchor": "completion"}
    return [
        _job(
            "resources",
            "aws-kr-prod",
            "Registers what a cloud has",
            when,
            script=script,
            auto_disable_after=5,
        )
    ]


def _shop() -> list[dict[str, Any]]:
    maintenance = """#!/bin/bash
set -eu
echo "::group::Logs"
mkdir -p logs && touch "logs/$(date +%F).log"
find logs -name '*.log' -mtime +14 -print -delete
echo "::endgroup::"
df -P . | tail -1
"""
    backup = """#!/bin/bash
set -eu
mkdir -p data backups
date > data/orders.txt
tar -czf "backups/data-$(date +%F).tar.gz" data
ls -t backups | tail -n +8 | while read -r old; do rm -- "backups/$old"; done
ls -l backups
"""
    return [
        _job(
            "shop",
            "daily-maintenance",
            "Tidies up at night",
            _cron("0 2 * * *"),
            script=maintenance,
            timeout_seconds=3600,
        ),
        _job(
            "shop",
            "backup-data",
            "Keeps the last seven archives",
            _cron("0 3 * * *"),
            script=backup,
            timeout_seconds=1800,
        ),
        _job(
            "shop",
            "cleanup-temp",
            "Deletes temporary files that are a week old",
            _every(6 * 3600),
            command="mkdir -p tmp && find tmp -type f -mtime +7 -print -delete && echo cleaned",
        ),
        _job(
            "shop",
            "health-check-shop",
            "Fails when the disk is 90 % full",
            _every(300),
            command="df -P . | awk 'NR == 2 { print $5; exit ($5 + 0 > 90) }'",
        ),
    ]


def _scanner() -> list[dict[str, Any]]:
    rescan = """#!/bin/bash
set -eu
version=$(date +%F)
if [ "$(cat version 2>/dev/null || true)" = "$version" ]; then echo "no rescan"; exit 0; fi
echo "$version" > version
echo "version $version: rescan"
"""
    cleanup = """#!/bin/bash
set -eu
mkdir -p instances
count=$(find instances -type f -mtime +1 | wc -l)
find instances -type f -mtime +1 -delete
echo "::result {\\"deleted\\": $count}"
"""
    telemetry = (
        'printf \'{"at": "%s", "load": "%s"}\\n\' "$(date -u +%FT%TZ)" '
        "\"$(cut -d' ' -f1 /proc/loadavg)\" | tee -a metrics.jsonl"
    )
    return [
        _job(
            "scanner",
            "refresh-images",
            "Notes which images run",
            _every(300),
            command="date > refreshed && echo refreshed",
        ),
        _job(
            "scanner", "rescan-database", "Scans again after a change", _every(3600), script=rescan
        ),
        _job(
            "scanner",
            "cleanup-instances",
            "Deletes what nothing names any more",
            _cron("0 2 * * *"),
            script=cleanup,
        ),
        _job(
            "scanner",
            "telemetry",
            "Writes figures, at a random moment of two minutes",
            _every(300, jitter_seconds=120),
            command=telemetry,
            timeout_seconds=30,
        ),
    ]


def _office() -> list[dict[str, Any]]:
    attendance = """#!/bin/bash
set -eu
echo "Memulai auto_create_daily_attendance"
mkdir -p "attendance/$(date +%F)" && cd "attendance/$(date +%F)"
created=0 skipped=0
for number in $(seq 150); do
  if [ -e "$number" ]; then skipped=$((skipped + 1)); continue; fi
  echo absent > "$number"; created=$((created + 1))
done
echo "::result {\\"created\\": $created, \\"skipped\\": $skipped, \\"errors\\": 0}"
"""
    when = _cron("30 0 * * *", "Asia/Jakarta")
    text = "Auto-create attendance records for all active employees"
    return [_job("office", "auto_create_daily_attendance", text, when, script=attendance)]


def _air() -> list[dict[str, Any]]:
    fetch = """#!/bin/bash
set -eu
mkdir -p paris
echo "{\\"at\\": \\"$(date -u +%FT%TZ)\\", \\"aqi\\": $((40 + RANDOM % 60))}" >> "paris/$(date -u +%F).jsonl"
tail -1 "paris/$(date -u +%F).jsonl"
"""
    sums = """#!/bin/bash
set -eu
for place in */; do
  day="$place$(date -u +%F).jsonl"
  [ -e "$day" ] || continue
  grep -o '"aqi": [0-9]*' "$day" | awk -v place="$place" \\
    '{ sum += $2; if ($2 > most) most = $2 } END { print place, NR, sum / NR, most }'
done
"""
    final = """#!/bin/bash
set -eu
mkdir -p reports
cat paris/*.jsonl 2>/dev/null | wc -l | tee "reports/$(date -u +%F).txt"
"""
    return [
        _job(
            "air",
            "fetch-paris-data",
            "Measures each minute",
            _cron("* * * * *", "Europe/Paris"),
            script=fetch,
            category="data",
            overlap="skip",
        ),
        _job(
            "air",
            "hourly-aggregations",
            "Sums up the day of each place",
            _cron("0 * * * *"),
            script=sums,
            category="analytics",
        ),
        _job(
            "air",
            "finalize-daily-stats",
            "Writes the report of the day",
            _cron("59 23 * * *"),
            script=final,
            category="analytics",
            priority="high",
        ),
    ]


def _hello() -> list[dict[str, Any]]:
    """What waits for the deployment and the destruction of its workspace."""
    room = example_site.NAME
    weekly = _job(
        room, "deploy-a-copy", "Deploys the template by a job of its own", _cron("0 4 * * 1")
    )
    return [
        _job(
            room,
            "smoke-test",
            "Looks at what was deployed, after each deployment",
            _on("@deployment"),
            command="grep '<h1>' public/index.html",
        ),
        _job(
            room,
            "tidy-up",
            "Deletes the page, after each destruction",
            _on("@destroy"),
            command="rm -rf public && echo 'nothing is left'",
        ),
        {**weekly, "type": "template", "spec": example_site.job_spec()},
    ]
