"""A role for some jobs only: what may be seen, what may be done, and what it costs."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobs.domain.errors import ForbiddenError, InvalidError, UnknownError
from jobs.domain.permissions import (
    ROLE_PERMISSIONS,
    SYSTEM,
    Actor,
    Permission,
    Role,
    can,
)
from jobs.models import Access, AuditEntry, Execution, Job, Token, Workspace
from jobs.models.job import of_jobs_seen_by
from jobs.queries import sight
from jobs.services import access, cancelling, people, tokens, triggers, variables, workspaces
from jobs.services import jobs as job_services
from jobs.services.access import limits_of, reach_of, scopes_of
from jobs.services.definitions import parse_definition
from jobs.services.variables import parse_variable
from tests.factories import definition, make_execution, make_job, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Workspace:
    return workspaces.create(workspaces.parse_workspace({"name": "Shop"}), actor=SYSTEM)


@pytest.fixture
def bank() -> Workspace:
    return workspaces.create(workspaces.parse_workspace({"name": "Bank"}), actor=SYSTEM)


def limited(name: str = "lena", role: Role | None = None, **grants: Role) -> Actor:
    """Return a person with a role for each workspace or tag that is named."""
    user = make_user(name, role)
    for where, what in grants.items():
        room = Workspace.objects.filter(name=where).first()
        access.grant(user, what, workspace=room, tag="" if room else where, actor=SYSTEM)
    return people.actor_of(user)


def create(actor: Actor, **fields: Any) -> Job:
    return job_services.create(parse_definition(definition(**fields)), actor=actor)


def test_only_the_jobs_of_the_grants_are_there(shop: Workspace, bank: Workspace) -> None:
    inside = make_job(workspace="Shop")
    tagged = make_job(tags=["nightly"], workspace="Bank")
    other = make_job(workspace="Bank")
    actor = limited(Shop=Role.EDITOR, nightly=Role.VIEWER)

    seen = set(Job.objects.visible_to(actor))

    assert seen == {inside, tagged}
    assert set(Job.objects.visible_to(limited("vera", Role.VIEWER))) == {inside, tagged, other}
    assert set(Job.objects.visible_to(limited("nobody"))) == set()
    runs = {make_execution(job).job_id for job in (inside, tagged, other)}
    rows = Execution.objects.filter(of_jobs_seen_by(actor)).values_list("job", flat=True)
    assert set(rows) == {inside.pk, tagged.pk} < runs
    assert can(actor, Permission.EDIT, inside)
    assert can(actor, Permission.READ, tagged)
    assert not can(actor, Permission.EXECUTE, tagged)
    assert not can(actor, Permission.READ, other)
    assert not can(actor, Permission.READ)


def test_what_is_not_seen_does_not_exist_and_what_is_seen_may_be_refused() -> None:
    mine, theirs = make_job(tags=["mine"]), make_job()
    actor = limited(mine=Role.OPERATOR)

    triggers.trigger(mine.pk, actor=actor)
    with pytest.raises(ForbiddenError, match="may not create or edit jobs"):
        job_services.update(mine.pk, {"description": "x"}, actor=actor)
    for deed in (job_services.pause, job_services.resume, job_services.delete, triggers.trigger):
        with pytest.raises((UnknownError, ForbiddenError)) as refused:
            deed(theirs.pk, actor=actor)
        if deed is not job_services.delete:  # nowhere may he delete: that is told first
            assert refused.type is UnknownError
    with pytest.raises(UnknownError):
        cancelling.cancel(make_execution(theirs).pk, actor=actor)
    here = sight.before(actor, {"job_id": mine.pk})
    assert here.permissions == ROLE_PERMISSIONS[Role.OPERATOR]
    assert not actor.may(Permission.METRICS)  # figures of all jobs
    with pytest.raises(UnknownError, match=f"Job {theirs.pk} does not exist"):
        sight.before(actor, {"job_id": theirs.pk})


def test_a_grant_adds_to_the_role_for_everything() -> None:
    mine, theirs = make_job(tags=["mine"]), make_job()
    actor = limited(role=Role.VIEWER, mine=Role.EDITOR)

    job_services.update(mine.pk, {"description": "x"}, actor=actor)

    assert can(actor, Permission.READ)
    assert actor.sees_all
    with pytest.raises(ForbiddenError):
        job_services.update(theirs.pk, {"description": "x"}, actor=actor)
    assert limited("edda", Role.EDITOR, mine=Role.OPERATOR).grants == ()


def test_a_job_is_put_only_where_its_editor_edits(shop: Workspace, bank: Workspace) -> None:
    actor = limited(Shop=Role.EDITOR, Bank=Role.OPERATOR, mine=Role.EDITOR)

    job = create(actor, workspace="Shop", tags=["other"])
    tagged = create(actor, tags=["mine"])

    with pytest.raises(ForbiddenError, match="workspace Bank"):
        create(actor, workspace="Bank", tags=["mine"])
    with pytest.raises(ForbiddenError, match="could not edit the job any more"):
        create(actor)
    with pytest.raises(ForbiddenError, match="workspace Bank"):
        job_services.update(job.pk, {"workspace": "Bank"}, actor=actor)
    with pytest.raises(ForbiddenError, match="could not edit the job any more"):
        job_services.update(job.pk, {"workspace": None}, actor=actor)
    with pytest.raises(ForbiddenError, match="could not edit the job any more"):
        job_services.update(tagged.pk, {"tags": []}, actor=actor)
    moved = job_services.update(tagged.pk, {"workspace": "Shop", "tags": []}, actor=actor)
    assert moved.workspace_id == shop.pk
    theirs = make_job(workspace="Bank", tags=["mine"])
    with pytest.raises(ForbiddenError, match="workspace Bank"):
        job_services.update(theirs.pk, {"workspace": None}, actor=actor)
    with pytest.raises(InvalidError, match="does not exist"):
        create(limited("tim", mine=Role.VIEWER, yours=Role.EDITOR), workspace="Shop", tags=["mine"])


def test_what_others_share_is_not_changed_by_a_job(shop: Workspace) -> None:
    secret = make_job(name="payroll")
    actor = limited(Shop=Role.EDITOR)
    own = create(actor, name="own", workspace="Shop")

    with pytest.raises(InvalidError, match="Job payroll does not exist"):
        create(actor, workspace="Shop", depends_on=["payroll"])
    with pytest.raises(ForbiddenError):
        create(actor, workspace="Shop", breaker={"name": "shared", "threshold": 2})
    for fields in ({}, {"job_id": secret.pk}, {"workspace": "Bank"}):
        wanted = parse_variable({"name": "X", "value": "1", **fields})
        with pytest.raises((ForbiddenError, InvalidError)):
            variables.create(wanted, actor=actor)
    for fields in ({"job_id": own.pk}, {"workspace": "Shop"}):
        variables.create(parse_variable({"name": "X", "value": "1", **fields}), actor=actor)
    job_services.update(own.pk, {"depends_on": ["payroll"]}, actor=SYSTEM)
    kept = job_services.update(own.pk, {"description": "x"}, actor=actor)
    assert kept.dependencies.count() == 1
    with pytest.raises(ForbiddenError):
        workspaces.create(workspaces.parse_workspace({"name": "New"}), actor=actor)
    with pytest.raises(ForbiddenError):
        workspaces.delete("Shop", actor=actor)
    assert not workspaces.update(
        "Shop", workspaces.parse_changes({"enabled": False}), actor=actor
    ).enabled


def _of_token(user: User, **fields: Any) -> Actor:
    _token, value = tokens.create(user, f"token {Token.objects.count()}", **fields)
    found = tokens.authenticate(value)
    assert found is not None
    return people.actor_of(
        user,
        limit=Role(found.role) if found.role else None,
        scopes=scopes_of(found.permissions),
        within=reach_of(found.limits),
    )


def test_a_token_narrows_and_never_widens(shop: Workspace, bank: Workspace) -> None:
    inside, outside = make_job(workspace="Shop"), make_job(workspace="Bank")
    boss, lena = make_user("boss", Role.ADMINISTRATOR), make_user("lena")
    access.grant(lena, Role.VIEWER, workspace=shop, actor=SYSTEM)

    narrow = _of_token(boss, limits=limits_of(["shop"]))
    scoped = _of_token(boss, permissions=[Permission.EXECUTE], role=Role.OPERATOR)
    wide = _of_token(lena, limits=limits_of(["Shop", "Bank"]), permissions=list(Permission))

    assert set(Job.objects.visible_to(narrow)) == {inside}
    assert can(narrow, Permission.DELETE, inside)
    assert not can(narrow, Permission.READ, outside)
    assert not can(narrow, Permission.ADMINISTER)
    assert scoped.permissions == {Permission.READ, Permission.EXECUTE}
    with pytest.raises(ForbiddenError, match="This token may not pause"):
        job_services.pause(inside.pk, actor=scoped)
    assert set(Job.objects.visible_to(wide)) == {inside}
    assert not can(wide, Permission.EXECUTE, inside)
    workspaces.update("Bank", workspaces.parse_changes({"description": "x"}), actor=SYSTEM)
    with pytest.raises(InvalidError, match="'gone' does not exist"):
        limits_of(["gone"])
    assert not can(_of_token(boss, limits={"what": "ever"}), Permission.READ, inside)


def test_grants_are_given_changed_taken_and_written_down(shop: Workspace) -> None:
    user, boss = make_user("lena"), limited("boss", Role.ADMINISTRATOR)

    row = access.grant(user, Role.VIEWER, workspace=shop, actor=boss)
    same = access.grant(user, Role.EDITOR, workspace=shop, actor=boss)
    access.grant(user, Role.EDITOR, tag="nightly", actor=boss)

    assert (same.pk, same.role) == (row.pk, "editor")
    assert [one.tag for one in access.listed(user=user)].count("nightly") == 1
    assert access.listed(workspace=shop).get().pk == row.pk
    access.revoke(row.pk, actor=boss)
    assert not Access.objects.filter(pk=row.pk).exists()
    entries = list(AuditEntry.objects.filter(object_name="lena").order_by("pk"))
    assert [one.action for one in entries] == ["access.grant"] * 3 + ["access.revoke"]
    changed = entries[1]
    assert changed.before is not None
    assert changed.after is not None
    assert (changed.before["role"], changed.after["role"]) == ("viewer", "editor")
    with pytest.raises(ForbiddenError):
        access.grant(user, Role.EDITOR, workspace=shop, actor=limited("ed", Role.EDITOR))
    with pytest.raises(InvalidError, match="is for everything"):
        access.grant(user, Role.ADMINISTRATOR, workspace=shop, actor=boss)
    with pytest.raises(InvalidError, match="exactly one"):
        access.grant(user, Role.EDITOR, actor=boss)


def test_who_has_no_limits_pays_no_query() -> None:
    job = make_job()
    user = make_user("vera", Role.VIEWER)

    with CaptureQueriesContext(connection) as asked:
        actor = people.actor_of(user)
        sight.before(actor, {"job_id": job.pk})
        Job.objects.visible_to(actor)
        can(actor, Permission.READ, job)

    assert len(asked) == 1
