"""Which rows of jobs a limited reader is shown: those of exactly the jobs that may be seen."""

from __future__ import annotations

import pytest
from django.utils import timezone

from jobs.domain.permissions import Actor, Grant, Reach, Role
from jobs.models import Job, JobTag, Workspace
from jobs.models.job import of_jobs_seen_by
from tests.factories import make_job

pytestmark = pytest.mark.django_db


def test_rows_are_shown_of_the_jobs_that_may_be_seen() -> None:
    """By tags alone they are found by the tags; a workspace or a token's limit count as well."""
    now = timezone.now()
    room = Workspace.objects.create(name="room", created_at=now, updated_at=now)
    jobs = {name: make_job(name=name) for name in ("tagged", "both", "housed", "other")}
    Job.objects.filter(name__in=("both", "housed")).update(workspace=room)
    marks = (("tagged", "eu"), ("both", "eu"), ("both", "night"), ("other", "us"), ("housed", "us"))
    JobTag.objects.bulk_create(JobTag(job=jobs[name], tag=tag) for name, tag in marks)
    by_tag, by_room = (
        Grant(role=Role.VIEWER, tag="eu"),
        Grant(role=Role.VIEWER, workspace_id=room.pk),
    )
    night = Reach(workspaces=frozenset(), tags=frozenset({"night"}))

    def seen(actor: Actor) -> set[str]:
        rows = JobTag.objects.filter(of_jobs_seen_by(actor))
        names = set(rows.values_list("job__name", flat=True))
        assert names == set(Job.objects.visible_to(actor).values_list("name", flat=True))
        return names

    assert seen(Actor(name="a", role=None, grants=(by_tag,))) == {"tagged", "both"}
    assert seen(Actor(name="b", role=None, grants=(by_tag, by_room))) == {
        "tagged",
        "both",
        "housed",
    }
    assert seen(Actor(name="c", role=None, grants=(by_tag,), within=night)) == {"both"}
    assert seen(Actor(name="d", role=Role.VIEWER, within=night)) == {"both"}
    assert seen(Actor(name="e", role=None)) == set()
    assert len(seen(Actor(name="f", role=Role.VIEWER))) == 4
