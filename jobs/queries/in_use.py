"""The tags and queues that present jobs carry, to choose from.

Each is found from the one before it along an index: to look at every row of a tag that ten thousand
jobs carry, and at each of the jobs, took as long as a page's own rows.
"""

from __future__ import annotations

from django.db import connection

from jobs.domain.permissions import Actor
from jobs.models import Job, JobTag
from jobs.models.job import of_jobs_seen_by

MOST = 200  # that a field offers
EVERY = 2**31
_NEXT_TAG = (
    "SELECT tag.tag FROM jobs_jobtag tag JOIN jobs_job job ON job.id = tag.job_id "
    "WHERE job.deleted_at IS NULL {} ORDER BY tag.tag LIMIT 1"
)
# Along the index job_queue.
_NEXT_QUEUE = "SELECT queue FROM jobs_job WHERE deleted_at IS NULL {} ORDER BY queue LIMIT 1"


def tags_in_use(seen_by: Actor | None = None) -> list[str]:
    """Return the tags of the jobs that somebody may see."""
    if seen_by is None or seen_by.sees_all:
        return _each(_NEXT_TAG, "tag.tag", MOST)
    tags = JobTag.objects.filter(of_jobs_seen_by(seen_by), job__deleted_at=None)
    return list(tags.order_by("tag").values_list("tag", flat=True).distinct()[:MOST])


def queues_in_use(seen_by: Actor | None = None, most: int = MOST) -> list[str]:
    """Return the queues of the jobs that somebody may see."""
    if seen_by is None or seen_by.sees_all:
        return _each(_NEXT_QUEUE, "queue", most)
    jobs = Job.objects.present().visible_to(seen_by)
    return list(jobs.order_by("queue").values_list("queue", flat=True).distinct()[:most])


def _each(following: str, column: str, most: int) -> list[str]:
    """Return what a statement finds when asked again and again for what comes next."""
    first, later = following.format(""), following.format(f"AND {column} > each.name")
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH RECURSIVE each(name) AS (SELECT ({first}) UNION ALL "  # noqa: S608  # constants
            f"SELECT ({later}) FROM each WHERE each.name IS NOT NULL) "
            "SELECT name FROM each WHERE name IS NOT NULL LIMIT %s",
            [most],
        )
        return [row[0] for row in cursor.fetchall()]
