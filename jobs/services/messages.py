"""Alerts as channels tell them: a document for programs, lines for people."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.conf import settings

from jobs.models import Alert
from jobs.notify import Message

JOBS_NAMED = 20
_TEXT = 500


def message_of(
    row: Alert, event: str, *, token: str, links: Mapping[str, str] | None = None
) -> Message:
    """Return what is told of an alert, as it is at this moment."""
    jobs = _jobs(row)
    url = f"{settings.PUBLIC_URL}/alerts/{row.pk}/" if settings.PUBLIC_URL and row.pk else ""
    return Message(
        token=token,
        event=event,
        severity=row.severity,
        title=row.title,
        url=url,
        document={
            "id": token,
            "event": event,
            "alert": document(row, jobs),
            "url": url,
            "links": dict(links or {}),
        },
        links=links or {},
        lines=tuple(_lines(row, jobs)),
    )


def trial_of(channel_name: str, *, token: str, at: datetime) -> Message:
    """Return what the test button sends."""
    row = Alert(
        key="test",
        rule="test",
        severity="warning",
        title=f"Channel {channel_name} works",
        opened_at=at,
        seen_at=at,
        changed_at=at,
    )
    return message_of(row, "test", token=token)


def _jobs(row: Alert) -> list[dict[str, Any]]:
    if not row.pk:  # of a test, which is no stored alert
        return []
    members = row.members.select_related("job", "job__workspace").order_by("joined_at", "pk")
    if row.resolved_at is None:
        members = members.filter(left_at__isnull=True)
    return [
        {
            "id": one.job_id,
            "name": one.job.name,
            "workspace": one.job.workspace.name if one.job.workspace else None,
            "why": one.why,
            "last_execution_id": one.last_execution_id,
        }
        for one in members[:JOBS_NAMED]
    ]


def document(row: Alert, jobs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return an alert as a program reads it."""
    return {
        "id": row.pk,
        "key": row.key,
        "rule": row.rule,
        "severity": row.severity,
        "title": row.title,
        "cause": row.cause,
        "opened_at": _moment(row.opened_at),
        "resolved_at": _moment(row.resolved_at),
        "acknowledged_by": row.acknowledged_by,
        "execution_id": row.execution_id,
        "execution_count": row.execution_count,
        "job_count": row.job_count,
        "jobs": jobs,
        "evidence": row.evidence,
    }


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _lines(row: Alert, jobs: list[Mapping[str, Any]] | list[dict[str, Any]]) -> list[str]:
    lines = [f"Since {row.opened_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"]
    if row.resolved_at is not None:
        lines.append(f"Until {row.resolved_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC")
    for one in jobs:
        why = f": {one['why']}" if one["why"] else ""
        run = f" (#{one['last_execution_id']})" if one["last_execution_id"] else ""
        lines.append(f"- {one['name']}{why}{run}")
    if row.job_count > len(jobs) > 0:
        lines.append(f"- and {row.job_count - len(jobs)} more")
    for name, value in row.evidence.items():
        if value not in (None, "", []):
            lines.append(f"{name.replace('_', ' ')}: {str(value)[-_TEXT:]}")
    return lines
