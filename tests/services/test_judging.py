"""What a definition says and what it names are judged in one round."""

from __future__ import annotations

import pytest

from jobs.domain.errors import DuplicateError, InvalidError
from jobs.domain.permissions import SYSTEM
from jobs.services import jobs
from jobs.services.judging import parse_new, wrong_with
from jobs.services.stored_definitions import definition_of
from tests.factories import cron, definition, make_calendar, make_job

pytestmark = pytest.mark.django_db

UNKNOWN = {
    "alert_channel": "pager",
    "breaker": "billing",
    "calendars": ["holidays"],
    "depends_on": ["extract"],
}


def test_what_the_database_refuses_is_told_with_what_cannot_be_read() -> None:
    make_job(name="report")
    wrong = definition(name="report", schedules=[cron("* * *")], timeout_seconds=-1, **UNKNOWN)

    with pytest.raises(InvalidError) as caught:
        parse_new(wrong, actor=SYSTEM)

    unread = {"schedules.0.expression", "timeout_seconds"}
    assert set(caught.value.fields) == unread | {"name"} | set(UNKNOWN)
    assert caught.value.fields["name"].startswith("A job named report exists already.")
    # What cannot be read itself is not looked for, and hides nothing of the rest.
    with pytest.raises(InvalidError) as caught:
        parse_new({**wrong, "name": "two words", "calendars": 3}, actor=SYSTEM)
    assert caught.value.fields["name"].startswith("Name 'two words' is not")
    assert set(caught.value.fields) == unread | {"name"} | set(UNKNOWN)
    # In a workspace that there is not, no name is taken.
    with pytest.raises(InvalidError) as caught:
        parse_new({**wrong, "workspace": "nowhere"}, actor=SYSTEM)
    assert set(caught.value.fields) == unread | {"workspace"} | set(UNKNOWN)
    # Nor in one that cannot be read, as if the job were to stand alone.
    with pytest.raises(InvalidError) as caught:
        parse_new(definition(name="report", workspace="a b"), actor=SYSTEM)
    assert set(caught.value.fields) == {"workspace"}


def test_several_refusals_of_the_database_are_one() -> None:
    job = make_job(name="report")
    other = make_job(name="other", calendars=[make_calendar(name="quiet").name])
    before = definition_of(other)

    with pytest.raises(DuplicateError):
        jobs.update(other.pk, {"name": "report"}, actor=SYSTEM)
    with pytest.raises(InvalidError) as saved:
        jobs.update(other.pk, {"name": "report", **UNKNOWN}, actor=SYSTEM)
    with pytest.raises(InvalidError) as unread:
        jobs.update(other.pk, {"name": "report", "priority": "soon", **UNKNOWN}, actor=SYSTEM)

    assert set(saved.value.fields) == {"name"} | set(UNKNOWN)
    assert set(unread.value.fields) == {"name", "priority"} | set(UNKNOWN)
    assert wrong_with(before, actor=SYSTEM, job=other, before=before) == {}
    wanted = {**before, "name": "report", "priority": "soon"}
    asked = wrong_with(wanted, actor=SYSTEM, job=other, before=before)
    assert set(asked) == {"name", "priority"}
    assert set(wrong_with(definition(name="report"), actor=SYSTEM, job=None, before=None)) == {
        "name"
    }
    assert definition_of(job)["name"] == "report"
