"""What each person sets for their own pages: settings, and filters kept under a name.

Nobody else sees any of it and nothing else depends on it, so no right is asked for and nothing is
written into the audit log.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from django.db import IntegrityError, transaction
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from jobs.domain.errors import ConflictError, DuplicateError, InvalidError, UnknownError
from jobs.domain.preferences import (
    Density,
    ExecutionColumn,
    FilterPage,
    JobColumn,
    Language,
    Theme,
)
from jobs.domain.said import said
from jobs.domain.zones import zone_name
from jobs.models import Preference, SavedFilter
from jobs.services.problems import named, parsed
from jobs.services.wording import choice, refuse

if TYPE_CHECKING:
    from django.contrib.auth.models import User

MOST_FILTERS = 30  # of one person on one page: more are no chips any more
_NAME_LENGTH = 60
_QUERY_LENGTH = 1000


def _zone(name: str) -> str:
    if not name:
        return ""
    with named():
        return zone_name(name)


def _name(value: str) -> str:
    name = " ".join(value.split())
    if not name or len(name) > _NAME_LENGTH:
        raise refuse(
            said(
                "{value!r} is no name. Use 1 to {most} characters.",
                value=value[:80],
                most=_NAME_LENGTH,
            )
        )
    return name


class PreferenceRequest(BaseModel):
    """All settings of a person; None follows the browser, the system or the installation."""

    model_config = ConfigDict(extra="forbid")

    language: Annotated[Language, choice(Language)] | None = None
    time_zone: Annotated[str, AfterValidator(_zone)] = ""
    theme: Annotated[Theme, choice(Theme)] | None = None
    density: Annotated[Density, choice(Density)] = Density.COMFORTABLE
    single_keys: bool = True
    job_columns: list[Annotated[JobColumn, choice(JobColumn)]] | None = None
    execution_columns: list[Annotated[ExecutionColumn, choice(ExecutionColumn)]] | None = None


class FilterRequest(BaseModel):
    """A filter to keep."""

    model_config = ConfigDict(extra="forbid")

    page: Annotated[FilterPage, choice(FilterPage)]
    name: Annotated[str, AfterValidator(_name)]
    query: Annotated[str, Field(min_length=1, max_length=_QUERY_LENGTH)]


def parse_preferences(data: Mapping[str, Any]) -> PreferenceRequest:
    """Return the settings that ``data`` holds; InvalidError names each wrong field."""
    return parsed(PreferenceRequest, data)


def parse_filter(data: Mapping[str, Any]) -> FilterRequest:
    """Return the filter that ``data`` holds; InvalidError names each wrong field."""
    if not data.get("query"):
        sentence = said("Nothing is filtered, so there is no filter to keep. Choose one first.")
        raise InvalidError(sentence, fields={"query": sentence})
    return parsed(FilterRequest, data)


def preference_of(user: User) -> Preference:
    """Return a person's settings; as they are without any when nothing was saved."""
    found: Preference | None = getattr(user, "preference", None)
    return found or Preference(user=user)


def save(user: User, asked: PreferenceRequest) -> Preference:
    """Keep a person's settings, in every browser."""
    values = {
        "language": asked.language or "",
        "time_zone": asked.time_zone,
        "theme": asked.theme or "",
        "density": asked.density.value,
        "single_keys": asked.single_keys,
        "job_columns": _chosen(asked.job_columns, JobColumn),
        "execution_columns": _chosen(asked.execution_columns, ExecutionColumn),
    }
    row, _made = Preference.objects.update_or_create(user=user, defaults=values)
    return row


def _chosen(
    names: list[JobColumn] | list[ExecutionColumn] | None,
    all_of_them: type[JobColumn | ExecutionColumn],
) -> list[str] | None:
    """Return the names in order; None for all, so that a column of a later version is shown."""
    if names is None or set(names) == set(all_of_them):
        return None
    return [one.value for one in all_of_them if one in names]


def filters_of(user: User, page: FilterPage) -> list[SavedFilter]:
    """Return the filters that a person keeps for a page, by name."""
    return list(SavedFilter.objects.filter(user=user, page=page.value))


def keep_filter(user: User, asked: FilterRequest) -> SavedFilter:
    """Keep a filter; DuplicateError when the name is taken."""
    if SavedFilter.objects.filter(user=user, page=asked.page.value).count() >= MOST_FILTERS:
        raise ConflictError(
            said(
                "You keep {most} filters of this page already. Remove one first.", most=MOST_FILTERS
            )
        )
    row = SavedFilter(user=user, page=asked.page.value, name=asked.name, query=asked.query)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as error:
        raise DuplicateError(
            said("You keep a filter named {name} already. Choose another name.", name=asked.name)
        ) from error
    return row


def drop_filter(user: User, filter_id: int) -> SavedFilter:
    """Remove a filter; UnknownError where it is none of this person's."""
    row = SavedFilter.objects.filter(user=user, pk=filter_id).first()
    if row is None:
        raise UnknownError(said("Filter {number} does not exist.", number=filter_id))
    SavedFilter.objects.filter(pk=row.pk).delete()
    return row
