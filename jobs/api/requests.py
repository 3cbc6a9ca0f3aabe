"""What requests carry: the caller, ids, moments, page positions; and how answers are written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja.renderers import BaseRenderer
from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import to_json

from jobs.domain.errors import InvalidError
from jobs.domain.permissions import Actor
from jobs.services.wording import refuse

LARGEST_ID = 2**63 - 1
ITEMS = "items"  # of a list


class ApiRequest(HttpRequest):
    """A request whose caller is known."""

    auth: Actor
    sparse: frozenset[str] | None  # the fields that are asked for (see `jobs.api.sparse`)


class IdConverter:
    """A number in a path that fits the database; anything else is no address of ours."""

    regex = "[0-9]{1,18}"

    def to_python(self, value: str) -> int:
        """Return the number."""
        return int(value)

    def to_url(self, value: int) -> str:
        """Return the text."""
        return str(value)


def cut(document: Any, names: frozenset[str]) -> Any:
    """Return a document, or a list's items, with the named fields alone."""
    if not isinstance(document, Mapping):
        return document
    items = document.get(ITEMS)
    if isinstance(items, list):
        return {**document, ITEMS: [_only(item, names) for item in items]}
    return _only(document, names)


def _only(document: Mapping[str, Any], names: frozenset[str]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name in names}


class JsonRenderer(BaseRenderer):
    """Write JSON with moments in UTC: ``2026-01-31T09:00:00Z``, fractions only where there are."""

    media_type = "application/json"

    def render(self, request: HttpRequest, data: Any, *, response_status: int) -> bytes:
        """Return the document's bytes."""
        names = getattr(request, "sparse", None)
        if names is not None and response_status == 200:
            data = cut(data, names)
        return to_json(data, inf_nan_mode="null")


def written(
    request: ApiRequest, response: HttpResponse, document: Mapping[str, Any]
) -> HttpResponse:
    """Answer a document whose values are those of the database: they are written as they are.

    What the operation declares as its answer is its description; going through that model twice more
    would be a third of what a list of jobs costs.
    """
    response.content = JsonRenderer().render(request, document, response_status=200)
    return response


_LOST_PLUS = re.compile(r" (\d\d:?\d\d)$")


def _mend_plus(value: object) -> object:
    """Put back the plus of an offset, which a query string turns into a blank."""
    return _LOST_PLUS.sub(r"+\1", value) if isinstance(value, str) and "T" in value else value


def _utc(value: datetime) -> datetime:
    """Return the moment in UTC; one without an offset is taken as UTC."""
    if value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise refuse(f"{value} is out of range. Use years 2 to 9990.") from None


def _in_range(value: datetime) -> datetime:
    if 2 <= value.year <= 9990:
        return value
    raise refuse(f"{value} is out of range. Use years 2 to 9990.")


def _no_nul(value: str) -> str:
    if "\0" in value:
        raise refuse("The text holds a NUL character. Remove it.")
    return value


def split_words(value: object) -> object:
    """Turn ``["a,b", "c"]`` into ``["a", "b", "c"]``."""
    if isinstance(value, list):
        return [word for part in value for word in str(part).split(",") if word]
    return value


def version_of(if_match: str) -> int | None:
    """Return the version that the caller edited; None when it does not matter."""
    text = if_match.strip().removeprefix("W/").strip('"')
    if text in {"", "*"}:
        return None
    if text.isascii() and text.isdecimal() and len(text) <= 9:
        return int(text)
    raise InvalidError(f'If-Match {if_match[:40]!r} is no version. Use a number, such as "3".')


Id = Annotated[int, Field(ge=1, le=LARGEST_ID)]
Moment = Annotated[
    datetime, BeforeValidator(_mend_plus), AfterValidator(_utc), AfterValidator(_in_range)
]
Text = Annotated[str, Field(max_length=200), AfterValidator(_no_nul)]
Cursor = Annotated[str, Field(pattern=r"^[0-9]{1,18}$", description="`next_cursor` of a page.")]
Limit = Annotated[int, Field(ge=1, le=500, description="How many items a page has.")]
