"""The native API as one object: routers, authentication, errors, JSON, its own description."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, NoReturn

from ninja import NinjaAPI
from ninja.errors import ValidationErrorContext
from ninja.operation import Operation

from jobs import __version__
from jobs.api import sparse
from jobs.api.auth import WAYS
from jobs.api.openapi import document
from jobs.api.problems import register
from jobs.api.requests import ApiRequest, JsonRenderer
from jobs.api.v1.about import router as about
from jobs.api.v1.alerts import router as alerts
from jobs.api.v1.audit import router as audit
from jobs.api.v1.backfills import router as backfills
from jobs.api.v1.breakers import router as breakers
from jobs.api.v1.bulk import router as bulk
from jobs.api.v1.calendars import router as calendars
from jobs.api.v1.channels import router as channels
from jobs.api.v1.check_ins import router as check_ins
from jobs.api.v1.dependencies import router as dependencies
from jobs.api.v1.deployments import router as deployments
from jobs.api.v1.edits import router as edits
from jobs.api.v1.events import router as events
from jobs.api.v1.executions import router as executions
from jobs.api.v1.explain import router as explain
from jobs.api.v1.file_jobs import router as file_jobs
from jobs.api.v1.files import router as files
from jobs.api.v1.freezes import router as freezes
from jobs.api.v1.imports import router as imports
from jobs.api.v1.installation import router as installation
from jobs.api.v1.jobs import router as jobs
from jobs.api.v1.ledger import router as ledger
from jobs.api.v1.log_search import router as log_search
from jobs.api.v1.missed import router as missed
from jobs.api.v1.own_rules import router as own_rules
from jobs.api.v1.plans import router as plans
from jobs.api.v1.preferences import router as preferences
from jobs.api.v1.queue_health import router as queue_health
from jobs.api.v1.queues import router as queues
from jobs.api.v1.schemas import router as schemas
from jobs.api.v1.search import router as search
from jobs.api.v1.stats import router as stats
from jobs.api.v1.templates import router as templates
from jobs.api.v1.timeline import router as timeline
from jobs.api.v1.tokens import router as tokens
from jobs.api.v1.upcoming import router as upcoming
from jobs.api.v1.users import router as users
from jobs.api.v1.variables import router as variables
from jobs.api.v1.versions import router as versions
from jobs.api.v1.workspaces import router as workspaces
from jobs.domain.errors import InvalidError
from jobs.services.problems import invalid_from


class NativeApi(NinjaAPI):
    """Ninja, with our words for a wrong query and short operation ids."""

    def validation_error_from_error_contexts(
        self, error_contexts: Sequence[ValidationErrorContext[Any]]
    ) -> NoReturn:
        """Raise what the services raise for a wrong value, with the parameter's name as field."""
        fields: dict[str, str] = {}
        for context in error_contexts:
            names = {
                ".".join(path): name for name, path in context.model.__ninja_flatten_map__.items()
            }
            for place, text in invalid_from(context.pydantic_validation_error).fields.items():
                fields[_parameter(place, names)] = text
        raise InvalidError(
            " ".join(f"{name}: {text}" for name, text in fields.items()), fields=fields
        )

    def get_openapi_operation_id(self, operation: Operation) -> str:
        """Return the noun and the verb, such as ``jobs_pause``."""
        module = operation.view_func.__module__.rpartition(".")[2]
        return f"{module}_{operation.view_func.__name__}"


def _parameter(place: str, names: dict[str, str]) -> str:
    """Return the parameter to which ``query.state.0`` belongs."""
    known = [name for path, name in names.items() if f"{place}.".startswith(f"{path}.")]
    return known[0] if known else place


api = NativeApi(
    title="Jobdeck",
    version=__version__,
    description=(
        "Jobs, their executions and the ledger of every due time. Moments are UTC "
        "(`2026-01-31T09:00:00Z`), names are snake_case, refusals are RFC 9457 problem objects."
    ),
    urls_namespace="api-v1",
    auth=WAYS,
    renderer=JsonRenderer(),
    openapi_url=None,
    docs_url=None,
)
register(api)
api.add_router("/jobs", jobs)
api.add_router("/jobs", bulk)
api.add_router("/jobs", edits)
api.add_router("/jobs", imports)
api.add_router("/jobs", log_search)
api.add_router("", versions)
api.add_router("", plans)
api.add_router("", upcoming)
api.add_router("/executions", executions)
api.add_router("", backfills)
api.add_router("/missed", missed)
api.add_router("/freezes", freezes)
api.add_router("/breakers", breakers)
api.add_router("", dependencies)
api.add_router("/calendars", calendars)
api.add_router("/events", events)
api.add_router("", variables)
api.add_router("", workspaces)
api.add_router("", deployments)
api.add_router("", templates)
api.add_router("", files)
api.add_router("", ledger)
api.add_router("", timeline)
api.add_router("", stats)
api.add_router("", explain)
api.add_router("", queues)
api.add_router("", about)
api.add_router("", search)
api.add_router("", users)
api.add_router("/tokens", tokens)
api.add_router("/audit", audit)
api.add_router("", alerts)
api.add_router("/alerts/own-rules", own_rules)
api.add_router("/channels", channels)
api.add_router("/check-ins", check_ins)
api.add_router("", file_jobs)
api.add_router("", installation)
api.add_router("", preferences)
api.add_router("/schemas", schemas)
api.add_router("", queue_health)


for _prefix, _router in api._routers:  # noqa: SLF001 - ninja has no other way to all operations
    for _view in _router.path_operations.values():
        for _operation in _view.operations:
            sparse.attach(_operation)


@api.get("/openapi.json", include_in_schema=False)
def openapi(request: ApiRequest) -> dict[str, Any]:
    """Return the OpenAPI document."""
    return _document()


@cache
def _document() -> dict[str, Any]:
    """Build the document once: it depends on the code alone."""
    return document(api)
