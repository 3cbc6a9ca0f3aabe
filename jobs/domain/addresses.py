"""Which network addresses work defined by a person may reach.

Public ones, and what the administrator has allowed: everything else belongs to this machine, to the
network behind it or to a cloud's metadata service.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from jobs.domain.errors import InvalidError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# The special-purpose registries of IANA, written out: what `ipaddress.is_global` says of some of
# them changed between patch releases of Python. The first match names the kind.
_KINDS: tuple[tuple[str, str], ...] = (
    ("unspecified", "0.0.0.0/8 ::/128"),
    ("loopback", "127.0.0.0/8 ::1/128"),
    (
        "metadata service",
        "169.254.169.254/32 168.63.129.16/32 100.100.100.200/32 fd00:ec2::254/128",
    ),
    ("link-local", "169.254.0.0/16 fe80::/10"),
    ("private", "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 fc00::/7 fec0::/10"),
    ("carrier-grade NAT", "100.64.0.0/10"),
    ("multicast", "224.0.0.0/4 ff00::/8"),
    ("reserved", "192.0.0.0/24 192.0.2.0/24 192.88.99.0/24 198.18.0.0/15 198.51.100.0/24"),
    ("reserved", "203.0.113.0/24 240.0.0.0/4 2001::/23 2001:db8::/32 2002::/16 3fff::/20"),
)
_REFUSED: tuple[tuple[str, Network], ...] = tuple(
    (kind, ipaddress.ip_network(network)) for kind, text in _KINDS for network in text.split()
)
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_NAME = re.compile(r"(?:\*\.)?(?=.{1,253}\Z)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")
_NUMERIC = re.compile(r"[\d./]+|.*:.*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """One entry of the administrator's list: a network or a host name, on one port or on all."""

    network: Network | None = None
    name: str = ""  # in lower case; ``*.`` in front stands for every name below it
    port: int | None = None

    def covers(self, address: Address, host: str, port: int) -> bool:
        """Tell whether this entry allows a connection to ``address``, asked for as ``host``."""
        if self.port not in (None, port):
            return False
        if self.network is not None:
            return address in self.network
        return _matches(self.name, host.lower().rstrip("."))


def parse_allowed(entries: Iterable[str]) -> tuple[Allowed, ...]:
    """Read entries such as ``10.1.0.0/16``, ``[fd00::/8]:443``, ``wiki.lan``, ``*.lan:8080``."""
    return tuple(_entry(entry.strip()) for entry in entries if entry.strip())


def refusal(address: str, *, host: str, port: int, allowed: Sequence[Allowed]) -> str | None:
    """Return what speaks against a connection (a kind of address); None when nothing does.

    ``host`` is the name, or the text, that was resolved to ``address``.
    """
    plain = plain_address(address)
    kind = kind_of(plain)
    if kind is None or any(entry.covers(plain, host, port) for entry in allowed):
        return None
    return kind


def plain_address(text: str) -> Address:
    """Return an address without its zone, and the IPv4 address that an IPv6 one stands for."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF) if address in _NAT64 else address


def kind_of(address: Address) -> str | None:
    """Return the name of the special range that an address is in; None when it is public."""
    for kind, network in _REFUSED:
        if address in network:
            return kind
    is_global = isinstance(address, ipaddress.IPv4Address) or address in _GLOBAL_UNICAST
    return None if is_global else "reserved"


def _matches(name: str, host: str) -> bool:
    return host.endswith(name[1:]) if name.startswith("*.") else host == name


def _entry(text: str) -> Allowed:
    place, port = _split_port(text)
    if not _NUMERIC.fullmatch(place):
        if not _NAME.fullmatch(place.lower()):
            raise InvalidError(f"{text} is neither a network nor a host name")
        return Allowed(name=place.lower(), port=port)
    try:
        return Allowed(network=ipaddress.ip_network(place), port=port)
    except ValueError as error:
        raise InvalidError(f"{text}: {error}") from None


def _split_port(text: str) -> tuple[str, int | None]:
    """Split ``place:port``; an IPv6 network with a port is written in brackets."""
    match = re.fullmatch(r"\[([^\[\]]+)\](?::(\d+))?|([^:]+):(\d+)", text)
    if match is None:
        return text, None
    place, port = match[1] or match[3], match[2] or match[4]
    if port is not None and not 0 < int(port) < 65_536:
        raise InvalidError(f"{text}: a port is a number from 1 to 65535")
    return place, int(port) if port else None
