"""People: made, given a role, deactivated, and let in by a link that sets their password."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from django.contrib.auth.models import Group, User
from django.contrib.auth.tokens import default_token_generator
from django.core.exceptions import ValidationError as DjangoValidationError
from django.core.validators import validate_email
from django.db import IntegrityError
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from jobs.domain.errors import ConflictError, DuplicateError, UnknownError
from jobs.domain.permissions import Actor, Permission, Role, require
from jobs.domain.said import said
from jobs.services import audit, people
from jobs.services.problems import parsed
from jobs.services.wording import choice, refuse
from jobs.services.writing import write_transaction

_NAME = User._meta.get_field("username")  # noqa: SLF001 - Django documents it


def _username(value: str) -> str:
    name = User.normalize_username(value.strip())
    try:
        _NAME.run_validators(name)
    except DjangoValidationError:
        raise refuse(
            said(
                "{value!r} is not allowed. Use 1 to 150 letters, digits or '@.+-_'.",
                value=value[:80],
            )
        ) from None
    if not name:
        raise refuse(said("A name is needed. Use 1 to 150 letters, digits or '@.+-_'."))
    return name


def _email(value: str) -> str:
    if value:
        try:
            validate_email(value)
        except DjangoValidationError:
            raise refuse(said("{value!r} is no e-mail address.", value=value[:80])) from None
    return value


RoleName = Annotated[Role, choice(Role)]
Email = Annotated[str, Field(max_length=254), AfterValidator(_email)]


class PersonDefinition(BaseModel):
    """A new person, who sets a password by a link."""

    model_config = ConfigDict(extra="forbid")

    username: Annotated[str, AfterValidator(_username)]
    email: Email = ""
    role: RoleName | None = Field(
        None, description="For everything; null: none, or only for some jobs."
    )


class PersonChanges(BaseModel):
    """What of a person can be changed; a field that is not named stays."""

    model_config = ConfigDict(extra="forbid")

    email: Email | None = None
    role: RoleName | None = Field(None, description="Null takes the role away.")
    active: bool | None = Field(None, strict=True, description="False ends sessions and tokens.")


def parse_person(data: Mapping[str, Any]) -> PersonDefinition:
    """Return the person that ``data`` holds; InvalidError names each wrong field."""
    return parsed(PersonDefinition, data)


def parse_changes(data: Mapping[str, Any]) -> PersonChanges:
    """Return the changes that ``data`` holds; InvalidError names each wrong field."""
    return parsed(PersonChanges, data)


def create(definition: PersonDefinition, *, actor: Actor) -> User:
    """Make a person without a password; see `password_link`."""
    require(actor, Permission.ADMINISTER)
    name = definition.username
    taken = DuplicateError(
        said("A person named {name} exists already. Choose another name.", name=name),
        fields={"username": said("{name} exists already. Choose another name.", name=name)},
    )
    with write_transaction():
        if User.objects.filter(username__iexact=definition.username).exists():
            raise taken
        try:
            with write_transaction():
                user = User.objects.create_user(definition.username, email=definition.email)
        except IntegrityError as error:  # another request took the name at the same moment
            raise taken from error
        _set_role(user, definition.role)
        audit.record_on(user, user.get_username(), actor, "user.create", after=shown(user))
    return user


def update(user_id: int, changes: PersonChanges, *, actor: Actor) -> User:
    """Change a person; it holds from the next request on. One administrator always stays."""
    require(actor, Permission.ADMINISTER)
    with write_transaction():
        user = _locked(user_id)
        before = shown(user)
        named = changes.model_fields_set
        if changes.email is not None:
            user.email = changes.email
        if changes.active is not None:
            user.is_active = changes.active
        user.save(update_fields=["email", "is_active"])
        if "role" in named and changes.role != people.role_of(user):
            _set_role(user, changes.role)
        after = shown(user)
        if before == after:
            return user
        if before["role"] == Role.ADMINISTRATOR and before["active"]:
            _keep_one_administrator(user)
        audit.record_on(
            user,
            user.get_username(),
            actor,
            "user.update",
            before={key: value for key, value in before.items() if after[key] != value},
            after={key: value for key, value in after.items() if before[key] != value},
        )
    return user


def password_link(user_id: int, *, actor: Actor) -> str:
    """Return the path by which a person sets a password, once and within a day."""
    require(actor, Permission.ADMINISTER)
    with write_transaction():
        user = _locked(user_id)
        audit.record_on(user, user.get_username(), actor, "user.password_link")
    token = default_token_generator.make_token(user)
    number = urlsafe_base64_encode(force_bytes(user.pk))
    return reverse("password_set", args=[number, token])


def note_password(user: User, *, address: str) -> None:
    """Record that a person has set a password; the sessions from before are dead."""
    audit.record_on(
        user, user.get_username(), people.actor_of(user, address=address), "user.password"
    )


def get_person(user_id: int) -> User:
    """Return a person; UnknownError when there is none."""
    user = User.objects.filter(pk=user_id).first()
    if user is None:
        raise UnknownError(said("User {id} does not exist.", id=user_id))
    return user


def _locked(user_id: int) -> User:
    user = User.objects.select_for_update().filter(pk=user_id).first()
    if user is None:
        raise UnknownError(said("User {id} does not exist.", id=user_id))
    return user


def _set_role(user: User, role: Role | None) -> None:
    """Let the person be in the group of one role, and administrate Django's site only as such."""
    people.ensure_roles()
    others = Group.objects.filter(name__in=[one.value for one in Role])
    user.groups.remove(*others)
    if role is not None:
        user.groups.add(Group.objects.get(name=role.value))
    if user.is_superuser and role != Role.ADMINISTRATOR:
        user.is_superuser = user.is_staff = False
        user.save(update_fields=["is_superuser", "is_staff"])


def _keep_one_administrator(changed: User) -> None:
    others = User.objects.filter(is_active=True).exclude(pk=changed.pk)
    left = others.filter(groups__name=Role.ADMINISTRATOR.value) | others.filter(is_superuser=True)
    if people.role_of(changed) != Role.ADMINISTRATOR and not left.exists():
        raise ConflictError(
            said(
                "{name} is the last administrator. Make somebody else one before.",
                name=changed.get_username(),
            )
        )


def shown(user: User) -> dict[str, Any]:
    """Return what documents and the audit log say about a person."""
    role = people.role_of(user) if user.is_active else people.role_of(_as_active(user))
    return {
        "email": user.email,
        "role": role.value if role else None,
        "active": user.is_active,
    }


def _as_active(user: User) -> User:
    """Return the person as if active: a role outlives a deactivation."""
    found = User.objects.get(pk=user.pk)
    found.is_active = True
    return found
