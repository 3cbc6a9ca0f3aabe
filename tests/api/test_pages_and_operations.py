"""What a page can do, the API can do: each door of the pages beside its operation, or its reason."""

from __future__ import annotations

from pathlib import Path

from django.urls import URLPattern, get_resolver

from jobs.api.native import api
from jobs.api.openapi import document

DOORS = Path(__file__).parent.parent / "doors.txt"
REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "api.md"

# The name of a page's address -> the operations that do the same, by id. Every address that is no
# fragment of a page (those begin with `p_`) stands here or below.
SAME: dict[str, str] = {
    "about": "installation_selfcheck",
    "alert": "alerts_read",
    "alert_acknowledge": "alerts_acknowledge",
    "alert_mute": "alerts_mute",
    "alert_pause_job": "alerts_pause_job",
    "alert_resolve": "alerts_resolve",
    "alert_rule": "alerts_rules_update",
    "alert_run_again": "alerts_run_again",
    "alert_rules": "alerts_rules_list own_rules_list",
    "alerts": "alerts_list",
    "alerts_bulk": "alerts_bulk",
    "audit": "audit_list audit_export",
    "backfill": "backfills_read backfills_items",
    "backfill_cancel": "backfills_cancel",
    "backfill_new": "backfills_preview backfills_create",
    "backfill_pause": "backfills_pause",
    "backfill_resume": "backfills_resume",
    "breaker": "breakers_read",
    "breaker_close": "breakers_close",
    "breaker_delete": "breakers_delete",
    "breaker_edit": "breakers_update",
    "breaker_trip": "breakers_trip",
    "breakers": "breakers_list",
    "calendar": "calendars_read calendars_spans",
    "calendar_delete": "calendars_delete",
    "calendar_edit": "calendars_update calendars_preview",
    "calendar_new": "calendars_create calendars_import calendars_preview",
    "calendars": "calendars_list",
    "canary": "installation_start_canary installation_read_canary",
    "channel": "channels_read channels_update",
    "channel_delete": "channels_delete",
    "channel_new": "channels_create",
    "channel_test": "channels_trial",
    "channels": "channels_list",
    "check_in": "check_ins_read check_ins_reports",
    "check_in_delete": "check_ins_delete",
    "check_in_edit": "check_ins_update",
    "check_in_new": "check_ins_create",
    "check_in_pause": "check_ins_pause",
    "check_in_resume": "check_ins_resume",
    "check_in_rotate": "check_ins_rotate_key",
    "check_ins": "check_ins_list",
    "execution": "executions_read executions_artifacts",
    "execution_artifact": "executions_artifact",
    "execution_kill": "executions_cancel",
    "execution_log": "executions_log",
    "execution_rerun": "executions_rerun",
    "executions": "executions_list",
    "explain": "explain_at",
    "files": "files_list",
    "files_pull": "files_pull",
    "template": "templates_read",
    "template_delete": "templates_delete",
    "template_new": "templates_create",
    "template_plan": "templates_plan",
    "template_update": "templates_update",
    "templates": "templates_list",
    "workspace_plan": "deployments_plan",
    "filter_drop": "preferences_drop",
    "filter_keep": "preferences_keep preferences_filters",
    "freeze_edit": "freezes_update",
    "freeze_lift": "freezes_lift",
    "freeze_new": "freezes_create",
    "freezes": "freezes_list",
    "health": "queue_health_list queue_health_trend stats_self_watch",
    "job": "jobs_read jobs_look_ahead dependencies_tree",
    "job_alerts": "alerts_list",
    "job_backfills": "backfills_list",
    "job_delete": "jobs_delete",
    "job_edit": "jobs_update about_preview",
    "job_changes": "versions_list versions_read",
    "job_restore": "versions_restore",
    "job_give_back": "file_jobs_give_back file_jobs_read",
    "job_logs": "log_search_log_search",
    "job_new": "jobs_create plans_check about_preview",
    "job_pause": "jobs_pause",
    "job_resume": "jobs_resume",
    "job_run": "jobs_trigger",
    "job_run_with": "jobs_trigger",
    "job_statistics": "stats_read",
    "jobs": "jobs_list",
    "jobs_bulk": "bulk_apply",
    "jobs_change": "edits_preview edits_apply edits_undo bulk_apply imports_undo",
    "jobs_import": "imports_preview imports_apply",
    "ledger": "ledger_ledger ledger_proof",
    "missed": "missed_list",
    "missed_cancel": "missed_cancel",
    "missed_run": "missed_run",
    "overview": "about_overview upcoming_list",
    "own_rule": "own_rules_read own_rules_update own_rules_trial",
    "own_rule_delete": "own_rules_delete",
    "own_rule_new": "own_rules_create own_rules_trial",
    "people": "users_list",
    "person": "users_read users_update",
    "person_grant": "users_grant",
    "person_link": "users_password_link",
    "person_new": "users_create users_roles",
    "person_ungrant": "users_ungrant",
    "preferences": "preferences_read preferences_update",
    "queue_edit": "queues_update",
    "queue_pause": "queues_pause",
    "queue_resume": "queues_resume",
    "queues": "queues_list about_workers",
    "retention": "installation_retention",
    "retention_run": "installation_clean",
    "search": "search_find",
    "settings": "installation_settings",
    "statistics": "stats_all",
    "timeline": "timeline_timeline",
    "token_new": "tokens_create",
    "token_revoke": "tokens_revoke",
    "tokens": "tokens_list",
    "tv": "about_overview alerts_list",
    "variable_delete": "variables_delete",
    "variable_edit": "variables_update",
    "variable_new": "variables_create",
    "variables": "variables_list variables_used_by",
    "welcome_add": "installation_add_example installation_example_list",
    "worker_drain": "queues_drain",
    "worker_undrain": "queues_undrain",
    "workspace": "workspaces_read",
    "workspace_cancel": "deployments_cancel",
    "workspace_delete": "workspaces_delete",
    "workspace_deploy": "deployments_deploy",
    "workspace_destroy": "deployments_destroy",
    "workspace_disable": "workspaces_update",
    "workspace_edit": "workspaces_update",
    "workspace_enable": "workspaces_update",
    "workspace_new": "workspaces_create",
    "workspaces": "workspaces_list",
}
# What only a browser can do, or what is no matter of the API, and why.
BROWSER_ONLY: dict[str, str] = {
    "alert_link": "The link of a message carries its own right and needs no caller.",
    "healthz": "A pulse for whoever watches the host, without a login.",
    "keyboard": "Tells the keys of the pages.",
    "language": "A cookie of the browser; what holds everywhere is among the preferences.",
    "login": "Begins a session; programs have tokens.",
    "logout": "Ends a session.",
    "password_change": "Asks for the present password: no token may take its owner's account over.",
    "password_set": "The link of a new person carries its own right.",
    "ping": "The address of a check-in carries its own right, and is for programs already.",
    "ping_signal": "The same, with a word.",
    "readyz": "A pulse, as healthz.",
}


