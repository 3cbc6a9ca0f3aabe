"""Charts read without colour and carry no foreign markup."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from jobs.domain.states import ExecutionState
from jobs.web.charts import MANY, STRIP_SLOTS, Run, Window, axis, counted, lane, strip
from jobs.web.figures import bars, durations, meter, severity, spark, trend

NOW = datetime(2026, 11, 23, 13, 32, tzinfo=UTC)
WINDOW = Window(start=NOW - timedelta(hours=1), end=NOW + timedelta(hours=5), now=NOW)
BASE = 17.0


def rects(svg: str) -> list[tuple[str, float, float]]:
    """Return class, top and bottom of each rectangle."""
    found = re.findall(
        r'<rect class="(\w+)" x="[^"]+" y="([^"]+)" width="[^"]+" height="([^"]+)"', svg
    )
    return [(name, float(y), float(y) + float(height)) for name, y, height in found]


def drawn(state: str) -> list[tuple[str, float, float]]:
    return [mark for mark in rects(strip([Run(state=state, seconds=3)])) if mark[0] != "track"]


def test_a_success_stands_on_the_line() -> None:
    [(name, top, bottom)] = drawn(ExecutionState.SUCCEEDED)

    assert name == "ok"
    assert top < bottom == BASE


@pytest.mark.parametrize(
    ("state", "pieces"),
    [(ExecutionState.FAILED, 1), (ExecutionState.TIMED_OUT, 2), (ExecutionState.LOST, 1)],
)
def test_a_failure_hangs_under_the_line(state: str, pieces: int) -> None:
    marks = drawn(state)

    assert len(marks) == pieces
    assert all(top > BASE for _name, top, _bottom in marks)


def test_every_state_has_its_own_shape() -> None:
    shapes = {tuple(drawn(state)) for state in ExecutionState if not Run(state=state).live}

    assert len(shapes) == 6


def test_a_live_run_is_hollow() -> None:
    assert {drawn(state)[0][0] for state in ExecutionState if Run(state=state).live} == {"hollow"}


def test_a_longer_run_rises_higher() -> None:
    svg = strip([Run(state="succeeded", seconds=1), Run(state="succeeded", seconds=100)])

    short, long = [bottom - top for name, top, bottom in rects(svg) if name == "ok"]
    assert short < long <= 14


def test_a_strip_says_what_it_shows() -> None:
    runs = [Run(state="succeeded")] * 14 + [Run(state="failed")] * 3 + [Run(state="running")]

    assert 'aria-label="Last 18 runs: 14 succeeded, 3 failed, 1 in progress"' in strip(runs)
    assert "No run yet" in strip([])


def test_a_strip_shows_the_latest_twenty() -> None:
    svg = strip([Run(state="failed")] * 5 + [Run(state="succeeded", seconds=1)] * 25)

    assert len(rects(svg)) == STRIP_SLOTS
    assert "bad" not in svg


def test_counted_names_every_state() -> None:
    assert counted(list(ExecutionState)).count(",") == 6


def test_a_lane_ends_its_live_run_at_now() -> None:
    run = Run(state="running", seconds=600, started_at=NOW - timedelta(minutes=10))

    svg = lane(WINDOW, [run], [], label="x")

    assert 'class="hollow" x="13.889%" y="7" width="2.778%"' in svg


def test_a_lane_thins_out_its_plan() -> None:
    def plan(count: int) -> str:
        planned = [NOW + timedelta(seconds=250 * place) for place in range(count)]
        return lane(WINDOW, [], planned, label="x")

    assert plan(5).count('class="plan"') == 5
    assert 'width="1"' in plan(30)
    assert plan(MANY + 1).count('class="plan many"') == 1


def test_a_lane_that_will_not_run_is_dashed() -> None:
    svg = lane(WINDOW, [], [NOW + timedelta(hours=1)], label="x", off=True)

    assert 'class="off"' in svg
    assert 'class="plan"' not in svg


def test_a_plan_outside_the_window_is_not_drawn() -> None:
    assert "plan" not in lane(WINDOW, [], [NOW + timedelta(hours=6)], label="x")


def test_the_axis_leaves_room_for_now() -> None:
    svg = axis(WINDOW, [(NOW + timedelta(minutes=2), "20:34"), (NOW + timedelta(hours=1), "21:30")])

    assert "20:34" not in svg
    assert "21:30" in svg
    assert ">now<" in svg


def test_labels_at_the_ends_stay_within_the_drawing() -> None:
    middle = WINDOW.start + (WINDOW.end - WINDOW.start) * 0.7
    svg = axis(WINDOW, [(WINDOW.start, "first"), (middle, "middle"), (WINDOW.end, "last")])

    anchors = re.findall(r'text-anchor="(\w+)">(first|middle|last)', svg)
    assert anchors == [("start", "first"), ("middle", "middle"), ("end", "last")]


def test_a_label_is_escaped() -> None:
    name = '"><script>alert(1)</script>'

    drawings = [
        lane(WINDOW, [], [], label=name),
        bars([(1, 1)], label=name),
        durations([Run(state="failed", seconds=2)], label=name),
        trend([1, 2], label=name),
        axis(WINDOW, [(NOW + timedelta(hours=1), name)]),
    ]

    assert all("<script" not in svg and "&lt;script" in svg for svg in drawings)


def test_one_failure_among_thousands_is_visible() -> None:
    [good, bad] = rects(bars([(5000, 1)], label="x"))

    assert bad[0] == "bad"
    assert bad[2] - bad[1] >= 2
    assert good[2] < bad[1]


def test_figures_of_nothing_are_drawings_still() -> None:
    assert bars([], label="none").startswith("<svg")
    assert durations([], label="none").startswith("<svg")
    assert spark([]) == ""
    assert trend([0, 0], label="none").count("NaN") == 0


@pytest.mark.parametrize(("value", "level"), [(0.9, "ok"), (0.6, "warn"), (0.4, "bad")])
def test_a_meter_changes_its_level_at_the_threshold(value: float, level: str) -> None:
    svg = meter(value, threshold=0.5, warn_below=0.7)

    assert f'class="{level}"' in svg
    assert 'x1="50%"' in svg


def test_severity_fills_as_many_steps() -> None:
    assert severity(3).count('class="warn"') == 3
    assert severity(3).count('class="track"') == 1


def test_no_drawing_has_inline_style() -> None:
    drawings = [strip([Run(state="failed")]), bars([(1, 2)], label=""), severity(1), spark([0, 1])]

    assert not any("style=" in svg for svg in drawings)
