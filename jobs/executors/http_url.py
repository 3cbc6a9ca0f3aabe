"""Addresses of web pages, read once: what is shown, checked and connected to is the same value."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from ipaddress import IPv6Address
from urllib.parse import parse_qsl, quote, unquote, urljoin, urlsplit

from jobs.domain.errors import InvalidError
from jobs.domain.said import said

MAX_URL_LENGTH = 8000
PORTS = {"http": 80, "https": 443}
HIDDEN = "…"
# What programs disagree about: a backslash is a slash to some, and a control character is left out.
_TREACHEROUS = re.compile(r"[\x00-\x1f\x7f\\]")
_HOST = re.compile(r"(?=.{1,254}\Z)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.?")
_BAD_HOST = said("its host is not valid")
# Everything that has a meaning in a path or query, and % because it is encoded already.
_KEPT = "%/:=&?~+!$,;'@()*[]|"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a request goes."""

    scheme: str
    host: str  # ASCII, in lower case, an IPv6 address without brackets
    port: int
    path: str
    query: str = ""
    user: str | None = None
    password: str = ""

    @property
    def origin(self) -> tuple[str, str, int]:
        """Return what must be the same for credentials to be sent again."""
        return self.scheme, self.host, self.port

    @property
    def authority(self) -> str:
        """Return what the Host header says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def request_target(self) -> str:
        """Return what the request line says."""
        return f"{self.path}?{self.query}" if self.query else self.path

    def __str__(self) -> str:
        """Return it for people: without user and password, and with no value of the query."""
        query = "&".join(_shown(part) for part in self.query.split("&")) if self.query else ""
        return f"{self.scheme}://{self.authority}{self.path}{f'?{query}' if query else ''}"

    def values(self) -> list[tuple[str, str]]:
        """Return the names and values of the query."""
        return parse_qsl(self.query, keep_blank_values=False)


def parse_url(text: str) -> Target:
    """Read an absolute address; InvalidError, which repeats nothing that may be a secret."""
    text = text.strip()
    if len(text) > MAX_URL_LENGTH:
        raise InvalidError(
            said("url has {n:,} characters, at most {most:,} fit", n=len(text), most=MAX_URL_LENGTH)
        )
    if _TREACHEROUS.search(text):
        raise InvalidError(said("url holds a control character or a backslash"))
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise _malformed(_without_value(error)) from None
    if parts.scheme not in PORTS:
        raise InvalidError(said("url must begin with http:// or https://"))
    if port == 0 or parts.netloc.count("@") > 1:
        raise _malformed(said("port 0") if port == 0 else said("more than one @"))
    return Target(
        scheme=parts.scheme,
        host=_host(parts.hostname or "", bracketed=parts.netloc.rpartition("@")[2][:1] == "["),
        port=port or PORTS[parts.scheme],
        path=quote(parts.path, safe=_KEPT) or "/",
        query=quote(parts.query, safe=_KEPT),
        user=None if parts.username is None else unquote(parts.username),
        password=unquote(parts.password or ""),
    )


def follow(base: Target, location: str) -> Target:
    """Return where a redirect leads; the user and password that it may name are not taken."""
    # http.client reads header bytes as Latin-1; what servers send is UTF-8.
    text = location.encode("latin-1", "replace").decode("utf-8", "replace").strip()
    origin = f"{base.scheme}://{base.authority}"
    try:
        joined = urljoin(f"{origin}{base.request_target}", text)
    except ValueError:
        raise _malformed(_BAD_HOST) from None
    target = replace(parse_url(joined), user=None)
    if base.scheme == "https" and target.scheme == "http":
        raise InvalidError(f"it leads from https to {target}, which is not encrypted")
    if base.origin == target.origin:
        return replace(target, user=base.user, password=base.password)
    return replace(target, password="")


def _host(text: str, *, bracketed: bool) -> str:
    try:
        if bracketed:
            return str(IPv6Address(text if "%" not in text else ""))
        host = text if text.isascii() else text.encode("idna").decode()
    except ValueError:
        host = ""
    if bracketed or not _HOST.fullmatch(host.lower()):
        raise InvalidError(said("url names no usable host: {host!r}", host=text[:80]))
    return host.lower()


def _shown(part: str) -> str:
    name, equals, _ = part.partition("=")
    return f"{name}={HIDDEN}" if equals else HIDDEN


def _malformed(why: str) -> InvalidError:
    return InvalidError(said("url is malformed: {why}", why=why))


def _without_value(error: ValueError) -> str:
    # "Port could not be cast to integer value as 'secret@host'": a slip may put a password there.
    if "ort" in str(error):
        return said("its port is no number from 1 to 65535")
    return _BAD_HOST
