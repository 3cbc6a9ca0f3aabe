"""Take the reports of check-ins: who holds the key of an address may send them."""

from __future__ import annotations

import hmac
import logging
from dataclasses import dataclass

from django.utils import timezone

from jobs.domain.check_ins import Signal
from jobs.models import CheckIn, CheckInReport
from jobs.services.check_ins import digest_of
from jobs.services.writing import write_transaction

log = logging.getLogger("scheduler.check_ins")

BODY_BYTES = 10_000  # kept of what a report brings
KEPT = 100  # reports of each check-in
PRUNED_AT_ONCE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A report as it came."""

    signal: Signal
    exit_code: int | None = None
    run_id: str = ""
    method: str = "GET"
    address: str = ""
    agent: str = ""
    body: bytes = b""


def find(key: str) -> CheckIn | None:
    """Return the check-in of a key; the work is the same for a key that nothing has.

    The lookup is by a digest, so its time tells nothing about a key that is nearly right.
    """
    digest = digest_of(key)
    row = CheckIn.objects.filter(key_digest=digest).first()
    same = hmac.compare_digest(digest, "0" * len(digest) if row is None else row.key_digest)
    return row if same else None


def take(found: CheckIn, heard: Heard) -> None:
    """Write a report and what it moves."""
    now = timezone.now()
    with write_transaction():
        row = CheckIn.objects.select_for_update().filter(pk=found.pk).first()
        if row is None:  # deleted since it was found
            return
        seconds = None
        if heard.signal in (Signal.SUCCESS, Signal.FAIL) and row.started_at is not None:
            seconds = max(0.0, (now - row.started_at).total_seconds())
        _store(row, heard, seconds)
        standing = row.standing.after(heard.signal, row.expectation, now)
        row.failed, row.reported = standing.failed, standing.reported
        row.started_at, row.due_at, row.late_at = (
            standing.started_at,
            standing.due_at,
            standing.late_at,
        )
        if heard.signal == Signal.START:
            row.last_start_at = now
        elif heard.signal == Signal.SUCCESS:
            row.last_success_at, row.last_seconds = now, seconds
        elif heard.signal == Signal.FAIL:
            row.last_fail_at, row.last_seconds = now, seconds
        row.save()
    log.info(
        "Check-in %s: %s",
        row.name,
        heard.signal,
        extra={"check_in_id": row.pk, "signal": heard.signal.value, "exit_code": heard.exit_code},
    )


def _store(row: CheckIn, heard: Heard, seconds: float | None) -> None:
    """Keep the report, and of those before it only the newest."""
    CheckInReport.objects.create(
        check_in=row,
        at=timezone.now(),
        signal=heard.signal.value,
        exit_code=heard.exit_code,
        seconds=seconds,
        run_id=heard.run_id,
        method=heard.method[:10],
        address=heard.address[:64],
        agent=heard.agent.replace("\0", "")[:200],
        body=heard.body[:BODY_BYTES]
        .decode(errors="replace")
        .replace("\0", "\N{REPLACEMENT CHARACTER}"),
    )
    old = row.reports.order_by("-pk").values_list("pk", flat=True)
    gone = list(old[KEPT : KEPT + PRUNED_AT_ONCE])
    if gone:
        CheckInReport.objects.filter(pk__in=gone).delete()
