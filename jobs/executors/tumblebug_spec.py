"""What a job that registers cloud resources is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from jobs.domain.errors import InvalidError
from jobs.domain.said import said
from jobs.domain.tumblebug import parse_option
from jobs.executors.base import Spec
from jobs.executors.faults import required

Word = Annotated[str, Field(max_length=200)]
DEFAULT_PREFIX = "mci"


class TumblebugSpec(Spec):
    """Which resources of which connections are registered in which namespace."""

    called: ClassVar[Mapping[str, str]] = {"ns_id": "ns_id"}

    ns_id: Annotated[str, Field(min_length=1, max_length=200, description="Target namespace.")]
    connection_name: Word = Field("", description="One connection; empty: all of them.")
    provider: Word = Field("", description="In place of a connection.")
    region: Word = ""
    zone: Word = ""
    mci_name_prefix: Word = Field(DEFAULT_PREFIX, description="By custom {csp}-{region}-{purpose}.")
    option: Word = Field(
        "", description="Such as `vNet,securityGroup`; empty: all types of resources."
    )
    mci_flag: Literal["y", "n"] = Field(
        "y",
        description="y (recommended): one MCI; n: one per machine, not for large environments.",
    )
    partial: Literal["warn", "fail"] = Field(
        "warn", description="What it is when some resources could not be registered."
    )

    @field_validator("ns_id", "connection_name", "provider", "region", "zone", "mci_name_prefix")
    @classmethod
    def _check_word(cls, word: str) -> str:
        if not word.isprintable():
            raise ValueError(
                said("{word!r:.80} holds a character that cannot be printed", word=word)
            )
        return word.strip()

    @field_validator("option")
    @classmethod
    def _check_option(cls, option: str) -> str:
        if "{{" in option:  # a variable, whose value is judged when the job runs
            return option.strip()
        try:
            return ",".join(parse_option(option))
        except InvalidError as error:
            raise ValueError(error.message) from None

    @model_validator(mode="after")
    def _check_place(self) -> Self:
        if not self.ns_id:
            raise ValueError(required("ns_id", "registerCspResources"))
        if self.connection_name and self.provider:
            raise ValueError(said("give either connection_name or provider, not both"))
        if self.region and not self.provider:
            raise ValueError(said("region requires provider"))
        if self.zone and not self.region:
            raise ValueError(said("zone requires provider and region"))
        return self

    @property
    def options(self) -> tuple[str, ...]:
        """Return the chosen resource types; none stands for all."""
        return parse_option(self.option)

    @property
    def is_of_one(self) -> bool:
        """Say whether one connection is named."""
        return bool(self.connection_name)
