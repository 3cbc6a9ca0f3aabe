"""The forms of people and tokens. They only carry text: the services judge it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.utils.translation import gettext_lazy as _

from jobs.domain.permissions import Permission, Role
from jobs.models import Workspace
from jobs.services.access import ROLES

_ROLES = [(one.value, one.value.capitalize()) for one in Role]
_PARTIAL = [(one.value, one.value.capitalize()) for one in ROLES]
_PERMISSIONS = [(one.value, one.value) for one in Permission if one != Permission.READ]


def _text(**attributes: str) -> forms.TextInput:
    return forms.TextInput(attrs={"class": "in", "autocomplete": "off", **attributes})


def _select(choices: list[tuple[str, Any]]) -> forms.Select:
    return forms.Select(attrs={"class": "in"}, choices=choices)


class TypedForm(forms.Form):
    """A form whose sentences come from a service."""

    @classmethod
    def shown(cls, values: Mapping[str, Any], errors: Mapping[str, str]) -> TypedForm:
        """Return the form with ``values``, and each sentence at its field."""
        form = cls(dict(values))
        form.is_valid()
        for key, sentence in errors.items():
            name = key.partition(".")[0]
            form.add_error(name if name in form.fields else None, sentence)
        return form


class PersonForm(TypedForm):
    """A new person."""

    username = forms.CharField(
        label=_("User name"),
        help_text=_("Letters, digits and @.+-_"),
        required=False,
        widget=_text(autocapitalize="none"),
    )
    email = forms.CharField(label=_("E-mail address"), required=False, widget=_text())
    role = forms.CharField(
        label=_("Role for everything"),
        required=False,
        widget=_select([("", _("None")), *_ROLES]),
    )


class RoleForm(TypedForm):
    """What can be changed of a person."""

    email = forms.CharField(label=_("E-mail address"), required=False, widget=_text())
    role = forms.CharField(
        label=_("Role for everything"),
        required=False,
        widget=_select([("", _("None")), *_ROLES]),
    )
    active = forms.BooleanField(label=_("May log in"), required=False)


class AccessForm(TypedForm):
    """A role for some jobs."""

    role = forms.CharField(label=_("Role"), required=False, widget=_select(_PARTIAL))
    workspace = forms.CharField(
        label=_("For the workspace"), required=False, widget=_text(list="workspaces")
    )
    tag = forms.CharField(label=_("Or for the tag"), required=False, widget=_text(list="tags"))


class TokenForm(TypedForm):
    """A new token."""

    name = forms.CharField(
        label=_("Name"), help_text=_("What uses it"), required=False, widget=_text(maxlength="100")
    )
    expires_at = forms.CharField(
        label=_("For how long"),
        help_text=_("Such as 90d; empty: until it is revoked"),
        required=False,
        widget=_text(),
    )
    role = forms.CharField(
        label=_("At most the role"),
        required=False,
        widget=_select([("", _("Your own")), *_ROLES]),
    )
    permissions = forms.MultipleChoiceField(
        label=_("Only these permissions"),
        help_text=_("Reading is always one; none chosen: all of the role"),
        required=False,
        choices=_PERMISSIONS,
        widget=forms.SelectMultiple(attrs={"class": "in", "size": "6"}),
    )
    workspaces = forms.CharField(
        label=_("Only jobs of the workspaces"),
        help_text=_("With commas between them"),
        required=False,
        widget=_text(),
    )
    tags = forms.CharField(
        label=_("Or with one of the tags"),
        help_text=_("With commas between them"),
        required=False,
        widget=_text(),
    )


def token_values(data: Any) -> dict[str, Any]:
    """Return what was typed for a token, of a POST's fields."""
    values = {name: data.get(name, "") for name in TokenForm.base_fields}
    return {**values, "permissions": data.getlist("permissions")}


def token_definition(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `token_requests.parse_token` judges."""
    return {
        "name": values["name"],
        "role": values["role"] or None,
        "expires_at": values["expires_at"].strip() or None,
        "permissions": values["permissions"] or None,
        "workspaces": _words(values["workspaces"]),
        "tags": _words(values["tags"]),
    }


def person_of(user: User, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a stored person."""
    return {
        "email": user.email,
        "role": facts["role"] or "",
        "active": "on" if facts["active"] else "",
    }


def workspace_named(name: str) -> Workspace | None:
    """Return the workspace that a form names."""
    return Workspace.objects.filter(name__iexact=name).first() if name else None


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]
