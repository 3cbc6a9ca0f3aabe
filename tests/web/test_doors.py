"""Every door x everybody: who is refused where. A new address fails until `tests/doors.txt` has it."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django.template import Template
from django.utils.safestring import mark_safe

from jobs import conf
from jobs.api import rights
from jobs.domain.permissions import ROLE_PERMISSIONS, Role
from tests.doors import METHODS, Verdict, World, is_program, routes

# What takes every address below it, to say that there is nothing.
_REST = ("api/", "api/v1/")
ORDER = [role.value for role in Role]


class Door(NamedTuple):
    """A line of the table."""

    route: str
    method: str
    least: str
    reach: str


def _table() -> list[Door]:
    lines = (Path(__file__).parent.parent / "doors.txt").read_text().splitlines()
    found = [Door(*line.rsplit(" ", 3)) for line in lines if not line.startswith("#")]
    return [one._replace(route=one.route.replace("(root)", "")) for one in found]


TABLE = _table()


def _known(route: str) -> bool:
    return route in {one.route for one in TABLE} or route in _REST or "<path:rest>" in route


def test_the_table_has_every_address_and_no_other() -> None:
    assert [route for route in routes() if not _known(route)] == []
    assert {one.route for one in TABLE} <= set(routes())


def test_every_operation_that_writes_says_who_may_before_its_body_is_read() -> None:
    natives = {
        f"{one.method} {one.route.removeprefix('api/v1/')}"
        for one in TABLE
        if one.route.startswith("api/v1/")
        and not one.route.startswith(("api/v1/cron/", "api/v1/scheduled-jobs"))
        and one.method != "GET"
    }

    assert natives == {one for one in rights.NEEDS if not one.startswith("GET ")}


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    """Leave pages undrawn, and runs unawaited: doors are judged before, and it takes the time."""
    settings.OPEN_LOOPBACK = False  # or a stranger of this host is none
    monkeypatch.setattr(conf, "sync_wait_seconds", lambda: 0.0)
    monkeypatch.setattr(conf, "api_rate", lambda: 1_000_000)
    monkeypatch.setattr(Template, "_render", lambda template, context: mark_safe(""))


def test_each_role_may_what_the_one_before_may() -> None:
    for before, role in pairwise(Role):
        assert ROLE_PERMISSIONS[before] < ROLE_PERMISSIONS[role]


@pytest.mark.django_db
@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("each", [5, pytest.param(1, marks=pytest.mark.long)])
def test_everybody_at_every_door(each: int) -> None:
    """Of the roles the least that a door takes and the one before it: the test above has the rest.

    Of two kinds of strangers one, by turns; in the shortest run at each fifth door.
    """
    world = World()

    doors = TABLE[::each]
    wrong = _wrong(world, doors, edges=True)
    wrong += [
        f"{door.method} {door.route}: another's job is answered {found.value!r}"
        for door in doors
        if door.reach == "object"
        and (found := world.knock("tagged", door.method, door.route, own=False)) != Verdict.UNKNOWN
    ]

    assert not wrong, "\n".join(wrong)


@pytest.mark.soak
@pytest.mark.django_db
@pytest.mark.usefixtures("undrawn")
def test_every_role_at_every_door() -> None:
    wrong = _wrong(World(), TABLE, edges=False)

    assert not wrong, "\n".join(wrong)


def _wrong(world: World, doors: list[Door], *, edges: bool) -> list[str]:
    return [
        f"{door.method} {door.route}: {who} is answered {found.value!r}"
        for door in doors
        for who, expected in _expected(door, edges=edges).items()
        if (found := world.knock(who, door.method, door.route)) not in expected
    ]


def _expected(door: Door, *, edges: bool) -> dict[str, set[Verdict]]:
    """Return who knocks, and which answers are right."""
    if door.reach == "public":
        return {}
    # Of what is everybody's own, nothing of that number or name may be his.
    inside = {Verdict.IN}
    if door.reach == "own" and "<" in door.route:
        inside = {Verdict.IN, Verdict.UNKNOWN}
    strangers: tuple[str, ...] = ("anonymous", "revoked")
    if edges:  # by turns
        strangers = (strangers[TABLE.index(door) % 2],)
    found = {who: {Verdict.STRANGER} for who in strangers}
    least = ORDER.index(door.least)
    for place, role in enumerate(ORDER):
        if edges and place not in (least - 1, least):
            continue
        found[role] = inside if place >= least else {Verdict.FORBIDDEN}
    # An editor of the jobs with a tag.
    shut = door.reach == "whole" or door.least == Role.ADMINISTRATOR
    found["tagged"] = {Verdict.FORBIDDEN} if shut else inside
    if not is_program(door.route):
        found["foreign"] = {Verdict.STRANGER}  # a token opens no page
    elif door.reach == "object":
        found["foreign"] = {Verdict.UNKNOWN}
    else:
        found["foreign"] = {Verdict.FORBIDDEN} if door.reach == "whole" else inside
    return found


@pytest.mark.soak
@pytest.mark.django_db
def test_no_door_takes_a_method_that_is_not_listed() -> None:
    world = World()
    listed = {(one.route, one.method) for one in TABLE}
    found = [
        (route, method)
        for route in {one.route for one in TABLE if one.reach != "public"}
        for method in METHODS
        if (route, method) not in listed
        and world.knock("administrator", method, route) != Verdict.METHOD
    ]

    assert found == []
