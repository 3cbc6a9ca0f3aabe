"""What every list of the admin shares: it only shows, to whom the pages show it, and links to them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, cast

from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from jobs.domain.errors import JobdeckError
from jobs.domain.permissions import Actor, Permission, can
from jobs.domain.said import spoken
from jobs.services.people import actor_of

if TYPE_CHECKING:  # generic for the type checker only
    _Paginator = Paginator[Any]
    _ModelAdmin = admin.ModelAdmin[Any]
    _TabularInline = admin.TabularInline[Any, Any]
else:
    _Paginator = Paginator
    _ModelAdmin = admin.ModelAdmin
    _TabularInline = admin.TabularInline

MOST_ROWS = 5000  # older rows are found by search, or on the product's own pages


def actor(request: HttpRequest) -> Actor:
    """Return who asks, with the rights that the pages give."""
    address = request.META.get("REMOTE_ADDR", "")
    return actor_of(request.user, address=address)  # type: ignore[arg-type]  # staff are people


class CappedPaginator(_Paginator):
    """Count no further than a person pages: millions of rows would cost seconds on every look."""

    @cached_property
    def count(self) -> int:
        """Return the number of rows, at most ``MOST_ROWS``."""
        return len(cast("QuerySet[Any]", self.object_list)[:MOST_ROWS].values_list("pk"))


class ReadOnly(_ModelAdmin):
    """Look, search, filter; change nothing but by an action, which a service does."""

    list_per_page = 50
    show_full_result_count = False
    paginator = CappedPaginator
    needs: ClassVar[Permission] = Permission.READ
    page: ClassVar[str] = ""  # the name of the product's page of one row
    page_key: ClassVar[str] = "pk"

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Show to whom the pages show everything of this kind."""
        if not (request.user.is_active and request.user.is_staff):
            return False
        who = actor(request)
        return who.sees_all and can(who, self.needs)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Show the list where its rows are shown."""
        return self.has_view_permission(request)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False

    def has_execute_permission(self, request: HttpRequest) -> bool:
        """Say whether the actions that run and kill are offered."""
        return can(actor(request), Permission.EXECUTE)

    def has_pause_permission(self, request: HttpRequest) -> bool:
        """Say whether the actions that pause and resume are offered."""
        return can(actor(request), Permission.PAUSE)

    def view_on_site(self, obj: Any) -> str:
        """Return the product's own page of a row; the admin links to it."""
        return reverse(self.page, args=[getattr(obj, self.page_key)]) if self.page else ""

    @admin.display(description=gettext_lazy("Page"))
    def open_page(self, obj: Any) -> SafeString:
        """Link to the product's own page."""
        return format_html(
            '<a href="{}">{}</a>', self.view_on_site(obj), pgettext("action", "Open")
        )

    def get_view_on_site_url(self, obj: Any = None) -> str | None:
        """Return no link where there is no page."""
        return super().get_view_on_site_url(obj) if self.page else None

    def apply(
        self, request: HttpRequest, rows: QuerySet[Any], deed: Callable[[Model, Actor], object]
    ) -> None:
        """Do something to each row by a service; tell how many, and each refusal."""
        done, who = 0, actor(request)
        for row in rows:
            try:
                deed(row, who)
                done += 1
            except JobdeckError as error:
                self.message_user(request, spoken(error.message), messages.ERROR)
        if done:
            self.message_user(request, _("Done for %d.") % done, messages.SUCCESS)


class Rows(_TabularInline):
    """Rows of another table, below what they belong to."""

    extra = 0
    can_delete = False
    show_change_link = False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Show with what they belong to."""
        return True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False
