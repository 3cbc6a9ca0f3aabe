"""The audit log is searched by its indexes, and its pages lose and double nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from django.db import connection

from jobs.models import AuditEntry
from jobs.queries import people
from jobs.queries.people import AuditFilter, list_audit

pytestmark = pytest.mark.django_db
SEARCHES = {
    "audit_actor": AuditFilter(actor="ANNA"),
    "audit_action": AuditFilter(action="job.create"),
    "audit_object": AuditFilter(object_type="job", object_id=3),
}


def add(count: int) -> None:
    """Add entries of two people, in turns."""
    AuditEntry.objects.bulk_create(
        AuditEntry(
            at=datetime(2026, 1, 1, tzinfo=UTC),
            actor="Anna" if number % 2 else "Otto",
            action="job.create",
            object_type="job",
            object_id=3,
        )
        for number in range(count)
    )


@pytest.mark.parametrize("index", SEARCHES)
def test_a_search_goes_by_its_index(index: str) -> None:
    add(10)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_sort = off")

    plan = people._entries(SEARCHES[index])[:3].explain()

    assert index in plan or (connection.vendor == "postgresql" and "_pkey" in plan)


def test_what_is_added_between_two_pages_moves_nothing() -> None:
    add(9)
    chosen = AuditFilter(actor="anna")
    first = list_audit(chosen, limit=2)
    add(4)

    second = list_audit(replace(chosen, after=first.next_after), limit=2)

    found = [row.pk for row in [*first.rows, *second.rows]]
    before = AuditEntry.objects.filter(actor="Anna").order_by("-pk").values_list("pk", flat=True)
    assert found == list(before)[2:]  # but the two of later
    assert second.next_after is None
