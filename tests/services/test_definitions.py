"""What no table could take is refused on every face, and a wrong value is named."""

from __future__ import annotations

import pytest

from jobs.domain.disclosure import masked
from jobs.domain.errors import InvalidError
from jobs.domain.permissions import SYSTEM
from jobs.executors import EXECUTORS
from jobs.services import jobs as job_services
from jobs.services.definitions import parse_definition
from tests.factories import cron, definition, make_job


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"description": "a\0b"}, "holds a NUL character"),
        ({"spec": {"command": "echo \ud800"}}, "half of a surrogate pair"),
        ({"name": "two words"}, "Name 'two words' is not allowed"),
        ({"timeout_seconds": -5}, "-5 is too small. Use more than 0."),
        ({"overlap": "sometimes"}, "Use skip, queue, allow or cancel_running"),
        ({"schedules": [cron("* * * *")]}, "The expression '* * * *' has 4 fields"),
        ({"schedules": [cron("0 0 * * *", "Mars/X")]}, "The time zone Mars/X does not exist"),
        ({"schedules": [{"kind": "once", "at": "9999-12-31T23:59:59-14:00"}]}, "years 2 to 9990"),
        ({"schedules": [cron("0 0 * * *", ends_at="9999-12-31T00:00:00Z")]}, "years 2 to 9990"),
        ({"workspace": "no where"}, "Name 'no where' is not allowed"),
        ({"colour": "red"}, "colour: This field does not exist. Allowed: name, "),
        ({"misfire_policy": "skip"}, "This field does not exist. Did you mean misfire? Allowed: "),
        ({"time-out-seconds": 5}, "Did you mean timeout_seconds?"),
        (
            {"schedules": [cron("0 0 * * *", timezon="UTC")]},
            "schedules.0.timezon: This field does not exist. Did you mean timezone? Allowed: kind, ",
        ),
        ({"retry": {"tries": 3}}, "retry.tries: This field does not exist. "),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(fields: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidError) as caught:
        parse_definition(definition(**fields))

    assert said in caught.value.message


@pytest.mark.django_db
def test_a_job_whose_type_is_gone_can_still_be_edited(monkeypatch: pytest.MonkeyPatch) -> None:
    job = make_job(type="script", spec={"script": "true"})
    monkeypatch.delitem(EXECUTORS, "script")

    job_services.update(job.pk, {"owner": "vera"}, actor=SYSTEM)

    job.refresh_from_db()
    assert (job.owner, job.version) == ("vera", 2)
    with pytest.raises(InvalidError, match="invalid job type: script"):
        job_services.update(job.pk, {"spec": {"script": "false"}}, actor=SYSTEM)


def test_what_a_viewer_exported_is_not_taken_for_the_secrets() -> None:
    secret = {"environment": {"DB_PASS": "hunter22", "CITY": "Paris"}}
    shown = masked(definition(**secret))

    with pytest.raises(InvalidError) as caught:
        parse_definition(shown)

    assert "environment.DB_PASS: *** stands for a secret" in str(caught.value)
    assert list(caught.value.fields or ()) == ["environment.DB_PASS"]
    assert parse_definition(definition(**secret)).environment["DB_PASS"] == "hunter22"
    # What stands there already is not judged again: such a job can be paused or renamed.
    assert parse_definition({**shown, "owner": "data"}, stored=shown).owner == "data"


def test_a_year_that_is_stored_already_is_not_judged_again() -> None:
    near = parse_definition(
        definition(schedules=[cron("0 0 * * *", ends_at="2990-01-01T00:00:00Z")])
    )
    stored = near.model_dump(mode="json")
    stored["schedules"][0]["ends_at"] = "9999-12-31T00:00:00Z"

    kept = parse_definition({**stored, "description": "mine"}, stored=stored)

    assert kept.schedules[0].ends_at is not None
    assert kept.schedules[0].ends_at.year == 9999


def test_all_that_is_wrong_is_told_in_one_round() -> None:
    """What cannot be read at all, and what the kind and the checks of the whole refuse."""
    wrong = definition(
        name="two words",
        schedules=[cron("* * * *")],
        type="http",
        spec={"method": "GET"},
        environment={"1A": "x"},
        requires=["no blank allowed"],
        timeout_seconds=-1,
        soft_timeout_seconds=10**6,
        depends_on=["a", "A"],
    )

    with pytest.raises(InvalidError) as caught:
        parse_definition(wrong)

    first = {"name", "schedules.0.expression", "timeout_seconds"}
    then = {"spec.url", "environment.environment", "requires", "depends_on"}
    assert set(caught.value.fields) == first | then
    assert "url is required for http jobs" in caught.value.message
    readable = {"name": "fine", "schedules": [], "timeout_seconds": 60}
    with pytest.raises(InvalidError) as caught:
        parse_definition({**wrong, **readable})
    assert set(caught.value.fields) == then | {"soft_timeout_seconds"}
    # Whether a spec is right can hang on what cannot be read: nothing is guessed.
    with pytest.raises(InvalidError) as caught:
        parse_definition(definition(type="nothing", parameters="x", spec={"command": "{{ x }}"}))
    assert set(caught.value.fields) == {"parameters"}
