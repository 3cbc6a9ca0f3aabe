"""Which addresses are public, and what an administrator's list adds."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.domain.addresses import parse_allowed, refusal
from jobs.domain.errors import InvalidError


def why(address: str, *allow: str, host: str = "", port: int = 80) -> str | None:
    return refusal(address, host=host or address, port=port, allowed=parse_allowed(allow))


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("0.0.0.0", "unspecified"),
        ("0.1.2.3", "unspecified"),
        ("::", "unspecified"),
        ("127.0.0.1", "loopback"),
        ("127.255.255.254", "loopback"),
        ("::1", "loopback"),
        ("::1%lo", "loopback"),
        ("169.254.169.254", "metadata service"),
        ("168.63.129.16", "metadata service"),
        ("100.100.100.200", "metadata service"),
        ("fd00:ec2::254", "metadata service"),
        ("169.254.0.1", "link-local"),
        ("fe80::1%eth0", "link-local"),
        ("10.0.0.1", "private"),
        ("172.16.0.1", "private"),
        ("172.31.255.255", "private"),
        ("192.168.1.1", "private"),
        ("fd12:3456::1", "private"),
        ("fec0::1", "private"),
        ("100.64.0.1", "carrier-grade NAT"),
        ("224.0.0.1", "multicast"),
        ("ff02::1", "multicast"),
        ("192.0.0.192", "reserved"),
        ("192.0.2.1", "reserved"),
        ("198.18.0.1", "reserved"),
        ("203.0.113.9", "reserved"),
        ("240.0.0.1", "reserved"),
        ("255.255.255.255", "reserved"),
        ("::127.0.0.1", "reserved"),
        ("2001:db8::1", "reserved"),
        ("2001:0:7f00:1::", "reserved"),
        ("2002:7f00:1::1", "reserved"),
        ("64:ff9b:1::1", "reserved"),
        ("4000::1", "reserved"),
        # What stands for an IPv4 address is judged as that one.
        ("::ffff:127.0.0.1", "loopback"),
        ("::ffff:7f00:1", "loopback"),
        ("::ffff:10.1.2.3", "private"),
        ("::ffff:169.254.169.254", "metadata service"),
        ("64:ff9b::7f00:1", "loopback"),
        ("64:ff9b::169.254.169.254", "metadata service"),
    ],
)
def test_what_is_not_public_is_refused_with_its_kind(address: str, kind: str) -> None:
    assert why(address) == kind


@pytest.mark.parametrize(
    "address",
    ["1.1.1.1", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1", "192.167.0.1",
     "223.255.255.255", "2606:4700::1111", "2a00:1450::1", "::ffff:8.8.8.8", "64:ff9b::808:808"],
)  # fmt: skip
def test_a_public_address_may_be_reached(address: str) -> None:
    assert why(address) is None


@given(st.ip_addresses())
def test_nothing_that_python_calls_private_is_public(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    if address.is_private or address.is_multicast or address.is_reserved or address.is_link_local:
        embedded = getattr(address, "ipv4_mapped", None) or address
        nat64 = address in ipaddress.ip_network("64:ff9b::/96")
        if embedded is address and not nat64:
            assert why(str(address)) is not None


@pytest.mark.parametrize(
    ("entry", "address", "host", "port", "is_allowed"),
    [
        ("127.0.0.0/8", "127.0.0.1", "localhost", 80, True),
        ("127.0.0.1", "127.0.0.2", "", 80, False),
        ("127.0.0.1", "::ffff:127.0.0.1", "", 80, True),
        ("127.0.0.1", "::1", "localhost", 80, False),
        ("127.0.0.1:9090", "127.0.0.1", "", 9090, True),
        ("127.0.0.1:9090", "127.0.0.1", "", 8000, False),
        ("[fd00::/8]:443", "fd00::1", "", 443, True),
        ("[fd00::/8]:443", "fd00::1", "", 80, False),
        ("fd00::/8", "fd00::1", "", 80, True),
        ("[::1]", "::1", "", 80, True),
        ("wiki.lan", "10.0.0.1", "WIKI.lan.", 80, True),
        ("wiki.lan", "10.0.0.1", "a.wiki.lan", 80, False),
        ("wiki.lan", "10.0.0.1", "wiki.lan.evil.example", 80, False),
        ("*.lan:8080", "10.0.0.1", "a.b.lan", 8080, True),
        ("*.lan:8080", "10.0.0.1", "evillan", 8080, False),
        ("*.lan", "10.0.0.1", "lan", 80, False),
    ],
)
def test_an_entry_allows_what_it_names_and_nothing_else(
    entry: str, address: str, host: str, port: int, is_allowed: bool
) -> None:
    assert (why(address, entry, host=host, port=port) is None) is is_allowed


@pytest.mark.parametrize(
    "entry",
    ["10.0.0.1/8", "10.0.0.0/33", "300.1.1.1", "1.2.3", "*", "*.*", "a b", "http://x", "x:0",
     "x:99999", "[::1", "::1]:80", "fd00::/200", "a..b", "user@host", "/etc"],
)  # fmt: skip
def test_an_entry_that_makes_no_sense_is_named(entry: str) -> None:
    with pytest.raises(InvalidError) as caught:
        parse_allowed([entry])

    assert entry in caught.value.message
