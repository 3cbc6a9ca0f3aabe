"""`jobctl missed`: look at what an outage left out, run it, call it off."""

from __future__ import annotations

import pytest

from jobs.models import Backfill
from tests.cli.conftest import Jobctl
from tests.services.test_missed import NINE, NOON, outage

pytestmark = pytest.mark.django_db


def test_missed_is_shown_run_and_called_off(
    jobctl: Jobctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.services.missed.JOBS_AT_A_TIME", 2)
    window = ("--from", NINE.isoformat(), "--to", NOON.isoformat())
    assert jobctl("missed", *window).out == "Nothing was missed\n"
    for name in ("first", "second", "third"):
        outage(name)

    shown = jobctl("missed", *window)
    started = jobctl("missed", *window, "--run", "--latest")
    again = jobctl("missed", *window, "--latest")
    undo = started.lines[-1].removeprefix("Undo: jobctl ").split()
    off = jobctl(*undo)

    assert shown.lines[-1] == "12 runs; start them with: jobctl missed --run"
    assert [line.split()[:3] for line in shown.lines[1:4]] == [
        ["first", "4", "4"],
        ["second", "4", "4"],
        ["third", "4", "4"],
    ]
    assert started.lines[0] == "Started 3 runs of 3 jobs"
    assert "1 in backfills, 3 older" in again.lines[1]
    assert off.out == "Called off 3 backfills\n"
    assert set(Backfill.objects.values_list("state", flat=True)) == {"cancelled"}
    assert jobctl("missed", "--cancel").code == 2
    assert "is no moment" in jobctl("missed", "--from", "soon").err
    assert jobctl("missed", *window, "--json").json["jobs"] == 3
