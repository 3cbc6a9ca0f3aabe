"""What a look at this host, the database and the keys finds."""

from __future__ import annotations

import os
import platform
import time
from datetime import datetime, timedelta

import django
from django.db import connection
from django.db.migrations.exceptions import InconsistentMigrationHistory, NodeNotFoundError
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext_noop

from jobs import __version__, conf
from jobs.domain.selfcheck import Finding, Part, Verdict
from jobs.domain.zones import VERSION as ZONES_VERSION
from jobs.models import Execution, Worker, WorkerState
from jobs.queries.pulse import CLUSTER_SILENT_AFTER
from jobs.queries.room import room
from jobs.services import secret_box, variables, zone_data
from jobs.services.dbtime import db_now

# A question this simple takes a healthy database a few milliseconds.
SLOW_SECONDS = 0.5
# Clocks that differ more than this order what happened wrongly, and then leases end too early.
CLOCK_WARN, CLOCK_BAD = timedelta(seconds=2), timedelta(seconds=20)

_RESTART = gettext_noop("Restart Jobdeck so that all its processes run the same version.")


def version(part: Part) -> Finding:
    """Which versions run."""
    values = {
        "version": __version__,
        "python": platform.python_version(),
        "django": django.get_version(),
    }
    others = (
        Worker.objects.exclude(state=WorkerState.GONE.value)
        .exclude(version=__version__)
        .filter(beat_at__gte=timezone.now() - CLUSTER_SILENT_AFTER)
        .values_list("name", "version")
    )
    if others:
        return Finding(
            part=part,
            verdict=Verdict.WARN,
            sentence=gettext_noop("Jobdeck %(version)s here, but also %(others)s."),
            values={**values, "others": ", ".join(f"{of} ({name})" for name, of in others[:5])},
            advice=_RESTART,
        )
    return Finding(
        part=part,
        verdict=Verdict.OK,
        sentence=gettext_noop("Jobdeck %(version)s on Python %(python)s and Django %(django)s."),
        values=values,
    )


def database(part: Part) -> Finding:
    """Whether the database answers, and how fast."""
    began = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()
    seconds = time.monotonic() - began
    values: dict[str, object] = {
        "database": f"{connection.display_name} {_database_version()}",
        "milliseconds": f"{seconds * 1000:.1f}",
    }
    if seconds > SLOW_SECONDS:
        return Finding(
            part=part,
            verdict=Verdict.WARN,
            sentence=gettext_noop("%(database)s answers slowly: %(milliseconds)s ms."),
            values=values,
            advice=gettext_noop("Look at the load of its host and disk."),
        )
    return Finding(
        part=part,
        verdict=Verdict.OK,
        sentence=gettext_noop("%(database)s answers within %(milliseconds)s ms."),
        values=values,
    )


def _database_version() -> str:
    return ".".join(map(str, connection.get_database_version()))


def migrations(part: Part) -> Finding:
    """Whether the tables are those of this version."""
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except (InconsistentMigrationHistory, NodeNotFoundError) as error:
        return Finding(
            part=part,
            verdict=Verdict.BAD,
            sentence=gettext_noop("The history of the tables does not fit: %(error)s"),
            values={"error": str(error)[:300]},
        )
    if missing:
        return Finding(
            part=part,
            verdict=Verdict.BAD,
            sentence=gettext_noop("%(count)s migrations are missing, the first is %(first)s."),
            values={"count": len(missing), "first": missing[0][0].name},
            advice=gettext_noop("Run `python manage.py migrate`."),
        )
    unknown = sorted(set(executor.loader.applied_migrations) - set(executor.loader.disk_migrations))
    newer = [name for app, name in unknown if app == "jobs"]
    if newer:
        return Finding(
            part=part,
            verdict=Verdict.WARN,
            sentence=gettext_noop("The tables are newer than this version: %(names)s."),
            values={"names": ", ".join(newer[:5])},
            advice=gettext_noop("Install the version that made them."),
        )
    return Finding(
        part=part, verdict=Verdict.OK, sentence=gettext_noop("All tables are up to date.")
    )


