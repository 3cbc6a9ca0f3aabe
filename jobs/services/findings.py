"""Several things that are wrong at once, told together instead of one at each attempt."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pydantic_core import PydanticCustomError

from jobs.domain.errors import JobdeckError
from jobs.domain.said import told

WHOLE = "__all__"


class Findings:
    """What checks refuse, by its field."""

    def __init__(self) -> None:
        """Know of nothing wrong."""
        self.fields: dict[str, str] = {}
        self.errors: list[JobdeckError] = []

    @contextmanager
    def under(self, field: str = "") -> Iterator[None]:
        """Note what a check refuses, and go on; the field is that of an error without any."""
        try:
            yield
        except JobdeckError as error:
            self.errors.append(error)
            for key, text in (error.fields or {"": error.message}).items():
                place = ".".join(part for part in (field, key) if part)
                self.fields.setdefault(place or WHOLE, text)

    def tell(self) -> None:
        """Refuse, with everything that is wrong; pass where nothing is."""
        if self.fields:
            context: dict[str, Any] = {
                "sentence": told(self.fields.values()),
                "fields": self.fields,
            }
            raise PydanticCustomError("refused", "{sentence}", context)
