"""Every door x everybody: who is refused where. A new address fails until `tests/doors.txt` has it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from jobs.domain.permissions import Role
from tests.doors import METHODS, World, routes

REFUSED = {302, 401, 403}
# What takes every address below it, to say that there is nothing.
_REST = ("api/", "api/v1/")


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


@pytest.mark.django_db
def test_the_jobs_of_others_are_behind_no_door() -> None:
    world = World()

    found = {
        door: world.knock("tagged", door.method, door.route, own=False)
        for door in TABLE
        if door.reach == "object"
    }

    assert {door for door, status in found.items() if status != 404} == set()


@pytest.mark.soak
@pytest.mark.django_db
def test_who_has_no_right_is_refused_at_every_door() -> None:
    world = World()
    wrong: list[tuple[str, ...]] = []
    for door in TABLE:
        if door.reach == "public":
            continue
        # One who may not, one with a key that is void, one whose jobs are others.
        wrong += [
            (*door, who)
            for who in ("anonymous", "revoked")
            if world.knock(who, door.method, door.route, own=True) not in REFUSED
        ]
        outside = world.knock("tagged", door.method, door.route, own=False)
        if door.reach in ("object", "whole") and outside != _answer_outside(door):
            wrong.append((*door, "tagged", str(outside)))
        order = list(Role)
        place = order.index(Role(door.least))
        if place and world.knock(order[place - 1], door.method, door.route, own=True) != 403:
            wrong.append((*door, order[place - 1].value))

    assert wrong == []


def _answer_outside(door: Door) -> int:
    return 404 if door.reach == "object" else 403


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
        and world.knock("administrator", method, route, own=True) != 405
    ]

    assert found == []


@pytest.mark.soak
@pytest.mark.django_db
def test_who_has_the_right_gets_in_at_every_door() -> None:
    world = World()
    wrong: list[tuple[str, ...]] = []
    for door in TABLE:
        if door.reach == "public":
            continue
        if world.knock(door.least, door.method, door.route, own=True) in (401, 403):
            wrong.append((*door, door.least))
        inside = world.knock("tagged", door.method, door.route, own=True)
        if (inside in (401, 403)) is not (door.reach == "whole"):
            wrong.append((*door, "tagged", str(inside)))
        if door.route.startswith("api/v1/") and "/cron/" not in door.route:
            foreign = world.knock("foreign", door.method, door.route, own=True)
            expected = {"object": {404}, "whole": {403}}.get(door.reach, {200, 400, 404})
            if foreign not in expected:
                wrong.append((*door, "foreign", str(foreign)))

    assert wrong == []
