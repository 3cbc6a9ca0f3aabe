"""Dependencies over the API: in job documents, refused by name, and as a tree."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.api.callers import Caller
from tests.factories import definition, make_job
from tests.services.test_dependencies import run, serve

pytestmark = pytest.mark.django_db


def test_a_job_names_others_and_shows_them_under_their_present_names(as_editor: Caller) -> None:
    load = as_editor.post("/jobs", definition(name="load")).json
    asked = definition(name="report", depends_on=["load", {"job": "Load2", "on": "done"}])
    unknown = as_editor.post("/jobs", asked)
    as_editor.post("/jobs", definition(name="load2"))
    report = as_editor.post("/jobs", asked)
    as_editor.call("PATCH", f"/jobs/{load['id']}", {"name": "zload"})

    assert (unknown.status, unknown.json["code"]) == (400, "invalid")
    assert "Job Load2 does not exist" in unknown.json["detail"]
    assert report.json["depends_on"] == [
        {"job": "load", "on": "success"},
        {"job": "load2", "on": "done"},
    ]
    path = f"/jobs/{report.json['id']}"
    assert [one["job"] for one in as_editor.get(path).json["depends_on"]] == ["load2", "zload"]
    circle = as_editor.call("PATCH", f"/jobs/{load['id']}", {"depends_on": ["report"]})
    assert "zload -> report -> zload" in circle.json["detail"]
    emptied = as_editor.call("PATCH", path, {"depends_on": []})
    assert (emptied.json["depends_on"], emptied.json["version"]) == ([], 2)


def test_the_tree_goes_up_and_down_and_tells_each_job_once(as_viewer: Caller) -> None:
    a = make_job(name="a")
    make_job(name="b", depends_on=["a"])
    make_job(name="c", depends_on=["a"])
    d = make_job(name="d", depends_on=["b", {"job": "c", "on": "failure"}])
    make_job(name="e", depends_on=["d"], paused=True)
    number = run(a)
    serve()

    below = as_viewer.get(f"/jobs/{a.pk}/dependencies").json
    both = as_viewer.get(f"/jobs/{d.pk}/dependencies").json
    alone = as_viewer.get(f"/jobs/{make_job().pk}/dependencies").json

    def shape(nodes: list[dict[str, Any]]) -> list[Any]:
        return [(n["name"], n["on"], n["repeated"], shape(n["children"])) for n in nodes]

    e: list[Any] = [("e", "success", False, [])]
    assert shape(below["downstream"]) == [
        ("b", "success", False, [("d", "success", False, e)]),
        ("c", "success", False, [("d", "failure", True, [])]),
    ]
    assert shape(both["upstream"]) == [
        ("b", "success", False, [("a", "success", False, [])]),
        ("c", "failure", False, [("a", "success", False, [])]),
    ]
    assert both["waits_for"] == ["b", "c"]
    upper = both["upstream"][0]["children"][0]
    assert (upper["last_execution_id"], upper["last_state"]) == (number, "succeeded")
    assert both["downstream"][0]["state"] == "paused"
    assert (alone["upstream"], alone["downstream"]) == ([], [])


def test_an_execution_names_those_that_started_it(as_viewer: Caller) -> None:
    load = make_job(name="load")
    report = make_job(name="report", depends_on=["load"])
    number = run(load)
    serve()

    (made,) = as_viewer.get(f"/executions?job_id={report.pk}").json["items"]

    assert (made["trigger"], made["upstream"]) == ("dependency", [number])
    assert as_viewer.get(f"/executions/{number}").json["upstream"] is None
    assert as_viewer.get("/events").json["items"] == []


def test_the_cost_of_a_tree_and_a_list_does_not_grow(as_viewer: Caller) -> None:
    first = make_job()
    for _ in range(3):
        make_job(depends_on=[first.name])

    def queries(path: str) -> int:
        with CaptureQueriesContext(connection) as found:
            assert as_viewer.get(path).status == 200
        return len(found)

    paths = (f"/jobs/{first.pk}/dependencies", "/jobs")
    queries(paths[0])  # the first call notes that the token was used
    few = [queries(path) for path in paths]
    last = first.name
    for _ in range(40):
        last = make_job(depends_on=[last]).name
    assert [queries(path) for path in paths] == few
    tree = as_viewer.get(paths[0]).json
    assert "'cut': True" in str(tree), "what is too deep is cut, and said"
