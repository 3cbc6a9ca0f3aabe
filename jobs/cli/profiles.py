"""The servers that this account knows, with their tokens: a file that nobody else can read."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import asdict, dataclass
from pathlib import Path

from jobs.cli.errors import CliError

HERE = "local"  # the name of no profile: the server of this very host
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A server and the token for it."""

    url: str
    token: str


@dataclass(slots=True, kw_only=True)
class Profiles:
    """What the file holds: profiles by name, and the one in use; ``local`` for none."""

    known: dict[str, Profile]
    used: str = HERE


def path() -> Path:
    """Return where the file is: JOBCTL_CONFIG, else below the account's configuration."""
    named = os.environ.get("JOBCTL_CONFIG", "")
    if named:
        return Path(named)
    base = os.environ.get("XDG_CONFIG_HOME", "")
    return (Path(base) if base else Path.home() / ".config") / "jobctl" / "profiles.json"


def load() -> Profiles:
    """Return what the file holds; nothing where there is none.

    CliError when others can read it, or when it is damaged.
    """
    file = path()
    try:
        with file.open(encoding="utf-8") as opened:
            if stat.S_IMODE(os.fstat(opened.fileno()).st_mode) & _OTHERS:
                raise CliError(f"{file} holds tokens and others can read it. Run: chmod 600 {file}")
            data = json.load(opened)
        known = {name: Profile(**values) for name, values in data["profiles"].items()}
        return Profiles(known=known, used=str(data["used"]))
    except FileNotFoundError:
        return Profiles(known={})
    except OSError as error:
        raise CliError(f"Cannot read {file}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError):
        raise CliError(f"{file} is damaged. Remove it and run `jobctl login` again.") from None


def save(profiles: Profiles) -> None:
    """Write the file for this account alone; a reader sees the old one or the new, never half."""
    file = path()
    data = {
        "used": profiles.used,
        "profiles": {name: asdict(one) for name, one in sorted(profiles.known.items())},
    }
    part = file.with_name(f"{file.name}.{os.getpid()}.part")
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # With its mode from the first byte: not readable for a moment before a chmod either.
        opened = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(opened, "w", encoding="utf-8") as written:
            json.dump(data, written, indent=2)
        part.replace(file)
    except OSError as error:
        raise CliError(f"Cannot write {file}: {error.strerror}") from error


def chosen(name: str) -> Profile | None:
    """Return the profile called ``name``, or the one in use; None for this very host."""
    if name == HERE:
        return None
    profiles = load()
    wanted = name or profiles.used
    return None if wanted == HERE else named(profiles, wanted)


def named(profiles: Profiles, name: str) -> Profile:
    """Return a profile by its name."""
    if name not in profiles.known:
        present = ", ".join([*sorted(profiles.known), HERE])
        raise CliError(f"Profile {name!r} does not exist. Use {present}.")
    return profiles.known[name]
