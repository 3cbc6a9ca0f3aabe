"""What each operation of the native API asks for, judged before anything else of a request is read.

Who may not do a thing learns nothing from how its body is wrong. The services ask again, with what
the request turned out to name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.http import HttpRequest

from jobs.domain.permissions import Actor, Permission, require

_ROOT = "api/v1/"
# Operations that are cut to the caller's jobs where his role is for some jobs only. Every other one
# without a job in its address is about the whole product: it needs the role for everything.
OWN_JOBS = frozenset(
    {
        "api/v1/jobs",
        "api/v1/jobs/plan",
        "api/v1/jobs/bulk",
        "api/v1/jobs/change",
        "api/v1/jobs/change/preview",
        "api/v1/jobs/change/undo",
        "api/v1/jobs/import",
        "api/v1/jobs/import/preview",
        "api/v1/jobs/import/undo",
        # What a person sets for the own pages is nobody else's.
        "api/v1/preferences",
        "api/v1/filters",
        "api/v1/filters/<id:filter_id>",
        "api/v1/search",
        "api/v1/stats",
        "api/v1/roles",
        "api/v1/tokens",
        "api/v1/tokens/<id:token_id>",
        "api/v1/executions",
        "api/v1/ledger",
        "api/v1/backfills",
        "api/v1/timeline",
        "api/v1/upcoming",
        "api/v1/alerts",
        # What was missed is run job by job: the service asks for each.
        "api/v1/missed",
        "api/v1/missed/cancel",
        # Whoever may pause all jobs of a workspace or with a tag may freeze them: the service asks.
        "api/v1/freezes",
        "api/v1/freezes/<id:freeze_id>",
        "api/v1/freezes/<id:freeze_id>/lift",
        "api/v1/whoami",
        "api/v1/workspaces",
        "api/v1/workspaces/<name>",
        "api/v1/workspaces/<name>/deploy",
        "api/v1/workspaces/<name>/destroy",
        "api/v1/workspaces/<name>/plan",
        "api/v1/workspaces/<name>/cancel",
        "api/v1/openapi.json",
    }
)
# What makes or removes a room of others' jobs is about the whole product, though its list is not.
_WHOLE = frozenset({"POST workspaces", "DELETE workspaces/<name>"})

_READ = (Permission.READ,)
_RUN = (Permission.EXECUTE,)
_PAUSE = (Permission.PAUSE,)
_EDIT = (Permission.EDIT,)
_DELETE = (Permission.DELETE,)
_ADMINISTER = (Permission.ADMINISTER,)
# Method and address -> permissions of which one is enough. Reading needs `READ` where nothing stands.
NEEDS: Mapping[str, tuple[Permission, ...]] = {
    "POST jobs": _EDIT,
    "PATCH jobs/<id:job_id>": _EDIT,
    "DELETE jobs/<id:job_id>": _DELETE,
    "POST jobs/<id:job_id>/pause": _PAUSE,
    "POST jobs/<id:job_id>/resume": _PAUSE,
    "POST jobs/<id:job_id>/trigger": _RUN,
    "POST jobs/bulk": (Permission.PAUSE, Permission.EXECUTE, Permission.DELETE),
    "POST jobs/plan": _EDIT,
    "POST jobs/change": _EDIT,
    "POST jobs/change/preview": _EDIT,
    "POST jobs/change/undo": _EDIT,
    "POST jobs/import": _EDIT,
    "POST jobs/import/preview": _EDIT,
    "POST jobs/import/undo": _DELETE,
    "POST jobs/<id:job_id>/give-back": _EDIT,
    "POST jobs/<id:job_id>/versions/<id:number>/restore": _EDIT,
    "POST executions/<id:execution_id>/rerun": _RUN,
    "POST executions/<id:execution_id>/cancel": _RUN,
    "POST jobs/<id:job_id>/backfills/preview": _RUN,
    "POST jobs/<id:job_id>/backfills": _RUN,
    "POST backfills/<id:backfill_id>/pause": _RUN,
    "POST backfills/<id:backfill_id>/resume": _RUN,
    "POST backfills/<id:backfill_id>/cancel": _RUN,
    "POST missed": _RUN,
    "POST missed/cancel": _RUN,
    "POST freezes": _PAUSE,
    "PATCH freezes/<id:freeze_id>": _PAUSE,
    "POST freezes/<id:freeze_id>/lift": _PAUSE,
    "PATCH breakers/<id:breaker_id>": _EDIT,
    "DELETE breakers/<id:breaker_id>": _EDIT,
    "POST breakers/<id:breaker_id>/close": _PAUSE,
    "POST breakers/<id:breaker_id>/trip": _PAUSE,
    "POST calendars": _EDIT,
    "POST calendars/import": _EDIT,
    "POST calendars/preview": _EDIT,
    "PATCH calendars/<id:calendar_id>": _EDIT,
    "DELETE calendars/<id:calendar_id>": _EDIT,
    "POST events": _RUN,
    "POST variables": _EDIT,
    "PATCH variables/<id:variable_id>": _EDIT,
    "DELETE variables/<id:variable_id>": _EDIT,
    "POST workspaces": _EDIT,
    "PATCH workspaces/<name>": _EDIT,
    "DELETE workspaces/<name>": _DELETE,
    "POST workspaces/<name>/deploy": _RUN,
    "POST workspaces/<name>/destroy": _RUN,
    "POST workspaces/<name>/plan": _RUN,
    "POST workspaces/<name>/cancel": _RUN,
    "POST templates": _ADMINISTER,
    "DELETE templates/<template>": _ADMINISTER,
    "POST templates/<template>/update": _ADMINISTER,
    "POST templates/<template>/plan": _ADMINISTER,
    "POST files/pull": _EDIT,
    "PATCH queues/<name>": _EDIT,
    "POST queues/<name>/pause": _PAUSE,
    "POST queues/<name>/resume": _PAUSE,
    "POST workers/<id:worker_id>/drain": _PAUSE,
    "POST workers/<id:worker_id>/undrain": _PAUSE,
    "POST preview": _READ,
    "GET users": _ADMINISTER,
    "POST users": _ADMINISTER,
    "GET users/<id:user_id>": _ADMINISTER,
    "PATCH users/<id:user_id>": _ADMINISTER,
    "POST users/<id:user_id>/password-link": _ADMINISTER,
    "POST users/<id:user_id>/access": _ADMINISTER,
    "DELETE users/<id:user_id>/access/<id:access_id>": _ADMINISTER,
    "POST alerts/bulk": _PAUSE,
    "POST alerts/<id:alert_id>/run-again": _RUN,
    "POST alerts/<id:alert_id>/pause-job": _PAUSE,
    "POST alerts/own-rules": _ADMINISTER,
    "POST alerts/own-rules/trial": _ADMINISTER,
    "PATCH alerts/own-rules/<id:rule_id>": _ADMINISTER,
    "DELETE alerts/own-rules/<id:rule_id>": _ADMINISTER,
    "POST alerts/<id:alert_id>/acknowledge": _PAUSE,
    "POST alerts/<id:alert_id>/mute": _PAUSE,
    "POST alerts/<id:alert_id>/resolve": _PAUSE,
    "PATCH alerts/rules/<name>": _ADMINISTER,
    "POST channels": _ADMINISTER,
    "PATCH channels/<id:channel_id>": _ADMINISTER,
    "DELETE channels/<id:channel_id>": _ADMINISTER,
    "POST channels/<id:channel_id>/test": _ADMINISTER,
    "POST check-ins": _EDIT,
    "PATCH check-ins/<id:check_in_id>": _EDIT,
    "DELETE check-ins/<id:check_in_id>": _EDIT,
    "POST check-ins/<id:check_in_id>/pause": _PAUSE,
    "POST check-ins/<id:check_in_id>/resume": _PAUSE,
    "POST check-ins/<id:check_in_id>/rotate-key": _EDIT,
    "PATCH preferences": _READ,
    "POST filters": _READ,
    "DELETE filters/<id:filter_id>": _READ,
    "POST examples/<name>": _EDIT,
    "POST canary": _ADMINISTER,
    "GET canary/<id:run_id>": _ADMINISTER,
    "GET settings": _ADMINISTER,
    "GET retention": _ADMINISTER,
    "POST retention/run": _ADMINISTER,
    "POST tokens": _READ,
    "DELETE tokens/<id:token_id>": _READ,
    "GET audit": (Permission.AUDIT,),
    "GET audit/export": (Permission.AUDIT,),
}


def admit(request: HttpRequest, actor: Actor) -> None:
    """Raise ForbiddenError unless ``actor`` may read here, and do what the operation is for."""
    match = request.resolver_match
    route = "" if match is None else match.route
    method = "GET" if request.method == "HEAD" else request.method
    operation = f"{method} {route.removeprefix(_ROOT)}"
    if route == "metrics":  # a token for them needs nothing else
        _demand(actor, (Permission.METRICS,), somewhere=False)
        return
    cut = route in OWN_JOBS
    _demand(actor, _READ, somewhere=cut)
    _demand(actor, NEEDS.get(operation, _READ), somewhere=cut and operation not in _WHOLE)


def _demand(actor: Actor, enough: Sequence[Permission], *, somewhere: bool) -> None:
    """Raise ForbiddenError, which names the first, unless ``actor`` may one of them."""
    if somewhere and actor.partial and any(actor.can_somewhere(one) for one in enough):
        return
    if not any(actor.may(one) for one in enough):
        require(actor, enough[0])
