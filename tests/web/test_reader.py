"""Who polls is looked at each time: what was taken away holds from the next request on."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group, User
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs.domain.permissions import SYSTEM, Role
from jobs.models import Preference
from jobs.queries.readers import reader
from jobs.services import access, workspaces
from jobs.services.people import actor_of
from tests.conftest import signed_in
from tests.factories import make_user


def _polled(client: Client, tag: str) -> int:
    headers = {"HX-Request": "true", "HX-PTag": tag}
    answer = client.get(reverse("p_totals"), headers=headers)
    return 302 if "HX-Redirect" in answer else answer.status_code


def _no_session(_user: User) -> None:
    Session.objects.all().delete()


def _session_over(_user: User) -> None:
    Session.objects.update(expire_date=timezone.now())


def _session_forged(_user: User) -> None:
    Session.objects.update(session_data="forged")


def _gone(user: User) -> None:
    user.delete()


def _inactive(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


def _other_password(user: User) -> None:
    user.set_password("quite another one")
    user.save()


def _no_role(user: User) -> None:
    user.groups.remove(*Group.objects.all())


@pytest.mark.parametrize(
    ("taken", "status"),
    [
        *((one, 302) for one in (_no_session, _session_over, _session_forged)),
        *((one, 302) for one in (_gone, _inactive, _other_password)),
        (_no_role, 403),
    ],
)
def test_a_poll_is_refused_at_once(taken: Callable[[User], object], status: int, db: None) -> None:
    user = make_user("vera", Role.VIEWER)
    client = signed_in(user)
    tag = client.get(reverse("p_totals"))["HX-PTag"]
    before = _polled(client, tag)

    taken(user)

    assert (before, _polled(client, tag)) == (304, status)


def test_a_reader_is_the_account_that_the_orm_knows(db: None) -> None:
    room = workspaces.create(workspaces.parse_workspace({"name": "Shop"}), actor=SYSTEM)
    user = make_user("edo", Role.VIEWER, is_staff=True, email="edo@example.org")
    Preference.objects.create(
        user=user, time_zone="Asia/Jakarta", single_keys=False, job_columns=["next"]
    )
    access.grant(user, Role.EDITOR, workspace=room, actor=SYSTEM)
    access.grant(user, Role.OPERATOR, tag="db", actor=SYSTEM)
    plain = make_user("root", None, is_superuser=True)
    access.grant(plain, Role.VIEWER, tag="db", actor=SYSTEM)

    found = {one.pk: reader(one.pk) for one in (user, plain)}

    for known in (User.objects.get(pk=user.pk), User.objects.get(pk=plain.pk)):
        read = found[known.pk]
        assert read is not None
        names = [field.attname for field in User._meta.concrete_fields]
        assert {name: getattr(read, name) for name in names} == {
            name: getattr(known, name) for name in names
        }
        assert (actor_of(read), actor_of(read).grants) == (actor_of(known), actor_of(known).grants)
    assert found[user.pk] is not None
    assert getattr(found[plain.pk], "preference", None) is None
    kept, saved = found[user.pk].preference, Preference.objects.get()  # type: ignore[union-attr]
    assert {f.attname: getattr(kept, f.attname) for f in Preference._meta.concrete_fields} == {
        f.attname: getattr(saved, f.attname) for f in Preference._meta.concrete_fields
    }
    assert reader(0) is None
