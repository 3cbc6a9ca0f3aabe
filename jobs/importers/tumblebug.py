"""The list of CB-Tumblebug's scheduled jobs, as ``GET …/registerCspResources/schedule`` answers it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from jobs.domain.said import said
from jobs.importers import notes
from jobs.importers.jobfiles import Broken
from jobs.importers.listed import Listed, glance, loaded, whole, word
from jobs.importers.notes import Note

_TYPE: Final = "registerCspResources"
_DEFAULT_INTERVAL: Final = 60
_DEFAULT_TIMEOUT: Final = 1800
_AUTO_DISABLE_AFTER: Final = 5
# Theirs, in the newer vocabulary too: the first that is given counts.
_SPEC: Final = {
    "ns_id": ("nsId",),
    "connection_name": ("connectionName",),
    "provider": ("provider",),
    "region": ("region",),
    "zone": ("zone",),
    "mci_name_prefix": ("mciNamePrefix", "infraNamePrefix"),
    "option": ("option",),
    "mci_flag": ("mciFlag", "infraFlag"),
}


def looks_so(text: str) -> bool:
    """Say whether a text is such a list."""
    found = _jobs(glance(text))
    return bool(found) and all(isinstance(one, dict) and "jobType" in one for one in found)


def read(text: str, source: str) -> Iterator[Listed | Broken]:
    """Yield the jobs as definitions."""
    found = loaded(text, source)
    if isinstance(found, Broken):
        yield found
        return
    yield from (_listed(one, source) for one in _jobs(found))


def _jobs(found: object) -> list[Any]:
    if isinstance(found, dict):
        rows = found.get("jobs")
        return rows if isinstance(rows, list) else [found] if "jobType" in found else []
    return found if isinstance(found, list) else []


def _listed(job: object, source: str) -> Listed | Broken:
    if not isinstance(job, dict):
        return Broken(source, said("This is no job of CB-Tumblebug. Write an object."))
    kind = word(job.get("jobType"))
    title = word(job.get("jobId")) or f"register-{word(job.get('nsId'))}"
    if kind != _TYPE:
        reason = said(
            "{title}: jobType {kind!r} is not known. Only {known} is.",
            title=title[:80],
            kind=kind[:60],
            known=_TYPE,
        )
        return Broken(source, reason)
    told = []
    if job.get("autoDisabled"):
        told.append(Note(notes.AUTO_DISABLED))
    elif job.get("enabled") is False:
        told.append(Note(notes.DISABLED))
    definition = {
        "name": title,
        "type": _TYPE,
        "spec": _spec(job),
        "schedules": [
            {
                "kind": "interval",
                "seconds": whole(job.get("intervalSeconds")) or _DEFAULT_INTERVAL,
                "anchor": "completion",
            }
        ],
        "auto_disable_after": _AUTO_DISABLE_AFTER,
        "timeout_seconds": whole(job.get("executionTimeout")) or _DEFAULT_TIMEOUT,
    }
    return Listed(line=None, title=title, definition=definition, notes=told)


def _spec(job: dict[str, Any]) -> dict[str, str]:
    spec = {}
    for name, theirs in _SPEC.items():
        told = next((word(job.get(one)) for one in theirs if word(job.get(one))), "")
        if told:
            spec[name] = told
    return spec
