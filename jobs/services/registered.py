"""Jobs that the project's code defines: made at start, kept up to date, paused when they vanish.

What a person changed wins. Each field is compared in three ways: what the code says now, what it
said before, and what the job has. A field that a person changed stays until they change it back; all
others follow the code. The same holds for paused or not, until the code itself says something new.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from jobs.domain.errors import DuplicateError, JobdeckError
from jobs.domain.permissions import Actor, Role
from jobs.domain.states import JobState
from jobs.models import AuditEntry, FileJob, Job
from jobs.registry import REGISTRY, RegisteredJob
from jobs.services import audit
from jobs.services import jobs as job_services
from jobs.services.definitions import parse_definition
from jobs.services.stored_definitions import definition_of
from jobs.services.writing import write_transaction

log = logging.getLogger("scheduler.registered")

# No person can have this name: user names hold no blanks.
CODE = Actor(name="the project's code", role=Role.ADMINISTRATOR)
# The audit entry that keeps what the code said last.
SAID = "job.register"
ENABLED = "enabled"
OWN = "jobs.scheduled_jobs."  # where the jobs that the product brings are written
GONE = "Not registered any more: its code is gone, or could not be imported"
DISABLED = "The code says enabled = False"


@dataclass(slots=True)
class Outcome:
    """What a synchronisation did, as job ids; ``faults`` are sentences by job id."""

    created: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    vanished: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)  # by a person; stays so
    faults: dict[str, str] = field(default_factory=dict)

    def add(self, other: Outcome) -> None:
        """Take over what another synchronisation did."""
        for name in ("created", "updated", "unchanged", "vanished", "deleted"):
            getattr(self, name).extend(getattr(other, name))
        self.faults |= other.faults


def sync(
    entries: Iterable[RegisteredJob] | None = None,
    *,
    source: Actor = CODE,
    reset: Iterable[str] = (),
    spared: Iterable[str] = (),
) -> Outcome:
    """Bring the jobs of ``source`` in line with its code; the registry's without ``entries``.

    One job's fault leaves the others alone. What people changed of the jobs named by ``reset`` is
    given up, and a deleted one is made again. Those named by ``spared`` are left as they are.
    """
    outcome = Outcome()
    if entries is None:
        entries = [entry for entry in REGISTRY if not entry.source]
    wanted = {entry.job_id: entry for entry in entries}
    resetting = frozenset(reset)
    for entry in wanted.values():
        try:
            _sync_one(entry, source, outcome, reset=entry.job_id in resetting)
        except JobdeckError as error:
            outcome.faults[entry.job_id] = error.message
            log.error("Job %s of %s: %s", entry.job_id, entry.path, error.message)  # noqa: TRY400
    _pause_vanished({*wanted, *spared}, source, outcome)
    return outcome


def overrides_of(job: Job) -> list[str]:
    """Return the fields of a code-defined job in which it differs from what the code said last."""
    said = _said(job)
    if said is None:
        return []
    present = _present(job, said)
    return sorted(name for name, value in said.items() if present[name] != value)


def _sync_one(entry: RegisteredJob, source: Actor, outcome: Outcome, *, reset: bool) -> None:
    says = _says(entry)
    job = _job_of(entry.job_id, source, present=True)
    if job is None:
        if not reset and _job_of(entry.job_id, source, present=False) is not None:
            outcome.deleted.append(entry.job_id)
            return
        try:
            _create(says, source)
        except DuplicateError:
            # Another host may have made it in this very moment; else the name is somebody's own.
            job = _job_of(entry.job_id, source, present=True)
            if job is None and _is_replaced(entry, says):
                outcome.unchanged.append(entry.job_id)
                return
            if job is None:
                raise
        else:
            outcome.created.append(entry.job_id)
            return
    changed = _update(job, says, source, reset=reset)
    (outcome.updated if changed else outcome.unchanged).append(entry.job_id)


def _is_replaced(entry: RegisteredJob, says: Mapping[str, Any]) -> bool:
    """Say whether a configuration file defines a job in place of one that the product brings."""
    there = FileJob.objects.filter(job__name__iexact=says["name"], job__workspace=None)
    return entry.path.startswith(OWN) and there.filter(job__deleted_at=None).exists()


def _says(entry: RegisteredJob) -> dict[str, Any]:
    """Return what the code decides, in the form in which it is stored."""
    full = parse_definition(entry.definition).model_dump(mode="json")
    return {**{name: full[name] for name in entry.definition}, ENABLED: entry.enabled}


def _job_of(job_id: str, source: Actor, *, present: bool) -> Job | None:
    """Return the job that ``source`` made for an id, whatever people have named it since."""
    made = Job.objects.filter(
        created_by=source.name, external_id=job_id, deleted_at__isnull=present
    )
    return made.order_by("-pk").first()


def _create(says: Mapping[str, Any], source: Actor) -> None:
    definition = parse_definition(_fields(says))
    with write_transaction():
        job = job_services.create(definition, actor=source, paused=not says[ENABLED])
        _keep(job, None, says, source)


def _update(job: Job, says: Mapping[str, Any], source: Actor, *, reset: bool) -> bool:
    """Let a job follow the code; say whether anything changed."""
    said = _said(job)
    with write_transaction():
        present = _present(job, says)
        changes = {
            name: value
            for name, value in _fields(says).items()
            if present[name] != value
            and (reset or (said is not None and present[name] == said.get(name, value)))
        }
        if changes:
            job = job_services.update(job.pk, changes, actor=source)
        moved = _follow_state(job, says, said, source, reset=reset)
        if said != says:
            _keep(job, said, says, source)
    return bool(changes) or moved


def _follow_state(
    job: Job,
    says: Mapping[str, Any],
    said: Mapping[str, Any] | None,
    source: Actor,
    *,
    reset: bool,
) -> bool:
    """Pause or resume as the code says, unless a person has decided since it said so."""
    news = said is not None and said.get(ENABLED) != says[ENABLED]
    ours = job.state_changed_by in ("", source.name)
    if not (reset or news or ours):
        return False
    if says[ENABLED] and job.state == JobState.PAUSED:
        job_services.resume(job.pk, actor=source)
        return True
    if not says[ENABLED] and job.state == JobState.ACTIVE:
        job_services.pause(job.pk, actor=source, reason=DISABLED)
        return True
    return False


def _pause_vanished(wanted: Collection[str], source: Actor, outcome: Outcome) -> None:
    """Pause what the code does not define any more; its history and its definition stay."""
    made = Job.objects.present().filter(created_by=source.name).exclude(external_id="")
    for job in made.order_by("pk"):
        if job.external_id in wanted:
            continue
        outcome.vanished.append(job.external_id)
        if job.state == JobState.ACTIVE:
            job_services.pause(job.pk, actor=source, reason=GONE)
            log.warning("Job %s is paused: %s.", job.name, GONE)


def _fields(says: Mapping[str, Any]) -> dict[str, Any]:
    """Return the definition's own fields of what the code says."""
    return {name: value for name, value in says.items() if name != ENABLED}


def _present(job: Job, says: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a job has in the fields of ``says``."""
    has = {**definition_of(job), ENABLED: job.state != JobState.PAUSED}
    return {name: has[name] for name in says}


def _said(job: Job) -> dict[str, Any] | None:
    """Return what the code said last; None when that is not known."""
    entries = AuditEntry.objects.filter(object_type="job", object_id=job.pk, action=SAID)
    return entries.order_by("-pk").values_list("after", flat=True).first()


def _keep(job: Job, said: Mapping[str, Any] | None, says: Mapping[str, Any], source: Actor) -> None:
    audit.record(
        source,
        SAID,
        object_type="job",
        object_id=job.pk,
        object_name=job.name,
        before=said,
        after=says,
    )