def disk(part: Part) -> Finding:
    """How much room is left where Jobdeck writes."""
    found, folder = room(), conf.data_dir()
    values: dict[str, object] = {
        "free": f"{found.free_bytes / 1e9:.1f}",
        "directory": str(folder),
    }
    if not os.access(folder, os.W_OK):
        return Finding(
            part=part,
            verdict=Verdict.BAD,
            sentence=gettext_noop("The data directory %(directory)s cannot be written to."),
            values=values,
            advice=gettext_noop("Give it to the user that runs Jobdeck."),
        )
    if found.full or found.low:
        return Finding(
            part=part,
            verdict=Verdict.BAD if found.full else Verdict.WARN,
            sentence=gettext_noop("%(free)s GB are left on the disk of %(directory)s."),
            values=values,
            advice=gettext_noop("Make room; without it no run can be recorded."),
        )
    return Finding(
        part=part,
        verdict=Verdict.OK,
        sentence=gettext_noop("%(free)s GB are free on the disk of the data directory."),
        values=values,
    )


def clock(part: Part) -> Finding:
    """Whether all clocks agree."""
    before = timezone.now()
    there = db_now()
    here = before + (timezone.now() - before) / 2
    off = max(abs(there - here), _ahead(here))
    values: dict[str, object] = {"seconds": _seconds(off)}
    if off < CLOCK_WARN:
        return Finding(
            part=part,
            verdict=Verdict.OK,
            sentence=gettext_noop(
                "This host, the database and what is recorded agree about the time."
            ),
        )
    return Finding(
        part=part,
        verdict=Verdict.BAD if off >= CLOCK_BAD else Verdict.WARN,
        sentence=gettext_noop("The clocks differ by %(seconds)s s."),
        values=values,
        advice=gettext_noop("Let NTP set the clock of every host."),
    )


def _ahead(now: datetime) -> timedelta:
    """Return how far the newest records lie in the future: another host's clock, or ours set back."""
    newest = Execution.objects.order_by("-pk").values_list("queued_at", flat=True).first()
    beat = Worker.objects.exclude(state=WorkerState.GONE.value).aggregate(at=Max("beat_at"))["at"]
    return max([timedelta(0), *(at - now for at in (newest, beat) if at is not None)])


def zones(part: Part) -> Finding:
    """Whether what is planned follows the zone rules that are installed."""
    values: dict[str, object] = {"version": ZONES_VERSION}
    planned_by = zone_data.planned_by()
    if planned_by not in (None, ZONES_VERSION):
        return Finding(
            part=part,
            verdict=Verdict.WARN,
            sentence=gettext_noop("Rules %(version)s here, but what is planned follows %(other)s."),
            values={**values, "other": planned_by},
            advice=_RESTART,
        )
    return Finding(
        part=part,
        verdict=Verdict.OK,
        sentence=gettext_noop("Time zones follow the rules %(version)s."),
        values=values,
    )


def secrets(part: Part) -> Finding:
    """Whether every secret has its key."""
    fault = secret_box.fault()
    if fault:
        return Finding(
            part=part,
            verdict=Verdict.BAD,
            sentence="%(fault)s",
            values={"fault": fault},
            advice=gettext_noop("Mend JOBS_SECRET_KEYS or the key file."),
        )
    closed = variables.closed()
    if closed:
        return Finding(
            part=part,
            verdict=Verdict.BAD,
            sentence=gettext_noop("The key of %(count)s secrets is missing: %(names)s."),
            values={"count": len(closed), "names": ", ".join(closed[:5])},
            advice=gettext_noop("Bring the key back, or set these secrets anew."),
        )
    return Finding(
        part=part, verdict=Verdict.OK, sentence=gettext_noop("Every secret can be opened.")
    )


def _seconds(span: timedelta) -> str:
    return f"{max(span / timedelta(seconds=1), 0):.0f}"
