"""Read a request body: JSON, one object, of sane size and depth, with text that can be stored."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any, NoReturn

from django.http import HttpRequest

from jobs.api.problems import HttpProblem
from jobs.domain.errors import InvalidError
from jobs.services.storable import check_storable, too_deep

MAX_BYTES = 1_000_000


def check_size(request: HttpRequest) -> None:
    """Refuse a body that is too large or packed, before anything reads it."""
    try:
        length = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        length = 0
    if length > MAX_BYTES:
        raise HttpProblem(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            "too_large",
            f"The body has {length} bytes. Use {MAX_BYTES} bytes or less.",
        )
    packing = request.headers.get("Content-Encoding", "identity")
    if packing.lower() != "identity":
        raise HttpProblem(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "unsupported",
            f"Content-Encoding {packing[:40]!r} is not accepted. Send the body as it is.",
        )


def json_object(request: HttpRequest, *, optional: bool = False) -> dict[str, Any]:
    """Return the object that the body holds; ``optional`` takes an empty body for ``{}``."""
    raw = request.body
    if optional and not raw.strip():
        return {}
    value = _parsed(raw)
    if not isinstance(value, dict):
        raise InvalidError(f"The body is {_kind(value)}. Send a JSON object.")
    check_storable(value)
    return value


def _parsed(raw: bytes) -> object:
    """Return what the bytes say; every way to be no JSON gets a sentence."""
    if not raw.strip():
        raise InvalidError("The body is empty. Send a JSON object.")
    try:
        return json.loads(raw.decode(), parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise InvalidError(f"The body is not UTF-8 (byte {error.start}).") from error
    except json.JSONDecodeError as error:
        raise InvalidError(
            f"The body is not JSON: {error.msg} at line {error.lineno} column {error.colno}."
        ) from error
    except RecursionError as error:
        raise too_deep() from error
    except ValueError as error:  # a whole number with thousands of digits
        raise InvalidError("The body holds a number that is too long.") from error


def _refuse_constant(name: str) -> NoReturn:
    raise InvalidError(f"The body is not JSON: {name} is no number of JSON.")


def _kind(value: object) -> str:
    """Return what a JSON value is, in words."""
    names = {list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
