"""Read a crontab: which command runs when, with which environment, and what of it is unusual.

The rules are those of crontab(5) as Vixie cron and cronie read it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from jobs.domain.said import said

MAX_BYTES: Final = 1_000_000
REBOOT: Final = "@reboot"
_NICKNAMES: Final = frozenset(
    {REBOOT, "@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"}
)
_ASSIGNMENT = re.compile(r"""\s*(["']?)([A-Za-z_][A-Za-z0-9_]*)\1\s*=\s*(.*?)\s*""")
_FIELDS: Final = 5
_ZONES: Final = ("CRON_TZ", "TZ")
_USER = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*\$?")


@dataclass(frozen=True, kw_only=True)
class Line:
    """One job of a crontab."""

    number: int
    schedule: str
    command: str
    given: str | None  # what the command reads from standard input: all after the first %
    user: str
    zone: str
    environment: dict[str, str] = field(default_factory=dict)
    comment: str = ""

    @property
    def script(self) -> str:
        """Return the command with what it reads, as one text for a shell."""
        if self.given is None:
            return self.command
        mark = "JOBDECK_INPUT"
        while mark in self.given:
            mark += "_"
        return f"{{ {self.command}\n}} <<'{mark}'\n{self.given}\n{mark}"


@dataclass(frozen=True, kw_only=True)
class Wrong:
    """A line that is none of a crontab's."""

    number: int
    reason: str


def read(text: str, *, system: bool) -> Iterator[Line | Wrong]:
    """Yield the jobs of a crontab; ``system``: each line names its user, as in /etc/crontab.

    An environment line counts for the lines below it.
    """
    environment: dict[str, str] = {}
    comment = ""
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            # The last line of a comment right above a job says what the job is.
            comment = line.lstrip("# ").strip()
            continue
        assignment = _ASSIGNMENT.fullmatch(line)
        if assignment is not None:
            environment = {**environment, assignment[2]: _unquoted(assignment[3])}
            comment = ""
            continue
        yield _line(line, number, environment, comment, system)
        comment = ""


def _unquoted(value: str) -> str:
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return value[1:-1] if quoted else value


def _line(
    line: str, number: int, environment: dict[str, str], comment: str, system: bool
) -> Line | Wrong:
    """Return the job of a line."""
    nickname = line.startswith("@")
    head = (1 if nickname else _FIELDS) + (1 if system else 0)
    parts = line.split(None, head)
    if len(parts) <= head:
        wanted = said("a nickname") if nickname else said("five fields")
        reason = (
            said("Write {wanted}, a user and a command.", wanted=wanted)
            if system
            else said("Write {wanted} and a command.", wanted=wanted)
        )
        return Wrong(number=number, reason=reason)
    schedule = " ".join(parts[: 1 if nickname else _FIELDS])
    if nickname and schedule.lower() not in _NICKNAMES:
        return Wrong(
            number=number,
            reason=said(
                "{schedule} is no nickname. Use {allowed}.",
                schedule=schedule[:40],
                allowed=", ".join(sorted(_NICKNAMES)),
            ),
        )
    user = parts[head - 1] if system else ""
    if system and _USER.fullmatch(user) is None:
        return Wrong(
            number=number, reason=said("{user!r} is no user. Is this /etc/crontab?", user=user[:40])
        )
    command, given = _command(parts[head])
    zone = next((environment[name] for name in _ZONES[:1] if name in environment), "")
    kept = {name: value for name, value in environment.items() if name != "CRON_TZ"}
    return Line(
        number=number,
        schedule=schedule.lower() if nickname else schedule,
        command=command,
        given=given,
        user=user,
        zone=zone,
        environment=kept,
        comment=comment,
    )


def _command(text: str) -> tuple[str, str | None]:
    r"""Return the command, and what it reads: all after the first %, each further % a line end.

    ``\%`` is a percent sign.
    """
    pieces = re.split(r"(?<!\\)%", text)
    plain = [piece.replace(r"\%", "%") for piece in pieces]
    return plain[0].strip(), "\n".join(plain[1:]) if len(plain) > 1 else None
