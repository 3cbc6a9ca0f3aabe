"""Every page and answer of the product as addresses of things that exist, with filters and sorts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.utils import timezone

DOORS = Path(__file__).with_name("doors.txt")
# Their answer is another page's, a word, or the outside world's.
_APART = ("healthz", "readyz", "login/", "api/docs/", "password/set/", "alerts/link/", "tumblebug/")
# What else an address asks for.
_NEEDED = {
    "jobs/change/": "id={job_id}&do=edit&minutes=20&add_tags=new",
    "search/": "q=demo",
    "p/search/": "q=demo",
    "p/timeline/load/": "",
    "jobs/<int:job_id>/explain/": "at={due_at}",
    "jobs/<int:job_id>/logs/": "q=line",
    "p/jobs/<int:job_id>/ledger/each/": "first={day_ago}&last={due_at}",
    "workspaces/<str:name>/deploy/": "mode=busy",
    "api/v1/ledger": "from={day_ago}&to={now}",
    "api/v1/jobs/<id:job_id>/explain": "at={due_at}",
    "api/v1/jobs/<id:job_id>/log-search": "q=line",
    "api/v1/jobs/<id:job_id>/ledger/proof": "from={day_ago}&to={now}",
    "api/v1/search": "q=demo",
    "api/v1/timeline": "from={day_ago}&to={now}",
    "api/v1/calendars/<id:calendar_id>/spans": "from={day_ago}&to={now}",
}  # fmt: skip
# Lists sorted and filtered, windows, later pages, exports.
_MORE = (
    *(f"/jobs/?sort={sort}" for sort in ("name", "next", "last", "success")),
    *(f"/jobs/?state={one}" for one in ("executing", "failing", "overdue", "paused", "idle")),
    "/jobs/?state=auto_disabled",
    "/jobs/?page=150",
    "/jobs/?page=200&sort=last",
    "/jobs/?q=demo-00",
    "/jobs/?q=nothing-is-called-so",
    "/jobs/?type=command&tag=demo",
    "/jobs/?tag=few",
    "/jobs/?workspace={name}",
    "/jobs/?type=registerCspResources",
    "/p/jobs/?q=demo-001",
    *(f"/executions/?result={one}" for one in ("live", "succeeded", "failed", "killed", "skipped")),
    *(f"/executions/?trigger={one}" for one in ("schedule", "manual", "retry", "backfill")),
    "/executions/?trigger=manual&result=failed",
    "/executions/?trigger=schedule&result=skipped",
    "/executions/?job={job_id}",
    "/executions/?job={job_id}&result=failed",
    "/executions/?job={job_id}&result=live",
    "/executions/?job={job_id}&trigger=manual",
    "/executions/?workspace={name}",
    "/executions/?workspace={name}&result=failed",
    "/executions/?workspace=nothing-is-called-so",
    "/executions/?before={middle_id}",
    "/executions/?before={middle_id}&result=failed",
    "/executions/{execution_id}/?q=line",
    "/executions/{execution_id}/?q=line&go=next",
    "/jobs/{job_id}/?before={middle_id}",
    "/jobs/{job_id}/?result=failed",
    *(f"/jobs/{{job_id}}/ledger/?period={one}" for one in ("7d", "30d")),
    *(
        f"/jobs/{{job_id}}/ledger/?period=30d&verdict={one}"
        for one in ("dispatched", "omitted", "by_hand")
    ),
    "/p/jobs/{job_id}/ledger/proof/?period=30d",
    *(f"/jobs/{{job_id}}/statistics/?window={one}" for one in ("24h", "30d", "90d")),
    "/jobs/{job_id}/logs/?q=nothing-is-printed-so&period=30d",
    *(f"/timeline/?range={one}" for one in ("hour", "6h", "week")),
    "/timeline/?range=week&as=table",
    "/timeline/?at={day_ago}",
    "/timeline/?q=demo-001&sort=name",
    "/timeline/?state=failing&sort=next",
    "/timeline/?queue=default&tag=demo",
    "/p/timeline/lanes/?range=week",
    "/p/timeline/load/?range=week",
    *(f"/health/?period={one}" for one in ("1h", "7d", "30d", "90d")),
    "/health/?queue=default",
    "/alerts/?phase=all",
    "/alerts/?phase=resolved",
    "/alerts/?phase=all&q=demo",
    "/alerts/?phase=all&severity=critical&rule=disk",
    "/search/?q=demo-00042",
    "/search/?q=nothing-is-called-so",
    "/search/?q={execution_id}",
    "/p/search/?q=d",
    "/audit/?q=demo",
    "/audit/?actor=nobody",
    "/audit/?action=job",
    "/audit/?object=demo-00042",
    "/freezes/?show=past",
    "/missed/?each=latest",
    "/people/?q=a",
    "/variables/?q=a",
    "/settings/?show=all",
    "/api/v1/jobs?limit=500",
    "/api/v1/jobs?search=demo-00&limit=50",
    "/api/v1/jobs?search=nothing-is-called-so",
    "/api/v1/jobs?tag=few",
    "/api/v1/jobs?state=paused",
    "/api/v1/jobs?cursor={job_id}&limit=50",
    "/api/v1/executions?limit=500",
    "/api/v1/executions?cursor={middle_id}&limit=50",
    "/api/v1/executions?state=failed&limit=50",
    "/api/v1/executions?state=failed&state=lost&trigger=schedule",
    "/api/v1/executions?trigger=manual",
    "/api/v1/executions?job_id={job_id}&state=failed",
    "/api/v1/executions?job_id={job_id}&from={day_ago}",
    "/api/v1/executions?queue=default",
    "/api/v1/executions?queue=other",
    "/api/v1/executions?queue=other&state=failed",
    "/api/v1/executions?from={day_ago}&to={now}",
    "/api/v1/executions?from={long_ago}&to={day_ago}",
    "/api/v1/executions?from={hour_ago}&state=failed",
    "/api/v1/executions?search=demo-00042",
    "/api/v1/executions?search=nothing-is-called-so",
    "/api/v1/executions?tag=few",
    "/api/v1/executions?tag=nobody",
    "/api/v1/executions?workspace={name}",
    "/api/v1/ledger?job_id={job_id}&from={long_ago}&to={now}",
    "/api/v1/ledger?job_id={job_id}&from={long_ago}&to={now}&format=csv",
    "/api/v1/ledger?from={hour_ago}&to={now}&format=jsonl",
    "/api/v1/stats?window=90d",
    "/api/v1/jobs/{job_id}/stats?window=90d",
    "/api/v1/upcoming?hours=24",
    "/api/v1/audit/export?format=csv",
    "/api/v1/audit/export?format=jsonl",
    "/api/v1/scheduled-jobs/executions/recent?limit=100",
)  # fmt: skip


def moments() -> dict[str, str]:
    """Return what addresses name as times."""
    now = timezone.now()
    back = {"now": 0, "hour_ago": 1, "day_ago": 24, "long_ago": 24 * 30}
    return {name: f"{now - timedelta(hours=one):%FT%TZ}" for name, one in back.items()}


def addresses(things: Mapping[str, Any]) -> list[str]:
    """Return every address that answers a GET, with ``things`` put in, and many with filters."""
    given = {**moments(), **things}
    return [*plain(given), *(one.format(**given) for one in _MORE)]


def plain(things: Mapping[str, Any]) -> list[str]:
    """Return the address of each route, with no more than it needs to be asked."""
    found = []
    given = {**moments(), **things}
    for route in _routes():
        query = _NEEDED.get(route, "").format(**given)
        found.append(f"{filled(route, given)}?{query}" if query else filled(route, given))
    return found


def _routes() -> list[str]:
    lines = [line.split() for line in DOORS.read_text().splitlines() if line[:1] not in {"#", ""}]
    routes = ["" if route == "(root)" else route for route, method, *_ in lines if method == "GET"]
    return [route for route in routes if not route.startswith(_APART)]


def filled(route: str, things: Mapping[str, Any]) -> str:
    """Return the address of a route with what exists put in."""
    special = {
        "queues/": {"name": "default"},
        "rules/": {"name": "disk"},
        "scheduled-jobs/": {"job_id": things["job_name"]},
        "registerCspResources/": {"job_id": things["registering"]},
    }
    known = dict(things)
    for part, changes in special.items():
        known.update(changes if part in route else {})
    names = re.compile(r"<(?:\w+:)?(\w+)>")
    return "/" + names.sub(lambda one: str(known.get(one[1], "1")), route)
