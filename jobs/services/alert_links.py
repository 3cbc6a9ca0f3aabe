"""Links in messages that act without a login: signed, for a day, once, and only by a POST.

A channel offers them when its settings say so: whoever reads it may then do what they say, in the
name of the channel. Each names its message, so that a message that is sent twice is one link.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.conf import settings
from django.core import signing
from django.db import IntegrityError, transaction

from jobs.domain.errors import JobdeckError, StateError, UnknownError
from jobs.domain.permissions import Actor, Role
from jobs.domain.said import said
from jobs.domain.states import JobState
from jobs.models import Alert, Channel, Delivery, Job, UsedLink
from jobs.services import alerts, triggers
from jobs.services import jobs as job_services
from jobs.services.writing import write_transaction

log = logging.getLogger("scheduler.alerts")

LASTS = timedelta(days=1)
PAUSES = timedelta(hours=1)
_SALT = "jobs.alert_links"
_GONE = said("This link is not valid, was used, or is older than a day.")
_MANY = said("The alert is about no single job any more. Look at it on its page.")


class Action(StrEnum):
    """What a link does."""

    ACKNOWLEDGE = "acknowledge"
    RUN = "run"
    PAUSE = "pause"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A link that would act now."""

    action: Action
    alert: Alert
    channel: Channel
    job: Job | None  # that it is about
    mark: str

    @property
    def actor(self) -> Actor:
        """Return who acts: nobody has signed in, so it is the channel."""
        return Actor(name=f"channel: {self.channel.name}", role=Role.OPERATOR)


def offered(row: Delivery) -> dict[str, str]:
    """Return the links of a message by their actions; none where the channel offers none."""
    if not (settings.PUBLIC_URL and row.channel.links) or row.alert.resolved_at is not None:
        return {}
    actions = [] if row.alert.acknowledged_at else [Action.ACKNOWLEDGE]
    if _only_job(row.alert) is not None:
        actions += [Action.RUN, Action.PAUSE]
    return {one.value: f"{settings.PUBLIC_URL}/alerts/link/{_signed(row, one)}/" for one in actions}


def _signed(row: Delivery, action: Action) -> str:
    return signing.dumps([row.token, action.value], salt=_SALT)


def _only_job(row: Alert) -> Job | None:
    """Return the job that an alert is about, if it is about one: several are changed on pages."""
    members = list(row.members.filter(left_at=None).select_related("job")[:2])
    if len(members) != 1 or members[0].job.deleted_at is not None:
        return None
    return members[0].job


def opened(text: str) -> Link:
    """Return what a link would do; UnknownError for one that is forged, old, used or withdrawn."""
    try:
        token, action = signing.loads(text, salt=_SALT, max_age=LASTS)
    except signing.BadSignature:
        raise UnknownError(_GONE) from None
    rows = Delivery.objects.select_related("alert", "channel")
    row = rows.filter(token=token, channel__links=True, channel__enabled=True).first()
    mark = f"{token}:{action}"
    if row is None or UsedLink.objects.filter(mark=mark).exists():
        raise UnknownError(_GONE)
    if row.alert.resolved_at is not None:
        raise StateError(said("Alert {id} has ended.", id=row.alert_id))
    wanted = Action(action)
    job = None if wanted == Action.ACKNOWLEDGE else _only_job(row.alert)
    if wanted != Action.ACKNOWLEDGE and job is None:
        raise StateError(_MANY)
    return Link(action=wanted, alert=row.alert, channel=row.channel, job=job, mark=mark)


def follow(text: str, *, now: datetime) -> Link:
    """Do what a link says, once; it is used up only if that went well."""
    link = opened(text)
    with write_transaction():
        used = UsedLink(
            mark=link.mark,
            alert=link.alert,
            channel_name=link.channel.name,
            action=link.action.value,
            used_at=now,
        )
        try:
            with transaction.atomic():
                used.save(force_insert=True)
        except IntegrityError:
            raise UnknownError(_GONE) from None
        _act(link, used, now)
    return link


def _act(link: Link, used: UsedLink, now: datetime) -> None:
    note = f"by a link of {link.channel.name}"
    if link.job is None:
        alerts.acknowledge(link.alert.pk, actor=link.actor, note=note)
    elif link.action == Action.RUN:
        triggers.trigger(link.job.pk, actor=link.actor)
    else:
        if link.job.state != JobState.ACTIVE:
            raise StateError(
                said("Job {name} is not active: there is nothing to pause.", name=link.job.name)
            )
        job_services.pause(link.job.pk, actor=link.actor, reason=f"for 1 hour, {note}")
        used.job, used.resume_at = link.job, now + PAUSES
        used.save(update_fields=["job", "resume_at"])


def resume_due(now: datetime) -> int:
    """Resume the jobs that a link paused an hour ago, unless somebody has changed them since."""
    due = UsedLink.objects.filter(resume_at__lte=now).select_related("job")
    return sum(_resumed(row) for row in due.order_by("resume_at")[:100])


def _resumed(row: UsedLink) -> bool:
    """Resume one job, in the transaction that takes note of it: a crash leaves none paused."""
    with write_transaction():
        if not UsedLink.objects.filter(pk=row.pk, resume_at=row.resume_at).update(resume_at=None):
            return False  # another dispatcher was first
        if UsedLink.objects.filter(job=row.job_id, resume_at__gt=row.resume_at).exists():
            return False  # resumed meanwhile and paused for another hour, which is not over
        # What was paused on a page was paused by a person (`alert_acts`), the rest by a channel.
        person = row.mark.startswith("page:")
        paused_by = row.channel_name if person else f"channel: {row.channel_name}"
        actor = Actor(name=paused_by, role=Role.OPERATOR)
        job = row.job
        if job is None or job.state != JobState.PAUSED or job.deleted_at is not None:
            return False
        # The same person may have resumed it, and paused it once more for good.
        again = person and job.state_changed_at != row.used_at
        if again or job.state_changed_by[:100] != paused_by[:100]:
            return False
        try:
            with transaction.atomic():
                job_services.resume(job.pk, actor=actor)
        except JobdeckError as error:
            log.warning("Could not resume %s: %s", job.name, error.message)
            return False
    return True
