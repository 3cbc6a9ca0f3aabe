"""The stock admin, for looking things up: everything that changes state goes through services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.apps import apps
from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

from jobs.models import AuditEntry, Execution, Job, Omission, Schedule, Token, Worker

if TYPE_CHECKING:  # generic for the type checker only
    _Paginator = Paginator[Any]
    _ModelAdmin = admin.ModelAdmin[Any]
    _TabularInline = admin.TabularInline[Schedule, Job]
else:
    _Paginator = Paginator
    _ModelAdmin = admin.ModelAdmin
    _TabularInline = admin.TabularInline

MOST_ROWS = 5000  # older rows are found by search, or on the product's own pages

# The pool's own tables hold pickles and a second scheduler; neither belongs under anybody's hands.
for model in apps.get_app_config("django_q").get_models():
    if admin.site.is_registered(model):
        admin.site.unregister(model)


class CappedPaginator(_Paginator):
    """Count no further than a person pages: millions of rows would cost seconds on every look."""

    @cached_property
    def count(self) -> int:
        """Return the number of rows, at most ``MOST_ROWS``."""
        return len(cast("QuerySet[Any]", self.object_list)[:MOST_ROWS].values_list("pk"))


class ReadOnly(_ModelAdmin):
    """Look, search, filter; change nothing."""

    list_per_page = 50
    show_full_result_count = False
    paginator = CappedPaginator

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False


class ScheduleRows(_TabularInline):
    """A job's schedules."""

    model = Schedule
    extra = 0
    can_delete = False
    fields = ("kind", "expression", "seconds", "anchor", "at", "event", "timezone")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False


@admin.register(Job)
class JobAdmin(ReadOnly):
    """Jobs with their schedules and counters."""

    list_display = ("name", "type", "state", "next_fire_at", "execution_count", "failure_count")
    list_filter = ("state", "type")
    search_fields = ("name", "description")
    inlines = (ScheduleRows,)


@admin.register(Execution)
class ExecutionAdmin(ReadOnly):
    """Executions, newest first."""

    list_display = ("id", "job", "state", "trigger", "due_at", "started_at", "finished_at")
    list_select_related = ("job",)
    ordering = ("-id",)


@admin.register(Omission)
class OmissionAdmin(ReadOnly):
    """Due times that were left out, with their reasons."""

    list_display = ("job", "reason", "count", "first_due_at", "last_due_at")
    list_filter = ("reason",)
    list_select_related = ("job",)
    ordering = ("-id",)


@admin.register(Worker)
class WorkerAdmin(ReadOnly):
    """The product's own processes."""

    list_display = ("name", "kind", "host", "pid", "state", "beat_at", "busy", "slots")


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnly):
    """Who did what."""

    list_display = ("at", "actor", "action", "object_name", "address")
    search_fields = ("actor", "object_name")
    ordering = ("-id",)


@admin.register(Token)
class TokenAdmin(ReadOnly):
    """Tokens by prefix; the digest is nobody's business."""

    list_display = ("prefix", "name", "user", "role", "expires_at", "last_used_at", "revoked_at")
    exclude = ("digest",)
