"""Lists cost the same on every page: none skips rows, none counts a table that grows for ever."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from jobs import conf
from jobs.domain.permissions import Role
from tests.api.callers import caller
from tests.doors import _things

# What grows with every run and every act. Jobs, workspaces, people and the like do not.
_GROWING = "jobs_(execution|attempt|omission|logchunk|auditentry|alert|delivery|occurrence)"
_SKIPS = re.compile(r"\bOFFSET\b", re.IGNORECASE)
# Its own table alone: jobs of which there is such a row may be counted.
_COUNTS = re.compile(rf'COUNT\((?:(?!FROM).)*FROM "{_GROWING}"', re.IGNORECASE | re.DOTALL)


@pytest.mark.long
@pytest.mark.django_db
def test_no_list_skips_or_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conf, "api_rate", lambda: 1_000_000)
    person = caller(Role.ADMINISTRATOR)
    things = {**_things("mine"), "user_id": 1}
    document = person.get("/openapi.json").json
    lists = {path: one["get"] for path, one in document["paths"].items() if pages(one, document)}

    found = {path: slow(person, path, operation, things) for path, operation in lists.items()}

    assert len(lists) > 12, sorted(lists)
    assert _COUNTS.search('SELECT COUNT(*) AS "__count" FROM "jobs_execution"')
    assert {"/api/v1/executions", "/api/v1/jobs", "/api/v1/audit", "/api/v1/alerts"} <= set(lists)
    assert {path: sql for path, sql in found.items() if sql} == {}


def pages(operations: dict[str, Any], document: dict[str, Any]) -> bool:
    """Say whether an operation answers a list with a limit or a cursor."""
    names = {
        resolved(one, document)["name"] for one in operations.get("get", {}).get("parameters", [])
    }
    return not names.isdisjoint({"limit", "cursor"})


def resolved(part: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    """Return what a reference of the document stands for."""
    found: dict[str, Any] = document
    if "$ref" not in part:
        return part
    for name in part["$ref"].removeprefix("#/").split("/"):
        found = found[name]
    return found


def slow(person: Any, path: str, operation: dict[str, Any], things: dict[str, Any]) -> list[str]:
    """Return the statements of a first and a later page that skip or count."""
    filled = re.sub(r"{(\w+)}", lambda one: str(things.get(one[1], 1)), path)
    filled += f"?{needed(operation)}"
    with CaptureQueriesContext(connection) as asked:
        first = person.get(filled)
        assert first.status == 200, (filled, first.content)
        if "cursor" in {one["name"] for one in operation["parameters"]}:
            later = person.get(f"{filled}&cursor=1")
            assert later.status in {200, 400, 404, 422}, (filled, later.content)
    statements = [one["sql"] for one in asked]
    return [sql for sql in statements if _SKIPS.search(sql) or _COUNTS.search(sql)]


def needed(operation: dict[str, Any]) -> str:
    """Return a query with a small page, and what the operation asks for besides."""
    now = timezone.now()
    moments = {"from": f"{now - timedelta(days=1):%FT%TZ}", "to": f"{now:%FT%TZ}"}
    given = {"limit": "2", "q": "a", **moments}
    wanted = [
        f"{one['name']}={given.get(one['name'], '1')}"
        for one in operation["parameters"]
        if one["in"] == "query" and (one.get("required") or one["name"] == "limit")
    ]
    return "&".join(wanted)