def _pages() -> dict[str, str]:
    """Return the pages' addresses by name; those of programs and of Django's admin have none here."""
    names: dict[str, str] = {}
    for pattern in get_resolver("jobs.web.urls").url_patterns:
        if isinstance(pattern, URLPattern) and pattern.name and not pattern.name.startswith("p_"):
            names[pattern.name] = str(pattern.pattern)
    return names


def test_every_page_names_its_operations_or_why_there_is_none() -> None:
    pages = _pages()

    assert set(pages) == set(SAME) | set(BROWSER_ONLY)
    assert not set(SAME) & set(BROWSER_ONLY)


def test_what_a_page_changes_an_operation_changes() -> None:
    found = {
        operation["operationId"]: method
        for operations in document(api)["paths"].values()
        for method, operation in operations.items()
    }
    lines = (line.rsplit(" ", 3) for line in DOORS.read_text().splitlines() if line[:1] != "#")
    posted = {route for route, method, _, _ in lines if method == "POST"}
    changing = {name for name, route in _pages().items() if route in posted}

    assert {one for named in SAME.values() for one in named.split()} <= set(found)
    assert {"jobs_change", "preferences", "person_grant", "own_rule"} <= changing
    reads_only = {
        name
        for name in changing & set(SAME)
        if all(found[one] == "get" for one in SAME[name].split())
    }
    assert reads_only == set()


def test_every_address_is_in_the_reference() -> None:
    """The page writes those of one thing together: its first and its last word are looked for."""
    page = REFERENCE.read_text()
    words = {
        path: [word for word in path.removeprefix("/api/v1/").split("/") if "{" not in word]
        for path in document(api)["paths"]
    }

    missing = {path for path, parts in words.items() if not all(f"/{one}" in page for one in parts)}
    assert missing == set()
