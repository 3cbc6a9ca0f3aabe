"""A template as somebody registers it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from jobs.services.problems import parsed


class TemplateDefinition(BaseModel):
    """A name, and where its files come from."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=200, description="What workspaces and jobs call it; it stays.")
    url: str = Field(
        max_length=1000,
        description="Address of a Git repository, without a user or a password in it.",
    )
    path: str = Field("", max_length=500, description="A directory of it; empty: the whole.")
    ref: str = Field("", max_length=200, description="A branch or tag; empty: its default branch.")
    description: str = Field("", max_length=10_000)


def parse_template(data: Mapping[str, Any]) -> TemplateDefinition:
    """Return the template that ``data`` holds; InvalidError names each wrong field."""
    return parsed(TemplateDefinition, data)
