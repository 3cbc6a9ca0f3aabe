"""An HTTP job through the worker: what is stored, and that the setting reaches it."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured

from jobs.domain.addresses import parse_allowed
from jobs.engine import runner
from jobs.models import Execution
from jobs.queries.logs import pieces
from jobs.services import claims
from scheduler_site.env import allowed_addresses
from tests.executors.http_servers import Talk, serving
from tests.factories import make_execution, make_job, make_worker

pytestmark = pytest.mark.django_db(transaction=True)


def hello(talk: Talk) -> None:
    talk.answer(b'{"status": "ok"}', Content_Type="application/json")


def ran(url: str, **spec: Any) -> Execution:
    """Run an HTTP job in this worker and return its recorded execution."""
    job = make_job(name="probe", type="http", spec={"url": url, **spec}, schedules=[])
    execution = make_execution(job)
    (claim,) = claims.claim(worker_id=make_worker().pk, queues=["default"], free=1)
    runner.run_claimed(claim.execution_id, claim.token)
    execution.refresh_from_db()
    return execution


def allow(settings: Any, *entries: str) -> None:
    settings.JOBDECK = {**django_settings.JOBDECK, "HTTP_ALLOWED": parse_allowed(entries)}


def test_the_answer_is_stored_with_the_execution(settings: Any) -> None:
    allow(settings, "127.0.0.1")

    with serving(hello) as server:
        execution = ran(server.url)

    assert (execution.state, execution.message) == ("succeeded", "")
    assert execution.result == {"status": "ok"}
    log = [(piece.stream, piece.data) for piece in pieces(execution.pk)]
    assert ("stdout", b'{"status": "ok"}\n') in log
    assert log[0][0] == "system"
    assert log[0][1].startswith(f"> GET {server.url}\n< 200 OK\n".encode())


def test_without_the_setting_this_machine_is_refused(settings: Any) -> None:
    allow(settings)

    with serving(hello) as server:
        execution = ran(server.url)

    assert execution.state == "failed"
    assert execution.message.startswith("Address refused: 127.0.0.1 (loopback). ")
    assert server.hits == 0


def test_nothing_is_allowed_by_default() -> None:
    assert django_settings.JOBDECK["HTTP_ALLOWED"] == ()


def test_a_bad_entry_stops_the_start_with_its_name() -> None:
    with pytest.raises(ImproperlyConfigured, match=r"JOBS_HTTP_ALLOW: 10\.0\.0\.1/8"):
        allowed_addresses("JOBS_HTTP_ALLOW", ["10.0.0.1/8"])
