"""What an HTTP job is told: a request, and what counts as a good answer."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, JsonValue, field_validator, model_validator

from jobs.domain.errors import InvalidError
from jobs.domain.said import said
from jobs.executors.base import Spec
from jobs.executors.http_condition import JsonCondition
from jobs.executors.http_url import parse_url

MAX_BODY_BYTES = 1_000_000
MAX_HEADERS = 50
MAX_HEADER_BYTES = 8000
DEFAULT_RESPONSE_BYTES = 1_000_000
MAX_RESPONSE_BYTES = 10_000_000
DEFAULT_CONNECT_SECONDS = 10.0
SUCCESS = "200-299"
# Derived from the URL and the body: a second opinion would let two programs read two requests.
_RESERVED_HEADERS_TEXT = (
    "connection content-length expect host keep-alive proxy-authorization proxy-connection"
    " te trailer transfer-encoding upgrade"
)
RESERVED_HEADERS = frozenset(_RESERVED_HEADERS_TEXT.split())
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_VALUE = re.compile(r"[\t\x20-\x7e]*")
_PLACEHOLDER = re.compile(r"\{\{[ \t]*[A-Za-z_][A-Za-z0-9_]*[ \t]*\}\}")
# Stands for a variable at the start of a url, be it the scheme or all of it.
_ANY_PLACE = "http://variable"
_RANGE = re.compile(r"([1-5]\d\d)(?:\s*-\s*([1-5]\d\d))?")

Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


class HttpSpec(Spec):
    """One request; redirects are followed only when asked for, and never to a forbidden address."""

    called: ClassVar[Mapping[str, str]] = {"url": "url"}

    url: str
    method: Method = "GET"
    headers: Annotated[dict[str, str], Field(max_length=MAX_HEADERS)] = Field(default_factory=dict)
    body: JsonValue = Field(None, description="A text is sent as it is, anything else as JSON.")
    expected_status: Annotated[list[int | str], Field(min_length=1, max_length=50)] = Field(
        default=[SUCCESS], description="Numbers and ranges such as `200-299`."
    )
    json_condition: JsonCondition | None = None
    follow_redirects: bool = False
    verify_tls: bool = True
    connect_timeout_seconds: float = Field(DEFAULT_CONNECT_SECONDS, ge=0.1, le=300)
    max_response_bytes: int = Field(DEFAULT_RESPONSE_BYTES, ge=1, le=MAX_RESPONSE_BYTES)

    @field_validator("url")
    @classmethod
    def _check_url(cls, url: str) -> str:
        try:
            parse_url(_filled(url))
        except InvalidError as error:
            raise ValueError(error.message) from None
        return url.strip()

    @field_validator("headers")
    @classmethod
    def _check_headers(cls, headers: dict[str, str]) -> dict[str, str]:
        seen: set[str] = set()
        for name, value in headers.items():
            if fault := _header_fault(name, value):
                raise ValueError(said("headers: {fault}", fault=fault))
            if name.lower() in seen:
                raise ValueError(said("headers: {name} is given twice", name=name))
            seen.add(name.lower())
        return headers

    @field_validator("body")
    @classmethod
    def _check_body(cls, body: JsonValue) -> JsonValue:
        size = len(_encoded(body))
        if size > MAX_BODY_BYTES:
            raise ValueError(
                said(
                    "body has {size:,} bytes, at most {most:,} are allowed",
                    size=size,
                    most=MAX_BODY_BYTES,
                )
            )
        return body

    @field_validator("expected_status")
    @classmethod
    def _check_status(cls, expected: list[int | str]) -> list[int | str]:
        for entry in expected:
            match = _RANGE.fullmatch(str(entry))
            if match is None or int(match[2] or 599) < int(match[1]):
                raise ValueError(
                    said(
                        "expected_status: {entry!r:.40} is neither a status such as 204 nor a range"
                        " such as {range}",
                        entry=entry,
                        range=SUCCESS,
                    )
                )
        return expected

    @model_validator(mode="after")
    def _check_credentials(self) -> Self:
        named = {name.lower() for name in self.headers}
        if parse_url(_filled(self.url)).user is not None and "authorization" in named:
            raise ValueError(
                said("give either an Authorization header or a user in the url, not both")
            )
        return self

    def expects(self, status: int) -> bool:
        """Tell whether a status is a success."""
        bounds = (_RANGE.fullmatch(str(entry)) for entry in self.expected_status)
        return any(m and int(m[1]) <= status <= int(m[2] or m[1]) for m in bounds)

    def payload(self) -> tuple[bytes | None, str | None]:
        """Return the body's bytes and the content type that they have unless a header says."""
        if self.body is None:
            return None, None
        is_text = isinstance(self.body, str)
        kind = "text/plain; charset=utf-8" if is_text else "application/json"
        return _encoded(self.body), kind


def _filled(url: str) -> str:
    """Put something for the variables, whose values are known, and checked, when the job runs."""
    url = url.strip()
    match = _PLACEHOLDER.match(url)
    rest = url[match.end() :] if match else url
    return (_ANY_PLACE if match else "") + _PLACEHOLDER.sub("1", rest)


def _encoded(body: Any) -> bytes:
    if body is None:
        return b""
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise ValueError(said("body is not valid Unicode")) from None


def _header_fault(name: str, value: str) -> str | None:
    """Return what is wrong with a header; never its value, which may be a secret."""
    if not _TOKEN.fullmatch(name):
        return said("{name!r} is not a name of a header", name=name[:80])
    if name.lower() in RESERVED_HEADERS:
        return said("{name} is set by Jobdeck and cannot be given", name=name)
    if not _VALUE.fullmatch(value):
        return said(
            "the value of {name} holds a line break or a character that is not ASCII", name=name
        )
    if len(value) > MAX_HEADER_BYTES:
        return said(
            "{name} has {size:,} bytes, at most {most:,} are allowed",
            name=name,
            size=len(value),
            most=MAX_HEADER_BYTES,
        )
    return None
