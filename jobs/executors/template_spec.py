"""What a job of the type ``template`` is told: which template, and what to do with it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, ClassVar, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from jobs.domain.said import said
from jobs.executors.base import Spec
from jobs.executors.faults import required

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_LONGEST_COMMAND = 100_000


class Operation(StrEnum):
    """What OpenTofu does."""

    APPLY = "apply"  # init, plan, apply
    DESTROY = "destroy"  # init, destroy
    PLAN = "plan"  # init, plan: says what an apply would change, and changes nothing


class Scope(StrEnum):
    """Whose resources these are."""

    JOB = "job"  # the job's own, in a directory of its own
    WORKSPACE = "workspace"  # the workspace's, in the directory in which its jobs run


def _operation(value: object) -> object:
    return Operation(value) if isinstance(value, str) and value in tuple(Operation) else value


def _scope(value: object) -> object:
    return Scope(value) if isinstance(value, str) and value in tuple(Scope) else value


class CustomCommands(BaseModel):
    """Shell lines in place of OpenTofu's own steps; a step that is not named stays OpenTofu's."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    init_command: str = Field("", max_length=_LONGEST_COMMAND)
    plan_command: str = Field("", max_length=_LONGEST_COMMAND)
    apply_command: str = Field("", max_length=_LONGEST_COMMAND)
    destroy_command: str = Field("", max_length=_LONGEST_COMMAND)


class TemplateSpec(Spec):
    """A registered template, deployed, destroyed or compared in a directory that stays."""

    called: ClassVar[Mapping[str, str]] = {"template": "template"}

    template: str = Field("", description="The name of a directory below TEMPLATES_DIR.")
    operation: Annotated[
        Literal[Operation.APPLY, Operation.DESTROY, Operation.PLAN], BeforeValidator(_operation)
    ] = Operation.APPLY
    mode: str = Field("", description="What the template finds as `var.deployment_mode`.")
    scope: Annotated[Literal[Scope.JOB, Scope.WORKSPACE], BeforeValidator(_scope)] = Scope.JOB
    custom: CustomCommands | None = None

    @field_validator("template")
    @classmethod
    def _check_template(cls, name: str) -> str:
        name = name.strip()
        if name and not _NAME.fullmatch(name):
            raise ValueError(
                said(
                    "template {name!r} is not allowed. Use 1 to 100 letters, digits, '.', '_' "
                    "or '-', beginning with a letter or digit.",
                    name=name[:120],
                )
            )
        return name

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.template and self.scope is Scope.JOB:
            raise ValueError(required("template", "template"))
        return self
