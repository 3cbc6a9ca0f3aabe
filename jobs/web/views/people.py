"""People: their list, a person's page with role, access and tokens, and the link for a password."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.models import User
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from jobs.domain.errors import ConflictError, InvalidError, JobdeckError
from jobs.domain.permissions import Permission, Role
from jobs.domain.said import said
from jobs.models import Token, Workspace
from jobs.queries.in_use import tags_in_use
from jobs.queries.people import list_people
from jobs.services import access, accounts
from jobs.services.wording import either
from jobs.web import guard, person_forms
from jobs.web.filters import page_mark
from jobs.web.http import AuthedRequest, toast_on_page
from jobs.web.person_forms import AccessForm, PersonForm, RoleForm
from jobs.web.toasts import Toast
from jobs.web.views.tokens import shown as shown_token

PAGE_SIZE = 50
_TOKENS_SHOWN = 20
_STATES = ("active", "inactive")


@guard.page(Permission.ADMINISTER)
def people_list(request: AuthedRequest) -> HttpResponse:
    """Show the people, filtered."""
    query, after = _query(request), page_mark(request, "after")
    state = query.get("state")
    page = list_people(
        search=query.get("q", ""),
        role=query.get("role", ""),
        active=None if state is None else state == "active",
        after=after,
        limit=PAGE_SIZE,
    )
    context = {
        "section": "people",
        "own_search": True,
        "query": query,
        "roles": list(Role),
        "rows": [(row, accounts.shown(row)) for row in page.rows],
        "older": urlencode({**query, "after": page.next_after}) if page.next_after else None,
        "newest": urlencode(query) if after else None,
    }
    return render(request, "pages/people.html", context)


def _query(request: AuthedRequest) -> dict[str, str]:
    role, state = request.GET.get("role", ""), request.GET.get("state", "")
    given = {
        "q": request.GET.get("q", "").replace("\0", "").strip()[:200],
        "role": role if role in set(Role) else "",
        "state": state if state in _STATES else "",
    }
    return {name: value for name, value in given.items() if value}


@guard.form(Permission.ADMINISTER)
def new(request: AuthedRequest) -> HttpResponse:
    """Show the form of a new person; make the person and show the link for the password."""
    values = {name: request.POST.get(name, "") for name in PersonForm.base_fields}
    errors: Mapping[str, str] = {}
    if request.method == "POST":
        try:
            asked = accounts.parse_person({**values, "role": values["role"] or None})
            made = accounts.create(asked, actor=request.actor)
            return _linked(request, made, status=201)
        except (InvalidError, ConflictError) as error:
            errors = _by_field(error)
    context = {"section": "people", "form": PersonForm.shown(values, errors)}
    return render(request, "pages/person_form.html", context, status=422 if errors else 200)


@guard.form(Permission.ADMINISTER)
def person(request: AuthedRequest, user_id: int) -> HttpResponse:
    """Show a person; save role, address and whether logging in is allowed."""
    user = accounts.get_person(user_id)
    if request.method != "POST":
        return _page(request, user)
    values = {name: request.POST.get(name, "") for name in RoleForm.base_fields}
    try:
        changes = accounts.parse_changes(
            {
                "email": values["email"],
                "role": values["role"] or None,
                "active": bool(values["active"]),
            }
        )
        saved = accounts.update(user_id, changes, actor=request.actor)
    except (InvalidError, ConflictError) as error:
        return _page(request, user, values=values, errors=_by_field(error), status=422)
    return _back(request, saved, _("Saved %s.") % saved.get_username(), icon="pencil")


@guard.action(Permission.ADMINISTER)
def link(request: AuthedRequest, user_id: int) -> HttpResponse:
    """Make a link by which the person sets a password, and show it once."""
    return _linked(request, accounts.get_person(user_id))


def _linked(request: AuthedRequest, user: User, status: int = 200) -> HttpResponse:
    path = accounts.password_link(user.pk, actor=request.actor)
    context = {"section": "people", "person": user, "url": request.build_absolute_uri(path)}
    return render(request, "pages/password_link.html", context, status=status)


@guard.action(Permission.ADMINISTER)
def grant(request: AuthedRequest, user_id: int) -> HttpResponse:
    """Give a role for the jobs of a workspace, or for those with a tag."""
    user = accounts.get_person(user_id)
    values = {name: request.POST.get(name, "").strip() for name in AccessForm.base_fields}
    try:
        row = access.grant(
            user,
            _role(values["role"]),
            actor=request.actor,
            workspace=_workspace(values["workspace"]),
            tag=values["tag"],
        )
    except InvalidError as error:
        return _page(request, user, access_values=values, errors=_by_field(error), status=422)
    return _back(request, user, _("Gave %(name)s the role %(role)s.") % {
        "name": user.get_username(),
        "role": row.role,
    })  # fmt: skip


@guard.action(Permission.ADMINISTER)
def ungrant(request: AuthedRequest, user_id: int, access_id: int) -> HttpResponse:
    """Take a role for some jobs away."""
    row = access.revoke(access_id, actor=request.actor)
    name = row.user.get_username()
    return _back(request, row.user, _("Took the role %(role)s from %(name)s.") % {
        "role": row.role,
        "name": name,
    }, icon="trash-2")  # fmt: skip


def _role(text: str) -> Role:
    if text in set(Role):
        return Role(text)
    sentence = said(
        "Role {role!r} does not exist. Use {allowed}.",
        role=text[:40],
        allowed=either(list(access.ROLES)),
    )
    raise InvalidError(sentence, fields={"role": sentence})


def _workspace(name: str) -> Workspace | None:
    found = person_forms.workspace_named(name)
    if name and found is None:
        sentence = said("Workspace {name!r} does not exist.", name=name[:100])
        raise InvalidError(sentence, fields={"workspace": sentence})
    return found


def _by_field(error: JobdeckError) -> dict[str, str]:
    return error.fields or {"": error.message}


def _back(request: AuthedRequest, user: User, text: str, *, icon: str = "user") -> HttpResponse:
    return toast_on_page(
        request, Toast(text=text, icon=icon), url=reverse("person", args=[user.pk])
    )


def _page(
    request: AuthedRequest,
    user: User,
    *,
    values: Mapping[str, Any] | None = None,
    access_values: Mapping[str, Any] | None = None,
    errors: Mapping[str, str] | None = None,
    status: int = 200,
) -> HttpResponse:
    facts = accounts.shown(user)
    role_values = values if values is not None else person_forms.person_of(user, facts)
    now = timezone.now()
    tokens = Token.objects.select_related("user").filter(user=user).order_by("-pk")
    context = {
        "section": "people",
        "person": user,
        "facts": facts,
        "form": RoleForm.shown(role_values, (errors or {}) if values is not None else {}),
        "access_form": AccessForm.shown(
            access_values or {}, (errors or {}) if access_values is not None else {}
        ),
        "access": access.listed(user=user),
        "workspaces": Workspace.objects.order_by("name").values_list("name", flat=True)[:500],
        "tags": tags_in_use(),
        "tokens": [shown_token(row, now) for row in tokens[:_TOKENS_SHOWN]],
    }
    return render(request, "pages/person.html", context, status=status)
