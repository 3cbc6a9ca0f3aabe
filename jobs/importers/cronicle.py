"""The schedule of Cronicle: of its export (``KEY - JSON`` lines), of its API, or its events alone.

An event's ``timing`` names minutes, hours, days, weekdays, months and years; what it leaves out is
all of them. Days and weekdays must both fit.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from jobs.domain.said import said
from jobs.importers import notes
from jobs.importers.jobfiles import Broken
from jobs.importers.listed import Listed, glance, loaded, whole, word
from jobs.importers.notes import Note

_PAGE = re.compile(r"global/schedule/-?\d+ - (\{.*\})\s*")
_FIELDS: Final = ("minutes", "hours", "days", "months", "weekdays")
_MOST: Final = {"minutes": 60, "hours": 24, "days": 31, "months": 12, "weekdays": 7}
_GROUPS: Final = ("", "allgrp")
_DEFAULT_TIMEOUT: Final = 3600


def looks_so(text: str) -> bool:
    """Say whether a text is Cronicle's."""
    if text.startswith("# Cronicle Data Export") or re.search(r"(?m)^global/schedule", text):
        return True
    events = _events(glance(text))
    return bool(events) and all(isinstance(one, dict) and "plugin" in one for one in events)


def read(text: str, source: str, zone: str) -> Iterator[Listed | Broken]:
    """Yield the events as definitions; ``zone`` is that of events which name none."""
    if text.lstrip()[:1] in ("{", "["):
        found = loaded(text, source)
        if isinstance(found, Broken):
            yield found
            return
        yield from (_listed(one, None, source, zone) for one in _events(found))
        return
    for number, line in enumerate(text.splitlines(), 1):
        page = _PAGE.fullmatch(line)
        if page is None:
            continue
        try:
            events = _events(json.loads(page[1]))
        except (ValueError, RecursionError):
            yield Broken(f"{source}:{number}", said("This line of the export is cut off."))
            continue
        yield from (_listed(one, number, source, zone) for one in events)


def _events(found: object) -> list[Any]:
    """Return the events of an answer, of a page of the export, of a list, or the only one."""
    if isinstance(found, dict):
        rows = found.get("rows", found.get("items"))
        return rows if isinstance(rows, list) else [found] if "plugin" in found else []
    return found if isinstance(found, list) else []


def _listed(event: object, line: int | None, source: str, zone: str) -> Listed | Broken:
    place = source if line is None else f"{source}:{line}"
    if not isinstance(event, dict) or not word(event.get("title")):
        return Broken(place, said("This is no event of Cronicle: it has no title."))
    title = word(event["title"])
    ran = _what_runs(event)
    if ran is None:
        plugin = word(event.get("plugin")) or "?"
        reason = said(
            "{title}: plugin {plugin!r} is one of Cronicle's own. Make a script of it.",
            title=title,
            plugin=plugin[:60],
        )
        return Broken(place, reason)
    told: list[Note] = []
    definition = {
        "name": re.sub(r"[^A-Za-z0-9._-]+", "-", title).strip("-._")[:100] or "event",
        **ran,
        "schedules": _schedules(event, zone, told),
        "description": word(event.get("notes"))[:10_000],
        "timeout_seconds": whole(event.get("timeout"), _DEFAULT_TIMEOUT) or None,
        "retry": {
            "max_attempts": whole(event.get("retries")) + 1,
            "base_seconds": whole(event.get("retry_delay")),
        },
        "overlap": "skip",
        **_parallel(event),
        "misfire": "fire_all" if event.get("catch_up") else "skip",
    }
    _differences(event, told)
    return Listed(line=line, title=title, definition=definition, notes=told)


def _parallel(event: dict[str, Any]) -> dict[str, Any]:
    """Return what happens to a run that is due while another is going on."""
    most = whole(event.get("max_children"), 1)
    if most > 1:
        return {"overlap": "allow", "max_parallel": most}
    return {"overlap": "queue"} if event.get("queue") else {}


def _what_runs(event: dict[str, Any]) -> dict[str, Any] | None:
    """Return type and spec of an event of the two plugins that Cronicle brings."""
    params = event.get("params")
    params = params if isinstance(params, dict) else {}
    if event.get("plugin") == "shellplug" and word(params.get("script")).strip():
        return {"type": "script", "spec": {"script": params["script"]}}
    if event.get("plugin") == "urlplug" and word(params.get("url")).strip():
        return {"type": "http", "spec": _request(params)}
    return None


def _request(params: dict[str, Any]) -> dict[str, Any]:
    """Return a request; its headers are lines there."""
    lines = [line.partition(":") for line in word(params.get("headers")).splitlines()]
    headers = {name.strip(): value.strip() for name, colon, value in lines if colon}
    spec: dict[str, Any] = {"url": params["url"], "method": word(params.get("method")) or "GET"}
    if headers:
        spec["headers"] = headers
    if word(params.get("data")):
        spec["body"] = params["data"]
    if params.get("follow"):
        spec["follow_redirects"] = True
    if params.get("ssl_cert_bypass"):
        spec["verify_tls"] = False
    return spec


def _schedules(event: dict[str, Any], zone: str, told: list[Note]) -> list[dict[str, Any]]:
    timing = event.get("timing")
    if not isinstance(timing, dict):
        told.append(Note(notes.BY_HAND))
        return []
    if isinstance(timing.get("years"), list) and timing["years"]:
        told.append(Note(notes.YEARS, {"years": ", ".join(str(one) for one in timing["years"])}))
    zone = word(event.get("timezone")) or zone
    return [
        {
            "kind": "cron",
            "expression": " ".join(_field(timing.get(name), name) for name in _FIELDS),
            "day_match": "all",
            **({"timezone": zone} if zone else {}),
        }
    ]


def _field(values: object, name: str) -> str:
    """Return one field of a cron expression; all values and none are a star."""
    if not isinstance(values, list) or not values or len(set(map(str, values))) >= _MOST[name]:
        return "*"
    return ",".join(str(one) for one in values)


def _differences(event: dict[str, Any], told: list[Note]) -> None:
    if event.get("enabled") in (0, False, "0"):
        told.append(Note(notes.DISABLED))
    if event.get("catch_up"):
        told.append(Note(notes.CAUGHT_UP))
    if word(event.get("target")) not in _GROUPS:
        told.append(Note(notes.TARGET, {"target": word(event["target"])}))
    chained = word(event.get("chain")) or word(event.get("chain_error"))
    if chained:
        told.append(Note(notes.CHAIN, {"event": chained}))
