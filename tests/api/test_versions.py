"""The versions of a job's definition, by the API."""

from __future__ import annotations

from tests.api.callers import Caller
from tests.factories import make_changed_job


def test_the_api_tells_versions_and_brings_one_back(as_viewer: Caller, as_editor: Caller) -> None:
    path = f"/jobs/{make_changed_job().pk}/versions"
    first = as_viewer.get(f"{path}?limit=2").json
    rest = as_viewer.get(f"{path}?limit=2&cursor={first['next_cursor']}").json
    seen = as_viewer.get(f"{path}/2").json
    whole = as_editor.get(f"{path}/3?against=1").json
    stale = as_editor.call("POST", f"{path}/1/restore", If_Match='"2"')
    back = as_editor.post(f"{path}/1/restore")

    assert [one["version"] for one in first["items"] + rest["items"]] == [3, 2, 1]
    assert (rest["next_cursor"], rest["items"][0]["changes"]) == (None, None)
    assert {one["field"] for one in seen["changes"]} == {"spec.script", "environment.API_KEY"}
    assert "first-secret" not in str(seen)
    assert {"name", "schedules", "spec.script"} <= {one["field"] for one in whole["changes"]}
    assert whole["definition"]["name"] == "early"
    assert as_viewer.get(f"{path}/9").status == 404
    assert as_viewer.post(f"{path}/1/restore").status == 403
    assert stale.status == 409
    assert (back.json["name"], back.headers["ETag"]) == ("nightly", '"4"')
