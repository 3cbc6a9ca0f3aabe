"""One kind of work that cannot be served keeps no other from its turn, and nobody busy."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from jobs.engine.dispatcher import Dispatcher
from jobs.models import Execution, Occurrence
from jobs.services import dependencies
from tests.factories import make_execution, make_job

pytestmark = pytest.mark.django_db(transaction=True)


def test_what_cannot_be_served_fails_the_step_when_all_else_is_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = timezone.now()
    Occurrence.objects.create(event="@ended 1", at=now, key="1", detail="succeeded")
    waiting = make_execution(make_job(), state="retrying", retry_at=now)

    def broken(_now: object) -> int:
        raise ValueError("cannot be read")

    monkeypatch.setattr(dependencies, "serve_ended", broken)
    dispatcher = Dispatcher(clock=lambda: now + timedelta(seconds=1))

    assert dispatcher.step()
    assert Execution.objects.get(pk=waiting.pk).state == "queued"
    with pytest.raises(ValueError, match="cannot be read"):  # the loop pauses after an error
        dispatcher.step()
