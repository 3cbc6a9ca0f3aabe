"""What a look at the engine finds: transport, dispatcher, workers."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext_noop

from jobs import broker as transport
from jobs.domain.said import told
from jobs.domain.selfcheck import Finding, Part, Verdict
from jobs.queries.pulse import pulse
from jobs.queries.waiting import ALERT_AFTER, unserved

# A dispatcher looks at the clock each second; runs that start this late are worth a look.
LATE_SECONDS = 10.0

_SERVE = gettext_noop("Start it: `python manage.py serve`, or look into its log.")


def broker(part: Part) -> Finding:
    """Whether work is handed over."""
    if not transport.is_configured():
        return Finding(
            part=part,
            verdict=Verdict.OK,
            sentence=gettext_noop("The executions table is the queue; nothing else is needed."),
        )
    try:
        seconds = transport.ping()
    except transport.TransportError as error:
        return Finding(
            part=part,
            verdict=Verdict.WARN,
            sentence=gettext_noop("%(error)s Meanwhile the executions table is the queue."),
            values={"error": str(error).removesuffix(".") + "."},
            advice=gettext_noop("Start Redis, or mend BROKER_URL."),
        )
    return Finding(
        part=part,
        verdict=Verdict.OK,
        sentence=gettext_noop("Redis answers within %(milliseconds)s ms."),
        values={"milliseconds": f"{seconds * 1000:.1f}"},
    )


def dispatcher(part: Part) -> Finding:
    """Whether due times are decided."""
    now = timezone.now()
    found = pulse(now)
    if found.tick_at is None:
        return Finding(
            part=part,
            verdict=Verdict.BAD,
            sentence=gettext_noop("No dispatcher has ever run: no schedule starts anything."),
            advice=_SERVE,
        )
    ago = max((now - found.tick_at) / timedelta(seconds=1), 0)
    values: dict[str, object] = {"ago": f"{ago:.0f}", "lag": f"{found.lag_seconds or 0:.1f}"}
    if found.down:
        return Finding(
            part=part,
            verdict=Verdict.BAD,
            sentence=gettext_noop("Not ticking since %(ago)s s: no schedule starts anything."),
            values=values,
            advice=_SERVE,
        )
    if (found.lag_seconds or 0) > LATE_SECONDS:
        return Finding(
            part=part,
            verdict=Verdict.WARN,
            sentence=gettext_noop("Ticks, but the latest due time was decided %(lag)s s late."),
            values=values,
            advice=gettext_noop("Look at the load of this host and of the database."),
        )
    return Finding(
        part=part,
        verdict=Verdict.OK,
        sentence=gettext_noop("Ticked %(ago)s s ago, %(lag)s s late at the latest due time."),
        values=values,
    )


def workers(part: Part) -> Finding:
    """Whether somebody runs what is due."""
    now = timezone.now()
    found = pulse(now)
    if not found.slots:
        return Finding(
            part=part,
            verdict=Verdict.BAD,
            sentence=gettext_noop("No cluster is running: what is due waits."),
            advice=_SERVE,
        )
    values = {"clusters": found.clusters, "busy": found.busy, "slots": found.slots}
    missing = unserved(now, longer_than=ALERT_AFTER)
    if missing:
        return Finding(
            part=part,
            verdict=Verdict.BAD,
            sentence=gettext_noop("Nobody takes what waits: %(queues)s."),
            values={"queues": told((one.text for one in missing[:5]), "; ")},
            advice=gettext_noop(
                "Start a cluster that serves it, or move the jobs to another queue."
            ),
        )
    if found.busy >= found.slots:
        return Finding(
            part=part,
            verdict=Verdict.WARN,
            sentence=gettext_noop("All %(slots)s places are taken; what is due waits for one."),
            values=values,
            advice=gettext_noop("Raise WORKERS, or start another cluster."),
        )
    return Finding(
        part=part,
        verdict=Verdict.OK,
        sentence=gettext_noop("Clusters: %(clusters)s. Busy: %(busy)s of %(slots)s places."),
        values=values,
    )
