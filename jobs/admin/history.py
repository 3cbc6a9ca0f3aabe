"""What has happened; nobody changes it."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from jobs.admin.base import ReadOnly, Rows
from jobs.domain.permissions import Actor, Permission
from jobs.models import Attempt, AuditEntry, Backfill, Execution, Omission
from jobs.services import cancelling


class AttemptRows(Rows):
    """The tries of an execution."""

    model = Attempt
    fields = ("number", "state", "started_at", "finished_at", "exit_code", "message", "worker_name")


@admin.register(Execution)
class ExecutionAdmin(ReadOnly):
    """Executions, newest first; parameters, log and files are on their page."""

    page = "execution"
    list_display = (
        "id", "job", "state", "trigger", "due_at", "started_at", "finished_at", "open_page",
    )  # fmt: skip
    list_filter = ("state", "trigger")
    list_select_related = ("job",)
    search_fields = ("=id", "=job__name")
    search_help_text = _("The number of an execution, or the whole name of its job")
    inlines = (AttemptRows,)
    actions = ("kill",)
    ordering = ("-id",)
    raw_id_fields = ("job", "worker")
    fields = (
        "job", "version", "due_at", "trigger", "actor", "state", "attempt", "queue", "priority",
        "worker", "pid", "queued_at", "claimed_at", "started_at", "finished_at", "retry_at",
        "cancel_requested_at", "cancel_requested_by", "exit_code", "signal", "message", "progress",
        "log_bytes", "log_truncated",
    )  # fmt: skip

    @admin.action(description=_("Kill run"), permissions=["execute"])
    def kill(self, request: HttpRequest, rows: QuerySet[Execution]) -> None:
        """End each that has not ended."""
        self.apply(request, rows, _kill)


def _kill(execution: Model, who: Actor) -> None:
    cancelling.cancel(execution.pk, actor=who)


@admin.register(Omission)
class OmissionAdmin(ReadOnly):
    """Due times that were left out, with their reasons."""

    list_display = ("job", "reason", "detail", "count", "first_due_at", "last_due_at")
    list_filter = ("reason",)
    list_select_related = ("job",)
    search_fields = ("=job__name",)
    ordering = ("-id",)


@admin.register(Backfill)
class BackfillAdmin(ReadOnly):
    """Backfills."""

    page = "backfill"
    list_display = ("id", "job", "state", "starts_at", "ends_at", "created_by", "open_page")
    list_filter = ("state", "choice")
    list_select_related = ("job",)
    search_fields = ("=job__name", "created_by")
    ordering = ("-id",)


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnly):
    """Who did what."""

    needs = Permission.AUDIT
    list_display = ("at", "actor", "action", "object_type", "object_name", "address")
    list_filter = ("object_type",)
    search_fields = ("actor", "object_name", "action")
    date_hierarchy = "at"
    ordering = ("-id",)
