"""What is asked at every due time and every ending never reads a job's history."""

from __future__ import annotations

import pytest
from django.db import connection

from jobs.models import Execution
from jobs.models.execution import LIVE_VALUES

pytestmark = pytest.mark.django_db


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL plans by its own figures")
def test_what_a_job_has_in_progress_is_found_by_its_state() -> None:
    plan = Execution.objects.filter(job=1, state__in=LIVE_VALUES).explain()

    assert "execution_job_state (job_id=? AND state=?)" in plan
