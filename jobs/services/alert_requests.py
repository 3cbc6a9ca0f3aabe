"""What is asked of alerts and their rules, as bodies say it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class AlertNote(BaseModel):
    """Why."""

    model_config = ConfigDict(extra="forbid")

    note: Annotated[str, Field(max_length=500)] = ""


class AlertMute(AlertNote):
    """For how long nobody is told."""

    seconds: Annotated[float, Field(ge=0, le=90 * 86_400, description="0 ends the mute.")]


class AlertBulk(AlertNote):
    """One deed on many alerts."""

    action: Literal["acknowledge", "unacknowledge", "mute", "resolve"]
    ids: list[Annotated[int, Field(ge=1, lt=2**63, strict=True)]] = Field(
        min_length=1, max_length=500, description="Alerts; one that is named twice counts once."
    )
    seconds: Annotated[
        float, Field(ge=0, le=90 * 86_400, description="Of `mute`; 0 ends the mute.")
    ] = 3600


class AlertRuleChanges(BaseModel):
    """What is to hold for a rule; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    enabled: bool | None = None
    severity: Annotated[
        str | None, Field(description="`critical` or `warning`; empty: as the rule says.")
    ] = None
    limits: dict[str, float] | None = None
    mute_seconds: Annotated[
        float | None, Field(ge=0, le=90 * 86_400, description="0 ends the mute.")
    ] = None
