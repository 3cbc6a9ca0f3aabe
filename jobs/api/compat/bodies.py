"""Bodies of every label: `curl -d` calls JSON a form, so JSON is tried first whatever it says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from django.http import HttpRequest

from jobs.api.body import check_size, json_object
from jobs.domain.errors import InvalidError
from jobs.services.storable import check_storable

_MOST_FIELDS = 100
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """The fields of a request; those of a form are all text, so numbers are read from text then."""

    fields: dict[str, Any]
    is_form: bool = False


def read_body(request: HttpRequest) -> Body:
    """Return the fields of JSON or of a form; an empty body has none."""
    check_size(request)
    try:
        return Body(fields=json_object(request, optional=True))
    except InvalidError:
        fields = _form_fields(request)
        if fields is None:
            raise
        check_storable(fields)
        return Body(fields=fields, is_form=True)


def _form_fields(request: HttpRequest) -> dict[str, Any] | None:
    """Return the fields of a real form; None for JSON that is merely called one."""
    raw = request.body.strip()
    if request.content_type != _FORM or raw[:1] in {b"{", b"[", b'"'}:
        return None
    try:
        return dict(
            parse_qsl(
                raw.decode(),
                keep_blank_values=True,
                strict_parsing=True,
                max_num_fields=_MOST_FIELDS,
            )
        )
    except ValueError:  # also text that is not UTF-8
        return None
