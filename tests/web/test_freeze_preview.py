"""The freeze form says what it will hold back, and that is what happens."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from jobs.domain.merged import Merged
from jobs.domain.permissions import SYSTEM
from jobs.domain.states import OmissionReason
from jobs.models import Freeze, Job, Omission
from jobs.queries import freeze_preview
from jobs.services import dispatch, freezes
from jobs.services import jobs as services
from jobs.services.firing import rules_of
from jobs.services.freeze_requests import parse_freeze
from tests.factories import cron, make_calendar, make_freeze, make_job

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 6, 1, 12, 0, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
TYPED = {
    "scope": "tag",
    "target": "shop",
    "reason": "Moving the shop",
    "starts_at": "2026-06-01T13:00",
    "ends_at": "2026-06-01T16:00",
    "duration_seconds": "",
}


def text_of(html: str) -> str:
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)).replace(" .", "."))


def panel(client: Client, **changes: str) -> str:
    answer = client.post(reverse("p_freeze_preview"), {**TYPED, **changes})
    assert answer.status_code == 200
    return text_of(answer.content.decode())


def shop() -> None:
    """Make jobs that the freeze is about, each with something that could be counted wrong."""
    closed = {"kind": "period", "start": "2026-06-01T13:30:00Z", "end": "2026-06-01T15:30:00Z"}
    make_calendar(name="lunch", windows=[closed])
    make_job(name="every-half-hour", tags=["shop"], schedules=[cron("0,30 * * * *")])
    both = [cron("0 * * * *"), cron("0,20 13,14 * * *")]
    make_job(name="two-schedules", tags=["shop"], schedules=both)
    make_job(
        name="with-calendar", tags=["shop"], schedules=[cron("45 * * * *")], calendars=["lunch"]
    )
    make_job(name="tomorrow", tags=["shop"], schedules=[cron("0 3 * * *")])
    paused = make_job(name="paused", tags=["shop"], schedules=[cron("* * * * *")])
    services.pause(paused.pk, actor=SYSTEM)
    make_job(name="elsewhere", schedules=[cron("* * * * *")])


def omitted() -> int:
    """Let a dispatcher go through the afternoon; return what the freeze has left out."""
    for minute in range(1, 60 * 5):
        at = NOW + timedelta(minutes=minute)
        if Job.objects.present().filter(next_fire_at__lte=at).exclude(name="elsewhere").exists():
            with time_machine.travel(at, tick=False):
                dispatch.dispatch_due(at)
    rows = Omission.objects.filter(
        reason=OmissionReason.FROZEN.value, detail="tag shop: Moving the shop"
    )
    return sum(rows.values_list("count", flat=True))


def test_what_the_form_says_is_what_happens(operator_client: Client) -> None:
    with time_machine.travel(NOW, tick=False):
        shop()
        make_freeze(
            scope="tag",
            target="shop",
            reason="earlier",
            starts_at=NOW + HOUR / 2,
            ends_at=NOW + 1.5 * HOUR,
        )  # names what is due until 13:30 before this one does
        said = panel(operator_client)
        operator_client.post(reverse("freeze_new"), TYPED)

    # 13:00 twice, 13:20 and 13:30 belong to the earlier one.
    assert "10 runs of 3 jobs. From 13:00:00 to 16:00:00." in said
    assert Freeze.objects.filter(reason="Moving the shop").exists()
    assert omitted() == 10


def test_the_first_due_times_and_what_comes_after_are_named(operator_client: Client) -> None:
    with time_machine.travel(NOW, tick=False):
        shop()
        said = panel(operator_client)
        asked = parse_freeze(
            {**{k: TYPED[k] for k in ("scope", "target", "reason")}, "starts_at": NOW + HOUR}
        )
        draft = freezes.draft(asked, actor=SYSTEM, now=NOW)
        found = freeze_preview.preview(draft, NOW, rules_of=rules_of)

    assert "14 runs of 3 jobs." in said
    assert "1 job has nothing due in it." in said
    assert "every-half-hour 6 16:00:00" in said
    assert "two-schedules 5 16:00:00" in said
    assert "with-calendar 3 16:45:00" in said
    assert (
        "13:00:00 every-half-hour 13:00:00 two-schedules 13:20:00 two-schedules 13:30:00 every"
        in said
    )
    assert "See it on the timeline" in said
    assert not found.ends
    assert found.until - found.start == freeze_preview.OPEN_ENDED
    assert [run.due_at for run in found.first] == sorted(run.due_at for run in found.first)


def test_it_is_shown_without_script_and_nothing_is_saved(operator_client: Client) -> None:
    with time_machine.travel(NOW, tick=False):
        shop()
        answer = operator_client.post(
            reverse("freeze_new"), {**TYPED, "reason": "", "do": "preview"}
        )
        wrong = operator_client.post(
            reverse("freeze_new"), {**TYPED, "ends_at": "2026-06-01T12:30", "do": "preview"}
        )
        empty = operator_client.get(reverse("freeze_new"), {"tag": "nothing"})

    said = text_of(answer.content.decode())
    assert answer.status_code == 200
    assert "14 runs of 3 jobs. From 13:00:00 to 16:00:00." in said
    assert 'value="shop"' in answer.content.decode()
    assert "is not after the start" in text_of(wrong.content.decode())
    assert "No run. In the first 7 days; it has no end" in text_of(empty.content.decode())
    assert "Name the tag or workspace first." in panel(operator_client, target=" ")
    assert not Freeze.objects.exists()


def test_another_end_of_a_freeze_is_previewed_too(operator_client: Client) -> None:
    with time_machine.travel(NOW, tick=False):
        shop()
        row = make_freeze(scope="tag", target="shop", starts_at=NOW + HOUR, ends_at=NOW + 2 * HOUR)
        data = {"freeze": str(row.pk), "reason": "", "ends_at": "2026-06-01T16:00"}
        answer = operator_client.post(reverse("p_freeze_preview"), data)

    said = text_of(answer.content.decode())
    assert "to 16:00:00." in said
    assert "of 3 jobs." in said
    row.refresh_from_db()
    assert row.ends_at == NOW + 2 * HOUR


def test_what_would_take_long_to_list_is_not_listed(
    operator_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two schedules of every second over a year are 60 million due times to compare."""
    year = {"starts_at": "", "ends_at": "", "duration_seconds": str(366 * 86_400)}
    both = [{"kind": "interval", "seconds": each, "anchor": "start"} for each in (1, 2)]
    monkeypatch.setattr(Merged, "chunks", None)
    with time_machine.travel(NOW, tick=False):
        make_job(name="dense", tags=["shop"], schedules=both)
        make_job(name="one", tags=["shop"], schedules=[cron("0 0 * * *")])
        text = panel(operator_client, **year)

    count, _, rest = text.partition(" runs ")
    assert int(re.sub(r"\D", "", count)) >= 366 * 86_400 + 366
    assert "~" in count or "At least" in count
    assert rest.startswith("of 2 jobs.")


