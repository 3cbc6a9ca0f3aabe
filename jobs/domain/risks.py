"""Which settings, or combinations of them, an administrator should know about."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import timedelta
from enum import StrEnum

from jobs.domain.durations import parse_duration
from jobs.domain.errors import DurationError

_ON = frozenset({"1", "true", "yes", "on"})
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1", "[::1]"})
_EVERYTHING = frozenset({"*", "0.0.0.0/0", "::/0"})
_MANY_ATTEMPTS = 50
_LONG_SESSION = timedelta(days=7)
_SHORT_KEY = 32
_SHORT_DRAIN = timedelta(seconds=5)


class Risk(StrEnum):
    """What may go wrong."""

    DEBUG = "debug"
    PLAIN_HTTP = "plain_http"
    FORGED_PROXY = "forged_proxy"
    OPEN_LOOPBACK = "open_loopback"
    ANY_HOST_NAME = "any_host_name"
    ANY_USER = "any_user"
    ANY_ADDRESS = "any_address"
    SHORT_KEY = "short_key"
    NO_RATE = "no_rate"
    MANY_ATTEMPTS = "many_attempts"
    LONG_SESSION = "long_session"
    SHORT_LEASE = "short_lease"
    SHORT_DRAIN = "short_drain"
    ANY_CERTIFICATE = "any_certificate"
    CHATTY_LOG = "chatty_log"
    STAYS_OPEN = "stays_open"


def risks(values: Mapping[str, str]) -> dict[str, list[Risk]]:
    """Return the risks of each setting; ``values`` are the texts by name, defaults filled in."""
    found: dict[str, list[Risk]] = defaultdict(list)
    for risk, (name, is_so) in _RULES.items():
        if name in values and is_so(values):
            found[name].append(risk)
    return dict(found)


def _on(values: Mapping[str, str], name: str) -> bool:
    return values.get(name, "").strip().lower() in _ON


def _is_local(values: Mapping[str, str]) -> bool:
    return values.get("HOST", "").strip() in _LOOPBACK


def _words(values: Mapping[str, str], name: str) -> set[str]:
    return {part.strip() for part in values.get(name, "").split(",") if part.strip()}


def _number(values: Mapping[str, str], name: str) -> int:
    try:
        return int(values.get(name, ""))
    except ValueError:
        return 0


def _time(values: Mapping[str, str], name: str) -> timedelta:
    try:
        return parse_duration(values.get(name, "").strip())
    except DurationError:
        return timedelta(0)


Rule = Callable[[Mapping[str, str]], bool]
_RULES: dict[Risk, tuple[str, Rule]] = {
    Risk.DEBUG: ("DEBUG", lambda v: _on(v, "DEBUG")),
    Risk.PLAIN_HTTP: ("HTTPS", lambda v: not _on(v, "HTTPS") and not _is_local(v)),
    Risk.FORGED_PROXY: ("TRUST_PROXY", lambda v: _on(v, "TRUST_PROXY") and not _is_local(v)),
    Risk.OPEN_LOOPBACK: (
        "OPEN_LOOPBACK",
        lambda v: (
            _on(v, "OPEN_LOOPBACK")
            and _is_local(v)
            and not _on(v, "TRUST_PROXY")
            and not _on(v, "HTTPS")
        ),
    ),
    Risk.ANY_HOST_NAME: ("ALLOWED_HOSTS", lambda v: "*" in _words(v, "ALLOWED_HOSTS")),
    Risk.ANY_USER: ("RUN_AS_USERS", lambda v: "*" in _words(v, "RUN_AS_USERS")),
    Risk.ANY_ADDRESS: (
        "JOBS_HTTP_ALLOW",
        lambda v: not _EVERYTHING.isdisjoint(_words(v, "JOBS_HTTP_ALLOW")),
    ),
    Risk.SHORT_KEY: ("SECRET_KEY", lambda v: 0 < len(v["SECRET_KEY"]) < _SHORT_KEY),
    Risk.NO_RATE: ("API_RATE", lambda v: v["API_RATE"].strip() == "0"),
    Risk.MANY_ATTEMPTS: ("LOGIN_ATTEMPTS", lambda v: _number(v, "LOGIN_ATTEMPTS") > _MANY_ATTEMPTS),
    Risk.LONG_SESSION: ("SESSION_AGE", lambda v: _time(v, "SESSION_AGE") > _LONG_SESSION),
    Risk.SHORT_LEASE: ("LEASE", lambda v: _time(v, "LEASE") < 3 * _time(v, "BEAT")),
    Risk.SHORT_DRAIN: ("DRAIN", lambda v: _time(v, "DRAIN") < _SHORT_DRAIN),
    Risk.ANY_CERTIFICATE: (
        "TUMBLEBUG_VERIFY_TLS",
        lambda v: bool(v.get("TUMBLEBUG_URL")) and not _on(v, "TUMBLEBUG_VERIFY_TLS"),
    ),
    Risk.CHATTY_LOG: ("LOG_LEVEL", lambda v: v["LOG_LEVEL"].strip().upper() == "DEBUG"),
    Risk.STAYS_OPEN: (
        "CRON_ENABLE_AUTOMATIC_RECOVERY",
        lambda v: not _on(v, "CRON_ENABLE_AUTOMATIC_RECOVERY"),
    ),
}
