"""`jobctl` over freezes, calendars and events."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs.models import Calendar, Freeze, Occurrence
from tests.api.test_role_matrix import ICALENDAR
from tests.cli.conftest import Jobctl
from tests.factories import make_calendar, make_freeze, make_job

pytestmark = pytest.mark.django_db


def test_freeze_and_lift(jobctl: Jobctl) -> None:
    make_job(tags=["nightly"])

    frozen = jobctl("freeze", "--tag", "nightly", "--reason", "disk full", "--for", "2h")
    made = Freeze.objects.get()
    listed = jobctl("freezes")
    lifted = jobctl("lift", str(made.pk))

    assert (frozen.code, listed.code, lifted.code) == (0, 0, 0)
    assert frozen.out.startswith(f"Freeze {made.pk}: tag nightly (1 job) holding, until ")
    assert "disk full" in listed.lines[1]
    assert lifted.out == f"Freeze {made.pk} lifted; 0 due times were left out\n"
    assert jobctl("freezes").out == "Nothing is frozen\n"
    assert "disk full" in jobctl("freezes", "--past").out


def test_until_is_on_the_local_clock_or_carries_its_offset(jobctl: Jobctl) -> None:
    refused = jobctl("freeze", "--all", "--reason", "x", "--until", "tomorrow")
    over = jobctl("freeze", "--all", "--reason", "x", "--until", "2020-01-01T00:00+02:00")

    assert refused.code == over.code == 1
    assert "--until 'tomorrow' is no moment" in refused.err
    assert "2019-12-31T22:00:00+00:00 is not after the start" in over.err


@pytest.mark.parametrize("scope", [[], ["--all", "--tag", "a"]])
def test_what_to_freeze_has_to_be_said(jobctl: Jobctl, scope: list[str]) -> None:
    ended = jobctl("freeze", *scope, "--reason", "x")

    assert ended.code == 2
    assert "either --all or --tag" in ended.err
    assert not Freeze.objects.exists()


def test_documents_are_those_of_the_api(jobctl: Jobctl) -> None:
    made = make_freeze()

    assert [one["id"] for one in jobctl("freezes", "--json").json["items"]] == [made.pk]
    assert jobctl("lift", str(made.pk), "--json").json["phase"] == "ended"
    assert jobctl("lift", str(made.pk)).code == 1


def test_calendars_are_listed_and_shown(jobctl: Jobctl) -> None:
    make_calendar(name="Night", mode="block", windows=[
        {"kind": "weekly", "days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"],
         "from": "22:00", "to": "06:00", "label": "Closed"},
    ])  # fmt: skip

    listed, shown = jobctl("calendar", "list"), jobctl("calendar", "show", "night", "--count", "3")

    assert listed.lines[1].startswith("Night ")
    assert shown.lines[0].startswith("Night: Holds back Closed (daily 22:00 to 06:00)")
    assert [line.endswith("Closed") for line in shown.lines[1:]] == [True] * 3
    assert jobctl("calendar", "show", "none").code == 1


def test_a_file_is_imported_under_its_name(jobctl: Jobctl, tmp_path: Path) -> None:
    file = tmp_path / "holidays.ics"
    file.write_bytes(ICALENDAR)

    ended = jobctl("calendar", "import", str(file), "--zone", "Europe/Paris")

    assert ended.out == "Calendar 'holidays' has 1 window now\n"
    assert Calendar.objects.get().timezone == "Europe/Paris"
    assert jobctl("calendar", "import", str(tmp_path / "none.ics")).code == 1


def test_an_event_is_reported_once_a_key(jobctl: Jobctl) -> None:
    first = jobctl("event", "@deployment", "--key", "4.2", "--json")
    again = jobctl("event", "@deployment", "--key", "4.2", "--json")

    assert first.json["id"] == again.json["id"] == Occurrence.objects.get().pk
    refused = jobctl("event", "@manually")
    assert refused.code == 1
    assert "cannot be reported" in refused.err
