"""What CB-Tumblebug's scheduler is asked, checked field by field."""

from __future__ import annotations

from typing import Annotated, TypeVar

from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
)

from jobs.api.compat.bodies import Body
from jobs.api.compat.tumblebug_documents import DEFAULT_TIMEOUT_SECONDS
from jobs.domain.errors import InvalidError
from jobs.services.journal import TYPE
from jobs.services.registering import Registration

LEAST_SECONDS = 10
MOST_SECONDS = 366 * 24 * 3600
WRONG = "Invalid request format or missing required fields"
# Ours to the names of the interface.
_SPEC = {
    "ns_id": "nsId",
    "connection_name": "connectionName",
    "provider": "provider",
    "region": "region",
    "zone": "zone",
    "mci_name_prefix": "mciNamePrefix",
    "option": "option",
    "mci_flag": "mciFlag",
}


def _named(camel: str, snake: str, *more: str) -> AliasChoices:
    return AliasChoices(camel, snake, *more)


class _Request(BaseModel):
    """Fields that nobody knows are passed over, as the original does."""

    model_config = ConfigDict(extra="ignore")

    ns_id: str | None = Field(None, validation_alias=_named("nsId", "ns_id"))
    connection_name: str | None = Field(
        None, validation_alias=_named("connectionName", "connection_name")
    )
    provider: str | None = None
    region: str | None = None
    zone: str | None = None
    # Later versions say infra.
    mci_name_prefix: str | None = Field(
        None, validation_alias=_named("mciNamePrefix", "mci_name_prefix", "infraNamePrefix")
    )
    option: str | None = None
    mci_flag: str | None = Field(None, validation_alias=_named("mciFlag", "mci_flag", "infraFlag"))
    interval_seconds: int | None = Field(
        None, validation_alias=_named("intervalSeconds", "interval_seconds")
    )
    execution_timeout: Annotated[int, Field(gt=0, le=MOST_SECONDS)] | None = Field(
        None, validation_alias=_named("executionTimeout", "execution_timeout")
    )

    def spec(self) -> dict[str, str]:
        """Return what was given of the job's spec; an empty prefix or flag is the default."""
        given = {name: getattr(self, name) for name in _SPEC}
        found = {name: value for name, value in given.items() if value is not None}
        for name in ("mci_name_prefix", "mci_flag"):
            if not found.get(name, "x"):
                del found[name]
        return found


Request = TypeVar("Request", bound=_Request)


class CreateRequest(_Request):
    """The body of a create."""

    job_type: str | None = Field(None, validation_alias=_named("jobType", "job_type"))
    cron: str = ""
    timezone: str = "UTC"

    def registration(self) -> Registration:
        """Return what the service takes; InvalidError names what is missing or out of range."""
        for name, value in (("jobType", self.job_type), ("nsId", self.ns_id)):
            if not value:
                raise InvalidError(f"{WRONG}: {name} is required")
        if self.job_type != TYPE:
            raise InvalidError(f"{WRONG}: jobType must be {TYPE!r}, not {self.job_type!r:.80}")
        if self.interval_seconds is None and not self.cron:
            raise InvalidError(f"{WRONG}: intervalSeconds is required")
        return Registration(
            spec=self.spec(),
            interval_seconds=checked_interval(self.interval_seconds),
            cron=self.cron,
            timezone=self.timezone,
            timeout_seconds=self.execution_timeout or DEFAULT_TIMEOUT_SECONDS,
        )


class UpdateRequest(_Request):
    """The body of an update: what is absent stays."""

    enabled: bool | None = None


def checked_interval(seconds: int | None) -> int | None:
    """Return an interval that is neither too short nor a slip."""
    if seconds is None or LEAST_SECONDS <= seconds <= MOST_SECONDS:
        return seconds
    if seconds < 1:
        raise InvalidError(f"{WRONG}: intervalSeconds must be a positive number, not {seconds}")
    if seconds > MOST_SECONDS:
        raise InvalidError(f"{WRONG}: intervalSeconds must be at most {MOST_SECONDS}")
    raise InvalidError(f"interval must be at least {LEAST_SECONDS} seconds, not {seconds}")


def parse_create(body: Body) -> Registration:
    """Return what is to be created."""
    return _parsed(CreateRequest, body).registration()


def parse_update(body: Body) -> UpdateRequest:
    """Return what is to be changed."""
    return _parsed(UpdateRequest, body)


def in_their_words(error: InvalidError) -> InvalidError:
    """Return a refusal of the service with the names that the caller knows."""
    text = error.message
    for ours, theirs in _SPEC.items():
        text = text.replace(ours, theirs)
    return InvalidError(text)


def _parsed(model: type[Request], body: Body) -> Request:
    try:
        # What a form holds is all text; JSON has numbers and must use them.
        return model.model_validate(body.fields, strict=not body.is_form)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_context=False)[0]
        where = ".".join(map(str, fault["loc"]))
        raise InvalidError(
            f"{WRONG}: {where}: {fault['msg']}, not {fault['input']!r:.80}"
        ) from error
