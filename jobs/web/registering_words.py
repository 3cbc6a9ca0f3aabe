"""A job that registers cloud resources, while it is written: its fields, and what is advised."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta

from django.utils.translation import gettext_lazy

from jobs.domain.schedule import Schedule
from jobs.domain.states import ScheduleKind
from jobs.domain.tumblebug import Concern, concerns
from jobs.queries import registering
from jobs.web.words import Text

FIELDS: dict[str, Text] = {
    "ns_id": gettext_lazy("Namespace that the resources are registered in. Required."),
    "connection_name": gettext_lazy("One connection; empty: all of them."),
    "mci_name_prefix": gettext_lazy(
        "Prefix of names. By custom {csp}-{region}-{purpose}, such as aws-kr-prod."
    ),
    "mci_flag": gettext_lazy(
        "y (recommended): all machines in one MCI; n: one MCI for each, not for large environments."
    ),
    "option": gettext_lazy("Such as vNet,securityGroup; empty: resources of all types."),
}
_CONCERNS: dict[Concern, Text] = {
    Concern.OVERLOAD: gettext_lazy(
        "Server overload: all connections so often never lets the server rest. "
        "At least 30 minutes are advised."
    ),
    Concern.SHORT_FOR_ALL: gettext_lazy(
        "For all connections at least 30 minutes are advised; sooner meets rate limits."
    ),
    Concern.SHORT_FOR_ONE: gettext_lazy(
        "For one connection at least 10 minutes are advised; sooner meets rate limits."
    ),
    Concern.SHORT_FOR_PRODUCTION: gettext_lazy("In production at least 30 minutes are advised."),
    Concern.CROWDED_NAMESPACE: gettext_lazy(
        "This namespace has 100 such jobs or more. Fewer are advised."
    ),
}


def fields_of(kind: str) -> list[tuple[str, Text]]:
    """Return the fields that a kind's JSON has, each with its meaning."""
    return list(FIELDS.items()) if kind == registering.TYPE else []


def advice(kind: str, spec: object, rules: Iterable[Schedule], *, job_id: int | None) -> list[str]:
    """Return what speaks against a job as it is typed; it may be saved all the same."""
    if kind != registering.TYPE or not isinstance(spec, Mapping):
        return []
    ns_id = str(spec.get("ns_id", ""))[:200]
    found = concerns(
        connection=str(spec.get("connection_name", "") or spec.get("provider", "")),
        names=(ns_id, str(spec.get("mci_name_prefix", ""))),
        interval=_shortest(rules),
        jobs_beside=registering.count_in(ns_id, without=job_id) if ns_id else 0,
    )
    return [str(_CONCERNS[one]) for one in found]


def _shortest(rules: Iterable[Schedule]) -> timedelta | None:
    lengths = [rule.seconds for rule in rules if rule.kind is ScheduleKind.INTERVAL]
    known = [seconds for seconds in lengths if seconds]
    return timedelta(seconds=min(known)) if known else None
