"""What CB-Tumblebug's OpenAPI description says, and what in an exchange goes against it.

The facts are in ``tests/data/tumblebug_contract.json``. The real description lets any further key
of a body pass, so a body with a name of the other vocabulary would be valid by it; here a key that
is not among the properties is a finding.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).resolve().parents[1] / "data" / "tumblebug_contract.json"
VOCABULARIES = ("mci", "infra")
_KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "boolean": (bool,),
    "object": (dict,),
    "any": (object,),
}


@dataclass(slots=True, kw_only=True)
class Exchange:
    """A request, and what it was answered; no status where the connection was dropped."""

    method: str
    path: str  # below the base
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    status: int | None = None
    document: Any = None


def against(exchange: Exchange, *, spoken: Iterable[str], server: str) -> list[str]:
    """Return what the contract forbids: a client may speak both vocabularies, a server only one."""
    name = operation_of(exchange)
    if name is None:
        return [f"{exchange.method} {exchange.path}: no such operation"]
    asked = [_request(exchange, name, _contract(words)) for words in spoken]
    # A key or value is forbidden where no spoken vocabulary has it.
    found = sorted(set.intersection(*map(set, asked)))
    return [f"{name}: {one}" for one in [*found, *_answer(exchange, name, _contract(server))]]


def operation_of(exchange: Exchange) -> str | None:
    """Return the name of the operation that a request is for."""
    for name in _contract("mci")["operations"]:
        method, path = name.split(" ")
        pattern = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path))
        if method == exchange.method and re.fullmatch(pattern, exchange.path):
            return str(name)
    return None


def operations() -> dict[str, Any]:
    """Return all operations by their names."""
    found: dict[str, Any] = _contract("mci")["operations"]
    return found


def fields_of(schema: str, words: str) -> set[str]:
    """Return the properties of a schema."""
    return set(_contract(words)["schemas"][schema])


@cache
def _contract(words: str) -> dict[str, Any]:
    text = FILE.read_text()
    for placeholder, word in json.loads(text)["words"][words].items():
        text = text.replace(placeholder, word)
    found: dict[str, Any] = json.loads(text)
    return found


def _request(exchange: Exchange, name: str, contract: dict[str, Any]) -> list[str]:
    operation = contract["operations"][name]
    found = list(_query(exchange.query, operation.get("query", {})))
    found += [
        f"header {header} is unknown"
        for header in exchange.headers
        if header.startswith("x-") and header not in contract["headers"]
    ]
    if "body" in operation:
        if exchange.headers.get("content-type") != "application/json":
            found.append("the body is not called JSON")
        found += _misfits(exchange.body, operation["body"], contract["schemas"], "body")
    elif exchange.body is not None:
        found.append("it has no body")
    return found


def _query(given: Mapping[str, str], known: Mapping[str, Any]) -> Iterator[str]:
    for name, value in given.items():
        if name not in known:
            yield f"query {name} is unknown"
            continue
        allowed = known[name].get("list")
        for word in value.split(",") if allowed else ():
            if word not in allowed:
                yield f"query {name}: {word!r} is not allowed"


def _answer(exchange: Exchange, name: str, contract: dict[str, Any]) -> list[str]:
    if exchange.status is None:
        return []
    answers = contract["everywhere"] | contract["operations"][name]["answers"]
    schemas = answers.get(str(exchange.status))
    if schemas is None:
        return [f"status {exchange.status} is not declared"]
    misfits = [
        _misfits(exchange.document, schema, contract["schemas"], "answer") for schema in schemas
    ]
    return min(misfits, key=len)


def _misfits(value: Any, kind: Any, schemas: Mapping[str, Any], where: str) -> list[str]:
    """Return where a value is not of its kind: a primitive's name, a schema's, or a list of one."""
    if isinstance(kind, list):
        if not isinstance(value, list):
            return [f"{where} is no list"]
        listed = (_misfits(one, kind[0], schemas, f"{where}[]") for one in value)
        return [found for one in listed for found in one]
    if kind in _KINDS:
        is_bool = isinstance(value, bool) and kind == "integer"
        fits = isinstance(value, _KINDS[kind]) and not is_bool
        return [] if fits else [f"{where} is no {kind}"]
    if not isinstance(value, dict):
        return [f"{where} is no {kind}"]
    found = []
    for key, inner in value.items():
        if key not in schemas[kind]:
            found.append(f"{where}.{key} is unknown")
        else:
            found += _misfits(inner, schemas[kind][key], schemas, f"{where}.{key}")
    return found