@pytest.mark.parametrize("number", ["9" * 5000, "\u0663", "-1"])
def test_a_made_up_number_is_no_freeze(operator_client: Client, number: str) -> None:
    with time_machine.travel(NOW, tick=False):
        assert "From" in panel(operator_client, freeze=number)


def test_of_many_jobs_those_due_first_are_counted_in_as_many_statements(
    operator_client: Client,
    monkeypatch: pytest.MonkeyPatch,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    open_ended = {"starts_at": "", "ends_at": "", "scope": "everything"}
    night = {"kind": "period", "start": "2026-06-02T00:00:00Z", "end": "2026-06-02T06:00:00Z"}
    make_calendar(name="night", windows=[night])
    with time_machine.travel(NOW, tick=False):
        for hour in (13, 14, 15, 16):
            make_job(name=f"at-{hour}", schedules=[cron(f"0 {hour} * * *")])
        make_job(name="nightly", schedules=[cron("0 1 * * *")], calendars=["night"])
        everything = panel(operator_client, **open_ended)
        late = panel(operator_client, scope="everything", starts_at="2026-06-02T00:00", ends_at="")
        monkeypatch.setattr(freeze_preview, "LOOKED_AT", 2)
        with django_assert_max_num_queries(22):
            some = panel(operator_client, **open_ended)
        short = panel(operator_client, scope="everything", ends_at="2026-06-01T14:30")
        tomorrow = panel(
            operator_client, scope="everything", starts_at="2026-06-03T00:00", ends_at=""
        )
        monkeypatch.setattr(freeze_preview._Budget, "__init__", _spent)
        cut = panel(operator_client, **open_ended)
        blank = operator_client.get(reverse("freeze_new")).content.decode()

    assert "35 runs of 5 jobs." in everything
    assert "At least" not in everything + late + short
    # Seven days from noon of the two that are due first; their runs of the first day are the first.
    assert "At least 14 runs of 2 jobs." in some
    assert "3 more jobs have something due in it and are not counted" in some
    assert "The first 2 runs 13:00:00 at-13 14:00:00 at-14" in some
    # One that ends before the others are due is counted whole.
    assert "2 runs of 2 jobs." in short
    assert "3 jobs have nothing due in it." in short
    assert "At least 14 runs" in tomorrow
    assert "The first" not in tomorrow
    assert "At least 7 runs of 1 job." in cut
    assert "look at the preview" in blank
    assert 'hx-trigger="load, ' in blank
    assert 'value="preview"' in blank


def _spent(budget: Any) -> None:
    """Begin with room for one stretch alone."""
    budget.pieces, budget.listed = 1, 0
    budget.exceeded = False
