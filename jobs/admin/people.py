"""People and what they use; they are changed on the product's own pages, which audit it."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.models import Group, User

from jobs.admin.base import ReadOnly
from jobs.domain.permissions import Permission
from jobs.models import Access, Token

admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class PersonAdmin(ReadOnly):
    """People; roles, names and passwords are changed on their page."""

    needs = Permission.ADMINISTER
    page = "person"
    list_display = ("username", "email", "is_active", "is_superuser", "last_login", "open_page")
    list_filter = ("is_active", "is_superuser", "groups")
    search_fields = ("username", "first_name", "last_name", "email")
    fields = (
        "username", "first_name", "last_name", "email", "is_active", "is_staff", "is_superuser",
        "groups", "last_login", "date_joined",
    )  # fmt: skip


@admin.register(Access)
class AccessAdmin(ReadOnly):
    """Roles for some jobs."""

    needs = Permission.ADMINISTER
    list_display = ("user", "role", "workspace", "tag", "created_at", "created_by")
    list_filter = ("role",)
    list_select_related = ("user", "workspace")
    search_fields = ("user__username", "tag", "workspace__name")


@admin.register(Token)
class TokenAdmin(ReadOnly):
    """Tokens by prefix; the digest is nobody's business."""

    needs = Permission.ADMINISTER
    list_display = ("prefix", "name", "user", "role", "expires_at", "last_used_at", "revoked_at")
    list_filter = ("role",)
    list_select_related = ("user",)
    search_fields = ("prefix", "name", "user__username")
    exclude = ("digest",)
