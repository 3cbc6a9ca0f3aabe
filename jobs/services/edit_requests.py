"""What requests for one edit of many jobs hold: to look at it, to make it, to take it back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from jobs.services.many_edits import EditRequest, require_change
from jobs.services.many_requests import MOST
from jobs.services.problems import parsed

JobId = Annotated[int, Field(ge=1, lt=2**63, strict=True)]


class EditPreview(EditRequest):
    """An edit to look at."""

    ids: list[JobId] = Field(min_length=1, max_length=MOST, description="Jobs.")


class ShownJob(BaseModel):
    """A job in the version that was looked at."""

    model_config = ConfigDict(extra="forbid")

    job_id: JobId
    version: Annotated[int, Field(ge=1, lt=2**31, strict=True)]


class EditUndo(BaseModel):
    """Edits to take back."""

    model_config = ConfigDict(extra="forbid")

    jobs: list[ShownJob] = Field(
        min_length=1, max_length=MOST, description="One that has another version by now stays."
    )

    @property
    def versions(self) -> dict[int, int]:
        """Return the jobs, each with its version."""
        return {one.job_id: one.version for one in self.jobs}


class EditApply(EditRequest, EditUndo):
    """An edit to make."""


def parse_preview(data: Mapping[str, Any]) -> EditPreview:
    """Return an edit to look at; InvalidError names each wrong field."""
    asked = parsed(EditPreview, data)
    require_change(asked)
    return asked


def parse_apply(data: Mapping[str, Any]) -> EditApply:
    """Return an edit to make; InvalidError names each wrong field."""
    asked = parsed(EditApply, data)
    require_change(asked)
    return asked


def parse_undo(data: Mapping[str, Any]) -> EditUndo:
    """Return edits to take back; InvalidError names each wrong field."""
    return parsed(EditUndo, data)
