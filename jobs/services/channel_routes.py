"""Which alerts go to which channel: by job, tag, workspace and severity, or by a job's own choice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from jobs.domain.alerts import Rule
from jobs.domain.errors import InvalidError
from jobs.domain.said import said
from jobs.models import Alert, AlertRule, Channel, Job, JobTag, Workspace
from jobs.services.definitions import JobDefinition

_NAMED = 20


def resolve(definition: JobDefinition, *, stays: str = "") -> None:
    """Write the channel that a definition names as it is stored; InvalidError for an unknown one.

    One that is gone does not keep a job that has it from being changed.
    """
    asked = definition.alert_channel.strip()
    definition.alert_channel = asked
    if not asked or asked == stays:
        return
    found = Channel.objects.filter(name__iexact=asked).first()
    if found is None:
        known = ", ".join(Channel.objects.order_by("name").values_list("name", flat=True)[:_NAMED])
        allowed = said("Use {names}.", names=known) if known else said("There is none yet.")
        sentence = said("Channel {name} does not exist. {allowed}", name=asked, allowed=allowed)
        raise InvalidError(sentence, fields={"alert_channel": sentence})
    definition.alert_channel = found.name


def routed(channel: Channel, row: Alert) -> bool:
    """Say whether a channel's routes lead an alert there; without any, every alert does.

    Alerts about no job, such as a full disk, go where no route asks for jobs. A job's own channel
    gets all of the job's.
    """
    named = _rule_of(row).get("channel")
    if named:
        return bool(channel.name == named)
    jobs = Job.objects.filter(alert_rows__alert=row, alert_rows__left_at=None)
    if jobs.filter(alert_channel=channel.name).exists():
        return True
    routes = channel.routes
    if routes.get("rules") and row.rule not in routes["rules"]:
        return False
    asked = [routes.get(name) for name in ("jobs", "tags", "workspaces")]
    if not any(asked):
        return True
    return (
        jobs.filter(pk__in=routes.get("jobs") or []).exists()
        or jobs.filter(workspace__in=routes.get("workspaces") or []).exists()
        or JobTag.objects.filter(job__in=jobs, tag__in=routes.get("tags") or []).exists()
    )


def _rule_of(row: Alert) -> Mapping[str, Any]:
    """Return the settings of the rule that somebody made and that opened an alert."""
    rule = own_rule_of(row)
    return {} if rule is None else rule.settings


def own_rule_of(row: Alert) -> AlertRule | None:
    """Return the rule that somebody made and that opened an alert; None for a built-in one."""
    if row.rule != Rule.OWN:
        return None
    number = row.key.split(":")[1]
    return AlertRule.objects.filter(pk=number, builtin=False).first()


def jobs_named(names: Iterable[str]) -> list[int]:
    """Return the numbers of the jobs with these names, in whatever workspace; InvalidError."""
    found: list[int] = []
    for name in names:
        room, _, bare = name.rpartition("/")
        rows = Job.objects.present().filter(name__iexact=bare)
        if room:
            rows = rows.in_workspace(room)
        numbers = list(rows.order_by("pk").values_list("pk", flat=True))
        if not numbers:
            raise _unknown("routes.jobs", said("Job {id} does not exist.", id=name[:100]))
        found += numbers
    return sorted(set(found))


def workspaces_named(names: Iterable[str]) -> list[int]:
    """Return the numbers of the workspaces with these names; InvalidError."""
    found = []
    for name in names:
        row = Workspace.objects.filter(name__iexact=name).first()
        if row is None:
            raise _unknown(
                "routes.workspaces", said("Workspace {name} does not exist.", name=name[:100])
            )
        found.append(row.pk)
    return sorted(set(found))


def words_of(channel: Channel) -> dict[str, list[str]]:
    """Return a channel's routes by names; what is gone is left out."""
    jobs = Job.objects.present().filter(pk__in=channel.routes.get("jobs", []))
    rooms = Workspace.objects.filter(pk__in=channel.routes.get("workspaces", []))
    return {
        "jobs": [
            f"{one.workspace.name}/{one.name}" if one.workspace else one.name
            for one in jobs.select_related("workspace").order_by("name", "pk")
        ],
        "workspaces": sorted(rooms.values_list("name", flat=True)),
        "tags": list(channel.routes.get("tags", [])),
    }


def _unknown(field: str, sentence: str) -> InvalidError:
    return InvalidError(sentence, fields={field: sentence})
