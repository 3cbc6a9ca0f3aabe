"""What people have defined: jobs and what they share."""

from __future__ import annotations

from typing import cast

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from jobs.admin.base import ReadOnly, Rows
from jobs.domain.permissions import Actor, Permission
from jobs.models import (
    Breaker,
    Calendar,
    Freeze,
    Job,
    JobVersion,
    Queue,
    Schedule,
    Variable,
    Worker,
    Workspace,
)
from jobs.services import jobs, triggers


class ScheduleRows(Rows):
    """A job's schedules."""

    model = Schedule
    fields = ("kind", "expression", "seconds", "anchor", "at", "event", "timezone")


class VersionRows(Rows):
    """Who changed a job and when; what changed is on its page."""

    model = JobVersion
    fields = ("version", "created_at", "created_by")
    ordering = ("-version",)


@admin.register(Job)
class JobAdmin(ReadOnly):
    """Jobs with their schedules and counters; what they run is on their page."""

    page = "job"
    list_display = (
        "name", "workspace", "type", "state", "next_fire_at", "execution_count", "failure_count",
        "open_page",
    )  # fmt: skip
    list_filter = ("state", "type", "queue", "workspace")
    list_select_related = ("workspace",)
    search_fields = ("name", "description", "owner")
    date_hierarchy = "created_at"
    inlines = (ScheduleRows, VersionRows)
    actions = ("run_now", "pause", "resume")
    fields = (
        "name", "workspace", "description", "category", "owner", "type", "queue", "priority",
        "timeout_seconds", "overlap", "misfire", "retry_max_attempts", "auto_disable_after",
        "state", "state_changed_at", "state_changed_by", "state_reason", "next_fire_at",
        "execution_count", "success_count", "failure_count", "cancelled_count", "skipped_count",
        "consecutive_failures", "created_at", "created_by", "updated_at", "deleted_at", "version",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Job]:
        """Return the jobs, deleted ones too: their history is still there."""
        return cast("QuerySet[Job]", super().get_queryset(request))

    @admin.action(description=_("Run now"), permissions=["execute"])
    def run_now(self, request: HttpRequest, rows: QuerySet[Job]) -> None:
        """Start one run of each."""
        self.apply(request, rows, _run)

    @admin.action(description=_("Pause"), permissions=["pause"])
    def pause(self, request: HttpRequest, rows: QuerySet[Job]) -> None:
        """Pause each."""
        self.apply(request, rows, _pause)

    @admin.action(description=_("Resume"), permissions=["pause"])
    def resume(self, request: HttpRequest, rows: QuerySet[Job]) -> None:
        """Resume each."""
        self.apply(request, rows, _resume)


def _run(job: Model, who: Actor) -> None:
    triggers.trigger(job.pk, actor=who)


def _pause(job: Model, who: Actor) -> None:
    jobs.pause(job.pk, actor=who, reason="from the administration")


def _resume(job: Model, who: Actor) -> None:
    jobs.resume(job.pk, actor=who)


@admin.register(Workspace)
class WorkspaceAdmin(ReadOnly):
    """Workspaces; their configuration is on their page."""

    page, page_key = "workspace", "name"
    list_display = ("name", "enabled", "status", "created_at", "created_by", "open_page")
    list_filter = ("enabled", "status")
    search_fields = ("name", "description")
    fields = ("name", "description", "enabled", "status", "created_at", "created_by", "updated_at")


@admin.register(Breaker)
class BreakerAdmin(ReadOnly):
    """Circuit breakers."""

    page = "breaker"
    list_display = ("id", "name", "state", "opened_at", "open_until", "reason", "open_page")
    list_filter = ("state",)
    search_fields = ("name", "reason")


@admin.register(Freeze)
class FreezeAdmin(ReadOnly):
    """Freezes, past ones too."""

    list_display = ("reason", "scope", "target", "starts_at", "ends_at", "lifted_at", "created_by")
    list_filter = ("scope",)
    search_fields = ("reason", "target", "created_by")
    date_hierarchy = "starts_at"
    ordering = ("-id",)


@admin.register(Calendar)
class CalendarAdmin(ReadOnly):
    """Calendars."""

    page = "calendar"
    list_display = ("name", "mode", "timezone", "updated_at", "open_page")
    list_filter = ("mode",)
    search_fields = ("name", "description")


@admin.register(Variable)
class VariableAdmin(ReadOnly):
    """Variables by name; values are on their page, those of secrets nowhere."""

    needs = Permission.EDIT
    page = "variable_edit"
    list_display = ("name", "scope", "job", "secret", "changed_at", "changed_by", "open_page")
    list_filter = ("scope", "secret")
    list_select_related = ("job",)
    search_fields = ("name", "description")
    exclude = ("value", "sealed")


@admin.register(Queue)
class QueueAdmin(ReadOnly):
    """Queues with a limit or a pause."""

    list_display = (
        "name",
        "concurrency",
        "starts_per_minute",
        "paused_at",
        "paused_by",
        "pause_reason",
    )
    search_fields = ("name", "description")


@admin.register(Worker)
class WorkerAdmin(ReadOnly):
    """The product's own processes."""

    list_display = ("name", "kind", "host", "pid", "state", "beat_at", "busy", "slots", "version")
    list_filter = ("kind", "state")
    search_fields = ("name", "host")
