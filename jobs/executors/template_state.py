"""OpenTofu's state file: read as JSON, and freed from the lock of a process that died."""

from __future__ import annotations

import errno
import fcntl
import json
from pathlib import Path
from typing import Any

from jobs.executors.template_files import STATE

LOCK_INFO = f".{STATE}.lock.info"
_MOST_LISTED = 500


def summary_of(state: Any) -> dict[str, Any]:
    """Return what a state of version 4 says: its resources by address, and the open outputs."""
    if not isinstance(state, dict):
        return {"resources": [], "outputs": {}, "resource_count": 0}
    listed = [
        one for one in state.get("resources") or [] if one.get("mode", "managed") == "managed"
    ]
    rows = [row for one in listed for row in _instances(one)]
    outputs = state.get("outputs") or {}
    return {
        "resources": rows[:_MOST_LISTED],
        "resource_count": len(rows),
        "outputs": {
            name: one.get("value") for name, one in outputs.items() if not one.get("sensitive")
        },
        "serial": state.get("serial"),
    }


def _instances(resource: dict[str, Any]) -> list[dict[str, str]]:
    module = resource.get("module")
    base = f"{resource.get('type')}.{resource.get('name')}"
    address = f"{module}.{base}" if module else base
    return [
        {
            "address": address + _key(one.get("index_key")),
            "type": str(resource.get("type")),
            "status": str(one.get("status") or "ok"),
        }
        for one in resource.get("instances") or []
    ]


def _key(key: Any) -> str:
    return "" if key is None else f"[{json.dumps(key)}]"


def read(directory: Path) -> Any:
    """Return the state that lies in a directory; None when there is none or it cannot be read."""
    try:
        return json.loads((directory / STATE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def drop_stale_lock(directory: Path) -> str:
    """Remove the note of a lock that nobody holds; return a sentence about it, empty for none.

    OpenTofu locks the state file itself, which the kernel undoes when the process dies; the note
    beside it is for people and outlives a hard kill. So the lock, not the note, is asked.
    """
    info = directory / LOCK_INFO
    try:
        noted = info.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    if is_locked(directory / STATE):
        return ""
    info.unlink(missing_ok=True)
    return f"The lock that {_whose(noted)} left behind was removed: no process holds it any more."


def is_locked(file: Path) -> bool:
    """Say whether a process holds the lock of a state file."""
    try:
        with file.open("r+b") as handle:
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            fcntl.lockf(handle, fcntl.LOCK_UN)
    except FileNotFoundError:
        return False
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EAGAIN):
            return True
        raise
    return False


def _whose(noted: str) -> str:
    try:
        told = json.loads(noted)
    except ValueError:
        return "somebody"
    if not isinstance(told, dict):
        return "somebody"
    return f"{told.get('Who') or 'somebody'} ({told.get('Operation')}, {told.get('Created')})"
