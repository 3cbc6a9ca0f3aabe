"""The outbox: what channels are to be told waits in the database until they have taken it.

A message is written in the transaction that changes its alert, and tried by whichever dispatcher
comes first. A try is claimed by moving its next one; a process that dies between sending and
recording leaves it to be sent again, with the same token.
"""

from __future__ import annotations

import logging
import secrets
import time
import traceback
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef

from jobs import conf
from jobs.domain.alerts import Severity
from jobs.domain.errors import JobdeckError
from jobs.domain.quiet import quiet_until
from jobs.models import Alert, AlertRule, Channel, Delivery
from jobs.notify import SENDERS, NotifyError, PermanentError, Ports, TemporaryError
from jobs.services import alert_links, messages
from jobs.services.channel_routes import routed
from jobs.services.channel_specs import spec_of
from jobs.services.writing import write_transaction

log = logging.getLogger("scheduler.notify")

# Longer than any try takes; after it a claimed message is taken for forgotten.
CLAIM = timedelta(minutes=3)
# Waits between tries; the last one repeats. A receiver that is away for a day gets it within an hour.
WAITS = tuple(timedelta(seconds=one) for one in (10, 30, 60, 120, 300, 600, 900, 1800))
GIVE_UP_AFTER = timedelta(hours=36)
BATCH = 20


def announce(row: Alert, event: str, *, now: datetime) -> int:
    """Write what channels are to be told of an alert; call it in the transaction of the change.

    An opening that still waits tells of everything that has happened since: neither a reminder nor
    a rise of severity is added to it.
    """
    if not conf.cron_feature("alert_notifications") or muted(row, now):
        return 0
    made = 0
    for channel in Channel.objects.filter(enabled=True).order_by("pk"):
        if not takes(channel, row, event):
            continue
        if _waits_already(channel, row, event):
            _hurry(channel, row, now)
        else:
            made += add(channel, row, event, now)
    return made


def announce_joined(row: Alert, *, now: datetime) -> int:
    """Tell the channels of jobs that joined an open alert, where they have not heard of it."""
    if not conf.cron_feature("alert_notifications") or muted(row, now):
        return 0
    told = Delivery.objects.filter(alert=row).values("channel")
    rest = Channel.objects.filter(enabled=True).exclude(pk__in=told).order_by("pk")
    return sum(add(one, row, "opened", now) for one in rest if takes(one, row, "opened"))


def _hurry(channel: Channel, row: Alert, now: datetime) -> None:
    """Let what waits for the end of quiet hours go at once: it has become worse."""
    if row.severity == Severity.CRITICAL:
        Delivery.objects.filter(
            alert=row, channel=channel, tries=0, next_try_at__gt=now + gather()
        ).update(next_try_at=now + gather())


def gather() -> timedelta:
    """Return how long a new message waits: what one look and the next find is told together."""
    return timedelta(seconds=conf.alert_seconds())


def muted(row: Alert, now: datetime) -> bool:
    """Say whether nobody is told of an alert at the moment."""
    if row.muted_until is not None and row.muted_until > now:
        return True
    return AlertRule.objects.filter(name=row.rule, muted_until__gt=now).exists()


def takes(channel: Channel, row: Alert, event: str) -> bool:
    """Say whether an event of an alert is for a channel."""
    if event == "resolved":
        told = Delivery.objects.filter(alert=row, channel=channel, failed_at__isnull=True)
        return channel.tells_resolved and told.exists()
    if Severity(row.severity).rank < Severity(channel.severity).rank:
        return False
    return routed(channel, row)


def _waits_already(channel: Channel, row: Alert, event: str) -> bool:
    if event not in {"reminder", "escalated"}:
        return False
    waiting = Delivery.objects.filter(alert=row, channel=channel, next_try_at__isnull=False)
    return waiting.exists()


def add(channel: Channel, row: Alert, event: str, now: datetime) -> int:
    """Let a message wait for its channel; 0 when the channel was told of this already."""
    try:
        with write_transaction(), transaction.atomic():
            _remind_after(row, channel, now)
            Delivery.objects.create(
                alert=row,
                channel=channel,
                event=event,
                token=secrets.token_hex(16),
                created_at=now,
                next_try_at=now + gather(),
            )
    except IntegrityError:  # it has been told of this already
        return 0
    return 1


