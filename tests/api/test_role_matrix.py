"""Each role on each operation: allowed from its least role up, 403 below."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import Settings

from jobs.api.native import api
from jobs.api.openapi import document
from jobs.domain.permissions import SYSTEM, Role
from jobs.models import (
    Alert,
    AlertJob,
    AlertRule,
    Backfill,
    Breaker,
    Calendar,
    Channel,
    CheckIn,
    ConfigFile,
    Execution,
    FileJob,
    Freeze,
    Job,
    Occurrence,
    Queue,
    Token,
    Variable,
    Worker,
    Workspace,
)
from jobs.services import (
    access,
    canary,
    check_ins,
    examples,
    preferences,
    queues,
    tokens,
    workspaces,
)
from jobs.services.operation_requests import Operations
from jobs.services.workspaces import WorkspaceDefinition
from tests.api.callers import caller
from tests.factories import (
    cron,
    definition,
    make_alert,
    make_artifact,
    make_backfill,
    make_breaker,
    make_calendar,
    make_channel,
    make_check_in,
    make_execution,
    make_freeze,
    make_job,
    make_rule,
    make_variable,
    make_worker,
)
from tests.support.repository import make_template, small_repository

READ, OPERATE, EDIT, ADMIN = Role
ROLES: list[Role | None] = [None, *Role]

ICALENDAR = (
    b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z"
    b"\r\nDTSTART;VALUE=DATE:20991225\r\nSUMMARY:Christmas\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)

WINDOW = {"from": "2026-01-01T00:00:00Z", "to": "2026-01-01T05:00:00Z"}

RULE = {"name": "slow", "metric": "run_seconds", "threshold": 60, "count": 3}

# Operation id -> method, path, body, least role.
OPERATIONS: dict[str, tuple[str, str, Any, Role]] = {
    "jobs_list": ("GET", "/jobs", None, READ),
    "jobs_create": ("POST", "/jobs", definition(name="made"), EDIT),
    "upcoming_list": ("GET", "/upcoming", None, READ),
    "plans_check": ("POST", "/jobs/plan", definition(name="planned"), EDIT),
    "jobs_read": ("GET", "/jobs/{job}", None, READ),
    "jobs_update": ("PATCH", "/jobs/{job}", {"description": "x"}, EDIT),
    "jobs_delete": ("DELETE", "/jobs/{job}", None, EDIT),
    "jobs_pause": ("POST", "/jobs/{job}/pause", None, OPERATE),
    "jobs_resume": ("POST", "/jobs/{job}/resume", None, OPERATE),
    "jobs_trigger": ("POST", "/jobs/{job}/trigger", None, OPERATE),
    "bulk_apply": ("POST", "/jobs/bulk", {"action": "pause", "ids": [1]}, OPERATE),
    "log_search_log_search": ("GET", "/jobs/{job}/log-search?q=x", None, READ),
    "tokens_list": ("GET", "/tokens", None, READ),
    "tokens_create": ("POST", "/tokens", {"name": "made"}, READ),
    "tokens_read": ("GET", "/tokens/{token}", None, READ),
    "tokens_revoke": ("DELETE", "/tokens/{token}", None, READ),
    "users_list": ("GET", "/users", None, ADMIN),
    "users_create": ("POST", "/users", {"username": "made"}, ADMIN),
    "users_read": ("GET", "/users/{user}", None, ADMIN),
    "users_update": ("PATCH", "/users/{user}", {"email": "a@example.org"}, ADMIN),
    "users_password_link": ("POST", "/users/{user}/password-link", None, ADMIN),
    "users_roles": ("GET", "/roles", None, READ),
    "audit_list": ("GET", "/audit", None, ADMIN),
    "audit_export": ("GET", "/audit/export", None, ADMIN),
    "search_find": ("GET", "/search?q=report", None, READ),
    "jobs_look_ahead": ("GET", "/jobs/{job}/next", None, READ),
    "backfills_preview": ("POST", "/jobs/{job}/backfills/preview", WINDOW, OPERATE),
    "backfills_create": ("POST", "/jobs/{job}/backfills", WINDOW, OPERATE),
    "backfills_list": ("GET", "/jobs/{job}/backfills", None, READ),
    "backfills_read": ("GET", "/backfills/{backfill}", None, READ),
    "backfills_items": ("GET", "/backfills/{backfill}/items", None, READ),
    "backfills_pause": ("POST", "/backfills/{backfill}/pause", None, OPERATE),
    "backfills_resume": ("POST", "/backfills/{backfill}/resume", None, OPERATE),
    "backfills_cancel": ("POST", "/backfills/{backfill}/cancel?kill=true", None, OPERATE),
    "executions_list": ("GET", "/executions", None, READ),
    "executions_read": ("GET", "/executions/{execution}", None, READ),
    "executions_log": ("GET", "/executions/{execution}/log", None, READ),
    "executions_artifacts": ("GET", "/executions/{execution}/artifacts", None, READ),
    "executions_artifact": ("GET", "/executions/{execution}/artifacts/{artifact}", None, READ),
    "executions_cancel": ("POST", "/executions/{execution}/cancel", None, OPERATE),
    "missed_list": ("GET", "/missed", None, READ),
    "missed_run": ("POST", "/missed", {}, OPERATE),
    "missed_cancel": ("POST", "/missed/cancel", {}, OPERATE),
    "freezes_list": ("GET", "/freezes", None, READ),
    "freezes_create": ("POST", "/freezes", {"reason": "deploy"}, OPERATE),
    "freezes_read": ("GET", "/freezes/{freeze}", None, READ),
    "freezes_update": ("PATCH", "/freezes/{freeze}", {"reason": "other"}, OPERATE),
    "freezes_lift": ("POST", "/freezes/{freeze}/lift", None, OPERATE),
    "alerts_list": ("GET", "/alerts", None, READ),
    "alerts_read": ("GET", "/alerts/{alert}", None, READ),
    "alerts_acknowledge": ("POST", "/alerts/{alert}/acknowledge", {"note": "on it"}, OPERATE),
    "alerts_mute": ("POST", "/alerts/{alert}/mute", {"seconds": 60}, OPERATE),
    "alerts_resolve": ("POST", "/alerts/{alert}/resolve", None, OPERATE),
    "alerts_rules_list": ("GET", "/alerts/rules", None, READ),
    "alerts_rules_update": ("PATCH", "/alerts/rules/disk", {"enabled": False}, ADMIN),
    "channels_list": ("GET", "/channels", None, READ),
    "channels_create": (
        "POST",
        "/channels",
        {"name": "ops", "kind": "email", "settings": {"to": ["ops@example.com"]}},
        ADMIN,
    ),
    "channels_read": ("GET", "/channels/{channel}", None, READ),
    "channels_update": ("PATCH", "/channels/{channel}", {"enabled": False}, ADMIN),
    "channels_delete": ("DELETE", "/channels/{channel}", None, ADMIN),
    "channels_trial": ("POST", "/channels/{channel}/test", None, ADMIN),
    "check_ins_list": ("GET", "/check-ins", None, READ),
    "check_ins_create": ("POST", "/check-ins", {"name": "x", "period_seconds": 60}, EDIT),
    "check_ins_read": ("GET", "/check-ins/{check_in}", None, READ),
    "check_ins_update": ("PATCH", "/check-ins/{check_in}", {"description": "y"}, EDIT),
    "check_ins_delete": ("DELETE", "/check-ins/{check_in}", None, EDIT),
    "check_ins_pause": ("POST", "/check-ins/{check_in}/pause", None, OPERATE),
    "check_ins_resume": ("POST", "/check-ins/{silent}/resume", None, OPERATE),
    "check_ins_rotate_key": ("POST", "/check-ins/{check_in}/rotate-key", None, EDIT),
    "check_ins_reports": ("GET", "/check-ins/{check_in}/reports", None, READ),
    "breakers_list": ("GET", "/breakers", None, READ),
    "breakers_read": ("GET", "/breakers/{breaker}", None, READ),
    "breakers_update": ("PATCH", "/breakers/{breaker}", {"threshold": 9}, EDIT),
    "breakers_delete": ("DELETE", "/breakers/{breaker}", None, EDIT),
    "breakers_close": ("POST", "/breakers/{breaker}/close", None, OPERATE),
    "breakers_trip": ("POST", "/breakers/{breaker}/trip", None, OPERATE),
    "dependencies_tree": ("GET", "/jobs/{job}/dependencies", None, READ),
    "calendars_list": ("GET", "/calendars", None, READ),
    "calendars_create": ("POST", "/calendars", {"name": "made"}, EDIT),
    "calendars_import": ("POST", "/calendars/import?name=made", ICALENDAR, EDIT),
    "calendars_read": ("GET", "/calendars/{calendar}", None, READ),
    "calendars_update": ("PATCH", "/calendars/{calendar}", {"description": "x"}, EDIT),
    "calendars_delete": ("DELETE", "/calendars/{calendar}", None, EDIT),
    "calendars_spans": ("GET", "/calendars/{calendar}/spans", None, READ),
    "workspaces_list": ("GET", "/workspaces", None, READ),
    "workspaces_create": ("POST", "/workspaces", {"name": "made"}, EDIT),
    "workspaces_read": ("GET", "/workspaces/{room}", None, READ),
    "workspaces_update": ("PATCH", "/workspaces/{room}", {"description": "y"}, EDIT),
    "workspaces_delete": ("DELETE", "/workspaces/{room}", None, EDIT),
    "deployments_deploy": ("POST", "/workspaces/{room}/deploy", {}, OPERATE),
    "deployments_destroy": ("POST", "/workspaces/{room}/destroy", {}, OPERATE),
    "deployments_plan": ("POST", "/workspaces/{room}/plan", None, OPERATE),
    "templates_list": ("GET", "/templates", None, READ),
    "templates_create": ("POST", "/templates", {"name": "x", "url": "nowhere"}, ADMIN),
    "templates_read": ("GET", "/templates/{template}", None, READ),
    "templates_delete": ("DELETE", "/templates/{template}", None, ADMIN),
    "templates_update": ("POST", "/templates/{template}/update", None, ADMIN),
    "templates_plan": ("POST", "/templates/{template}/plan", None, ADMIN),
    "deployments_cancel": ("POST", "/workspaces/{room}/cancel", {}, OPERATE),
    "variables_list": ("GET", "/variables", None, READ),
    "variables_create": ("POST", "/variables", {"name": "made", "value": "x"}, EDIT),
    "variables_read": ("GET", "/variables/{variable}", None, READ),
    "variables_update": ("PATCH", "/variables/{variable}", {"value": "y"}, EDIT),
    "variables_delete": ("DELETE", "/variables/{variable}", None, EDIT),
    "variables_used_by": ("GET", "/variables/{variable}/jobs", None, READ),
    "variables_of_job": ("GET", "/jobs/{job}/variables", None, READ),
    "events_list": ("GET", "/events", None, READ),
    "events_report": ("POST", "/events", {"event": "@deployment"}, OPERATE),
    "ledger_ledger": ("GET", "/ledger", None, READ),
    "ledger_proof": ("GET", "/jobs/{job}/ledger/proof", None, READ),
    "explain_at": ("GET", "/jobs/{job}/explain?at=2026-03-01T10:30:00Z", None, READ),
    "timeline_timeline": ("GET", "/timeline", None, READ),
    "about_overview": ("GET", "/overview", None, READ),
    "stats_read": ("GET", "/jobs/{job}/stats", None, READ),
    "stats_all": ("GET", "/stats", None, READ),
    "stats_self_watch": ("GET", "/self-watch", None, READ),
    "queues_list": ("GET", "/queues", None, READ),
    "queues_read": ("GET", "/queues/{paused_queue}", None, READ),
    "queues_update": ("PATCH", "/queues/default", {"limit": 2}, EDIT),
    "queues_pause": ("POST", "/queues/{queue}/pause", None, OPERATE),
    "queues_resume": ("POST", "/queues/{paused_queue}/resume", None, OPERATE),
    "queues_drain": ("POST", "/workers/{worker}/drain", None, OPERATE),
    "queues_undrain": ("POST", "/workers/{drained}/undrain", None, OPERATE),
    "edits_preview": ("POST", "/jobs/change/preview", {"ids": [1], "add_tags": ["x"]}, EDIT),
    "edits_apply": (
        "POST",
        "/jobs/change",
        {"jobs": [{"job_id": 1, "version": 1}], "add_tags": ["x"]},
        EDIT,
    ),
    "edits_undo": ("POST", "/jobs/change/undo", {"jobs": [{"job_id": 1, "version": 2}]}, EDIT),
    "imports_preview": ("POST", "/jobs/import/preview", {"text": "@daily date"}, EDIT),
    "imports_apply": ("POST", "/jobs/import", {"text": "@daily date"}, EDIT),
    "imports_undo": ("POST", "/jobs/import/undo", {"jobs": [{"job_id": 1, "version": 1}]}, EDIT),
    "executions_rerun": ("POST", "/executions/{execution}/rerun", None, OPERATE),
    "files_list": ("GET", "/files", None, READ),
    "files_pull": ("POST", "/files/pull", None, EDIT),
    "versions_list": ("GET", "/jobs/{job}/versions", None, READ),
    "versions_read": ("GET", "/jobs/{job}/versions/1", None, READ),
    "versions_restore": ("POST", "/jobs/{job}/versions/1/restore", None, EDIT),
    "file_jobs_read": ("GET", "/jobs/{job}/file", None, READ),
    "file_jobs_give_back": ("POST", "/jobs/{of_file}/give-back", None, EDIT),
    "alerts_run_again": ("POST", "/alerts/{failing}/run-again", None, OPERATE),
    "alerts_pause_job": ("POST", "/alerts/{failing}/pause-job", None, OPERATE),
    "alerts_bulk": ("POST", "/alerts/bulk", {"action": "mute", "ids": [1]}, OPERATE),
    "own_rules_list": ("GET", "/alerts/own-rules", None, READ),
    "own_rules_create": ("POST", "/alerts/own-rules", RULE, ADMIN),
    "own_rules_trial": ("POST", "/alerts/own-rules/trial", RULE, ADMIN),
    "own_rules_read": ("GET", "/alerts/own-rules/{rule}", None, READ),
    "own_rules_update": ("PATCH", "/alerts/own-rules/{rule}", {"enabled": False}, ADMIN),
    "own_rules_delete": ("DELETE", "/alerts/own-rules/{rule}", None, ADMIN),
    "calendars_preview": ("POST", "/calendars/preview", {"name": "draft"}, EDIT),
    "users_grant": ("POST", "/users/{user}/access", {"role": "viewer", "tag": "x"}, ADMIN),
    "users_ungrant": ("DELETE", "/users/{user}/access/{access}", None, ADMIN),
    "preferences_read": ("GET", "/preferences", None, READ),
    "preferences_update": ("PATCH", "/preferences", {"theme": "dark"}, READ),
    "preferences_filters": ("GET", "/filters", None, READ),
    "preferences_keep": (
        "POST",
        "/filters",
        {"page": "jobs", "name": "mine", "query": "state=paused"},
        READ,
    ),
    "preferences_drop": ("DELETE", "/filters/{filter}", None, READ),
    "queue_health_list": ("GET", "/queue-health", None, READ),
    "queue_health_trend": ("GET", "/queue-health/trend", None, READ),
    "installation_selfcheck": ("GET", "/selfcheck", None, READ),
    "installation_start_canary": ("POST", "/canary", None, ADMIN),
    "installation_read_canary": ("GET", "/canary/{canary}", None, ADMIN),
    "installation_settings": ("GET", "/settings", None, ADMIN),
    "installation_retention": ("GET", "/retention", None, ADMIN),
    "installation_clean": ("POST", "/retention/run", None, ADMIN),
    "installation_example_list": ("GET", "/examples", None, READ),
    "installation_add_example": ("POST", "/examples/{example}", None, EDIT),
    "schemas_job": ("GET", "/schemas/job.json", None, READ),
    "schemas_workspace": ("GET", "/schemas/workspace.json", None, READ),
    "about_workers": ("GET", "/workers", None, READ),
    "about_preview": ("POST", "/preview", {"schedules": []}, READ),
}
# Each caller makes one of its own.
NAMED = {
    "own_rules_create",
    "jobs_create",
    "calendars_create",
    "check_ins_create",
    "variables_create",
    "workspaces_create",
}


def _path(template: str, person: User, number: int) -> str:
    """Return an address with what it names; nothing else is made, for that takes most of the time."""

    @cache
    def execution() -> Execution:
        job = make_job(overlap="allow", max_parallel=5, schedules=[cron("0 * * * *")])
        return make_execution(job)

    things: dict[str, Callable[[], object]] = {
        "token": lambda: tokens.create(person, "another")[0].pk,
        "user": lambda: person.pk,
        "job": lambda: execution().job_id,
        "execution": lambda: execution().pk,
        "artifact": lambda: make_artifact(execution()).pk,
        "freeze": lambda: make_freeze().pk,
        "calendar": lambda: make_calendar().pk,
        "variable": lambda: make_variable().pk,
        "alert": lambda: make_alert().pk,
        "channel": lambda: make_channel().pk,
        "check_in": lambda: make_check_in(name=f"of {number}").pk,
        "silent": lambda: check_ins.pause(make_check_in().pk, actor=SYSTEM).pk,
        "breaker": lambda: make_breaker(f"breaker-{number}").pk,
        "backfill": lambda: make_backfill(execution().job).pk,
        "failing": _failing,
        "rule": lambda: make_rule(name=f"rule-{number}").pk,
        "of_file": lambda: _of_file(f"file-{number}.json"),
        "access": lambda: access.grant(person, Role.VIEWER, tag="reports", actor=SYSTEM).pk,
        "filter": lambda: _kept(person),
        "canary": lambda: canary.start(actor=SYSTEM).pk,
        "example": lambda: examples.names()[number % len(examples.names())],
        "queue": lambda: f"queue-{number}",
        "paused_queue": lambda: queues.pause(f"paused-{number}", actor=SYSTEM).name,
        "worker": lambda: make_worker().pk,
        "room": lambda: (
            workspaces.create(
                WorkspaceDefinition(name=f"room-{number}", operations=Operations(template="shop")),
                actor=SYSTEM,
            ).name
        ),
        "template": lambda: make_template(f"template-{number}").name,
        "drained": lambda: queues.drain(make_worker().pk, actor=SYSTEM).pk,
    }
    named = [name for _, name, _, _ in Formatter().parse(template) if name]
    return template.format(**{name: things[name]() for name in named})


def _of_file(path: str) -> int:
    job = make_job()
    file = ConfigFile.objects.create(path=path, looked_at=timezone.now())
    FileJob.objects.create(job=job, file=file, definition={})
    return job.pk


def _failing() -> int:
    job = make_job(overlap="allow", max_parallel=5)
    run = make_execution(job, state="failed", finished_at=timezone.now())
    alert = make_alert()
    AlertJob.objects.create(
        alert=alert,
        job=job,
        last_execution_id=run.pk,
        joined_at=timezone.now(),
        checked_at=timezone.now(),
    )
    return alert.pk


def _kept(person: User) -> int:
    asked = preferences.parse_filter({"page": "jobs", "name": "x", "query": "state=paused"})
    return preferences.keep_filter(person, asked).pk


def test_the_matrix_knows_every_operation() -> None:
    found = {
        operation["operationId"]
        for operations in document(api)["paths"].values()
        for operation in operations.values()
    }

    assert found == set(OPERATIONS)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("operation", "roles"),
    [
        # The least role and the one before it; that each role may what the one before may is shown
        # in `tests/web/test_doors.py`. The shortest run asks a quarter of them; the soak all roles.
        pytest.param(operation, roles, marks=marks, id=f"{operation}{end}")
        for number, (operation, (*_, least)) in enumerate(OPERATIONS.items())
        for roles, marks, end in (
            (ROLES[ROLES.index(least) - 1 :][:2], [pytest.mark.long] if number % 4 else [], ""),
            (ROLES, [pytest.mark.soak], "-all"),
        )
    ],
)
def test_an_operation_is_open_from_its_least_role_up(
    operation: str, roles: list[Role | None], tmp_path: Path, settings: Settings
) -> None:
    """S3-56."""
    places = {"CONFIG_DIR": tmp_path / "config", "TEMPLATES_DIR": tmp_path / "templates"}
    named_places = {**places, "CONFIG_REPOSITORY": small_repository()}
    settings.JOBDECK = {**settings.JOBDECK, **named_places}
    method, template, body, least = OPERATIONS[operation]
    order = list(Role)
    own = {"{token}", "{user}", "{filter}"} & set(template.split("/"))
    path = ""
    for number, role in enumerate(roles):
        who = caller(role)
        allowed = role is not None and order.index(role) >= order.index(least)
        # What was read or refused is as it was, and serves the next caller as well.
        if own or not path or (allowed and method != "GET"):
            path = _path(template, User.objects.get(username=f"caller-{role}"), number)
        named = operation in NAMED
        sent = {**body, "name": f"made_{number}"} if named else body
        if operation == "templates_create":
            sent = {"name": f"made-{number}", "url": small_repository()}
        if operation == "imports_apply":
            sent = {**body, "prefix": f"made-{number}-"}
        if operation == "users_create":
            sent = {"username": f"made_{number}"}
        raw = sent if isinstance(sent, bytes) else None
        before = None if allowed else _everything()

        answer = who.call(method, path, None if raw else sent, raw=raw)

        assert (answer.status < 300) is allowed, (role, answer.content)
        if not allowed:
            assert (answer.status, answer.json["code"]) == (403, "forbidden")
            assert _everything() == before


def _everything() -> list[Any]:
    return [
        list(Job.objects.order_by("pk").values()),
        list(Execution.objects.order_by("pk").values()),
        list(Freeze.objects.order_by("pk").values()),
        list(Calendar.objects.order_by("pk").values()),
        list(Backfill.objects.order_by("pk").values()),
        list(Breaker.objects.order_by("pk").values()),
        list(Alert.objects.order_by("pk").values()),
        list(AlertRule.objects.order_by("pk").values()),
        list(Channel.objects.order_by("pk").values()),
        list(CheckIn.objects.order_by("pk").values()),
        list(Occurrence.objects.order_by("pk").values()),
        list(Variable.objects.order_by("pk").values()),
        list(Queue.objects.order_by("pk").values()),
        list(Worker.objects.order_by("pk").values()),
        list(Workspace.objects.order_by("pk").values()),
        list(User.objects.order_by("pk").values()),
        list(Token.objects.order_by("pk").values("pk", "revoked_at")),
    ]
