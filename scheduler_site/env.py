"""Typed readers of environment variables; a bad value stops the start and is named.

``NAME_FILE`` may hold the path of a file with the value of ``NAME`` (for container secrets).
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

from jobs.domain.addresses import Allowed, parse_allowed
from jobs.domain.durations import parse_duration
from jobs.domain.errors import DurationError, InvalidError, ZoneError
from jobs.domain.git_source import check_source
from jobs.domain.readings import Reading, Source
from jobs.domain.tumblebug import TumblebugServer, Vocabulary
from jobs.domain.zones import zone

TRUE = frozenset({"1", "true", "yes", "on"})
FALSE = frozenset({"0", "false", "no", "off", ""})
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1", "[::1]"})


class Env:
    """Read settings from a mapping of environment variables."""

    def __init__(self, source: Mapping[str, str] | None = None) -> None:
        """Take the mapping to read, by default the process environment."""
        self._source = os.environ if source is None else source
        # What was asked for, by name: the settings page shows it.
        self.readings: dict[str, Reading] = {}

    def text(self, name: str, default: str = "") -> str:
        """Return ``name``, else the content of the file that ``name_FILE`` names, else default."""
        found = self._read(name, default)
        self.readings[name] = found
        return found.text

    def _read(self, name: str, default: str) -> Reading:
        if name in self._source:
            return Reading(name=name, text=self._source[name], source=Source.ENVIRONMENT)
        path = self._source.get(f"{name}_FILE")
        if not path:
            return Reading(name=name, text=default)
        try:
            text = Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ImproperlyConfigured(f"{name}_FILE names {path}: {error.strerror}.") from error
        return Reading(name=name, text=text, source=Source.FILE, path=path)

    def boolean(self, name: str, *, default: bool) -> bool:
        """Return a switch: 1/true/yes/on or 0/false/no/off."""
        value = self.text(name, str(default)).strip().lower()
        if value in TRUE:
            return True
        if value in FALSE:
            return False
        raise ImproperlyConfigured(f"{name}={value} is not a switch. Use 1 or 0.")

    def integer(self, name: str, default: int, *, low: int, high: int) -> int:
        """Return a whole number between ``low`` and ``high``, both included."""
        value = self.text(name, str(default)).strip()
        try:
            number = int(value)
        except ValueError as error:
            raise ImproperlyConfigured(f"{name}={value} is not a whole number.") from error
        if not low <= number <= high:
            raise ImproperlyConfigured(f"{name}={value} is out of range. Use {low} to {high}.")
        return number

    def seconds(self, name: str, default: str) -> float:
        """Return a duration such as ``30s`` or ``5m`` in seconds."""
        value = self.text(name, default).strip()
        try:
            return parse_duration(value).total_seconds()
        except DurationError as error:
            raise ImproperlyConfigured(f"{name}={value}: {error.message}") from error

    def words(self, name: str, default: str = "") -> list[str]:
        """Return the parts of a comma-separated list, without blanks."""
        return [part.strip() for part in self.text(name, default).split(",") if part.strip()]

    def database(self, name: str, default: str) -> dict[str, object]:
        """Return Django's settings for a database URL (sqlite or postgres)."""
        url = self.text(name, default)
        try:
            config = dict(environ.Env.db_url_config(url))
        except (ValueError, environ.ImproperlyConfigured) as error:
            raise ImproperlyConfigured(f"{name} is not a database address: {error}") from error
        if config.get("ENGINE") not in {
            "django.db.backends.sqlite3",
            "django.db.backends.postgresql",
        }:
            raise ImproperlyConfigured(
                f"{name} must begin with sqlite:// or postgres://; other databases are not served."
            )
        return config


def allowed_addresses(name: str, entries: Sequence[str]) -> tuple[Allowed, ...]:
    """Return networks and host names with their ports as values."""
    try:
        return parse_allowed(entries)
    except InvalidError as error:
        raise ImproperlyConfigured(
            f"{name}: {error.message}. Use entries such as 10.1.0.0/16, wiki.lan or 127.0.0.1:9090."
        ) from error


def networks(name: str, entries: Sequence[str]) -> tuple[IPv4Network | IPv6Network, ...]:
    """Return addresses and networks as networks."""
    try:
        return tuple(ip_network(entry) for entry in entries)
    except ValueError as error:
        raise ImproperlyConfigured(
            f"{name}: {error}. Use addresses and networks such as 10.0.0.0/8."
        ) from error