def _remind_after(row: Alert, channel: Channel, now: datetime) -> None:
    """Let reminders of an alert be looked at when this channel's next one is due."""
    if channel.remind_seconds:
        at = now + timedelta(seconds=channel.remind_seconds)
        Alert.objects.filter(pk=row.pk, remind_at__gt=at).update(remind_at=at)


def send_due(ports: Ports, *, now: datetime) -> int:
    """Try what is due, one message of an alert and channel after the other; return how many.

    Slow receivers may take longer than a claim lasts, all together: each claim begins with its try.
    """
    began, tried = time.monotonic(), 0
    for row in _due(now):
        tried += _try(row, ports, now + timedelta(seconds=time.monotonic() - began))
    return tried


def _due(now: datetime) -> Sequence[Delivery]:
    earlier = Delivery.objects.filter(
        alert=OuterRef("alert"),
        channel=OuterRef("channel"),
        pk__lt=OuterRef("pk"),
        next_try_at__isnull=False,
    )
    rows = Delivery.objects.filter(
        ~Exists(earlier), next_try_at__isnull=False, next_try_at__lte=now, channel__enabled=True
    )
    return list(rows.select_related("alert", "channel").order_by("next_try_at", "pk")[:BATCH])


def _try(row: Delivery, ports: Ports, now: datetime) -> int:
    """Claim, send, record; what is not critical waits for the end of its channel's quiet hours."""
    quiet = _quiet_until(row.channel, now)
    if quiet is not None and row.alert.severity != Severity.CRITICAL:
        Delivery.objects.filter(pk=row.pk, tries=row.tries, next_try_at=row.next_try_at).update(
            next_try_at=quiet
        )
        return 0
    claimed = Delivery.objects.filter(pk=row.pk, tries=row.tries, next_try_at=row.next_try_at)
    with write_transaction():
        mine = claimed.update(tries=row.tries + 1, next_try_at=now + CLAIM)
    if not mine:
        return 0  # another dispatcher has it
    row.tries += 1
    try:
        sender = SENDERS[row.channel.kind]
        links = alert_links.offered(row)
        message = messages.message_of(row.alert, row.event, token=row.token, links=links)
        sender.send(spec_of(row.channel), message, ports)
    except PermanentError as error:
        _give_up(row, error, now)
    except TemporaryError as error:
        _again(row, error, now)
    except Exception as error:  # noqa: BLE001 - one message never keeps the others from going
        # Where it happened, not what was said: an error's words may repeat a secret address.
        log.warning("A message failed in\n%s", "".join(traceback.format_tb(error.__traceback__)))
        _again(row, TemporaryError(f"It failed: {type(error).__name__}"), now)
    else:
        _write(row, delivered_at=now, next_try_at=None, error="")
        log.info(
            "Told %s: %s",
            row.channel.name,
            row.alert.title,
            extra={"alert_id": row.alert_id, "channel": row.channel.name, "event": row.event},
        )
    return 1


def _quiet_until(channel: Channel, now: datetime) -> datetime | None:
    try:
        return quiet_until(channel.quiet, now)
    except (JobdeckError, KeyError, ValueError):  # a zone that is gone holds no message up
        return None


def _again(row: Delivery, error: NotifyError, now: datetime) -> None:
    wait = WAITS[min(row.tries, len(WAITS)) - 1]
    if now + wait - row.created_at > GIVE_UP_AFTER:
        _give_up(row, error, now)
        return
    _tell(row, error, "will try again")
    _write(row, next_try_at=now + wait, error=str(error)[:500])


def _give_up(row: Delivery, error: NotifyError, now: datetime) -> None:
    _tell(row, error, "gave up")
    _write(row, failed_at=now, next_try_at=None, error=str(error)[:500])


def _write(row: Delivery, **values: object) -> None:
    with write_transaction():
        Delivery.objects.filter(pk=row.pk).update(**values)


def _tell(row: Delivery, error: NotifyError, then: str) -> None:
    log.warning(
        "Could not tell %s (%s): %s",
        row.channel.name,
        then,
        error,
        extra={"alert_id": row.alert_id, "channel": row.channel.name, "tries": row.tries},
    )


def try_again(delivery_id: int, *, now: datetime) -> bool:
    """Let a message that was given up be tried once more."""
    return bool(
        Delivery.objects.filter(pk=delivery_id, failed_at__isnull=False).update(
            failed_at=None, next_try_at=now, created_at=now
        )
    )
