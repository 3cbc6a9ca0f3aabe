"""Import windows of a calendar from an iCalendar file, however it is written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import datetime
from typing import Any

from jobs.domain.calendars import parse_windows, windows_json
from jobs.domain.errors import InvalidError
from jobs.domain.said import said, unpacked
from jobs.domain.zones import zone

MAX_BYTES = 1_000_000
MOST_YEARS = 50
# For one file: the largest of honest ones takes five. A rule can be written so that looking for its
# next date takes hours.
CPU_SECONDS = 20
# Reached when the machine has no time for the reader at all.
_WALL_SECONDS = 60
_TOO_LONG = said("The file takes too long to read. Import a smaller one, with simpler rules.")


def windows_from_ics(
    text: bytes | str, *, timezone: str, now: datetime, years: int = 10
) -> list[dict[str, object]]:
    """Return the events of an iCalendar file as stored windows (see `calendar_json`).

    Times without a zone are in ``timezone``. A day of every year becomes a yearly window, other
    rules are written out from one year before ``now`` to ``years`` ahead. Events that are cancelled,
    free or over are left out. Raises InvalidError, or ZoneError for ``timezone``.
    """
    zone(timezone)
    if not 1 <= years <= MOST_YEARS:
        raise InvalidError(
            said("{years} years are out of bounds. Use 1 to {most}.", years=years, most=MOST_YEARS)
        )
    data = _checked(text)
    answer = _read(data, timezone, now.isoformat(), str(years), str(CPU_SECONDS))
    if "error" in answer:
        sentence = unpacked(answer["error"])
        raise InvalidError(sentence, fields={"file": sentence})
    # What comes from the reader has to pass like what comes from anybody.
    return windows_json(parse_windows(answer["windows"]))


def _checked(text: bytes | str) -> bytes:
    """Return the file as UTF-8 without a byte order mark; raise for what is plainly something else."""
    data = text.encode(errors="replace") if isinstance(text, str) else text
    problem = ""
    if len(data) > MAX_BYTES:
        problem = said(
            "The file has {size:,} bytes. Use one of up to {most:,}.",
            size=len(data),
            most=MAX_BYTES,
        )
    elif not data.strip():
        problem = said("The file is empty. Use an iCalendar file (.ics).")
    elif b"BEGIN:VCALENDAR" not in data.upper():
        problem = said("The file is not iCalendar: it has no line BEGIN:VCALENDAR.")
    elif not data.upper().rstrip(b"\0\t\r\n\x1a ").endswith(b"END:VCALENDAR"):
        # The reader would take what is there, and nobody would miss the rest.
        problem = said("The file is cut off: it does not end with END:VCALENDAR.")
    else:
        try:
            return data.decode("utf-8-sig").encode()
        except UnicodeDecodeError as error:
            problem = said(
                "The file is not UTF-8 (byte {place:,}). Save it as UTF-8.", place=error.start + 1
            )
    raise InvalidError(problem, fields={"file": problem})


def _read(data: bytes, *arguments: str) -> dict[str, Any]:
    """Return the answer of the reader, which runs in a process of its own."""
    try:
        done = subprocess.run(  # noqa: S603 - this Python, and arguments that were checked
            [sys.executable, "-P", "-W", "ignore", "-m", "jobs.importers.ics", *arguments],
            input=data,
            capture_output=True,
            env=_environment(),
            timeout=_WALL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise InvalidError(_TOO_LONG, fields={"file": _TOO_LONG}) from error
    if done.returncode < 0:
        # Ended by a limit.
        raise InvalidError(_TOO_LONG, fields={"file": _TOO_LONG})
    if done.returncode:
        raise RuntimeError(f"The reader of iCalendar files failed: {done.stderr.decode()[-2000:]}")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _environment() -> dict[str, str]:
    """Return the reader's variables: the same packages, none of the server's secrets.

    With an empty PYTHONTZPATH zones come from the tzdata package, as everywhere in the product.
    """
    packages = os.pathsep.join(path for path in sys.path if path)
    return {"PYTHONPATH": packages, "PYTHONTZPATH": "", "PYTHONUTF8": "1"}
