"""Jobs: what to run, under which policies, and where each one stands."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower

from jobs.domain.permissions import Actor, Reach
from jobs.domain.states import JobState, Misfire, Overlap, RetryKind


class JobQuerySet(models.QuerySet["Job"]):
    """Filters over jobs."""

    def present(self) -> JobQuerySet:
        """Leave out deleted jobs; their history stays readable."""
        return self.filter(deleted_at=None)

    def visible_to(self, actor: Actor | None) -> JobQuerySet:
        """Keep the jobs that ``actor`` may see; None is the product itself."""
        if actor is None or actor.sees_all:
            return self
        jobs = self if actor.within is None else self.filter(_reached(actor.within))
        if actor.role is not None:
            return jobs
        workspaces = {one.workspace_id for one in actor.grants if one.workspace_id is not None}
        tags = {one.tag for one in actor.grants if one.tag}
        return jobs.filter(_reached(Reach(workspaces=frozenset(workspaces), tags=frozenset(tags))))

    def in_workspace(self, name: str) -> JobQuerySet:
        """Keep the jobs of the workspace called ``name``."""
        return self.filter(workspace__name__iexact=name)

    def tagged(self, tag: str) -> JobQuerySet:
        """Keep jobs that carry ``tag``."""
        return self.filter(tag_rows__tag=tag)

    def matching(self, text: str) -> JobQuerySet:
        """Keep jobs whose name, description, owner or tag contains ``text``."""
        return self.filter(
            Q(name__icontains=text)
            | Q(description__icontains=text)
            | Q(owner__icontains=text)
            | Q(pk__in=JobTag.objects.filter(tag__icontains=text).values("job"))
        )


def _reached(reach: Reach) -> Q:
    tagged = JobTag.objects.filter(tag__in=reach.tags).values("job")
    return Q(workspace__in=reach.workspaces) | Q(pk__in=tagged)


def of_jobs_seen_by(actor: Actor | None) -> Q:
    """Return the condition for rows of jobs that ``actor`` may see; it asks nothing of most."""
    if actor is None or actor.sees_all:
        return Q()
    if tags := _only_by_tags(actor):
        # The tags name the jobs; to look each of ten thousand up would double the statement's time.
        return Q(job__in=JobTag.objects.filter(tag__in=tags).values("job"))
    return Q(job__in=Job.objects.visible_to(actor).values("pk"))


def _only_by_tags(actor: Actor) -> set[str]:
    """Return the tags by which alone ``actor`` sees jobs; none where anything else counts, too."""
    if actor.within is not None or actor.role is not None:
        return set()
    if any(one.workspace_id is not None for one in actor.grants):
        return set()
    return {one.tag for one in actor.grants if one.tag}


class Job(models.Model):
    """One job definition with its present state and counters.

    Counters and ``last_*`` move in the transaction of the execution that they count, so they always
    equal the history. ``execution_count`` counts every execution made; the live ones are what the
    outcome counters have not taken yet.
    """

    name = models.CharField(max_length=100)
    workspace = models.ForeignKey(
        "jobs.Workspace", null=True, blank=True, on_delete=models.PROTECT, related_name="jobs"
    )
    external_id = models.CharField(max_length=200, blank=True)
    description = models.TextField(blank=True)
    category = models.CharField(max_length=100, blank=True)
    owner = models.CharField(max_length=100, blank=True)

    type = models.CharField(max_length=40)
    spec = models.JSONField(default=dict)
    environment = models.JSONField(default=dict)
    working_dir = models.CharField(max_length=1000, blank=True)

    queue = models.CharField(max_length=100, default="default")
    priority = models.SmallIntegerField(default=0)
    timeout_seconds = models.FloatField(null=True, blank=True)
    grace_seconds = models.FloatField(default=10)
    output_limit_bytes = models.BigIntegerField(null=True, blank=True)
    overlap = models.CharField(max_length=20, default=Overlap.SKIP.value)
    max_parallel = models.PositiveSmallIntegerField(default=1)
    misfire = models.CharField(max_length=20, default=Misfire.FIRE_ONCE.value)
    misfire_grace_seconds = models.FloatField(default=60)
    misfire_limit = models.PositiveIntegerField(default=100)
    retry_max_attempts = models.PositiveSmallIntegerField(default=1)
    retry_kind = models.CharField(max_length=20, default=RetryKind.FIXED.value)
    retry_base_seconds = models.FloatField(default=60)
    retry_cap_seconds = models.FloatField(default=3600)
    retry_jitter_seconds = models.FloatField(default=0)
    # A lost execution may have done its work: it runs again only where the job says so.
    retry_lost = models.BooleanField(default=False)
    # Which failures are tried again: causes, and exit codes; null is any (see `domain.retry`).
    retry_on = models.JSONField(null=True, blank=True)
    retry_on_exit_codes = models.JSONField(null=True, blank=True)
    auto_disable_after = models.PositiveIntegerField(null=True, blank=True)
    # Shared with others, or its own; a deleted job has none.
    breaker = models.ForeignKey(
        "jobs.Breaker", null=True, blank=True, on_delete=models.PROTECT, related_name="jobs"
    )
    run_on_create = models.BooleanField(default=False, db_default=False)
    # Past this an attempt is reported as slow; `timeout_seconds` ends it.
    soft_timeout_seconds = models.FloatField(null=True, blank=True)
    # What a manual run may be given: a list of declarations, see `domain.parameters`.
    parameters = models.JSONField(default=list, db_default=[])
    # At most one execution that names the same mutex runs at a time, whatever its job.
    mutex = models.CharField(max_length=100, blank=True, default="", db_default="")
    # The labels that a cluster must carry to take its executions.
    requires = models.JSONField(default=list, db_default=[])
    # Whether other jobs wait for its endings: an ending looks for them only then.
    is_upstream = models.BooleanField(default=False, db_default=False)
    # The channel that its alerts go to, whatever that channel's routes; by its name.
    alert_channel = models.CharField(max_length=100, blank=True, default="", db_default="")
    calendars = models.ManyToManyField("jobs.Calendar", blank=True, related_name="jobs")
    # Whether it names any: the dispatcher reads calendars only for the jobs that have some.
    uses_calendars = models.BooleanField(default=False, db_default=False)

    state = models.CharField(max_length=20, default=JobState.ACTIVE.value)
    state_changed_at = models.DateTimeField(null=True, blank=True)
    state_changed_by = models.CharField(max_length=200, blank=True)
    state_reason = models.CharField(max_length=500, blank=True)

    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=200, blank=True)
    updated_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1)

    # When the dispatcher looks next; null while nothing is due (paused, finished, or an interval
    # that counts from the end of the execution in progress).
    next_fire_at = models.DateTimeField(null=True, blank=True)
    # One of its schedules is an interval that counts from the end of an execution.
    counts_from_end = models.BooleanField(default=False)
    # Every due time up to here has its verdict: an execution or an omission.
    decided_until = models.DateTimeField()
    # The omission that covers the latest due time, to extend instead of adding a row a due time.
    open_omission = models.ForeignKey(
        "jobs.Omission", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    execution_count = models.BigIntegerField(default=0)
    success_count = models.BigIntegerField(default=0)
    failure_count = models.BigIntegerField(default=0)
    cancelled_count = models.BigIntegerField(default=0)
    skipped_count = models.BigIntegerField(default=0)
    consecutive_failures = models.PositiveIntegerField(default=0)
    last_execution_id = models.BigIntegerField(null=True, blank=True)
    last_state = models.CharField(max_length=20, blank=True)
    last_started_at = models.DateTimeField(null=True, blank=True)
    last_finished_at = models.DateTimeField(null=True, blank=True)
    last_duration_seconds = models.FloatField(null=True, blank=True)
    last_success_at = models.DateTimeField(null=True, blank=True)
    last_failure_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True)
    # How many executions retention has removed, by their states: the counters count them too. Up to
    # ``history_from`` a due time without a verdict had an execution; null: all are there.
    pruned = models.JSONField(null=True, blank=True)
    history_from = models.DateTimeField(null=True, blank=True)
    # The latest outcomes, oldest first: [execution id, state, milliseconds]; one read shows a strip.
    recent = models.JSONField(default=list)

    objects = JobQuerySet.as_manager()

    class Meta:
        """Constraints and indexes, each with the question that it answers."""

        constraints = [
            # A deleted job gives its name free.
            models.UniqueConstraint(
                Lower("name"),
                condition=Q(deleted_at=None, workspace=None),
                name="job_name_unique",
            ),
            models.UniqueConstraint(
                F("workspace"),
                Lower("name"),
                condition=Q(deleted_at=None, workspace__isnull=False),
                name="job_name_unique_in_workspace",
            ),
            models.CheckConstraint(
                condition=Q(execution_count__gte=F("success_count") + F("failure_count")),
                name="job_counts_sum",
            ),
        ]
        indexes = [
            # What is due: the cost of a tick depends on the due jobs only.
            models.Index(
                fields=["next_fire_at"], condition=Q(next_fire_at__isnull=False), name="job_due"
            ),
            # Which queues there are to choose from.
            models.Index(fields=["queue"], condition=Q(deleted_at=None), name="job_queue"),
        ]

    def __str__(self) -> str:
        """Return the name."""
        return self.name

    @property
    def live_count(self) -> int:
        """Return how many executions are queued, claimed, running or waiting for a retry."""
        return count_live(
            self.execution_count,
            self.success_count,
            self.failure_count,
            self.cancelled_count,
            self.skipped_count,
        )

    @property
    def success_rate(self) -> float | None:
        """Return the share (0 to 1) of finished executions that succeeded; None before the first."""
        return share_of(self.success_count, self.failure_count)

    @property
    def tags(self) -> list[str]:
        """Return the tags in order; prefetch ``tag_rows`` for lists."""
        return sorted(row.tag for row in self.tag_rows.all())


def count_live(made: int, *ended: int) -> int:
    """Return how many of the executions that were made have not ended."""
    return made - sum(ended)


def share_of(succeeded: int, failed: int) -> float | None:
    """Return the share (0 to 1) of finished executions that succeeded; None before the first."""
    finished = succeeded + failed
    return succeeded / finished if finished else None


class JobTag(models.Model):
    """One tag of one job: a row, so that "jobs with this tag" is an index look-up everywhere."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="tag_rows")
    tag = models.CharField(max_length=60)

    class Meta:
        """A tag is given once; the index serves filter and freeze by tag."""

        constraints = [models.UniqueConstraint(fields=["tag", "job"], name="job_tag_unique")]

    def __str__(self) -> str:
        """Return the tag."""
        return self.tag


class JobVersion(models.Model):
    """A definition as it was: what an execution ran, and what a diff or rollback shows."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="versions")
    version = models.PositiveIntegerField()
    definition = models.JSONField()
    # What the definition does not say about its schedules, in their order: where an interval's grid
    # begins, and when a schedule had made all executions that it may. The ledger's proof needs it.
    schedule_facts = models.JSONField(default=list, db_default=[])
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=200, blank=True)
    # Of the configuration directory's checkout that it came from; empty: from none.
    commit = models.CharField(max_length=64, blank=True, default="", db_default="")

    class Meta:
        """One row a version."""

        constraints = [
            models.UniqueConstraint(fields=["job", "version"], name="job_version_unique")
        ]

    def __str__(self) -> str:
        """Return job and version number."""
        return f"{self.job_id} v{self.version}"
