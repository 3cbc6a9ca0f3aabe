"""What a person decides about the infrastructure of a workspace, in the words of its config.json."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from django.conf import settings
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from jobs.domain.durations import parse_duration
from jobs.domain.said import said
from jobs.domain.states import ScheduleKind
from jobs.domain.zones import zone_name
from jobs.executors.environment import validate_environment
from jobs.executors.template_spec import TemplateSpec
from jobs.services.definitions import MAX_SECONDS, ScheduleDefinition
from jobs.services.problems import named, parsed
from jobs.services.wording import refuse

MODE = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}")
_MOST = 50
# As long as one `apply` of cloud resources may reasonably take.
_DEFAULT_SECONDS = 3600.0


def expressions(value: object) -> object:
    """Turn one cron expression into a list of one."""
    return [value] if isinstance(value, str) else value


def _never(value: object) -> object:
    """Accept ``false`` for never; ``true`` says nothing about when."""
    if value is True:
        raise refuse(
            said("true is not allowed. Use a cron expression, a list of them, or false: never.")
        )
    return expressions(value)


def _seconds(value: object) -> object:
    if not isinstance(value, str):
        return value
    with named():
        return parse_duration(value).total_seconds()


Expressions = Annotated[
    list[Annotated[str, Field(max_length=255)]],
    BeforeValidator(expressions),
    Field(max_length=_MOST),
]


class _Commands(BaseModel):
    model_config = ConfigDict(extra="forbid")

    init_command: str = ""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not any(self.model_dump().values()):
            raise refuse(
                said("Name at least one of {names}.", names=", ".join(type(self).model_fields))
            )
        return self


class CustomDeploy(_Commands):
    """Shell lines in place of init, plan and apply; a missing one stays OpenTofu's."""

    plan_command: str = ""
    apply_command: str = ""


class CustomDestroy(_Commands):
    """Shell lines in place of init and destroy; a missing one stays OpenTofu's."""

    destroy_command: str = ""


class Operations(BaseModel):
    """When and how a workspace is deployed and destroyed."""

    model_config = ConfigDict(extra="forbid")

    template: str = Field("", description="A template; the workspace's own *.tf files win over it.")
    deploy_schedule: Expressions = Field(default_factory=list)
    destroy_schedule: Annotated[Literal[False] | Expressions, BeforeValidator(_never)] = Field(
        default_factory=list, description="`false`: never destroyed by the clock."
    )
    mode_schedules: dict[str, Expressions] = Field(
        default_factory=dict, max_length=_MOST, description="When to deploy in which mode."
    )
    custom_deploy: CustomDeploy | None = None
    custom_destroy: CustomDestroy | None = None
    environment: dict[str, str] = Field(default_factory=dict)
    timezone: str = Field(default_factory=lambda: settings.TIME_ZONE)
    timeout_seconds: Annotated[float, BeforeValidator(_seconds), Field(gt=0, le=MAX_SECONDS)] = (
        _DEFAULT_SECONDS
    )

    @field_validator("template")
    @classmethod
    def _check_template(cls, name: str) -> str:
        if name:
            TemplateSpec(template=name)
        return name.strip()

    @model_validator(mode="after")
    def _check(self) -> Self:
        for mode in self.mode_schedules:
            if not MODE.fullmatch(mode):
                raise refuse(
                    said(
                        "Mode {mode!r} is not allowed. Use letters, digits, '_' or '-', beginning "
                        "with a letter.",
                        mode=mode[:80],
                    )
                )
        if self.mode_schedules and self.deploy_schedule:
            raise refuse(said("Give either deploy_schedule or mode_schedules, not both."))
        if self.mode_schedules and not self.template:
            raise refuse(said("mode_schedules need a template that knows var.deployment_mode."))
        with named("environment"):
            validate_environment(self.environment)
        self._check_schedules()
        with named("timezone"):
            self.timezone = zone_name(self.timezone)
        return self

    def _check_schedules(self) -> None:
        given = {"deploy_schedule": self.deploy_schedule, "destroy_schedule": self.destroy_times}
        given |= {f"mode_schedules.{mode}": one for mode, one in self.mode_schedules.items()}
        for field, found in given.items():
            for one in found:
                with named(field):
                    parsed(ScheduleDefinition, self.schedule(one))

    @property
    def destroy_times(self) -> list[str]:
        """Return when it is destroyed by the clock."""
        return self.destroy_schedule or []

    @property
    def says_anything(self) -> bool:
        """Say whether the workspace has infrastructure of its own to look after."""
        fields = ("template", "deploy_schedule", "mode_schedules", "custom_deploy")
        return any(getattr(self, one) for one in fields) or bool(
            self.destroy_times or self.custom_destroy
        )

    def schedule(self, expression: str) -> dict[str, Any]:
        """Return a cron schedule in the zone of the workspace."""
        kind = ScheduleKind.CRON.value
        return {"kind": kind, "expression": expression, "timezone": self.timezone}


class DeployRequest(BaseModel):
    """In which mode to deploy; without one as the template has it by default."""

    model_config = ConfigDict(extra="forbid")

    mode: str = Field("", max_length=40, description="What is found as `var.deployment_mode`.")


def parse_deploy(data: Mapping[str, Any]) -> DeployRequest:
    """Return the request that ``data`` holds; InvalidError names each wrong field."""
    return parsed(DeployRequest, data)