def zone_name(name: str, value: str) -> str:
    """Return the name of a time zone that exists."""
    try:
        return zone(value).key
    except ZoneError as error:
        raise ImproperlyConfigured(f"{name}: {error.message}") from error


def share(name: str, value: str) -> float:
    """Return a number between 0 and 1."""
    try:
        number = float(value)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}={value} is not a number.") from error
    if not 0 <= number <= 1:
        raise ImproperlyConfigured(f"{name}={value} is out of range. Use 0 to 1.")
    return number


def one_of(name: str, value: str, words: Sequence[str]) -> str:
    """Return one of some words."""
    if value not in words:
        raise ImproperlyConfigured(f"{name}={value} is not allowed. Use {' or '.join(words)}.")
    return value


def web_address(name: str, value: str) -> str:
    """Return an address of the web; empty where none is named."""
    address = value.strip()
    try:
        parts = urlsplit(address)
        right = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        right = False
    if address and not right:
        raise ImproperlyConfigured(f"{name} is no web address. Use one such as https://host/path.")
    return address


def named_file(value: str) -> Path | None:
    """Return the path of a file; None where none is named."""
    return Path(value).expanduser().resolve() if value.strip() else None


def config_directory(*named: str, default: str) -> Path | None:
    """Return the first directory that is named, else the default where there is one, else None."""
    found = next((one for one in named if one.strip()), "")
    if found:
        return named_file(found)
    return Path(default) if Path(default).is_dir() else None


def repository(name: str, value: str) -> str:
    """Return the address of a Git repository; one that holds a password is refused unseen."""
    found = value.strip()
    if found:
        try:
            check_source(found)
        except InvalidError as error:
            raise ImproperlyConfigured(f"{name}: {error.message}") from error
    return found


def bull_redis_url(host: str, *, port: int, password: str, number: int) -> str:
    """Return the address of a Redis that is named part by part; empty without a host."""
    if not host.strip():
        return ""
    login = f":{quote(password, safe='')}@" if password else ""
    return f"redis://{login}{host.strip()}:{port}/{number}"


def port_numbers(name: str, words: Sequence[str]) -> list[int]:
    """Return port numbers, each once."""
    for word in words:
        if not (word.isascii() and word.isdecimal() and 0 < int(word) < 65_536):
            raise ImproperlyConfigured(f"{name}: {word} is no port. Use numbers from 1 to 65535.")
    return list(dict.fromkeys(map(int, words)))


def tumblebug_server(
    url: str, *, own_ports: Collection[int], vocabulary: str, read_seconds: float, **rest: Any
) -> TumblebugServer | None:
    """Return the CB-Tumblebug server that jobs call; None where none is named.

    Its interface is also one of ours: that it names us is a slip which would only show at runs.
    """
    if not url:
        return None
    try:
        parts = urlsplit(url.strip())
        port = parts.port or {"http": 80, "https": 443}[parts.scheme]
        words = Vocabulary(vocabulary)
    except (ValueError, KeyError):
        if vocabulary not in set(Vocabulary):
            raise ImproperlyConfigured(
                f"TUMBLEBUG_VOCABULARY={vocabulary} is not known. Use {' or '.join(Vocabulary)}."
            ) from None
        parts, port, words = urlsplit(""), 0, Vocabulary.AUTO
    if not parts.hostname or parts.username is not None or parts.query or parts.fragment:
        raise ImproperlyConfigured(
            "TUMBLEBUG_URL is no usable address. Use one such as http://tumblebug:1323/tumblebug; "
            "user and password have settings of their own."
        )
    if parts.hostname in LOOPBACK and port in own_ports:
        raise ImproperlyConfigured(
            f"TUMBLEBUG_URL names port {port} of this host, where Jobdeck itself listens."
        )
    if rest["token"] and rest["user"]:
        raise ImproperlyConfigured("Set either TUMBLEBUG_TOKEN or TUMBLEBUG_USER, not both.")
    return TumblebugServer(
        url=url.strip().rstrip("/"),
        vocabulary=words,
        read_timeout=timedelta(seconds=read_seconds),
        **rest,
    )


def private_file(path: Path, *, length: int = 50) -> str:
    """Return the text of ``path``; make it first, readable by its owner only, with random text."""
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Written beside and linked into place: a second process that starts at the same moment
        # must never read an empty key, and the first to link wins.
        draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(length))
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(draft)
        draft.unlink()
    return path.read_text(encoding="utf-8").strip()
